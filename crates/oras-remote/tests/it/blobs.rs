//! Reading blobs from registries that break off, lie about ranges and lengths.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt;
use oras_content::{Error, ErrorKind, Fetch};
use oras_spec::Descriptor;
use oras_testkit::fault::{Answer, FaultServer, Length, Request};
use oras_testkit::fixture::noise;

use crate::support::{blob, read, repository};

fn whole(bytes: &Bytes) -> Answer {
    Answer::ok("application/octet-stream", bytes.clone())
}

/// The part that a request with a range asks for.
fn part(request: &Request, bytes: &Bytes) -> Answer {
    let range = request
        .header("range")
        .unwrap()
        .strip_prefix("bytes=")
        .unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    Answer::status(206)
        .header(
            "Content-Range",
            format!("bytes {first}-{last}/{}", bytes.len()),
        )
        .body(bytes.slice(first..=last))
}

async fn fetch_all(server: &FaultServer, descriptor: &Descriptor) -> Result<Bytes, Error> {
    let content = repository(&server.reference("app"))
        .fetch(descriptor)
        .await?;
    content.bytes(1 << 20).await
}

async fn tail(
    server: &FaultServer,
    descriptor: &Descriptor,
    offset: u64,
) -> Result<Vec<u8>, Error> {
    let stream = repository(&server.reference("app"))
        .fetch_from(descriptor, offset)
        .await?;
    let pieces: Vec<Bytes> = stream.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_broke() {
    let bytes = Bytes::from(noise(1, 300_000));
    let descriptor = blob(&bytes);
    let server = FaultServer::start({
        let bytes = bytes.clone();
        move |request| match request.header("range") {
            None => whole(&bytes).cut_after(100_000),
            Some(_) => part(request, &bytes).cut_after(100_000),
        }
    });
    assert_eq!(fetch_all(&server, &descriptor).await.unwrap(), bytes);
    let ranges: Vec<_> = server
        .requests()
        .iter()
        .filter_map(|r| r.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, ["bytes=100000-299999", "bytes=200000-299999"]);
}

#[tokio::test]
async fn a_download_that_can_not_go_on_ends_in_one_error() {
    for (name, resumed) in [
        ("another whole", whole(&Bytes::from_static(b"0123456789x"))),
        (
            "another range",
            Answer::status(206)
                .header("Content-Range", "bytes 0-4/10")
                .body("01234"),
        ),
        (
            "another size",
            Answer::status(206)
                .header("Content-Range", "bytes 4-10/11")
                .body("456789x"),
        ),
        ("no range", Answer::status(206).body("456789")),
        ("error", Answer::status(416)),
    ] {
        let bytes = Bytes::from_static(b"0123456789");
        let server = FaultServer::start(move |request| match request.header("range") {
            None => whole(&bytes).cut_after(4),
            Some(_) => resumed.clone(),
        });
        let error = fetch_all(&server, &blob(b"0123456789")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{name}");
        assert!(
            error.to_string().ends_with(": unexpected EOF"),
            "{name}: {error}"
        );
        assert_eq!(server.requests().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn without_ranges_a_broken_download_is_read_again_and_not_forever() {
    let bytes = Bytes::from_static(b"0123456789");
    let descriptor = blob(&bytes);
    for (ends, expected) in [([4, 3, 6, 10], Some(4)), ([4, 5, 6, 7], None)] {
        let asked = AtomicUsize::new(0);
        let bytes = bytes.clone();
        let server = FaultServer::start(move |_| {
            let turn = asked.fetch_add(1, Ordering::Relaxed);
            match ends.get(turn) {
                Some(10) => whole(&bytes),
                end => whole(&bytes).cut_after(end.copied().unwrap_or(8)),
            }
        });
        let fetched = fetch_all(&server, &descriptor).await;
        match expected {
            Some(requests) => {
                assert_eq!(fetched.unwrap(), "0123456789");
                assert_eq!(server.requests().len(), requests);
            }
            None => {
                assert_eq!(fetched.unwrap_err().kind(), ErrorKind::Network);
                assert_eq!(server.requests().len(), 5);
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_another_length_is_refused() {
    let server = FaultServer::start(|_| Answer::ok("application/octet-stream", "hello!"));
    let error = fetch_all(&server, &blob(b"hello")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeMismatch);
    assert!(
        error.to_string().ends_with(": mismatch Content-Length"),
        "{error}"
    );

    for (body, text) in [
        ("hello!", "trailing data"),
        ("hell", "unexpected EOF"),
        ("HELLO", "mismatched digest"),
    ] {
        let server = FaultServer::start(move |_| {
            Answer::ok("application/octet-stream", body).length(Length::Chunked)
        });
        let error = fetch_all(&server, &blob(b"hello")).await.unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test]
async fn another_digest_in_the_header_is_refused() {
    let other = blob(b"other").digest;
    let server = FaultServer::start(move |_| {
        Answer::ok("application/octet-stream", "hello")
            .header("Docker-Content-Digest", other.as_str())
    });
    let error = fetch_all(&server, &blob(b"hello")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    let expected = format!(
        "invalid response; digest mismatch in Docker-Content-Digest: received \"{}\" when expecting \"{}\"",
        blob(b"other").digest,
        blob(b"hello").digest
    );
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[tokio::test]
async fn reading_from_an_offset_works_with_and_without_ranges() {
    let bytes = Bytes::from_static(b"0123456789");
    let ranges = FaultServer::start({
        let bytes = bytes.clone();
        move |request| part(request, &bytes)
    });
    assert_eq!(tail(&ranges, &blob(&bytes), 4).await.unwrap(), b"456789");
    assert_eq!(tail(&ranges, &blob(&bytes), 10).await.unwrap(), b"");
    let no_ranges = FaultServer::start({
        let bytes = bytes.clone();
        move |_| whole(&bytes)
    });
    assert_eq!(tail(&no_ranges, &blob(&bytes), 4).await.unwrap(), b"456789");
    let liar = FaultServer::start(|_| {
        Answer::status(206)
            .header("Content-Range", "bytes 0-9/10")
            .body("0123456789")
    });
    let error = tail(&liar, &blob(&bytes), 4).await.unwrap_err();
    assert!(
        error.to_string().contains("mismatch Content-Range"),
        "{error}"
    );
}

#[tokio::test]
async fn a_registry_without_head_is_asked_with_get() {
    let server = FaultServer::start(|request| match request.method.as_str() {
        "HEAD" => Answer::status(405),
        _ => Answer::ok("text/x-hello; charset=utf-8", "hello"),
    });
    let repository = repository(&server.reference("app"));
    let hello = blob(b"hello");
    assert!(repository.exists(&hello).await.unwrap());
    let found = repository
        .resolve_blob(hello.digest.as_str())
        .await
        .unwrap();
    assert_eq!((found.media_type.as_str(), found.size), ("text/x-hello", 5));
}

#[tokio::test]
async fn a_blob_of_unknown_length_is_an_error_unless_the_head_knows() {
    let server = FaultServer::start(|request| match request.method.as_str() {
        "HEAD" => Answer::ok("application/octet-stream", "hello"),
        _ => Answer::ok("application/octet-stream", "hello").length(Length::Chunked),
    });
    let digest = blob(b"hello").digest;
    let content = repository(&server.reference("app"))
        .fetch_blob_reference(digest.as_str())
        .await
        .unwrap();
    assert_eq!(read(content).await.unwrap(), "hello");
    let server = FaultServer::start(|_| {
        Answer::ok("application/octet-stream", "hello").length(Length::Chunked)
    });
    let outcome = repository(&server.reference("app"))
        .resolve_blob(digest.as_str())
        .await;
    let text = outcome.unwrap_err().to_string();
    assert!(
        text.ends_with(": unknown response Content-Length"),
        "{text}"
    );
}
