//! What people see in a terminal while content moves, and what is left of it.

use std::fs;
use std::path::Path;

use oras_testkit::command::{Ended, Invocation};
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::{Graph, TarEntry};
use tempfile::TempDir;

use crate::{kill, oras_in};

/// Columns of a text that has no wide characters.
fn columns(line: &str) -> usize {
    line.chars().count()
}

/// Runs a call in a terminal of 80 columns, or skips the test.
macro_rules! in_terminal {
    ($call:expr) => {
        in_terminal!($call, 80, 24)
    };
    ($call:expr, $columns:expr, $rows:expr) => {
        match $call.in_terminal($columns, $rows) {
            Some(terminal) => terminal,
            None => return,
        }
    };
}

/// Asserts that a command succeeded and left a terminal to work with.
#[track_caller]
fn ok(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}", ended.screen);
    assert!(ended.cursor, "the cursor is gone: {:?}", ended.raw);
    ended
}

/// A server that cuts content of more than a MiB in the middle, and then never answers to who wants the rest.
fn stalling() -> FaultServer {
    let mut graph = Graph::new();
    let file = graph.file("big.bin", "test/big", BIG.to_vec());
    let artifact = graph.artifact("test/thing", &[&file], None);
    let noise =
        (0..1u64 << 18).flat_map(|n| (n * n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let big = TarEntry::file("docs/big.bin", noise.collect::<Vec<_>>());
    let folder = graph.folder("docs", &[TarEntry::folder("docs"), big]);
    let packed = graph.artifact("test/thing", &[&folder], None);
    let registry = FakeRegistry::new(graph)
        .tag("v1", &artifact)
        .tag("folder", &packed);
    let large = [file, folder];
    FaultServer::start(move |request| {
        let asked = large.iter().find(|large| request.is_blob(&large.digest));
        let Some(large) = asked.filter(|_| request.method == "GET") else {
            return registry.answer(request);
        };
        if request.header("range").is_some() {
            never();
        }
        let half = usize::try_from(large.size / 2 + 1).unwrap();
        registry.answer(request).cut_after(half)
    })
}

fn never() -> ! {
    loop {
        std::thread::park();
    }
}

/// What [`stalling`] has as `big.bin`.
static BIG: [u8; 2 << 20] = [7; 2 << 20];

fn stalling_digest() -> oras_spec::Digest {
    oras_spec::Digest::sha256(&BIG)
}

fn files(dir: &Path) -> Vec<String> {
    let items = fs::read_dir(dir).into_iter().flatten();
    items
        .map(|item| item.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

fn push(dir: &TempDir) -> Invocation {
    fs::write(dir.path().join("hi.txt"), "hi").unwrap();
    let created = "org.opencontainers.image.created=2000-01-01T00:00:00Z";
    oras_in(dir.path()).args(["push", "-a", created, "--oci-layout", "lay:v1", "hi.txt"])
}

#[test]
fn rows_replace_status_lines_and_the_summary_stays() {
    let dir = TempDir::new().unwrap();
    let ended = ok(in_terminal!(push(&dir)).wait());
    let lines: Vec<&str> = ended.screen.lines().collect();
    let digest_of = |name: &str| {
        let at = lines.iter().position(|line| line.contains(name)).unwrap();
        assert!(lines[at].starts_with("✓ Uploaded  "), "{}", ended.screen);
        assert!(lines[at].contains(" 100.00% "), "{}", ended.screen);
        assert_eq!(columns(lines[at]), 80, "{}", ended.screen);
        lines[at + 1].strip_prefix("  └─ ").unwrap().to_owned()
    };
    assert_eq!(
        digest_of("hi.txt"),
        oras_spec::Digest::sha256(b"hi").as_str()
    );
    assert!(lines.iter().any(|line| line.contains(" 2/2  B ")));
    let manifest = digest_of("application/vnd.oci.image.manifest.v1+json");
    let summary = &lines[lines.len() - 3..];
    assert_eq!(summary[0], "Pushed [oci-layout] lay:v1");
    assert_eq!(summary[2], format!("Digest: {manifest}"));
    assert_eq!(lines.len(), 3 * 2 + 3, "{}", ended.screen);

    let again = ok(in_terminal!(push(&dir)).wait());
    assert!(
        again
            .screen
            .contains("✓ Exists    application/vnd.oci.image.manifest.v1+json"),
        "{}",
        again.screen
    );
}

#[test]
fn nothing_is_wider_than_a_narrow_terminal() {
    for width in [40, 20, 8, 1] {
        let dir = TempDir::new().unwrap();
        let ended = ok(in_terminal!(push(&dir), width, 24).wait());
        let (drawn, _) = ended.raw.split_once("\u{1b}[?25h").unwrap();
        for part in drawn.split("\r\n") {
            let mut picture = String::new();
            let mut escape = false;
            for c in part.chars().filter(|c| *c != '\r') {
                match c {
                    '\u{1b}' => escape = true,
                    c if escape => escape = !c.is_ascii_alphabetic(),
                    c => picture.push(c),
                }
            }
            assert!(columns(&picture) <= width.into(), "{width}: {picture:?}");
        }
        assert!(width < 40 || ended.screen.contains("✓ Uploaded  hi.txt"));
    }
}

#[test]
fn it_is_drawn_where_standard_error_is_a_terminal_and_nothing_speaks_against_it() {
    let dir = TempDir::new().unwrap();
    ok(in_terminal!(push(&dir)).wait());
    let digest = oras_spec::Digest::sha256(b"hi");
    let blob = format!("lay@{digest}");
    let pull = ["pull", "--oci-layout", "lay:v1"];
    let fetch = ["blob", "fetch", "--oci-layout", &blob, "-o"];
    let cases: [(&[&str], &[&str], bool); 12] = [
        (&pull, &["-o", "out"], true),
        (&pull, &["-o", "out", "--no-tty"], false),
        (&pull, &["-o", "out", "--no-tty=false"], true),
        (&pull, &["-o", "out", "--debug"], false),
        (&pull, &["-o", "out", "--debug", "--no-tty=false"], false),
        (&pull, &["-o", "out", "--format", "json"], true),
        (&fetch, &["x"], true),
        (&fetch, &["x", "--no-tty"], false),
        (&fetch, &["-"], false),
        (&fetch, &["-", "--no-tty=false"], true),
        (
            &["blob", "push", "--oci-layout", "lay2", "hi.txt"],
            &[],
            true,
        ),
        (
            &[
                "blob",
                "push",
                "--oci-layout",
                "lay3",
                "hi.txt",
                "--descriptor",
            ],
            &[],
            false,
        ),
    ];
    for (command, flags, drawn) in cases {
        let call = oras_in(dir.path()).args(command.iter().chain(flags));
        let ended = ok(in_terminal!(call).wait());
        let line = call.line();
        assert_eq!(
            ended.screen.contains('✓'),
            drawn,
            "{line}\n{}",
            ended.screen
        );
        assert_eq!(ended.raw.contains("\u{1b}[?25l"), drawn, "{line}");
    }
    // Where standard output goes does not matter, and it has none of it.
    let call = oras_in(dir.path())
        .args([
            "cp",
            "--from-oci-layout",
            "lay:v1",
            "--to-oci-layout",
            "lay4:v1",
        ])
        .under(["sh", "-c", "exec \"$@\" > out.txt", "sh"]);
    let ended = ok(in_terminal!(call).wait());
    assert!(
        ended.screen.contains("✓ Copied  hi.txt"),
        "{}",
        ended.screen
    );
    let out = fs::read_to_string(dir.path().join("out.txt")).unwrap();
    assert!(out.starts_with("Copied [oci-layout] lay:v1 => "), "{out}");
    assert_eq!(out.lines().count(), 2, "{out}");
    let piped = oras_in(dir.path())
        .run([&pull[..], &["-o", "out"]].concat())
        .ok();
    assert_eq!(piped.stderr, "");
}

#[test]
fn pulls_and_blobs_have_words_of_their_own() {
    let dir = TempDir::new().unwrap();
    ok(in_terminal!(push(&dir)).wait());
    let pulled =
        ok(in_terminal!(oras_in(dir.path()).args(["pull", "--oci-layout", "lay:v1"])).wait());
    let words: Vec<&str> = pulled
        .screen
        .lines()
        .filter_map(|line| {
            line.split_once(".  ")
                .map_or(Some(line), |(start, _)| Some(start))
        })
        .filter(|line| line.starts_with('✓'))
        .collect();
    assert_eq!(words.len(), 2, "{}", pulled.screen);
    assert!(words.iter().all(|line| line.starts_with("✓ Pulled      ")));
    let blob = format!("lay@{}", oras_spec::Digest::sha256(b"hi"));
    let call = oras_in(dir.path()).args(["blob", "fetch", "--oci-layout", &blob, "-o", "x"]);
    let fetched = ok(in_terminal!(call).wait());
    assert!(
        fetched
            .screen
            .starts_with("✓ Downloaded  application/octet-stream"),
        "{}",
        fetched.screen
    );
}

#[test]
fn no_color_means_no_colours() {
    let dir = TempDir::new().unwrap();
    let colours = |raw: &str| {
        raw.split("\u{1b}[").skip(1).any(|after| {
            let end = after.find(|c: char| c.is_ascii_alphabetic());
            end.is_some_and(|end| after[end..].starts_with('m'))
        })
    };
    let colourful = ok(in_terminal!(push(&dir)).wait());
    assert!(colours(&colourful.raw));
    assert!(colourful.raw.contains("\u{1b}[92m✓\u{1b}[0m"));
    let plain = ok(in_terminal!(push(&dir).env("NO_COLOR", "1")).wait());
    assert!(!colours(&plain.raw), "{:?}", plain.raw);
    assert!(
        plain
            .screen
            .contains("✓ Exists    application/vnd.oci.image.manifest.v1+json"),
        "{}",
        plain.screen
    );
}

#[test]
fn every_one_of_five_hundred_blobs_is_shown_done_and_the_screen_is_left_in_order() {
    let dir = TempDir::new().unwrap();
    let names: Vec<String> = (0..500)
        .map(|number| format!("file-{number}.txt"))
        .collect();
    for name in &names {
        fs::write(dir.path().join(name), name).unwrap();
    }
    let call = oras_in(dir.path()).args(["push", "--oci-layout", "lay:v1"]);
    let call = names.iter().fold(call, |call, name| call.arg(name));
    let ended = ok(in_terminal!(call, 80, 12).wait());
    for name in &names {
        let done = ended.raw.split("\r\n").filter(|line| {
            line.contains(&format!(" Uploaded  {name} ")) && line.contains(" 100.00% ")
        });
        assert!(done.count() >= 1, "{name} was never shown done");
    }
    let lines: Vec<&str> = ended.screen.lines().collect();
    assert_eq!(lines.len(), 11, "{}", ended.screen);
    assert!(lines[8].starts_with("Pushed "), "{}", ended.screen);
    assert!(lines[7].starts_with("  └─ sha256:"), "{}", ended.screen);
}

#[test]
fn an_interrupted_transfer_leaves_a_usable_terminal_and_no_file() {
    let server = stalling();
    let dir = TempDir::new().unwrap();
    let pull = oras_in(dir.path()).args(["pull", "-o", "out", &server.reference("app:v1")]);
    let mut terminal = in_terminal!(pull);
    let screen = terminal.wait_for(|screen| screen.contains("50.00%"));
    let row = screen.lines().find(|line| line.contains("50.00%")).unwrap();
    assert!(row.contains("B/s) Downloading big.bin"), "{screen}");
    assert!(row.contains(" 1.00/2 MB  50.00%"), "{screen}");
    assert!(row.contains("[          ..........]("), "{screen}");
    terminal.keys("\x03");
    let ended = terminal.wait();
    assert_eq!(
        (ended.code, ended.signal),
        (Some(1), None),
        "{}",
        ended.screen
    );
    assert!(ended.cursor);
    let failed = ended.screen.lines().find(|line| line.contains("big.bin"));
    assert!(failed.unwrap().starts_with("✗ "), "{}", ended.screen);
    assert_eq!(
        ended.screen.lines().last(),
        Some("Error: interrupt signal received")
    );
    assert_eq!(files(&dir.path().join("out")), [""; 0]);
}

#[test]
fn whatever_is_interrupted_leaves_nothing_that_is_partial() {
    let dir = TempDir::new().unwrap();
    let server = stalling();
    let oras = oras_in(dir.path());
    let (reference, digest) = (server.reference("app:v1"), stalling_digest());
    let blob = server.reference(&format!("app@{digest}"));
    let folder = server.reference("app:folder");
    let calls: [&[&str]; 4] = [
        &["pull", "-o", "out", &folder],
        &["blob", "fetch", "-o", "out", &blob],
        &["cp", &reference, "--to-oci-layout", "out:v1"],
        &["cp", &folder, "--to-oci-layout", "out:v1"],
    ];
    for words in calls {
        let mut terminal = in_terminal!(oras.args(words));
        // Progress is told in steps, so it need not be half of everything to the last byte.
        terminal.wait_for(|screen| {
            [" 47.", " 48.", " 49.", " 50."]
                .iter()
                .any(|half| screen.contains(half))
        });
        terminal.keys("\x03");
        let ended = terminal.wait();
        assert_eq!(ended.code, Some(1), "{words:?}\n{}", ended.screen);
        assert!(ended.cursor, "{words:?}");
        let told = ended.screen.ends_with("\nError: interrupt signal received");
        assert!(told, "{words:?}\n{}", ended.screen);
        let out = dir.path().join("out");
        if out.join("oci-layout").exists() {
            kill::assert_valid_layout(&out);
        } else if out.exists() {
            assert_eq!(files(&out), [""; 0], "{words:?}");
        }
        drop(fs::remove_dir_all(&out));
        assert_eq!(files(dir.path()), [""; 0], "{words:?}");
        assert_eq!(files(&oras.temporary()), [""; 0], "{words:?}");
    }
}

#[test]
fn an_upload_that_nobody_confirms_can_be_interrupted() {
    let registry = FakeRegistry::new(Graph::new());
    let server = FaultServer::start(move |request| {
        if request.method == "PUT" {
            never();
        }
        registry.answer(request)
    });
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("docs")).unwrap();
    fs::write(dir.path().join("docs/hi.txt"), "hi").unwrap();
    let (artifact, blobs) = (server.reference("app:v1"), server.reference("app"));
    let oras = oras_in(dir.path());
    let calls: [&[&str]; 2] = [
        &["push", &artifact, "docs"],
        &["blob", "push", &blobs, "docs/hi.txt"],
    ];
    for words in calls {
        let mut terminal = in_terminal!(oras.args(words));
        terminal.wait_for(|screen| screen.contains(" Uploading ") && screen.contains(" 100.00%"));
        terminal.keys("\x03");
        let ended = terminal.wait();
        assert_eq!(ended.code, Some(1), "{words:?}\n{}", ended.screen);
        assert!(ended.screen.starts_with("✗ Uploading "), "{}", ended.screen);
        let told = ended.screen.ends_with("\nError: interrupt signal received");
        assert!(told, "{words:?}\n{}", ended.screen);
        assert_eq!(files(&oras.temporary()), [""; 0], "{words:?}");
    }
}

#[test]
fn sigterm_is_an_interrupt_by_another_name() {
    let server = stalling();
    let dir = TempDir::new().unwrap();
    let pull = oras_in(dir.path()).args(["pull", "-o", "out", &server.reference("app:v1")]);
    let terminal = in_terminal!(pull);
    terminal.wait_for(|screen| screen.contains("50.00%"));
    let id = terminal.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .arg(id)
            .status()
            .unwrap()
            .success()
    );
    let ended = terminal.wait();
    assert_eq!(
        (ended.code, ended.signal),
        (Some(1), None),
        "{}",
        ended.screen
    );
    assert!(ended.cursor);
    assert!(
        ended
            .screen
            .ends_with("\nError: termination signal received")
    );
    assert_eq!(files(&dir.path().join("out")), [""; 0]);
}

#[test]
fn a_failed_transfer_is_marked_and_the_error_comes_below() {
    let mut graph = Graph::new();
    let file = graph.file("big.bin", "test/big", vec![7; 1 << 20]);
    let artifact = graph.artifact("test/thing", &[&file], None);
    let registry = FakeRegistry::new(graph).tag("v1", &artifact);
    let server = FaultServer::start(move |request| match request.is_blob(&file.digest) {
        true => Answer::error(403, "DENIED", "not for you"),
        false => registry.answer(request),
    });
    let dir = TempDir::new().unwrap();
    let pull = oras_in(dir.path()).args(["pull", &server.reference("app:v1")]);
    let ended = in_terminal!(pull).wait();
    assert_eq!(ended.code, Some(1));
    assert!(ended.cursor);
    let lines: Vec<&str> = ended.screen.lines().collect();
    let row = lines
        .iter()
        .position(|line| line.contains("big.bin"))
        .unwrap();
    assert!(lines[row].starts_with("✗ "), "{}", ended.screen);
    assert!(
        lines[row].contains(" 0.00/1 MB   0.00% "),
        "{}",
        ended.screen
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("Error"), "{}", ended.screen);
}

#[test]
fn a_window_that_changes_its_size_gets_lines_that_fit() {
    let server = stalling();
    let dir = TempDir::new().unwrap();
    let pull = oras_in(dir.path()).args(["pull", &server.reference("app:v1")]);
    let mut terminal = in_terminal!(pull);
    terminal.wait_for(|screen| screen.contains("50.00%"));
    for (columns_now, expected) in [
        (120, " 1.00/2 MB  50.00%"),
        (40, "Downloading big.bin      50.00%"),
        (80, " 1.00/2 MB  50.00%"),
    ] {
        terminal.resize(columns_now, 24);
        terminal.wait_for(|screen| {
            let row = screen.lines().find(|line| line.contains("big.bin"));
            row.is_some_and(|row| {
                columns(row) == usize::from(columns_now) && row.contains(expected)
            })
        });
    }
    terminal.keys("\x03");
    assert_eq!(terminal.wait().code, Some(1));
}

#[test]
fn a_question_can_be_interrupted() {
    let dir = TempDir::new().unwrap();
    ok(in_terminal!(push(&dir)).wait());
    let blob = format!("lay@{}", oras_spec::Digest::sha256(b"hi"));
    let call = oras_in(dir.path()).args(["blob", "delete", "--oci-layout", &blob]);
    let mut terminal = in_terminal!(call);
    terminal.wait_for(|screen| screen.contains("[y/N]"));
    // The second one does not wait for anything.
    terminal.keys("\x03\x03");
    let ended = terminal.wait();
    assert_eq!(
        (ended.code, ended.signal),
        (Some(1), None),
        "{}",
        ended.screen
    );
    assert!(ended.screen.contains("Error: interrupt signal received"));
}

#[test]
fn the_tree_is_coloured_where_it_is_looked_at() {
    let dir = TempDir::new().unwrap();
    ok(in_terminal!(push(&dir)).wait());
    oras_in(dir.path())
        .run([
            "attach",
            "--oci-layout",
            "lay:v1",
            "--artifact-type",
            "a/b",
            "-a",
            "k=v",
        ])
        .ok();
    let discover = |flags: &[&str]| {
        let words = ["discover", "--oci-layout", "lay:v1"];
        oras_in(dir.path()).args(words.iter().chain(flags))
    };
    let seen = ok(in_terminal!(discover(&[])).wait());
    for part in [
        "\u{1b}[32mlay@sha256:",
        "└── \u{1b}[93ma/b\u{1b}[0m",
        "    └── \u{1b}[32msha256:",
        "\u{1b}[90m[annotations]\u{1b}[0m",
        " k: v\r\n",
    ] {
        assert!(seen.raw.contains(part), "{part:?} in {:?}", seen.raw);
    }
    let plain = ok(in_terminal!(discover(&["--no-tty"])).wait());
    assert!(!plain.raw.contains('\u{1b}'), "{:?}", plain.raw);
    let plain = ok(in_terminal!(discover(&[]).env("NO_COLOR", "1")).wait());
    assert!(!plain.raw.contains('\u{1b}'), "{:?}", plain.raw);
    // The output is not what standard error is.
    let aside = discover(&[]).under(["sh", "-c", "exec \"$@\" > tree.txt", "sh"]);
    ok(in_terminal!(aside).wait());
    let tree = fs::read_to_string(dir.path().join("tree.txt")).unwrap();
    assert!(
        tree.contains("[annotations]") && !tree.contains('\u{1b}'),
        "{tree}"
    );
}
