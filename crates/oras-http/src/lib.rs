//! The HTTP transport under the registry client.
//!
//! This crate opens connections (DNS overrides, proxies, TLS, private roots, client certificates), sends a request with a
//! body that can be opened again, follows redirects, retries what is worth retrying, and lets an observer see every
//! exchange with its secrets removed.
//!
//! It is *not* a registry client: it knows no digest, no manifest, no challenge and no token. It also keeps no state
//! outside the [`Client`] value and never reads the environment; whoever builds the client passes everything in.
//!
//! Three promises hold everywhere:
//!
//! - a credential, a custom header or a client certificate never leaves the [`Origin`] it was given for;
//! - building a client never fails because the machine has no trust roots: they are read at the first TLS connection;
//! - nothing is buffered without a bound: bodies stream, with back-pressure, in both directions.
//!
//! Futures are cancel-safe in the sense that matters here: dropping one closes its connection and frees its memory.
//!
//! ```
//! use oras_http::{Client, Request};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! # tokio::spawn(async move {
//! #     let (mut socket, _) = listener.accept().await?;
//! #     socket.read(&mut [0; 1024]).await?;
//! #     socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await
//! # });
//! let client = Client::builder().user_agent("example/1.0").build()?;
//! let url = format!("http://{address}/v2/").parse()?;
//! let response = client.send(Request::get(url)).await?;
//! assert_eq!(response.status, 200);
//! assert_eq!(response.bytes(1024).await?, "{}");
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! All public items are re-exported here; the modules say where to look in the source.
//!
//! - `client`, `builder`: the [`Client`] and how it is configured; `send`, `hop`: redirects, retries and single exchanges
//! - `request`, `body`, `upload`: what is sent, and how a body is measured and watched on its way out
//! - `response`: what came back; `timeouts`: how long each step may take
//! - `connector`, `dial`, `resolve`, `proxy`, `no_proxy`, `tunnel`, `stream`: from a URL to a byte stream
//! - `tls`, `verify`, `der`: trust roots, client certificates and the check of the server's certificate
//! - `retry`: when to try again and how long to wait
//! - `trace`, `redact`: what an observer sees, and what it must not see
//! - `error`, `cause`: typed failures and the words for them; `origin`: scheme, host and port

mod body;
mod builder;
mod cause;
mod client;
mod connector;
mod der;
mod dial;
mod error;
mod hop;
mod no_proxy;
mod origin;
mod proxy;
mod redact;
mod request;
mod resolve;
mod response;
mod retry;
mod send;
mod stream;
mod timeouts;
mod tls;
mod trace;
mod tunnel;
mod upload;
mod verify;

pub use body::{Body, ByteStream, OpenBody};
pub use builder::ClientBuilder;
pub use client::Client;
pub use error::{Error, ErrorKind};
pub use origin::Origin;
pub use proxy::ProxyOptions;
pub use redact::url as redacted;
pub use request::{Redirect, Request};
pub use resolve::{ParseResolveRuleError, ResolveRule};
pub use response::Response;
pub use retry::{RetryNotice, RetryPolicy};
pub use timeouts::Timeouts;
pub use tls::TlsOptions;
pub use trace::{RequestHead, ResponseHead, TRACED_BODY_LIMIT, Trace, TracedBody};
