//! `blob`, `manifest`, `tag`, `resolve` and `repo` on their own: how many requests they cost, and what they say about what is
//! missing, too large or unusual.

use std::fs;
use std::path::Path;

use oras_spec::Digest;
use oras_testkit::command::{Oras, Output};
use oras_testkit::fault::{Answer, FakeRegistry, FaultServer};
use oras_testkit::fixture::Graph;
use oras_testkit::peer::DockerRegistry;
use tempfile::TempDir;

use crate::oras_in;

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const CONFIG: &str = r#"{"architecture":"amd64","os":"linux"}"#;

/// A folder with the files of two manifests, one of which is a referrer of the other.
struct Bench {
    dir: TempDir,
    registry: DockerRegistry,
    subject: String,
    referrer: String,
}

fn digest(text: &str) -> String {
    Digest::sha256(text.as_bytes()).to_string()
}

/// An image manifest without layers; `extra` is more of its fields.
fn manifest(extra: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[]{extra}}}"#,
        digest(CONFIG),
        CONFIG.len()
    )
}

impl Bench {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let subject = manifest("");
        let referrer = manifest(&format!(
            r#","subject":{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{}}}"#,
            digest(&subject),
            subject.len()
        ));
        for (name, text) in [
            ("config.json", CONFIG),
            ("subject.json", &subject),
            ("referrer.json", &referrer),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let registry = DockerRegistry::start();
        let bench = Self {
            dir,
            registry,
            subject: digest(&subject),
            referrer: digest(&referrer),
        };
        bench.run("blob push REG config.json").ok();
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a line in which `REG` is the repository.
    #[track_caller]
    fn run(&self, line: &str) -> Output {
        let line = line.replace("REGISTRY", &self.registry.addr());
        let line = line.replace("REG", &self.registry.reference("app"));
        // An underscore stands for a space inside of a word.
        oras_in(self.path()).run(line.split(' ').map(|word| word.replace('_', " ")))
    }

    /// The line succeeds and sends exactly these requests, in which the registry's own upload locations are `UPLOAD`.
    #[track_caller]
    fn costs(&self, line: &str, requests: &[&str]) -> Output {
        let before = self.registry.requests().len();
        let out = self.run(line).ok();
        let sent: Vec<String> = self.registry.requests()[before..]
            .iter()
            .map(|request| match request.split_once("/blobs/uploads/") {
                Some((method, rest)) if !rest.is_empty() => format!("{} UPLOAD", &method[..3]),
                _ => request.replace("/v2/app/", ""),
            })
            .collect();
        assert_eq!(sent, requests, "{}", out.all());
        out
    }
}

#[test]
fn each_command_sends_the_fewest_requests() {
    let bench = Bench::new();
    let (subject, config) = (bench.subject.clone(), digest(CONFIG));
    let blob = |method: &str| format!("{method} blobs/{config}");
    let by_digest = |method: &str| format!("{method} manifests/{subject}");

    bench.costs("blob push REG config.json", &[&blob("HEAD")]);
    bench.costs(
        &format!("blob fetch --descriptor REG@{config}"),
        &[&blob("HEAD")],
    );
    let out = bench.costs(&format!("blob fetch -o - REG@{config}"), &[&blob("GET")]);
    assert_eq!(out.stdout, CONFIG);
    fs::write(bench.path().join("new"), "new").unwrap();
    bench.costs(
        "blob push REG new",
        &[
            &format!("HEAD blobs/{}", digest("new")),
            "POST blobs/uploads/",
            "PUT UPLOAD",
        ],
    );
    bench.costs(
        &format!("blob delete -f REG@{}", digest("new")),
        &[
            &format!("HEAD blobs/{}", digest("new")),
            &format!("DELETE blobs/{}", digest("new")),
        ],
    );

    let head = "HEAD manifests/v1";
    let get = "GET manifests/v1";
    bench.costs(
        "manifest push REG:v1 subject.json",
        &[head, "PUT manifests/v1"],
    );
    bench.costs("manifest push REG:v1 subject.json", &[head]);
    bench.costs("manifest push REG subject.json", &[&by_digest("HEAD")]);
    bench.costs("manifest fetch REG:v1", &[get]);
    bench.costs("manifest fetch --descriptor REG:v1", &[head]);
    bench.costs("manifest fetch-config REG:v1", &[get, &blob("GET")]);
    bench.costs("manifest fetch-config --descriptor REG:v1", &[get]);
    bench.costs("resolve REG:v1", &[head]);
    bench.costs("tag REG:v1 v2", &[get, "PUT manifests/v2"]);
    bench.costs("repo tags REG", &["GET tags/list"]);
    bench.costs(
        "repo tags REG:v1",
        &[head, "GET tags/list", "HEAD manifests/v2"],
    );
    bench.costs(
        "manifest delete -f REG:v1",
        &[head, &by_digest("GET"), &by_digest("DELETE")],
    );
}

#[test]
fn platforms_and_referrers_cost_what_they_must() {
    let bench = Bench::new();
    let (subject, referrer) = (bench.subject.clone(), bench.referrer.clone());
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{subject}","size":{},"platform":{{"architecture":"amd64","os":"linux"}}}}]}}"#,
        manifest("").len()
    );
    fs::write(bench.path().join("index.json"), &index).unwrap();
    bench.run("manifest push REG:subject subject.json").ok();
    bench.run("manifest push REG:index index.json").ok();

    let get = "GET manifests/index";
    let child = format!("GET manifests/{subject}");
    bench.costs(
        "manifest fetch --platform linux/amd64 REG:index",
        &[get, &child],
    );
    bench.costs(
        "manifest fetch --descriptor --platform linux/amd64 REG:index",
        &[get],
    );
    bench.costs("resolve --platform linux/amd64 REG:index", &[get]);
    bench.costs("repo ls REGISTRY", &["GET /v2/_catalog"]);

    let list = format!("manifests/{}", subject.replace(':', "-"));
    let push = "manifest push REG:r referrer.json";
    let pushed = ["HEAD manifests/r", "PUT manifests/r"];
    bench.costs(
        &format!("{push} --distribution-spec v1.1-referrers-api"),
        &pushed,
    );
    let api = "manifest delete -f REG:r --distribution-spec v1.1-referrers-api";
    let delete = format!("DELETE manifests/{referrer}");
    bench.costs(api, &[pushed[0], &delete]);
    // The index is read once more, in case that somebody else wrote it at the same time.
    let (read, write) = (format!("GET {list}"), format!("PUT {list}"));
    bench.costs(push, &[pushed[0], pushed[1], &read, &write, &read]);
    bench.costs(
        "manifest delete -f REG:r",
        &[
            pushed[0],
            &format!("GET manifests/{referrer}"),
            &format!("GET referrers/sha256:{}", "0".repeat(64)),
            &read,
            &write,
            &read,
            &delete,
        ],
    );
    let left = bench.run(&format!("manifest fetch REG:{}", subject.replace(':', "-")));
    assert!(left.ok().stdout.contains(r#""manifests":[]"#));
}

#[test]
fn own_headers_are_on_every_request() {
    let bench = Bench::new();
    bench.run("manifest push REG:v1 subject.json").ok();
    fs::write(bench.path().join("new"), "new").unwrap();
    for line in [
        "blob push REG new",
        "blob fetch --descriptor REG@CONFIG",
        "blob delete -f REG@CONFIG",
        "manifest fetch REG:v1",
        "manifest push REG:v2 subject.json",
        "manifest delete -f REG:v2",
        "repo ls REGISTRY",
        "repo tags REG",
    ] {
        let line = line.replace("CONFIG", &digest("new"));
        let out = bench.run(&format!("{line} -d -H Foo:bar -H A:_b")).ok();
        let requests: Vec<&str> = out.stderr.split("--> Request #").skip(1).collect();
        assert!(!requests.is_empty(), "{}", out.all());
        for request in requests {
            let headers = request.split("<-- Response #").next().unwrap();
            for header in ["\"Foo\": \"bar\"\n", "\"A\": \" b\"\n"] {
                assert!(headers.contains(header), "{line}: {headers}");
            }
        }
    }
}

#[test]
fn a_new_tag_for_a_referrer_lists_no_referrer() {
    let bench = Bench::new();
    bench.run("manifest push REG:subject subject.json").ok();
    bench
        .run("manifest push REG:v1 referrer.json --distribution-spec v1.1-referrers-api")
        .ok();
    bench.costs(
        "tag REG:v1 v2 v3 --concurrency 1",
        &["GET manifests/v1", "PUT manifests/v2", "PUT manifests/v3"],
    );
    let tags = bench.run("repo tags REG").ok().stdout;
    let mut tags: Vec<&str> = tags.lines().collect();
    tags.sort_unstable();
    assert_eq!(tags, ["subject", "v1", "v2", "v3"]);
    assert_ne!(bench.subject, bench.referrer);
}

#[test]
fn a_tag_elsewhere_is_refused_with_the_reference_that_was_given() {
    let bench = Bench::new();
    bench.run("manifest push REG:v1 subject.json").ok();
    let expected = format!(
        "Error: invalid reference: mismatch between received \"other/x:v\" and expected \"{}\"\n",
        bench.registry.reference("app:v1")
    );
    let out = bench.run("tag REG:v1 other/x:v").fails();
    assert_eq!(out.stderr, expected);
}

#[test]
fn deleting_from_a_layout_that_is_not_there_finds_nothing() {
    let dir = TempDir::new().unwrap();
    let oras = oras_in(dir.path());
    for kind in ["blob", "manifest"] {
        let raw = format!("localhost:7000/x@{ZEROS}");
        let delete = |more: &[&str]| {
            let line = [kind, "delete", "--oci-layout", &raw];
            oras.run(line.iter().chain(more))
        };
        assert_eq!(delete(&["-f"]).ok().stdout, format!("Missing {raw}\n"));
        assert_eq!(
            delete(&[]).fails().stderr,
            format!("Error: {raw}: the specified {kind} does not exist\n")
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_layout_is_read_out_of_a_tar_whatever_its_name_is() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("config"), CONFIG).unwrap();
    fs::write(dir.path().join("image"), manifest("")).unwrap();
    let oras = oras_in(dir.path());
    let run = |line: &str| oras.run(line.split(' ')).ok().stdout;
    run("blob push --oci-layout lay config");
    run("manifest push --oci-layout lay:v1 image");
    let tar = std::process::Command::new("tar")
        .args(["-C", "lay", "-cf", "packed.bin", "."])
        .current_dir(dir.path())
        .status();
    assert!(tar.unwrap().success());
    for line in [
        "resolve --oci-layout LAY:v1",
        "manifest fetch --oci-layout LAY:v1",
        "manifest fetch --oci-layout LAY:v1 --descriptor",
        "manifest fetch-config --oci-layout LAY:v1",
        "repo tags --oci-layout LAY",
        "repo tags --oci-layout-path LAY v1",
        &format!("blob fetch --oci-layout LAY@{} --output -", digest(CONFIG)),
    ] {
        let of_folder = run(&line.replace("LAY", "lay"));
        assert_eq!(run(&line.replace("LAY", "packed.bin")), of_folder, "{line}");
        assert_ne!(of_folder, "", "{line}");
    }
    let write = oras.run(["tag", "--oci-layout", "packed.bin:v1", "v2"]);
    assert!(
        write
            .fails()
            .stderr
            .ends_with("packed.bin: not a directory\n")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn content_that_cannot_be_printed_is_told_once() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("image"), manifest("")).unwrap();
    let oras = oras_in(dir.path());
    oras.run(["manifest", "push", "--oci-layout", "lay:v1", "image"])
        .ok();
    for (line, error) in [
        ("manifest fetch", "write /dev/stdout"),
        ("manifest fetch --descriptor", "write /dev/stdout"),
        ("resolve", "display output error: write /dev/stdout"),
        ("repo tags", "display output error: write /dev/stdout"),
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_oras"))
            .args(line.split(' '))
            .args(["--oci-layout", "lay:v1"])
            .current_dir(dir.path())
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let told = format!("Error: {error}: no space left on device\n");
        assert!(stderr.ends_with(&told), "{line}: {stderr}");
        assert_eq!(
            stderr.matches("no space left").count(),
            1,
            "{line}: {stderr}"
        );
    }
}

#[test]
fn a_folder_is_no_manifest() {
    let dir = TempDir::new().unwrap();
    let out = oras_in(dir.path()).run(["manifest", "push", "--oci-layout", "lay", "."]);
    assert_eq!(
        out.fails().stderr,
        "Error: failed to read .: read .: is a directory\n"
    );
}

#[test]
fn a_config_may_be_larger_than_a_manifest() {
    let dir = TempDir::new().unwrap();
    let mut graph = Graph::new();
    let config = graph.blob("test/config", vec![b'x'; 5 << 20]);
    let bytes = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"test/config","digest":"{}","size":{}}},"layers":[]}}"#,
        config.digest, config.size
    );
    let image = graph.blob("application/vnd.oci.image.manifest.v1+json", bytes);
    let server = FakeRegistry::new(graph).tag("v1", &image).serve();
    let reference = server.reference("app:v1");
    let oras = oras_in(dir.path());
    oras.run(["manifest", "fetch-config", &reference, "-o", "config"])
        .ok();
    assert_eq!(
        fs::metadata(dir.path().join("config")).unwrap().len(),
        5 << 20
    );
    let out = oras.run(["manifest", "fetch-config", &reference]).ok();
    assert_eq!(out.stdout.len(), 5 << 20);
}

/// `manifest fetch` from a registry that has nothing but this manifest.
fn fetch(body: Vec<u8>, more: &[&str]) -> Output {
    let digest = Digest::sha256(&body).to_string();
    let server = FaultServer::start(move |_| {
        Answer::ok("application/vnd.oci.image.manifest.v1+json", body.clone())
            .header("Docker-Content-Digest", &*digest)
    });
    let reference = server.reference("app:v1");
    let line = ["manifest", "fetch", &reference];
    let out = Oras::new(env!("CARGO_BIN_EXE_oras")).run(line.iter().chain(more));
    Output {
        stderr: out.stderr.replace(&reference, "REF"),
        ..out
    }
}

#[test]
fn a_manifest_of_more_than_four_mebibytes_is_refused() {
    let out = fetch(vec![b' '; (4 << 20) + 1], &[]).fails();
    assert_eq!(
        out.stderr,
        "Error: failed to fetch the content of \"REF\": content size 4194305 exceeds MaxBytes 4194304: size exceeds limit\n"
    );
    fetch(vec![b' '; (4 << 20) + 1], &["--descriptor"]).ok();
}

#[test]
fn what_matches_its_digest_is_shown_as_it_is() {
    assert_eq!(fetch(b"nope".to_vec(), &[]).ok().stdout, "nope");
    assert_eq!(
        fetch(b"nope".to_vec(), &["--pretty"]).fails().stderr,
        "Error: failed to prettify: invalid character 'o' in literal null (expecting 'u')\n"
    );
    let out = fetch(b"nope".to_vec(), &["--format", "json"]).ok();
    assert!(
        out.stdout.ends_with("\"content\": null\n}\n"),
        "{}",
        out.all()
    );
}

#[test]
fn only_accepted_means_deleted() {
    let server = FaultServer::start(|request| match request.method.as_str() {
        "DELETE" => Answer::status(200),
        _ => Answer::ok("application/octet-stream", "abc"),
    });
    let reference = server.reference(&format!("app@{}", digest("abc")));
    let out = Oras::new(env!("CARGO_BIN_EXE_oras")).run(["blob", "delete", "-f", &reference]);
    let out = out.fails();
    let expected = format!(
        "Error response from registry: DELETE \"{}/v2/app/blobs/{}\": response status code 200: OK\n",
        server.url(),
        digest("abc")
    );
    assert_eq!(out.stderr, expected);
}

#[test]
fn help_about_help_is_help() {
    for line in [["help", "-h"], ["help", "--help"]] {
        let out = Oras::new(env!("CARGO_BIN_EXE_oras")).run(line).ok();
        assert!(out.stdout.starts_with("Usage:\n"), "{}", out.all());
        assert_eq!(out.stderr, "");
    }
}

#[cfg(unix)]
#[test]
fn what_a_credential_helper_tells_its_user_is_shown() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = TempDir::new().unwrap();
    let helper = dir.path().join("docker-credential-talker");
    let script = "#!/bin/sh\necho touch your key >&2\necho '{\"Username\":\"hello\",\"Secret\":\"oras-test\"}'\n";
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.path().join("config.json"), r#"{"credsStore":"talker"}"#).unwrap();
    let registry = DockerRegistry::with_auth();
    let out = oras_in(dir.path()).env("PATH", dir.path()).run([
        "repo",
        "ls",
        &registry.addr(),
        "--registry-config",
        "config.json",
    ]);
    assert_eq!(out.ok().stderr, "touch your key\n");
}
