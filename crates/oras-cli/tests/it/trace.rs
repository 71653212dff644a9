//! `--debug`, warnings of registries, and `--verbose`.

use std::fs;

use oras_testkit::command::Output;
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer, Length};
use oras_testkit::fixture::Graph;
use tempfile::TempDir;

use crate::oras_in;

/// One entry of the log, without its time.
#[derive(Debug, PartialEq)]
struct Entry {
    level: String,
    text: String,
}

/// The log on standard error, and what else is there.
fn log(out: &Output) -> (Vec<Entry>, String) {
    let mut entries = Vec::new();
    let mut rest = String::new();
    let mut open: Option<Entry> = None;
    for line in out.stderr.split_inclusive('\n') {
        let head = line.strip_prefix('[').and_then(|line| {
            let (time, line) = line.split_once("][")?;
            let (level, text) = line.split_once("]: ")?;
            assert!(is_time(time), "{time}");
            let (level, text) = (level.to_owned(), text.to_owned());
            Some(Entry { level, text })
        });
        if head.is_some() {
            open = head;
        } else if let Some(entry) = &mut open {
            entry.text.push_str(line);
        } else {
            rest.push_str(line);
        }
        // Two blank lines end an entry.
        if let Some(entry) = open.take_if(|entry| entry.text.ends_with("\n\n\n")) {
            entries.push(entry);
        }
    }
    assert_eq!(open, None, "an entry has no end: {}", out.all());
    (entries, rest)
}

/// RFC 3339, with at most nine digits of a fraction and no zero at its end.
fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    let zone = time.find(['Z', '+', '-']).unwrap_or(0);
    let (clock, _) = time.split_at(zone);
    let fraction = clock.split_once('.').map_or("1", |(_, fraction)| fraction);
    date.len() == 10
        && clock.starts_with(|c: char| c.is_ascii_digit())
        && fraction.len() <= 9
        && !fraction.ends_with('0')
}

/// A registry that gives one answer to whoever wants a manifest.
fn answering(answer: Answer) -> FaultServer {
    FaultServer::start(move |_| answer.clone())
}

fn body_of(entry: &Entry) -> &str {
    let (_, body) = entry.text.split_once("< Response body:\n").unwrap();
    body.strip_suffix("\n\n\n").unwrap()
}

#[test]
fn bodies_are_shown_as_far_as_they_may_be() {
    let dir = TempDir::new().unwrap();
    let long = "x".repeat(16384);
    let cut = format!("{long}\n...(truncated)");
    let cases = [
        (Answer::ok("application/json", r#"{"a":1}"#), r#"{"a":1}"#),
        (Answer::ok("text/plain; charset=utf-8", "hi"), "hi"),
        (Answer::ok("TEXT/HTML", "<p>"), "<p>"),
        (
            Answer::ok("application/vnd.oci.image.manifest.v1+json", "{}"),
            "{}",
        ),
        (
            Answer::ok("application/octet-stream", "x"),
            "   Response body of content type \"application/octet-stream\" is not printed",
        ),
        (
            Answer::status(200).body("x"),
            "   Response body without a content type is not printed",
        ),
        (
            Answer::ok("application/json", ""),
            "   No response body to print",
        ),
        (
            Answer::ok("application/json", "").length(Length::Chunked),
            "   Response body is empty",
        ),
        (
            Answer::ok("application/json", r#"{"token":"secret-one"}"#),
            "   Response body redacted due to potential credentials",
        ),
        (
            Answer::ok("application/json", r#"{"access_token":"secret-one"}"#),
            "   Response body redacted due to potential credentials",
        ),
        (Answer::ok("text/plain", long.clone()), &long),
        (Answer::ok("text/plain", format!("{long}y")), &cut),
        (
            Answer::ok("text/plain", "a\u{1b}[2Jb\tc\nd"),
            "a?[2Jb\tc\nd",
        ),
    ];
    for (answer, expected) in cases {
        let server = answering(answer);
        let reference = server.reference("app:v1");
        let out = oras_in(dir.path()).run(["manifest", "fetch", "--debug", &reference]);
        let (entries, _) = log(&out);
        let response = entries
            .iter()
            .find(|entry| entry.text.starts_with("<-- Response #0\n"));
        assert_eq!(body_of(response.unwrap()), expected, "{}", out.all());
        assert!(!out.stderr.contains("secret-one"), "{}", out.all());
    }
}

#[test]
fn an_exchange_is_two_entries_without_any_secret() {
    let mut graph = Graph::new();
    let file = graph.file("hi.txt", "test/hi", "hi");
    let artifact = graph.artifact("test/thing", &[&file], None);
    let registry = FakeRegistry::new(graph).tag("v1", &artifact);
    let server = FaultServer::start(move |request| match request.header("authorization") {
        None => Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        Some(_) => registry
            .answer(request)
            .header("Set-Cookie", "secret-cookie"),
    });
    let dir = TempDir::new().unwrap();
    let reference = server.reference("app:v1");
    let words = [
        "resolve",
        "--debug",
        "-u",
        "me",
        "-p",
        "secret-word",
        "-H",
        "X-One: two",
        &reference,
    ];
    let out = oras_in(dir.path()).run(words).ok();
    let (entries, _) = log(&out);
    let url = format!("{}/v2/app/manifests/v1", server.url());
    let heads: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {}", entry.level, entry.text.lines().next().unwrap()))
        .collect();
    let expected = [
        "--> Request #0",
        "<-- Response #0",
        "--> Request #1",
        "<-- Response #1",
    ];
    assert_eq!(
        heads,
        expected.map(|head| format!("DEBUG {head}")),
        "{}",
        out.all()
    );
    let second: Vec<&str> = entries[2].text.lines().collect();
    assert_eq!(second[1], format!("> Request URL: \"{url}\""));
    assert_eq!(second[2], "> Request method: \"HEAD\"");
    assert_eq!(second[3], "> Request headers:");
    for line in [
        "   \"User-Agent\": \"oras/1.3.3\"",
        "   \"Authorization\": \"*****\"",
        "   \"X-One\": \" two\"",
    ] {
        assert!(second.contains(&line), "{line} in {second:?}");
    }
    let first: Vec<&str> = entries[1].text.lines().collect();
    assert_eq!(first[1], "< Response Status: \"401 Unauthorized\"");
    let answer = &entries[3].text;
    assert!(
        answer.contains("\n   \"Set-Cookie\": \"*****\"\n"),
        "{answer}"
    );
    assert!(
        answer.contains("\n< Response Status: \"200 OK\"\n< Response headers:\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with("\n< Response body:\n   No response body to print\n\n\n"),
        "{answer}"
    );
    for secret in ["secret-word", "secret-cookie", "bWU6c2VjcmV0LXdvcmQ"] {
        assert!(!out.stderr.contains(secret), "{}", out.all());
    }
    assert!(
        !oras_in(dir.path())
            .run(&words[..1])
            .stderr
            .contains("Request")
    );
}

#[test]
fn redirects_are_exchanges_of_their_own_and_both_registries_share_the_numbers() {
    let mut graph = Graph::new();
    let file = graph.file("hi.txt", "test/hi", "hi");
    let artifact = graph.artifact("test/thing", &[&file], None);
    let elsewhere = FakeRegistry::new(graph.clone()).serve();
    let registry = FakeRegistry::new(graph).tag("v1", &artifact);
    let url = elsewhere.url();
    let source = FaultServer::start(move |request| {
        match request.method == "GET" && request.is_blob(&file.digest) {
            true => Answer::status(307).header("Location", format!("{url}{}", request.target)),
            false => registry.answer(request),
        }
    });
    let target = FakeRegistry::new(Graph::new()).serve();
    let dir = TempDir::new().unwrap();
    let (from, to) = (source.reference("app:v1"), target.reference("app:v1"));
    let out = oras_in(dir.path()).run(["cp", "--debug", &from, &to]).ok();
    let (entries, _) = log(&out);
    let requests = || {
        let heads = entries
            .iter()
            .filter_map(|entry| entry.text.strip_prefix("--> Request #"));
        heads.map(|head| head.split_once("\n> Request URL: ").unwrap())
    };
    let mut numbers: Vec<usize> = requests()
        .map(|(number, _)| number.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert_eq!(
        entries.len(),
        2 * numbers.len(),
        "every request is answered"
    );
    for server in [&source, &elsewhere, &target] {
        let asked =
            requests().filter(|(_, rest)| rest.starts_with(&format!("\"{}/", server.url())));
        assert_eq!(asked.count(), server.requests().len(), "{}", out.all());
    }
}

#[test]
fn a_connection_that_fails_is_an_error_in_the_log() {
    let dir = TempDir::new().unwrap();
    let out = oras_in(dir.path())
        .run(["resolve", "--debug", "localhost:1/app:v1"])
        .fails();
    let (entries, rest) = log(&out);
    let failed = entries.iter().find(|entry| entry.level == "ERROR").unwrap();
    let text = failed.text.trim_end();
    assert!(
        text.starts_with("<-- Response #0\nError in getting response: dial tcp "),
        "{text}"
    );
    assert!(text.ends_with(":1: connect: connection refused"), "{text}");
    assert!(
        rest.lines().last().unwrap().starts_with("Error: "),
        "the error comes last: {}",
        out.all()
    );
}

#[test]
fn a_warning_is_told_once_per_registry_with_and_without_debug() {
    let serve = || {
        let mut graph = Graph::new();
        let file = graph.file("hi.txt", "test/hi", "hi");
        let artifact = graph.artifact("test/thing", &[&file], None);
        let registry = FakeRegistry::new(graph).tag("v1", &artifact);
        FaultServer::start(move |request| {
            let answer = registry.answer(request);
            answer
                .header("Warning", "299 - \"please upgrade\"")
                .header("Warning", "299 other \"not for us\"")
        })
    };
    let (source, target) = (serve(), serve());
    let dir = TempDir::new().unwrap();
    for debug in ["--debug", "--debug=false"] {
        let (from, to) = (source.reference("app:v1"), target.reference("app:v2"));
        let out = oras_in(dir.path()).run(["cp", debug, &from, &to]).ok();
        let (entries, rest) = log(&out);
        let mut warnings: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.level == "WARNING")
            .map(|entry| entry.text.as_str())
            .collect();
        warnings.sort_unstable();
        let mut expected = [&source, &target].map(|server| {
            format!(
                "please upgrade\n[Data]:\n  registry={}\n\n\n",
                server.addr()
            )
        });
        expected.sort_unstable();
        assert_eq!(warnings, expected, "{}", out.all());
        assert_eq!(
            rest.lines()
                .filter(|line| !line.starts_with("hashed "))
                .count(),
            0,
            "{rest}"
        );
    }
}

#[test]
fn looking_for_the_tags_of_a_digest_is_experimental() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hi.txt"), "hi").unwrap();
    let oras = oras_in(dir.path());
    let pushed = oras.run(["push", "--oci-layout", "lay:v1", "hi.txt"]).ok();
    let digest = pushed
        .stdout
        .lines()
        .last()
        .unwrap()
        .replace("Digest: ", "");
    let out = oras.run(["repo", "tags", "--oci-layout", "lay:v1"]).ok();
    assert_eq!(out.stdout, "v1\n");
    let (_, text) = out.stderr.split_once("][WARNING]: ").unwrap();
    assert_eq!(
        text,
        format!(
            "[Experimental] querying tags associated to {digest}, it may take a while...\n\n\n\n"
        )
    );
    assert_eq!(
        oras.run(["repo", "tags", "--oci-layout", "lay"])
            .ok()
            .stderr,
        ""
    );
}

#[test]
fn verbose_is_deprecated_each_time_it_is_given() {
    let notice = "Flag --verbose has been deprecated, and will be removed in a future release.\n";
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hi.txt"), "hi").unwrap();
    let oras = oras_in(dir.path());
    let push = |flags: &[&str]| {
        // Nothing is there before.
        drop(fs::remove_dir_all(dir.path().join("lay")));
        oras.run([&["push", "--oci-layout", "lay:v1", "hi.txt"], flags].concat())
    };
    for (flags, times) in [
        (&["-v"][..], 1),
        (&["--verbose"], 1),
        (&["--verbose=true", "-v"], 2),
    ] {
        let out = push(flags).ok();
        assert_eq!(out.stderr, notice.repeat(times), "{}", out.all());
        assert!(out.stdout.contains(" hi.txt\n") && out.stdout.contains("vnd.oci.empty.v1+json\n"));
    }
    let quiet = push(&["--verbose=false"]).ok();
    assert_eq!(quiet.stderr, notice);
    assert!(
        !quiet.stdout.contains("vnd.oci.empty.v1+json\n"),
        "{}",
        quiet.all()
    );
    let blob = oras
        .run([
            "blob",
            "push",
            "--oci-layout",
            "lay2",
            "hi.txt",
            "--verbose=false",
        ])
        .ok();
    assert!(blob.stdout.starts_with("Pushed: "), "{}", blob.all());
    // After the flags are read and before anything else is checked.
    let no_arguments = oras.run(["push", "-v"]).fails();
    assert!(
        no_arguments.stderr.starts_with(&format!("{notice}Error: ")),
        "{}",
        no_arguments.all()
    );
    let bad_flag = oras.run(["push", "-v", "--nope"]).fails();
    assert!(!bad_flag.stderr.contains(notice), "{}", bad_flag.all());
}
