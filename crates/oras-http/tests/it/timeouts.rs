use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use http::Method;
use oras_http::{Body, Client, ErrorKind, Request, RetryPolicy, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers with `start` and then nothing more; if it does not read, not even that.
async fn silent(start: &'static [u8], reads: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            if !reads {
                kept.push(socket);
                continue;
            }
            tokio::spawn(async move {
                while socket.read(&mut [0; 4096]).await.is_ok_and(|n| n > 0) {
                    socket.write_all(start).await.unwrap();
                }
            });
        }
    });
    format!("http://{address}/")
}

fn client(change: impl FnOnce(&mut Timeouts)) -> Client {
    let mut timeouts = Timeouts::default();
    change(&mut timeouts);
    Client::builder()
        .timeouts(timeouts)
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

const SHORT: Duration = Duration::from_millis(30);

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let url = silent(b"", true).await;
    for body in [Body::empty(), Body::bytes("some data")] {
        let client = client(|timeouts| timeouts.response = SHORT);
        let request = Request::new(Method::POST, url.parse().unwrap()).body(body);
        let error = client.send(request).await.unwrap_err();
        assert!(error.is_timeout() && error.is_retryable());
        assert_eq!(
            error.to_string(),
            format!("Post \"{url}\": net/http: timeout awaiting response headers")
        );
    }
}

#[tokio::test]
async fn an_upload_that_stops_moving_times_out() {
    let url = silent(b"", false).await;
    let client = client(|timeouts| timeouts.idle = SHORT);
    let request =
        Request::new(Method::PUT, url.parse().unwrap()).body(Body::bytes(vec![0; 64 << 20]));
    let error = client.send(request).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.cause(), "i/o timeout");
}

#[tokio::test]
async fn a_response_that_stops_moving_times_out() {
    let url = silent(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n123", true).await;
    let client = client(|timeouts| timeouts.idle = SHORT);
    let mut stream = client
        .send(Request::get(url.parse().unwrap()))
        .await
        .unwrap()
        .into_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "123");
    assert_eq!(
        stream.next().await.unwrap().unwrap_err().kind(),
        std::io::ErrorKind::TimedOut
    );

    let error = client
        .send(Request::get(url.parse().unwrap()))
        .await
        .unwrap()
        .bytes(10)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_handshake_that_stops_times_out() {
    let url = silent(b"", true).await.replace("http:", "https:");
    let client = client(|timeouts| timeouts.connect = SHORT);
    let started = Instant::now();
    let error = client
        .send(Request::get(url.parse().unwrap()))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let client = Client::builder().build().unwrap();
    let sending = tokio::spawn(async move { client.send(Request::get(url)).await });
    let (mut socket, _) = listener.accept().await.unwrap();
    assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
    sending.abort();
    assert_eq!(socket.read(&mut [0; 1024]).await.unwrap(), 0);
}
