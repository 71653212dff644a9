use oras_http::{Client, ErrorKind, ProxyOptions, Request, TlsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::server::{Server, answer, builder, ok};
use crate::tls::Authority;

/// `base64("me:secret")`
const BASIC: &str = "Basic bWU6c2VjcmV0";

fn proxied(proxy: &Server, no_proxy: Option<&str>, ca_pem: Option<Vec<u8>>) -> Client {
    let url = Some(format!("http://me:secret@{}", proxy.address));
    let options = ProxyOptions {
        http: url.clone(),
        https: url,
        no_proxy: no_proxy.map(str::to_owned),
    };
    builder()
        .proxy(options)
        .tls(TlsOptions {
            ca_pem,
            ..TlsOptions::default()
        })
        .build()
        .unwrap()
}

#[tokio::test]
async fn clear_text_goes_to_the_proxy_with_the_whole_url() {
    let proxy = Server::start(|_, _| ok("from the proxy")).await;
    let client = proxied(&proxy, None, None);
    let response = client
        .send(Request::get(
            "http://registry.test:5000/v2/?n=1".parse().unwrap(),
        ))
        .await
        .unwrap();
    assert_eq!(response.bytes(100).await.unwrap(), "from the proxy");
    let received = &proxy.requests()[0];
    assert_eq!(received.target, "http://registry.test:5000/v2/?n=1");
    assert_eq!(received.header("host"), Some("registry.test:5000"));
    assert_eq!(received.header("proxy-authorization"), Some(BASIC));
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("registry.test"), |_, _| {
        ok("from the server")
    })
    .await;
    let proxy =
        Server::start(|_, _| b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n".to_vec()).await;
    let client = proxied(&proxy, None, Some(authority.pem()));
    let response = client
        .send(Request::get(server.url_as("registry.test", "/v2/")))
        .await
        .unwrap();
    assert_eq!(response.bytes(100).await.unwrap(), "from the server");
    let received = &proxy.requests()[0];
    assert_eq!(received.method, "CONNECT");
    assert_eq!(
        received.target,
        format!("registry.test:{}", server.address.port())
    );
    assert_eq!(received.header("proxy-authorization"), Some(BASIC));
    assert_eq!(server.requests()[0].target, "/v2/");
    assert_eq!(server.requests()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 3];
        socket.read_exact(&mut greeting).await.unwrap();
        assert_eq!(greeting, [5, 1, 0]);
        socket.write_all(&[5, 0]).await.unwrap();
        let mut request = [0; 20];
        socket.read_exact(&mut request).await.unwrap();
        assert_eq!(&request, b"\x05\x01\x00\x03\x0dregistry.test\x00\x50");
        socket
            .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let mut head = [0; 10];
        socket.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"GET /v2/ H");
        socket.write_all(&ok("through socks")).await.unwrap();
    });
    let options = ProxyOptions {
        http: Some(format!("socks5://{address}")),
        ..ProxyOptions::default()
    };
    let client = builder().proxy(options).build().unwrap();
    let response = client
        .send(Request::get("http://registry.test/v2/".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(response.bytes(100).await.unwrap(), "through socks");
    proxy.await.unwrap();
}

#[tokio::test]
async fn a_refused_tunnel_says_why() {
    let proxy = Server::start(|_, _| answer("407 Proxy Authentication Required", &[], "no")).await;
    let error = proxied(&proxy, None, None)
        .send(Request::get("https://registry.test/v2/".parse().unwrap()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy);
    assert_eq!(
        error.to_string(),
        "Get \"https://registry.test/v2/\": Proxy Authentication Required"
    );
}

#[tokio::test]
async fn loopback_and_listed_hosts_are_reached_directly() {
    let proxy = Server::start(|_, _| answer("502 Bad Gateway", &[], "")).await;
    let server = Server::start(|_, _| ok("direct")).await;
    let client = proxied(&proxy, None, None);
    for url in [server.url("/"), server.url_as("localhost", "/")] {
        assert_eq!(
            client
                .send(Request::get(url))
                .await
                .unwrap()
                .bytes(10)
                .await
                .unwrap(),
            "direct"
        );
    }
    let rule = format!("registry.test:80:{}", server.address)
        .parse()
        .unwrap();
    let options = ProxyOptions {
        http: Some(proxy.address.to_string()),
        no_proxy: Some("other.test,.test".to_owned()),
        ..ProxyOptions::default()
    };
    let client = builder().proxy(options).resolve(rule).build().unwrap();
    let response = client
        .send(Request::get("http://registry.test/".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(response.bytes(10).await.unwrap(), "direct");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn an_unusable_or_absent_proxy_is_an_error_and_not_a_way_around_it() {
    for (proxy, words) in [
        ("::not a url", "invalid proxy address"),
        (
            "http://127.0.0.1:1",
            "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
        ),
    ] {
        let options = ProxyOptions {
            http: Some(proxy.to_owned()),
            ..ProxyOptions::default()
        };
        let client = builder().proxy(options).build().unwrap();
        let error = client
            .send(Request::get("http://registry.test/".parse().unwrap()))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.cause()), (ErrorKind::Proxy, words));
    }
}

#[test]
fn variables_are_read_in_both_cases_and_http_not_in_cgi_programs() {
    let vars = |pairs: &'static [(&str, &str)]| {
        ProxyOptions::from_vars(|name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        })
    };
    let options = vars(&[
        ("HTTP_PROXY", ""),
        ("http_proxy", "a"),
        ("HTTPS_PROXY", "b"),
        ("no_proxy", "c"),
    ]);
    assert_eq!(options.http.as_deref(), Some("a"));
    assert_eq!(options.https.as_deref(), Some("b"));
    assert_eq!(options.no_proxy.as_deref(), Some("c"));
    assert_eq!(
        vars(&[("HTTP_PROXY", "a"), ("REQUEST_METHOD", "GET")]).http,
        None
    );
    let secret = ProxyOptions {
        http: Some("http://u:hush@h".to_owned()),
        ..ProxyOptions::default()
    };
    assert!(!format!("{secret:?}").contains("hush"));
}
