use std::sync::{Arc, Mutex};

use http::Method;
use oras_http::{
    Client, Origin, Request, RequestHead, ResponseHead, TRACED_BODY_LIMIT, Trace, TracedBody,
};

use crate::server::{Server, answer, builder, ok};

/// Writes down what it sees, one line per event.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>, bool);

impl Recorder {
    fn push(&self, line: String) -> u64 {
        let mut lines = self.0.lock().unwrap();
        lines.push(line);
        lines.len() as u64 - 1
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Trace for Recorder {
    fn request(&self, head: &RequestHead<'_>) -> u64 {
        self.push(format!("> {} {} {:?}", head.method, head.url, head.headers))
    }

    fn response(&self, id: u64, head: &ResponseHead<'_>) {
        self.push(format!(
            "< {id} {} {:?} {:?}",
            head.status, head.headers, head.body
        ));
    }

    fn failure(&self, id: u64, error: &str) {
        self.push(format!("! {id} {error}"));
    }

    fn wants_body(&self) -> bool {
        !self.1
    }
}

fn traced(url: &url::Url) -> (Client, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let client = builder()
        .origin(Origin::of(url).unwrap())
        .header("fOO", " bar")
        .trace(Arc::clone(&recorder) as _);
    (client.build().unwrap(), recorder)
}

#[tokio::test]
async fn each_hop_is_seen_without_its_secrets_and_retries_are_not() {
    let server = Server::start(|number, _| match number {
        0 => answer("503 Service Unavailable", &[], ""),
        1 => answer(
            "307 Temporary Redirect",
            &[("Location", "/b?sig=secret"), ("Set-Cookie", "secret")],
            "",
        ),
        _ => ok("hi"),
    })
    .await;
    let (client, recorder) = traced(&server.url("/"));
    let request = Request::get(server.url("/a?n=1"))
        .header("Authorization", "Bearer secret")
        .header("Cookie", "secret");
    assert_eq!(
        client.send(request).await.unwrap().bytes(10).await.unwrap(),
        "hi"
    );
    let headers = r#"[("Authorization", "*****"), ("Cookie", "*****"), ("User-Agent", "test/1"), ("Accept-Encoding", "identity"), ("fOO", " bar")]"#;
    assert_eq!(
        recorder.lines(),
        [
            format!("> GET {} {headers}", server.url("/a?n=1")),
            r#"< 0 307 Temporary Redirect [("Content-Length", "0"), ("Location", "/b?sig=*****"), ("Set-Cookie", "*****")] None"#.to_owned(),
            format!("> GET {} {headers}", server.url("/b?sig=*****")),
            r#"< 2 200 OK [("Content-Length", "2"), ("Content-Type", "text/plain")] Text("hi")"#.to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_failure_is_told_without_the_url() {
    let url = "http://127.0.0.1:1/".parse().unwrap();
    let (client, recorder) = traced(&url);
    client.send(Request::get(url)).await.unwrap_err();
    assert_eq!(
        recorder.lines()[1],
        "! 0 dial tcp 127.0.0.1:1: connect: connection refused"
    );
}

/// The body as traced, after checking that the caller still gets all of it.
async fn body_of(method: Method, response: Vec<u8>, expected: &[u8]) -> String {
    let server = Server::start(move |_, _| response.clone()).await;
    let (client, recorder) = traced(&server.url("/"));
    let response = client
        .send(Request::new(method, server.url("/")))
        .await
        .unwrap();
    assert_eq!(response.bytes(1 << 20).await.unwrap(), expected);
    let line = recorder.lines().pop().unwrap();
    line.rsplit_once("] ").unwrap().1.to_owned()
}

#[tokio::test]
async fn bodies_are_shown_where_that_is_safe_and_delivered_in_any_case() {
    let get = |kind: Option<&str>, body: &str| {
        let headers: Vec<_> = kind
            .map(|kind| ("Content-Type", kind))
            .into_iter()
            .collect();
        (answer("200 OK", &headers, body), body.as_bytes().to_vec())
    };
    let chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec();
    for ((response, body), expected) in [
        (get(Some("application/json"), "{}"), r#"Text("{}")"#),
        (
            get(
                Some("application/vnd.oci.image.index.v1+json; charset=utf-8"),
                "{}",
            ),
            r#"Text("{}")"#,
        ),
        (get(Some("TEXT/HTML"), "<p>"), r#"Text("<p>")"#),
        (get(None, "x"), "NoContentType"),
        (
            get(Some("application/octet-stream"), "x"),
            r#"Unprintable("application/octet-stream")"#,
        ),
        (get(Some("text/plain"), ""), "None"),
        ((chunked, Vec::new()), "Empty"),
        (
            get(Some("application/json"), r#"{"token":"s"}"#),
            "Redacted",
        ),
        (
            get(Some("application/json"), r#"{"access_token":"s"}"#),
            "Redacted",
        ),
    ] {
        assert_eq!(body_of(Method::GET, response, &body).await, expected);
    }
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n".to_vec();
    assert_eq!(body_of(Method::HEAD, head, b"").await, "None");
}

#[tokio::test]
async fn long_bodies_are_shown_in_part() {
    for (length, truncated) in [
        (TRACED_BODY_LIMIT, false),
        (TRACED_BODY_LIMIT + 1, true),
        (1_000_000, true),
    ] {
        let body = "y".repeat(length);
        let shown = body_of(Method::GET, ok(&body), body.as_bytes()).await;
        assert_eq!(shown.starts_with("Truncated"), truncated, "{length}");
        assert_eq!(shown.matches('y').count(), length.min(TRACED_BODY_LIMIT));
    }
}

#[tokio::test]
async fn a_body_that_fails_while_it_is_looked_at_fails_for_the_caller_too() {
    let server = Server::start(|_, _| {
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\nConnection: close\r\n\r\n123".to_vec()
    })
    .await;
    let (client, recorder) = traced(&server.url("/"));
    let response = client.send(Request::get(server.url("/"))).await.unwrap();
    assert!(
        recorder.lines()[1].ends_with(r#"ReadError("unexpected EOF")"#),
        "{:?}",
        recorder.lines()
    );
    assert_eq!(
        response.bytes(100).await.unwrap_err().cause(),
        "unexpected EOF"
    );
}

#[tokio::test]
async fn an_observer_can_do_without_bodies() {
    let server = Server::start(|_, _| ok("x")).await;
    let recorder = Arc::new(Recorder(Mutex::default(), true));
    let client = builder().trace(Arc::clone(&recorder) as _).build().unwrap();
    client.send(Request::get(server.url("/"))).await.unwrap();
    assert!(recorder.lines()[1].ends_with("NotCaptured"));
    assert_eq!(TracedBody::NotCaptured, TracedBody::NotCaptured);
}
