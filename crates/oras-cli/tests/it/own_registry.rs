//! The command with our own registry, which runs inside this test.

use std::fs;

use oras_registry::Registry;
use tempfile::TempDir;

use crate::oras_in;

#[tokio::test(flavor = "multi_thread")]
async fn our_registry_serves_push_attach_discover_copy_and_pull() {
    let server = Registry::builder().memory().start().await.unwrap();
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("hello.txt"), "hello").unwrap();
    let oras = oras_in(dir.path());
    let registry = format!("localhost:{}", server.addr().port());
    let (image, copy) = (
        format!("{registry}/team/hello:v1"),
        format!("{registry}/team/copy:v1"),
    );

    oras.run(["push", &image, "hello.txt:text/plain"]).ok();
    oras.run(["attach", "--artifact-type", "sig/x", &image, "hello.txt"])
        .ok();
    oras.run(["cp", "-r", &image, &copy]).ok();
    for place in [&image, &copy] {
        let tree = oras.run(["discover", place.as_str()]).ok().stdout.clone();
        assert!(tree.contains("sig/x"), "{tree}");
        // Through the referrers API: no tag of the tag schema appears.
        let tags = oras
            .run(["repo", "tags", place.trim_end_matches(":v1")])
            .ok()
            .stdout
            .clone();
        assert_eq!(tags, "v1\n");
    }
    oras.run(["pull", &copy, "-o", "out"]).ok();
    assert_eq!(
        fs::read(dir.path().join("out/hello.txt")).unwrap(),
        b"hello"
    );
}
