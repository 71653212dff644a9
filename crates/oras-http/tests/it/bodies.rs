use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Method;
use oras_http::{Body, ByteStream, ErrorKind, OpenBody, Request};

use crate::server::{Server, answer, client, ok};

/// A body in pieces, with a promise that may be wrong and an end that may be a failure.
#[derive(Clone)]
pub(crate) struct Source {
    pieces: Vec<Bytes>,
    promised: u64,
    replayable: bool,
    failure: Option<&'static str>,
}

impl Source {
    pub(crate) fn of(data: &[u8]) -> Self {
        let pieces = data.chunks(100_000).map(Bytes::copy_from_slice).collect();
        Self {
            pieces,
            promised: data.len() as u64,
            replayable: true,
            failure: None,
        }
    }

    pub(crate) fn one_shot(mut self) -> Self {
        self.replayable = false;
        self
    }

    pub(crate) fn promising(mut self, length: u64) -> Self {
        self.promised = length;
        self
    }

    pub(crate) fn failing(mut self, words: &'static str) -> Self {
        self.failure = Some(words);
        self
    }

    pub(crate) fn body(self) -> Body {
        Body::replay(self.promised, Arc::new(self))
    }
}

#[async_trait]
impl OpenBody for Source {
    async fn open(&self) -> io::Result<ByteStream> {
        let failure = self
            .failure
            .map(|words| Err(io::Error::new(io::ErrorKind::PermissionDenied, words)));
        let pieces = self.pieces.clone().into_iter().map(Ok).chain(failure);
        Ok(futures_util::stream::iter(pieces).boxed())
    }

    fn replayable(&self) -> bool {
        self.replayable
    }
}

async fn put(body: Body) -> (Result<oras_http::Response, oras_http::Error>, Server) {
    let server = Server::start(|_, _| ok("")).await;
    let result = client()
        .send(Request::new(Method::PUT, server.url("/up")).body(body))
        .await;
    (result, server)
}

#[tokio::test]
async fn a_body_of_another_length_than_promised_is_an_error_and_never_a_complete_request() {
    let data = vec![7; 250_000];
    for (source, words) in [
        (
            Source::of(b"123456789").promising(3),
            "http: ContentLength=3 with Body length 9",
        ),
        (
            Source::of(b"123").promising(9),
            "http: ContentLength=9 with Body length 3",
        ),
        (
            Source::of(b"1").promising(0),
            "http: ContentLength=0 with Body length 1",
        ),
        (
            Source::of(&data).promising(200_000),
            "http: ContentLength=200000 with Body length 250000",
        ),
        (
            Source::of(&data).promising(250_001),
            "http: ContentLength=250001 with Body length 250000",
        ),
    ] {
        let (result, server) = put(source.body()).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Body, "{words}");
        assert_eq!(
            error.to_string(),
            format!("Put \"{}\": {words}", server.url("/up"))
        );
        assert!(server.requests().is_empty(), "{words}");
    }
}

#[tokio::test]
async fn a_failing_source_can_be_told_from_a_failing_server() {
    let data = vec![7; 250_000];
    let (result, server) = put(Source::of(&data)
        .promising(1_000_000)
        .failing("disk on fire")
        .body())
    .await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
    let source = error.body_error().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(source.to_string(), "disk on fire");
    assert!(std::error::Error::source(&error).unwrap().is::<io::Error>());
    assert_eq!(server.connections(), 1, "not retried");
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| (n / 7) as u8).collect();
    for body in [Body::bytes(data.clone()), Source::of(&data).body()] {
        let (result, server) = put(body).await;
        result.unwrap();
        assert!(server.requests()[0].body == data);
    }
}

#[tokio::test]
async fn the_length_is_always_announced() {
    for (method, body, expected) in [
        (Method::POST, Body::empty(), Some("0")),
        (Method::PUT, Body::empty(), Some("0")),
        (Method::PATCH, Source::of(b"").body(), Some("0")),
        (Method::PUT, Body::bytes("abc"), Some("3")),
        (Method::GET, Body::empty(), None),
        (Method::HEAD, Body::empty(), None),
        (Method::DELETE, Body::empty(), None),
    ] {
        let server = Server::start(|_, _| answer("204 No Content", &[], "")).await;
        let request = Request::new(method.clone(), server.url("/"))
            .header("Content-Length", "77")
            .body(body);
        client().send(request).await.unwrap();
        let received = &server.requests()[0];
        assert_eq!(
            received.all("content-length"),
            expected.into_iter().collect::<Vec<_>>(),
            "{method}"
        );
        let identity = (method == Method::GET).then_some("identity");
        assert_eq!(received.header("accept-encoding"), identity, "{method}");
    }
}

#[tokio::test]
async fn responses_are_read_within_limits() {
    let server = Server::start(|_, _| ok("0123456789")).await;
    let client = client();
    let get = || client.send(Request::get(server.url("/")));
    assert_eq!(get().await.unwrap().content_length(), Some(10));
    assert_eq!(get().await.unwrap().bytes(10).await.unwrap(), "0123456789");
    assert_eq!(
        get().await.unwrap().bytes(9).await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert_eq!(get().await.unwrap().bytes_truncated(4).await, "0123");
    get().await.unwrap().drain().await;
    let pieces: Vec<_> = get().await.unwrap().into_stream().collect().await;
    assert_eq!(
        pieces
            .into_iter()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .concat(),
        b"0123456789"
    );
}

#[tokio::test]
async fn a_read_response_frees_its_connection_for_the_next_request() {
    let server = Server::start(|_, _| ok("x")).await;
    let client = client();
    for _ in 0..5 {
        client
            .send(Request::get(server.url("/")))
            .await
            .unwrap()
            .drain()
            .await;
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_chunked_response_is_measured_while_it_is_read() {
    let server = Server::start(|_, _| {
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n".to_vec()
    })
    .await;
    let client = client();
    let get = || client.send(Request::get(server.url("/")));
    assert_eq!(get().await.unwrap().bytes(10).await.unwrap(), "1234567890");
    assert_eq!(
        get().await.unwrap().bytes(9).await.unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}

#[tokio::test]
async fn a_response_cut_short_is_an_error() {
    let server = Server::start(|_, _| {
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n123".to_vec()
    })
    .await;
    let error = client()
        .send(Request::get(server.url("/")))
        .await
        .unwrap()
        .bytes(100)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(
        error.to_string(),
        format!("Get \"{}\": unexpected EOF", server.url("/"))
    );
}

#[tokio::test]
async fn an_answer_in_the_middle_of_an_upload_counts() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 1024])
            .await
            .unwrap();
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";
        tokio::io::AsyncWriteExt::write_all(&mut socket, answer)
            .await
            .unwrap();
        // The rest of the upload is not pushed through: the client hangs up.
        while tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 4096])
            .await
            .is_ok_and(|n| n > 0)
        {}
    });
    let request = Request::new(Method::PUT, url).body(Body::bytes(vec![0; 64 << 20]));
    let response = client().send(request).await.unwrap();
    assert_eq!(response.status, 401);
    assert_eq!(response.bytes(10).await.unwrap(), "no");
    server.await.unwrap();
}
