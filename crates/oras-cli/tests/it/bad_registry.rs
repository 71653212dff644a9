//! A registry that lies, breaks off or is no registry: one clear error, exit code 1, nothing left behind.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use oras_spec::Descriptor;
use oras_testkit::command::{Oras, Output};
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer, Length, Request};
use oras_testkit::fixture::Graph;
use tempfile::TempDir;

use crate::bad_input::fails_cleanly;
use crate::oras_in;

const CONTENT: &str = "the content of a file, long enough to be cut";

/// Pulls an artifact of one file from a registry whose answers for the file, or for manifests, go through `lie`: this fails.
fn pull_with(concerns: Concerns, lie: impl Fn(Answer) -> Answer + Send + Sync + 'static) -> Output {
    pull(concerns, lie, |oras, dir, reference| {
        fails_cleanly(oras, dir, &["pull", reference])
    })
}

fn pull(
    concerns: Concerns,
    lie: impl Fn(Answer) -> Answer + Send + Sync + 'static,
    run: impl Fn(&Oras, &Path, &str) -> Output,
) -> Output {
    let mut graph = Graph::new();
    let file = graph.file("file.txt", "text/plain", CONTENT);
    let artifact = graph.artifact("test/thing", &[&file], None);
    let registry = FakeRegistry::new(graph).tag("v1", &artifact);
    let server = FaultServer::start(move |request| {
        let answer = registry.answer(request);
        if concerns.covers(request, &file) {
            lie(answer)
        } else {
            answer
        }
    });
    let dir = TempDir::new().unwrap();
    run(
        &oras_in(dir.path()),
        dir.path(),
        &server.reference("app:v1"),
    )
}

#[derive(Clone, Copy)]
enum Concerns {
    File,
    Manifest,
    Everything,
}

impl Concerns {
    fn covers(self, request: &Request, file: &Descriptor) -> bool {
        match self {
            Self::File => request.is_blob(&file.digest),
            Self::Manifest => request.is_manifest(),
            Self::Everything => true,
        }
    }
}

/// Without this the tests below would show nothing.
#[test]
fn an_honest_answer_is_pulled() {
    pull(
        Concerns::Everything,
        |answer| answer,
        |oras, dir, reference| {
            let out = oras.run(["pull", reference]).ok();
            assert_eq!(
                std::fs::read_to_string(dir.join("file.txt")).unwrap(),
                CONTENT
            );
            out
        },
    );
}

#[test]
fn other_content_under_the_digest_is_refused() {
    let out = pull_with(Concerns::File, |answer| {
        answer.body(CONTENT.replace('c', "k"))
    });
    out.complains(["file.txt", "mismatched digest"]);
}

#[test]
fn a_body_that_breaks_off_is_continued() {
    let cut = |answer: Answer| answer.cut_after(20);
    pull(Concerns::File, cut, |oras, dir, reference| {
        let out = oras.run(["pull", reference]).ok();
        assert_eq!(
            std::fs::read_to_string(dir.join("file.txt")).unwrap(),
            CONTENT
        );
        out
    });
}

#[test]
fn a_body_that_breaks_off_and_never_goes_on_is_refused() {
    let gone = AtomicBool::new(false);
    pull_with(Concerns::File, move |answer| {
        let first = !gone.swap(true, Ordering::AcqRel);
        answer.cut_after(if first { 10 } else { 0 })
    });
}

#[test]
fn a_body_shorter_than_declared_is_refused() {
    pull_with(Concerns::File, |answer| answer.body("short"));
    pull_with(Concerns::File, |answer| {
        answer.body("short").length(Length::Chunked)
    });
    pull_with(Concerns::File, |answer| {
        answer.body("short").length(Length::Untold)
    });
}

#[test]
fn a_body_longer_than_declared_is_refused() {
    let long = || format!("{CONTENT} and more");
    pull_with(Concerns::File, move |answer| answer.body(long()));
    pull_with(Concerns::File, move |answer| {
        answer.body(long()).length(Length::Chunked)
    });
    pull_with(Concerns::File, move |answer| {
        answer.body(long()).length(Length::Untold)
    });
}

#[test]
fn a_manifest_that_is_not_json_is_refused() {
    let body = "this is no JSON";
    let out = pull_with(Concerns::Manifest, move |answer| {
        let digest = Graph::new().blob("text/plain", body).digest;
        answer
            .body(body)
            .with_header("Docker-Content-Digest", digest.as_str())
    });
    assert!(
        !out.stderr.contains("EOF while"),
        "words of a library: {}",
        out.stderr
    );
}

#[test]
fn a_manifest_with_another_digest_than_the_header_says_is_refused() {
    pull_with(Concerns::Manifest, |answer| {
        let body = format!("{} ", String::from_utf8_lossy(&answer.bytes()));
        answer.body(body)
    });
}

#[test]
fn a_missing_blob_is_named() {
    let out = pull_with(Concerns::File, |_| {
        Answer::error(404, "BLOB_UNKNOWN", "blob unknown to registry")
    });
    out.complains(["Error response from registry", "not found"]);
}

#[test]
fn a_page_of_html_is_no_registry() {
    let page = "<!DOCTYPE html><html><body>Sign in to the guest network</body></html>";
    let out = pull_with(Concerns::Everything, move |_| {
        Answer::ok("text/html; charset=utf-8", page)
    });
    assert!(
        !out.stderr.contains("<html>"),
        "the page is nothing for a terminal: {}",
        out.stderr
    );
    let out = pull_with(Concerns::Everything, move |_| {
        Answer::ok("text/html", page)
            .body(page)
            .length(Length::Chunked)
    });
    assert!(
        !out.stderr.contains("<html>"),
        "the page is nothing for a terminal: {}",
        out.stderr
    );
    let out = pull_with(Concerns::Everything, move |_| {
        Answer::status(502)
            .header("Content-Type", "text/html")
            .body(page)
    });
    out.complains(["502"]);
}

#[test]
fn what_a_registry_refuses_is_told_in_its_words() {
    let out = pull_with(Concerns::Manifest, |_| {
        Answer::error(403, "DENIED", "not for you")
    });
    assert_eq!(
        out.stderr,
        "Error response from registry: denied: not for you\n"
    );
}

#[test]
fn a_push_that_breaks_off_is_an_error_and_no_tag_is_written() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    std::fs::write(dir.path().join("file.txt"), CONTENT).unwrap();
    let registry = FakeRegistry::new(Graph::new());
    let server = FaultServer::start(move |request| match request.method.as_str() {
        "PUT" if request.path().contains("/blobs/") => {
            Answer::error(400, "BLOB_UPLOAD_INVALID", "try another day")
        }
        _ => registry.answer(request),
    });
    let out = fails_cleanly(
        &oras,
        dir.path(),
        &["push", &server.reference("app:v1"), "file.txt"],
    );
    out.complains(["try another day"]);
    assert!(
        server
            .request_lines()
            .iter()
            .all(|line| !line.starts_with("PUT /v2/app/manifests/"))
    );
}
