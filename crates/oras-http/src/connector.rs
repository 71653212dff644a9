//! From a URL to a byte stream: DNS rules, TCP, proxy, TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::cause::{ConnectError, tls_words};
use crate::dial;
use crate::error::ErrorKind;
use crate::origin::Origin;
use crate::proxy::Proxies;
use crate::resolve::ResolveMap;
use crate::stream::{Conn, Io, Sniffer};
use crate::tls::Tls;
use crate::tunnel;

/// Opens connections for the pool.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Settings>);

pub(crate) struct Settings {
    pub(crate) rules: ResolveMap,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) tls: Tls,
    /// Whom the client certificate is for.
    pub(crate) origin: Option<Origin>,
    pub(crate) timeout: Duration,
}

impl Connector {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Conn>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Conn>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let settings = Arc::clone(&self.0);
        Box::pin(async move {
            let target = Target::of(&uri)?;
            settings.connect(&uri, &target).await.map(TokioIo::new)
        })
    }
}

/// Where a connection leads.
struct Target {
    is_https: bool,
    host: String,
    port: u16,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, ConnectError> {
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| {
            ConnectError::new(ErrorKind::InvalidRequest, "http: no Host in request URL")
        })?;
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port,
        })
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn is(&self, origin: &Origin) -> bool {
        origin.is_secure() == self.is_https
            && origin.port() == self.port
            && origin.host().eq_ignore_ascii_case(&self.host)
    }
}

impl Settings {
    async fn connect(&self, uri: &Uri, target: &Target) -> Result<Conn, ConnectError> {
        let deadline = Instant::now() + self.timeout;
        let proxy = self.proxies.intercept(uri)?;
        let io = match &proxy {
            Some(proxy) => self
                .dial_proxy(proxy, deadline)
                .await
                .map_err(proxy_failed)?,
            None => self.dial(&target.host, target.port, deadline).await?,
        };
        let ready = async {
            let (io, proxied) = match &proxy {
                Some(proxy) => self.pass(io, proxy, target).await?,
                None => (io, false),
            };
            if !target.is_https {
                return Ok(Conn { io, proxied });
            }
            let with_identity = self.origin.as_ref().is_some_and(|origin| target.is(origin));
            let io = self.handshake(io, &target.host, with_identity).await?;
            Ok(Conn { io, proxied })
        };
        timeout_at(deadline, ready).await.unwrap_or_else(|_| {
            Err(ConnectError::new(
                ErrorKind::Timeout,
                "net/http: TLS handshake timeout",
            ))
        })
    }

    async fn dial(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Box<dyn Io>, ConnectError> {
        Ok(Box::new(
            dial::tcp(host, port, &self.rules, deadline).await?,
        ))
    }

    async fn dial_proxy(
        &self,
        proxy: &Intercept,
        deadline: Instant,
    ) -> Result<Box<dyn Io>, ConnectError> {
        let default_port = match proxy.uri().scheme_str() {
            Some("http") | None => 80,
            Some("https") => 443,
            Some(_) => 1080,
        };
        let port = proxy.uri().port_u16().unwrap_or(default_port);
        self.dial(proxy.uri().host().unwrap_or_default(), port, deadline)
            .await
    }

    /// Gets through the proxy: a stream, and whether requests on it carry the whole URL.
    async fn pass(
        &self,
        mut io: Box<dyn Io>,
        proxy: &Intercept,
        target: &Target,
    ) -> Result<(Box<dyn Io>, bool), ConnectError> {
        match proxy.uri().scheme_str().unwrap_or("http") {
            "http" => {}
            "https" => {
                let host = proxy.uri().host().unwrap_or_default();
                let secured = self.handshake(io, host, false).await;
                io = secured.map_err(proxy_failed)?;
            }
            "socks5" | "socks5h" => return Ok((socks(io, proxy, target).await?, false)),
            other => {
                let words = format!("unsupported proxy scheme {other:?}");
                return Err(ConnectError::new(ErrorKind::Proxy, words));
            }
        }
        if !target.is_https {
            return Ok((io, true));
        }
        tunnel::open(&mut io, &target.authority(), proxy.basic_auth()).await?;
        Ok((io, false))
    }

    async fn handshake(
        &self,
        io: Box<dyn Io>,
        host: &str,
        with_identity: bool,
    ) -> Result<Box<dyn Io>, ConnectError> {
        let tls_failed =
            |error: &rustls::Error| ConnectError::new(ErrorKind::Tls, tls_words(error));
        let config = self
            .tls
            .config(with_identity)
            .await
            .map_err(|error| tls_failed(&error))?;
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare).map_err(|_| {
            ConnectError::new(ErrorKind::Tls, format!("tls: invalid server name {host:?}"))
        })?;
        let sniffer = Sniffer::new(io);
        match TlsConnector::from(config)
            .connect(name, sniffer)
            .into_fallible()
            .await
        {
            Ok(stream) => Ok(Box::new(stream)),
            Err((_, sniffer)) if sniffer.saw_http() => Err(ConnectError::new(
                ErrorKind::Tls,
                "http: server gave HTTP response to HTTPS client",
            )),
            Err((error, _)) => Err(
                match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                    Some(inner) => tls_failed(inner),
                    None => lost_in_handshake(&error),
                },
            ),
        }
    }
}

fn proxy_failed(error: ConnectError) -> ConnectError {
    // A timeout stays one: it is worth trying again.
    let kind = if error.kind == ErrorKind::Timeout {
        error.kind
    } else {
        ErrorKind::Proxy
    };
    ConnectError::new(kind, format!("proxyconnect tcp: {}", error.cause))
}

fn lost_in_handshake(error: &io::Error) -> ConnectError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ConnectError::new(ErrorKind::Closed, "EOF"),
        io::ErrorKind::ConnectionReset => {
            ConnectError::new(ErrorKind::Closed, "read: connection reset by peer")
        }
        _ => ConnectError::new(ErrorKind::Tls, crate::cause::os_words(error)),
    }
}

/// Asks a SOCKS proxy for a connection; names are resolved by the proxy.
async fn socks(
    io: Box<dyn Io>,
    proxy: &Intercept,
    target: &Target,
) -> Result<Box<dyn Io>, ConnectError> {
    let failed =
        |words: String| ConnectError::new(ErrorKind::Proxy, format!("socks connect: {words}"));
    let uri = Uri::builder()
        .scheme("http")
        .authority(target.authority())
        .path_and_query("/")
        .build();
    let uri = uri.map_err(|error| failed(error.to_string()))?;
    let mut service = SocksV5::new(proxy.uri().clone(), Made(Some(io)));
    if let Some((user, password)) = proxy.raw_auth() {
        service = service.with_auth(user.to_owned(), password.to_owned());
    }
    let stream = service
        .call(uri)
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(stream.into_inner())
}

/// Hands an existing connection to a layer that wants to make one.
struct Made(Option<Box<dyn Io>>);

impl Service<Uri> for Made {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let io = self
            .0
            .take()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
        std::future::ready(io.map(TokioIo::new))
    }
}
