//! The words for what went wrong below HTTP, as the reference tool would print them.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::error::{Error, ErrorKind};

/// Why no connection could be made.
#[derive(Debug)]
pub(crate) struct ConnectError {
    pub(crate) kind: ErrorKind,
    pub(crate) cause: String,
}

impl ConnectError {
    pub(crate) fn new(kind: ErrorKind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            cause: cause.into(),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl StdError for ConnectError {}

/// `Connection refused (os error 111)` becomes `connection refused`.
pub(crate) fn os_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The error of a request that got no response head.
pub(crate) fn of_exchange(error: hyper_util::client::legacy::Error) -> Error {
    let (kind, words) = classify(&error);
    let words = if words == "unexpected EOF" {
        "EOF".to_owned()
    } else {
        words
    };
    Error::new(kind, words).with_source(error)
}

/// The error of a response body, for its stream.
pub(crate) fn read_error(error: hyper::Error) -> io::Error {
    let (kind, words) = classify(&error);
    let kind = match kind {
        ErrorKind::Timeout => io::ErrorKind::TimedOut,
        ErrorKind::Closed if words.ends_with("reset by peer") => io::ErrorKind::ConnectionReset,
        ErrorKind::Closed => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, words)
}

/// The error of a response body that was to be read as a whole.
pub(crate) fn of_read(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        io::ErrorKind::InvalidData => ErrorKind::Protocol,
        _ => ErrorKind::Closed,
    };
    Error::new(kind, error.to_string()).with_source(error)
}

fn classify(error: &(dyn StdError + 'static)) -> (ErrorKind, String) {
    let mut link = error;
    loop {
        if let Some(known) = describe(link) {
            return known;
        }
        link = match inner(link) {
            Some(next) => next,
            None => return (ErrorKind::Protocol, link.to_string()),
        };
    }
}

/// What this link of the chain says, if it is one we know.
fn describe(link: &(dyn StdError + 'static)) -> Option<(ErrorKind, String)> {
    if let Some(connect) = link.downcast_ref::<ConnectError>() {
        return Some((connect.kind, connect.cause.clone()));
    }
    if let Some(tls) = link.downcast_ref::<rustls::Error>() {
        return Some((ErrorKind::Tls, tls_words(tls)));
    }
    if let Some(io) = link.downcast_ref::<io::Error>() {
        let speaks_for_itself = inner(link).is_none() || io_kind(io) != ErrorKind::Protocol;
        return speaks_for_itself.then(|| (io_kind(io), io_words(io)));
    }
    let hyper = link.downcast_ref::<hyper::Error>()?;
    if hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed() {
        return Some((ErrorKind::Closed, "unexpected EOF".to_owned()));
    }
    hyper.is_parse().then(|| {
        (
            ErrorKind::Protocol,
            format!("malformed HTTP response: {hyper}"),
        )
    })
}

/// The next link. An `io::Error` that wraps another error hides it from `source`.
fn inner<'a>(link: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match link.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => link.source(),
    }
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => ErrorKind::Closed,
        _ => ErrorKind::Protocol,
    }
}

fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "read: connection reset by peer".to_owned(),
        io::ErrorKind::BrokenPipe => "write: broken pipe".to_owned(),
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => os_words(error),
    }
}

/// The words for a failed TLS connection.
pub(crate) fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => {
            format!(
                "tls: failed to verify certificate: x509: {}",
                certificate_words(problem)
            )
        }
        rustls::Error::AlertReceived(alert) => {
            format!("remote error: tls: {}", alert_words(*alert))
        }
        rustls::Error::InvalidMessage(_) => {
            "tls: first record does not look like a TLS handshake".to_owned()
        }
        rustls::Error::PeerIncompatible(_) => {
            "tls: protocol version or cipher suite not supported".to_owned()
        }
        other => format!("tls: {other}"),
    }
}

fn certificate_words(problem: &CertificateError) -> String {
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "certificate signed by unknown authority".to_owned()
        }
        CertificateError::Expired | CertificateError::NotValidYet => {
            "certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "certificate has expired or is not yet valid: current time {} is after {}",
            date(time.as_secs()),
            date(not_after.as_secs())
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "certificate has expired or is not yet valid: current time {} is before {}",
            date(time.as_secs()),
            date(not_before.as_secs())
        ),
        CertificateError::NotValidForName => {
            "certificate is not valid for the requested name".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => name_words(
            &expected.to_str(),
            matches!(expected, rustls::pki_types::ServerName::IpAddress(_)),
            presented,
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate specifies an incompatible key usage".to_owned()
        }
        other => other.to_string(),
    }
}

fn name_words(expected: &str, is_address: bool, presented: &[String]) -> String {
    // Presented names come as `DnsName("a.test")` and `IpAddress(10.0.0.1)`.
    let of_type = |wanted: &str| -> Vec<&str> {
        let names = presented
            .iter()
            .filter_map(|name| name.strip_prefix(wanted)?.strip_suffix(')'));
        names.map(|name| name.trim_matches('"')).collect()
    };
    let names = if is_address {
        of_type("IpAddress(")
    } else {
        of_type("DnsName(")
    };
    match (names.is_empty(), is_address) {
        (true, true) => format!(
            "cannot validate certificate for {expected} because it doesn't contain any IP SANs"
        ),
        (true, false) => {
            format!("certificate is not valid for any names, but wanted to match {expected}")
        }
        (false, _) => format!(
            "certificate is valid for {}, not {expected}",
            names.join(", ")
        ),
    }
}

fn alert_words(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        _ => "alert from the server",
    }
}

fn date(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| format!("{seconds}"), |timestamp| timestamp.to_string())
}
