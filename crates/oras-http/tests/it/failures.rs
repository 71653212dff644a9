use http::Method;
use oras_http::{Client, ErrorKind, Origin, Request, RetryPolicy, TlsOptions};
use tokio::net::TcpListener;

use crate::server::{Server, builder, client, ok};

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

#[tokio::test]
async fn a_refused_connection_fails_at_once() {
    let port = free_port().await;
    let client = Client::builder().build().unwrap();
    let started = std::time::Instant::now();
    for (method, verb) in [
        (Method::GET, "Get"),
        (Method::HEAD, "Head"),
        (Method::PUT, "Put"),
        (Method::POST, "Post"),
    ] {
        let url = format!("http://me:secret@127.0.0.1:{port}/v2/?n=1&sig=secret#top")
            .parse()
            .unwrap();
        let error = client.send(Request::new(method, url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.is_connect() && !error.is_retryable());
        assert_eq!(
            error.to_string(),
            format!(
                "{verb} \"http://127.0.0.1:{port}/v2/?n=1&sig=*****\": \
                 dial tcp 127.0.0.1:{port}: connect: connection refused"
            )
        );
        assert!(!format!("{error:?}").contains("secret"));
    }
    assert!(started.elapsed().as_millis() < 150);
}

#[tokio::test]
async fn clear_text_where_tls_was_expected_is_named() {
    // Go servers answer a TLS hello with a 400 in clear text.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 1024])
            .await
            .unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.0 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
    });
    let error = client()
        .send(Request::get(
            format!("https://{address}/v2/").parse().unwrap(),
        ))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert_eq!(
        error.to_string(),
        format!("Get \"https://{address}/v2/\": http: server gave HTTP response to HTTPS client")
    );
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_protocol_error() {
    let server = Server::start(|_, _| b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n".to_vec()).await;
    let error = client()
        .send(Request::get(server.url("/")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    for (count, length) in [(10_000, 10), (1, 10_000_000)] {
        let server = Server::start(move |_, _| {
            let line = format!("X-A: {}\r\n", "a".repeat(length));
            format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(count)).into_bytes()
        })
        .await;
        let error = client()
            .send(Request::get(server.url("/")))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }
}

#[tokio::test]
async fn an_invalid_custom_header_fails_when_it_is_sent() {
    let server = Server::start(|_, _| ok("")).await;
    let origin = Origin::of(&server.url("/")).unwrap();
    for (name, value, words) in [
        (
            "Bad Name",
            "x",
            "net/http: invalid header field name \"Bad Name\"",
        ),
        ("", "x", "net/http: invalid header field name \"\""),
        (
            "Good",
            "a\nb",
            "net/http: invalid header field value for \"Good\"",
        ),
    ] {
        let client = builder()
            .origin(origin.clone())
            .header(name, value)
            .build()
            .unwrap();
        let error = client
            .send(Request::get(server.url("/")))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.cause(), words);
    }
    let error = client()
        .send(Request::get(server.url("/")).header("A", "b\nc"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn custom_headers_are_added_and_never_break_the_framing() {
    let server = Server::start(|_, _| ok("")).await;
    let client = builder()
        .origin(Origin::of(&server.url("/")).unwrap())
        .header("Accept", "q")
        .header("A", " b")
        .header("Host", "other.test")
        .header("Content-Length", "99")
        .header("Transfer-Encoding", "chunked")
        .header("User-Agent", "mine")
        .build()
        .unwrap();
    client
        .send(Request::get(server.url("/")).header("Accept", "p"))
        .await
        .unwrap();
    let received = &server.requests()[0];
    assert_eq!(received.all("accept"), ["p", "q"]);
    assert_eq!(received.header("a"), Some("b"));
    assert_eq!(
        received.header("host"),
        Some(server.address.to_string().as_str())
    );
    assert_eq!(received.header("content-length"), None);
    assert_eq!(received.all("user-agent"), ["test/1"]);
}

#[test]
fn secrets_need_to_know_where_they_may_go() {
    let error = Client::builder().header("A", "b").build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let tls = TlsOptions {
        ca_pem: Some(b"nothing here".to_vec()),
        ..TlsOptions::default()
    };
    assert_eq!(
        Client::builder().tls(tls).build().unwrap_err().kind(),
        ErrorKind::Config
    );
}

#[tokio::test]
async fn other_schemes_are_refused() {
    let error = client()
        .send(Request::get("ftp://a.test/".parse().unwrap()))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Get \"ftp://a.test/\": unsupported protocol scheme \"ftp\""
    );
}

#[tokio::test]
async fn a_reset_connection_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: url::Url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        // A socket that is closed with unread data resets its connection.
        tokio::io::AsyncReadExt::read_u8(&mut socket).await.unwrap();
    });
    let client = Client::builder()
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client.send(Request::get(url)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.cause()),
        (ErrorKind::Closed, "read: connection reset by peer")
    );
    assert!(error.is_retryable());
}
