//! Uploads: where they go on, and what is left when they fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use oras_content::{ByteStream, Error, ErrorKind, Mount, Mounted, Open, Payload, Push, Side};
use oras_testkit::fault::{Answer, FaultServer, Request};

use crate::support::{blob, repository};

/// A registry whose uploads go on at `location`, and which takes everything.
fn taking(location: &'static str) -> FaultServer {
    FaultServer::start(move |request: &Request| match request.method.as_str() {
        "POST" => Answer::status(202).header("Location", location),
        "PUT" => Answer::status(201),
        _ => Answer::status(204),
    })
}

#[tokio::test]
async fn the_location_is_followed_and_its_query_kept() {
    let hello = blob(b"hello");
    let digest = format!("digest=sha256%3A{}", hello.digest.encoded());
    for (location, target) in [
        (
            "/up/1?_state=A%2Bb==&B=2&a=1",
            format!("/up/1?_state=A%2Bb==&B=2&a=1&{digest}"),
        ),
        ("7", format!("/v2/app/blobs/uploads/7?{digest}")),
        ("/up/2?", format!("/up/2?{digest}")),
    ] {
        let server = taking(location);
        repository(&server.reference("app"))
            .push(&hello, Payload::bytes("hello"))
            .await
            .unwrap();
        let expected = [
            "POST /v2/app/blobs/uploads/".to_owned(),
            format!("PUT {target}"),
        ];
        assert_eq!(server.request_lines(), expected);
        let put = &server.requests()[1];
        assert_eq!(put.header("content-type"), Some("application/octet-stream"));
        assert_eq!(
            (put.header("content-length"), put.body.as_ref()),
            (Some("5"), &b"hello"[..])
        );
    }
}

#[tokio::test]
async fn a_location_that_is_missing_or_no_url_is_an_error() {
    let server = FaultServer::start(|_| Answer::status(202));
    let error = repository(&server.reference("app"))
        .push(&blob(b"x"), Payload::bytes("x"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(
        error
            .to_string()
            .ends_with(": missing response header \"Location\""),
        "{error}"
    );
    let server = taking("ftp://example.test/x");
    let error = repository(&server.reference("app"))
        .push(&blob(b"x"), Payload::bytes("x"))
        .await
        .unwrap_err();
    assert!(
        error.chain().ends_with("unsupported scheme \"ftp\""),
        "{}",
        error.chain()
    );
}

#[tokio::test]
async fn a_refused_upload_is_cancelled() {
    let server = FaultServer::start(|request| match request.method.as_str() {
        "POST" => Answer::status(202).header("Location", "/up/1"),
        "PUT" => Answer::error(400, "DIGEST_INVALID", "no"),
        _ => Answer::status(204),
    });
    let error = repository(&server.reference("app"))
        .push(&blob(b"x"), Payload::bytes("x"))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("response status code 400: digest invalid: no"),
        "{error}"
    );
    assert_eq!(server.request_lines()[2], "DELETE /up/1");
}

#[tokio::test]
async fn a_source_with_wrong_bytes_is_at_fault_and_the_upload_never_completes() {
    let source = FaultServer::start(|_| Answer::ok("application/octet-stream", "HELLO"));
    let target = taking("/up/1");
    let hello = blob(b"hello");
    let from = repository(&source.reference("app"));
    let payload = Payload::from_source(Arc::new(from), hello.clone());
    let error = repository(&target.reference("app"))
        .push(&hello, payload)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::DigestMismatch, Some(Side::Source))
    );
    let lines = target.request_lines();
    assert!(
        !lines.iter().any(|line| line.starts_with("PUT")),
        "{lines:?}"
    );
    assert_eq!(lines.last().unwrap(), "DELETE /up/1");

    let gone = FaultServer::start(|_| Answer::error(404, "BLOB_UNKNOWN", "gone"));
    let from = repository(&gone.reference("app"));
    let payload = Payload::from_source(Arc::new(from), hello.clone());
    let error = repository(&target.reference("app"))
        .push(&hello, payload)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (ErrorKind::NotFound, Some(Side::Source))
    );
}

/// The first attempt in a session fails for now, and then the session has bytes that the second does not fit behind.
#[tokio::test]
async fn a_body_that_was_sent_again_and_does_not_fit_gets_a_new_session() {
    let (posts, puts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let server = FaultServer::start(move |request| match request.method.as_str() {
        "POST" => {
            let location = format!("/up/{}", posts.fetch_add(1, Ordering::SeqCst));
            Answer::status(202).header("Location", &location)
        }
        "PUT" => match puts.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::status(503),
            1 => Answer::error(400, "DIGEST_INVALID", "the content has another digest"),
            _ => Answer::status(201),
        },
        _ => Answer::status(204),
    });
    repository(&server.reference("app"))
        .push(&blob(b"x"), Payload::bytes("x"))
        .await
        .unwrap();
    let lines = server.request_lines();
    assert_eq!(lines[3], "DELETE /up/0");
    assert!(lines.last().unwrap().starts_with("PUT /up/1?"), "{lines:?}");
}

#[tokio::test]
async fn a_busy_registry_gets_the_body_again() {
    let puts = AtomicUsize::new(0);
    let server = FaultServer::start(move |request| match request.method.as_str() {
        "POST" => Answer::status(202).header("Location", "/up/1"),
        "PUT" if puts.fetch_add(1, Ordering::SeqCst) == 0 => Answer::status(503),
        _ => Answer::status(201),
    });
    repository(&server.reference("app"))
        .push(&blob(b"hello"), Payload::bytes("hello"))
        .await
        .unwrap();
    let bodies: Vec<_> = server
        .requests()
        .iter()
        .skip(1)
        .map(|request| request.body.clone())
        .collect();
    assert_eq!(bodies, ["hello", "hello"]);
}

#[tokio::test]
async fn a_mount_is_made_declined_or_an_error() {
    let hello = blob(b"hello");
    for (status, expected) in [
        (201, Some(Mounted::Mounted)),
        (403, Some(Mounted::Declined)),
        (404, Some(Mounted::Declined)),
        (405, Some(Mounted::Declined)),
        (501, None),
    ] {
        let server = FaultServer::start(move |_| Answer::status(status));
        let outcome = repository(&server.reference("app"))
            .mount(&hello, "other/name")
            .await;
        assert_eq!(outcome.ok(), expected, "{status}");
        let line = format!(
            "POST /v2/app/blobs/uploads/?mount={}&from=other/name",
            hello.digest
        );
        assert_eq!(server.request_lines()[0], line);
    }
    let server = taking("/up/9");
    let outcome = repository(&server.reference("app"))
        .mount(&hello, "other")
        .await
        .unwrap();
    assert_eq!(outcome, Mounted::Declined);
    assert_eq!(server.request_lines()[1], "DELETE /up/9");
}

/// Tells when it is opened, and then never gives a byte.
struct Stuck(Arc<tokio::sync::Notify>);

#[async_trait::async_trait]
impl Open for Stuck {
    async fn open(&self, _: u64) -> Result<ByteStream, Error> {
        self.0.notify_one();
        Ok(futures_util::stream::pending().boxed())
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_cancelled_in_the_background() {
    let server = taking("/up/1");
    let opened = Arc::new(tokio::sync::Notify::new());
    let app = repository(&server.reference("app"));
    let payload = Payload::new(Stuck(Arc::clone(&opened)));
    let hello = blob(b"hello");
    tokio::select! {
        outcome = app.push(&hello, payload) => panic!("{outcome:?}"),
        () = opened.notified() => {}
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !server.request_lines().contains(&"DELETE /up/1".to_owned()) {
        assert!(
            std::time::Instant::now() < deadline,
            "{:?}",
            server.request_lines()
        );
        tokio::task::yield_now().await;
    }
}
