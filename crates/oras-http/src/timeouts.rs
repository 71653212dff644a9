use std::time::Duration;

/// How long each step of an exchange may take.
///
/// There is no limit on the whole: a large blob over a slow line is not an error as long as bytes move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To look up, connect, pass the proxy and finish the TLS handshake, all together. 30 seconds by default.
    pub connect: Duration,
    /// From the last byte of the request to the head of the response. 5 minutes by default: registries hash a blob
    /// before they answer.
    pub response: Duration,
    /// Between two pieces of a body, in either direction. 60 seconds by default.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            response: Duration::from_secs(300),
            idle: Duration::from_secs(60),
        }
    }
}
