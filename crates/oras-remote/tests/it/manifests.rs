//! The trust table for manifests, and errors of registries.

use std::sync::{Arc, Mutex};

use oras_content::{Content, Error, ErrorKind, Fetch, FetchReference, Payload, Push, Resolve};
use oras_remote::Warning;
use oras_spec::{Algorithm, Descriptor, Digest, media_type};
use oras_testkit::fault::{Answer, FaultServer, Length};

use crate::support::{artifact, blob, builder, repository};

fn honest() -> (Descriptor, Answer) {
    let (descriptor, bytes) = artifact("test/x", None);
    let answer = Answer::ok(media_type::IMAGE_MANIFEST, bytes)
        .header("Docker-Content-Digest", descriptor.digest.as_str());
    (descriptor, answer)
}

async fn resolve(answer: Answer, reference: &str) -> Result<Descriptor, Error> {
    let server = FaultServer::start(move |_| answer.clone());
    repository(&server.reference("app"))
        .resolve(reference)
        .await
}

async fn get(answer: Answer, reference: &str) -> Result<Content, Error> {
    let server = FaultServer::start(move |_| answer.clone());
    repository(&server.reference("app"))
        .fetch_reference(reference)
        .await
}

/// The error's text behind the request's.
fn tail(error: &Error) -> String {
    let text = error.chain();
    match text.split_once("\": ") {
        Some((_, tail)) => tail.to_owned(),
        None => text,
    }
}

#[tokio::test]
async fn manifests_are_asked_for_by_their_types_in_order() {
    let (descriptor, answer) = honest();
    let server = FaultServer::start(move |_| answer.clone());
    let app = repository(&server.reference("app"));
    app.resolve("v1").await.unwrap();
    app.fetch(&descriptor).await.unwrap();
    app.clone()
        .with_accept(vec!["a/b".into(), "c/d".into()])
        .resolve("v1")
        .await
        .unwrap();
    let accepted: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("accept").unwrap().to_owned())
        .collect();
    let all = "application/vnd.docker.distribution.manifest.v2+json, \
               application/vnd.docker.distribution.manifest.list.v2+json, \
               application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
               application/vnd.oci.artifact.manifest.v1+json";
    assert_eq!(accepted, [all, media_type::IMAGE_MANIFEST, "a/b, c/d"]);
}

#[tokio::test]
async fn the_head_of_a_manifest_is_believed_or_its_body_is_hashed() {
    let (descriptor, answer) = honest();
    let with_parameters = format!("{}; charset=utf-8", media_type::IMAGE_MANIFEST);
    for answer in [
        answer.clone(),
        answer.clone().with_header("Content-Type", with_parameters),
        answer.clone().with_header("Docker-Content-Digest", ""),
        answer.clone().length(Length::Chunked),
    ] {
        for reference in ["v1", descriptor.digest.as_str()] {
            assert_eq!(
                resolve(answer.clone(), reference).await.unwrap(),
                descriptor
            );
        }
    }
}

#[tokio::test]
async fn a_registry_that_knows_no_head_is_asked_with_get() {
    let (descriptor, answer) = honest();
    for head in [
        Answer::status(405),
        Answer::status(404).header("Content-Type", "text/html"),
    ] {
        let answer = answer.clone();
        let server = FaultServer::start(move |request| match request.method.as_str() {
            "HEAD" => head.clone(),
            _ => answer.clone(),
        });
        assert_eq!(
            repository(&server.reference("app"))
                .resolve("v1")
                .await
                .unwrap(),
            descriptor
        );
    }
}

#[tokio::test]
async fn another_digest_than_asked_for_is_refused() {
    let (descriptor, answer) = honest();
    let other = blob(b"other").digest;
    let error = resolve(answer.clone(), other.as_str()).await.unwrap_err();
    let expected = format!(
        "invalid response; digest mismatch in Docker-Content-Digest: received \"{}\" when expecting \"{other}\"",
        descriptor.digest
    );
    assert_eq!(tail(&error), expected);
    assert_eq!(
        tail(&get(answer.clone(), other.as_str()).await.unwrap_err()),
        expected
    );

    let silent = answer.clone().with_header("Docker-Content-Digest", "");
    let error = get(silent, other.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    assert_eq!(tail(&error), "mismatched digest");

    let liar = answer
        .clone()
        .with_header("Docker-Content-Digest", other.as_str());
    assert_eq!(
        get(liar, "v1").await.unwrap_err().kind(),
        ErrorKind::DigestMismatch
    );

    let nonsense = answer.with_header("Docker-Content-Digest", "sha256:zz");
    for error in [
        resolve(nonsense.clone(), "v1").await.unwrap_err(),
        get(nonsense, "v1").await.unwrap_err(),
    ] {
        assert!(
            tail(&error).starts_with("invalid response header value: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_digest_of_another_algorithm_is_no_contradiction() {
    let (_, answer) = honest();
    let sha512 = Digest::of(Algorithm::Sha512, &answer.bytes());
    let content = get(answer.clone(), sha512.as_str()).await.unwrap();
    assert_eq!(content.descriptor().digest, sha512);
    assert_eq!(
        resolve(answer, sha512.as_str()).await.unwrap().digest,
        sha512
    );
}

#[tokio::test]
async fn what_is_no_manifest_is_named() {
    let page = Answer::ok("text/html; charset=utf-8", "<html>sign in</html>");
    for error in [
        resolve(page.clone(), "v1").await.unwrap_err(),
        get(page, "v1").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(tail(&error), "the answer is a web page, not a manifest");
    }
    let text = Answer::ok(media_type::IMAGE_MANIFEST, "not json");
    assert!(
        tail(&get(text, "v1").await.unwrap_err()).starts_with("the answer is not a manifest: ")
    );
    let huge = Answer::ok(media_type::IMAGE_MANIFEST, vec![b' '; (4 << 20) + 1]);
    for answer in [huge.clone(), huge.length(Length::Chunked)] {
        assert_eq!(
            get(answer, "v1").await.unwrap_err().kind(),
            ErrorKind::SizeLimit
        );
    }
}

#[tokio::test]
async fn a_missing_content_type_is_found_in_the_manifest() {
    let (descriptor, answer) = honest();
    let answer = Answer::status(200).body(answer.bytes());
    assert_eq!(
        get(answer.clone(), "v1").await.unwrap().descriptor(),
        &descriptor
    );
    assert_eq!(resolve(answer, "v1").await.unwrap(), descriptor);
}

#[tokio::test]
async fn a_manifest_of_another_type_than_described_is_refused() {
    let (mut descriptor, answer) = honest();
    descriptor.media_type = media_type::DOCKER_MANIFEST.to_owned();
    let server = FaultServer::start(move |_| answer.clone());
    let error = repository(&server.reference("app"))
        .fetch(&descriptor)
        .await
        .unwrap_err();
    assert!(
        tail(&error).starts_with("mismatch response Content-Type"),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_that_contradicts_its_content_type_is_refused() {
    let body = format!(r#"{{"mediaType":"{}"}}"#, media_type::IMAGE_INDEX);
    let error = get(Answer::ok(media_type::IMAGE_MANIFEST, body.clone()), "v1").await;
    let expected = format!(
        r#"mismatch response Content-Type "{}": the manifest says "{}""#,
        media_type::IMAGE_MANIFEST,
        media_type::IMAGE_INDEX
    );
    assert_eq!(tail(&error.unwrap_err()), expected);
    // What is no type of manifest says nothing of what it is.
    get(Answer::ok("application/json", body), "v1")
        .await
        .unwrap();
}

#[tokio::test]
async fn references_are_read_relative_to_the_repository() {
    let app = repository("localhost:1/app");
    for (text, expected) in [
        ("", "invalid reference"),
        ("a b", r#"invalid reference: invalid tag "a b""#),
        (
            "sha256:00",
            r#"invalid reference: invalid digest "sha256:00": invalid checksum digest length"#,
        ),
        (
            "localhost:1/other:v1",
            r#"invalid reference: mismatch between received "localhost:1/other:v1" and expected "localhost:1/app""#,
        ),
    ] {
        assert_eq!(app.resolve(text).await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn the_registrys_errors_are_shown_as_it_sent_them() {
    let (descriptor, _) = honest();
    let bytes = artifact("test/x", None).1;
    for (answer, expected) in [
        (
            Answer::error(403, "DENIED", "not yours"),
            "response status code 403: denied: not yours",
        ),
        (
            Answer::status(400)
                .header("Content-Type", "text/html")
                .body("<html>"),
            "response status code 400: Bad Request",
        ),
        (Answer::status(200), "response status code 200: OK"),
        (
            Answer::status(413).body(vec![b'x'; 9000]),
            "response status code 413: Request Entity Too Large",
        ),
    ] {
        let server = FaultServer::start(move |_| answer.clone());
        let app = repository(&server.reference("app"));
        let error = app
            .push(&descriptor, Payload::bytes(bytes.clone()))
            .await
            .unwrap_err();
        let url = format!("{}/v2/app/manifests/{}", server.url(), descriptor.digest);
        assert_eq!(error.to_string(), format!("PUT \"{url}\": {expected}"));
        assert_eq!(error.response().unwrap().host, server.addr());
    }
    let unknown = Answer::error(404, "NAME_UNKNOWN", "who?");
    let error = get(unknown, "v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RepositoryNotFound);
    assert!(error.to_string().ends_with("/app:v1: not found"), "{error}");
    assert_eq!(error.registry_errors()[0].message, "who?");
}

#[tokio::test]
async fn an_unreachable_registry_is_named_in_the_words_of_the_reference_tool() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let app = repository(&format!("localhost:{port}/app"));
    let error = app.resolve("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "Head \"http://localhost:{port}/v2/app/manifests/v1\": "
        )),
        "{text}"
    );
}

#[tokio::test]
async fn each_warning_is_told_once_per_registry() {
    let (_, answer) = honest();
    let answer = answer
        .header("Warning", r#"299 - "please upgrade""#)
        .header("Warning", r#"299 - "second""#)
        .header("Warning", "nonsense");
    let servers = [(); 2].map(|()| {
        let answer = answer.clone();
        FaultServer::start(move |_| answer.clone())
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let client = builder().on_warning(Arc::new(move |warning: &Warning| {
        sink.lock().unwrap().push(warning.clone());
    }));
    let client = client.build().unwrap();
    for _ in 0..2 {
        for server in &servers {
            client
                .repository(&server.reference("app"))
                .unwrap()
                .resolve("v1")
                .await
                .unwrap();
        }
    }
    let told = told.lock().unwrap().clone();
    let texts: Vec<_> = told.iter().map(|warning| warning.text.as_str()).collect();
    assert_eq!(
        texts,
        ["please upgrade", "second", "please upgrade", "second"]
    );
    assert_eq!(told[0].registry, servers[0].addr());
    assert_eq!(told[2].registry, servers[1].addr());
}
