//! What `pull` refuses, and what it says.

use std::fs;
use std::path::Path;

use oras_testkit::fixture::{Graph, TarEntry};
use tempfile::TempDir;

use super::{image, with};
use crate::oras_in;

#[test]
fn files_stay_inside_of_the_output_folder() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("f").display().to_string();
    let mut graph = Graph::new();
    let file = graph.file(&path, "text/plain", "f");
    let root = graph.artifact("t/a", &[&file], None);
    with(&graph, &root, |it| {
        let out = it.pull("app:v1", &["-o", "out"]).fails();
        assert_eq!(
            out.stderr,
            "Error: failed to resolve path for writing: path traversal disallowed\nPulling files outside of working directory is insecure and blocked by default. If you trust the content producer, use --allow-path-traversal to bypass this check.\n"
        );
        assert!(!Path::new(&path).exists());
        let out = it
            .pull("app:v1", &["-o", "out", "-T", "--format", "json"])
            .ok();
        assert_eq!(out.json()["files"][0]["path"], path);
        fs::remove_file(&path).unwrap();
        // Inside of it an absolute name is as good as any.
        let parent = outside.path().display().to_string();
        it.pull("app:v1", &["-o", &parent]).ok();
        fs::remove_file(&path).unwrap();
    });
}

#[test]
fn what_is_not_there_is_told_by_who_was_asked() {
    let mut graph = Graph::new();
    let root = image(&mut graph);
    with(&graph, &root, |it| {
        let out = it.pull("app:nosuch", &[]).fails();
        let word = it.place.word("app:nosuch");
        let stderr = match it.place.is_layout() {
            true => "Error: not found\n".to_owned(),
            false => format!("Error response from registry: {word}: not found\n"),
        };
        assert_eq!(out.stderr, stderr);
        let form = "Please specify a reference in the form of \"<name>:<tag>\" or \"<name>@<digest>\". Run \"oras pull -h\" for more options and examples";
        let out = it.pull("app", &[]).fails();
        assert_eq!(
            out.stderr,
            format!(
                "Error: \"{}\": no tag or digest specified\nUsage: oras pull [flags] <name>{{:<tag>|@<digest>}}\n{form}\n",
                it.place.word("app")
            )
        );
        if !it.place.is_layout() {
            return;
        }
        let path = it.place.word("app");
        let by_path =
            |reference: &str| it.oras.run(["pull", "--oci-layout-path", &path, reference]);
        assert_eq!(
            by_path("nosuch").fails().stderr,
            "Error response from registry: not found\n"
        );
        assert!(
            by_path("v1")
                .ok()
                .stdout
                .contains("Pulled [oci-layout] v1\n")
        );
        // A blob has no name, so nothing is written.
        let blob = format!(
            "sha256:{}",
            "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"
        );
        let out = it.pull(&format!("app@{blob}"), &["-o", "none"]).ok();
        assert_eq!(
            out.stdout,
            format!(
                "Downloading fcde2b2edba5 application/octet-stream\nDownloaded  fcde2b2edba5 application/octet-stream\nPulled {}\nDigest: {blob}\n",
                it.place.shown(&format!("app@{blob}"))
            )
        );
        assert!(!it.path("none").exists());
    });
}

#[test]
fn what_is_no_layout_is_told() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    fs::write(dir.path().join("x.bin"), "not a tar").unwrap();
    fs::write(dir.path().join("x.tar"), [0u8; 1024]).unwrap();
    for (raw, stderr) in [
        (
            "nolay:v1",
            "invalid argument \"nolay:v1\": failed to find path \"nolay\": stat nolay: no such file or directory",
        ),
        (
            "x.bin:v1",
            "\"x.bin\" does not look like a tar archive: unexpected EOF",
        ),
        (
            "x.tar:v1",
            "invalid OCI Image Layout: failed to open OCI layout file: open oci-layout: file does not exist",
        ),
    ] {
        for command in ["pull", "discover"] {
            let out = oras.run([command, "--oci-layout", raw]).fails();
            assert_eq!(out.stderr, format!("Error: {stderr}\n"), "{command}");
        }
    }
}

#[test]
fn formats_are_checked_before_anything_is_asked() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    let unknown = |text: &str| {
        format!("invalid format type: \"{text}\"\nsupported types: json, go-template, text")
    };
    let none = "\"go-template\" format specified but no template given\nuse `--format go-template=TEMPLATE` to specify the template";
    for (rest, stderr) in [
        (
            "--template {{.}}",
            "--template must be used with --format go-template".to_owned(),
        ),
        (
            "--format json --template {{.}}",
            "--template must be used with --format go-template".to_owned(),
        ),
        ("--format json --format =", unknown("=")),
        ("--format json --format ={{.}}", unknown("={{.}}")),
        ("--format go-template=", none.to_owned()),
        ("--format go-template", none.to_owned()),
        ("--format JSON", unknown("JSON")),
        (
            "--platform a/ --format xml",
            "invalid platform: Architecture cannot be empty".to_owned(),
        ),
    ] {
        let words = ["pull", "--oci-layout", "no:v1"]
            .into_iter()
            .chain(rest.split(' '));
        let out = oras.run(words).fails();
        assert_eq!(out.stderr, format!("Error: {stderr}\n"), "{rest}");
    }
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_is_left() {
    let mut graph = Graph::new();
    let file = graph.file("a/f", "text/plain", "content");
    let root = graph.artifact("t/a", &[&file], None);
    with(&graph, &root, |it| {
        fs::create_dir_all(it.path("folder/a/f")).unwrap();
        fs::create_dir(it.path("file")).unwrap();
        fs::write(it.path("file/a"), "").unwrap();
        let (folder, parent) = (it.path("folder/a/f"), it.path("file/a"));
        for (out, stderr) in [
            (
                "folder",
                format!(
                    "failed to create file {0}: open {0}: is a directory",
                    folder.display()
                ),
            ),
            (
                "file",
                format!(
                    "failed to ensure directories of the target path: mkdir {}: not a directory",
                    parent.display()
                ),
            ),
            (
                "file/a",
                "failed to resolve path for writing: not a directory".to_owned(),
            ),
        ] {
            let pulled = it.pull("app:v1", &["-o", out]).fails();
            assert_eq!(pulled.stderr, format!("Error: {stderr}\n"));
        }
        assert_eq!(fs::read_dir(it.path("folder/a")).unwrap().count(), 1);
    });
}

#[test]
fn damaged_content_is_told_and_nothing_is_left() {
    for (bytes, cause) in [
        ("CONTENT", "mismatched digest"),
        ("content and more", "trailing data"),
        ("cont", "copy failed: unexpected EOF"),
    ] {
        let mut graph = Graph::new();
        let file = graph.file("f", "text/plain", "content");
        let root = graph.artifact("t/a", &[&file], None);
        let dir = TempDir::new().unwrap();
        graph.write_layout(&dir.path().join("lay"), &[("v1", &root)]);
        let blob = dir
            .path()
            .join("lay/blobs/sha256")
            .join(file.digest.encoded());
        fs::write(&blob, bytes).unwrap();
        let oras = oras_in(dir.path());
        let path = dir.path().canonicalize().unwrap().join("out/f");
        let pull = ["pull", "--oci-layout", "lay:v1", "-o", "out"];
        let out = oras.run(pull).fails();
        let expected = format!(
            "Error: failed to copy content to {}: {cause}\n",
            path.display()
        );
        assert_eq!(out.stderr, expected);
        assert!(!path.exists());
        fs::remove_file(&blob).unwrap();
        let out = oras.run(pull).fails();
        assert_eq!(
            out.stderr,
            format!("Error: {}: text/plain: not found\n", file.digest)
        );
    }
}

#[test]
fn archives_stay_inside_of_their_folder() {
    for (entry, cause) in [
        (
            TarEntry::file("other/f", "f"),
            "\"other/f\" is outside of \"docs\"",
        ),
        (
            TarEntry::symlink("docs/l", "/etc/passwd"),
            "\"/etc/passwd\" is outside of \"docs\"",
        ),
    ] {
        let mut graph = Graph::new();
        let folder = graph.folder("docs", &[TarEntry::folder("docs"), entry]);
        let root = graph.artifact("t/a", &[&folder], None);
        let dir = TempDir::new().unwrap();
        graph.write_layout(&dir.path().join("lay"), &[("v1", &root)]);
        let out = oras_in(dir.path())
            .run(["pull", "--oci-layout", "lay:v1"])
            .fails();
        let path = dir.path().canonicalize().unwrap().join("docs");
        let expected = format!(
            "Error: failed to extract tar to {}: {cause}\n",
            path.display()
        );
        assert_eq!(out.stderr, expected);
        assert!(!path.exists());
    }
}
