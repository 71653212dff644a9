//! `manifest index create` and `manifest index update`: what is listed, byte for byte, and what is said about it.

use std::fs;

use oras_spec::{Descriptor, Digest, media_type};
use oras_testkit::command::{Oras, Output};
use oras_testkit::fixture::Graph;
use oras_testkit::peer::{DockerRegistry, skopeo};
use tempfile::TempDir;

use crate::oras_in;
use crate::target::Target;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A place with manifests to list, in the repository `m`.
struct Bench {
    dir: TempDir,
    oras: Oras,
    place: Target,
    amd64: Descriptor,
    arm64: Descriptor,
    artifact: Descriptor,
    /// An image whose config is no JSON.
    plain: Descriptor,
    multi: Descriptor,
    blob: Descriptor,
}

fn places() -> [Target; 3] {
    [
        Target::docker_registry(),
        Target::oras_serve(),
        Target::layouts(),
    ]
}

/// A descriptor's three fields, and more.
fn entry(descriptor: &Descriptor, more: &str) -> String {
    let Descriptor {
        media_type,
        digest,
        size,
        ..
    } = descriptor;
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

/// The bytes of an index: `kind` comes before the entries, `rest` after them.
fn index(kind: &str, entries: &[&str], rest: &str) -> String {
    let entries = entries.join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}"{kind},"manifests":[{entries}]{rest}}}"#)
}

fn digest(text: &str) -> String {
    Digest::sha256(text.as_bytes()).to_string()
}

impl Bench {
    fn new(place: Target) -> Self {
        let dir = TempDir::new().unwrap();
        let oras = oras_in(dir.path());
        let mut graph = Graph::new();
        let blob = graph.blob("text/plain", "layer");
        let amd64 = graph.image("linux/amd64", &[&blob]);
        let arm64 = graph.image("linux/arm64", &[&blob]);
        let artifact = graph.artifact("test/artifact", &[&blob], None);
        let config = graph.blob("text/config", "no JSON");
        let plain = graph.blob(
            media_type::IMAGE_MANIFEST,
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[]}}"#,
                media_type::IMAGE_MANIFEST,
                entry(&config, "")
            ),
        );
        let multi = graph.index(&[("linux/amd64", &amd64), ("linux/arm64", &arm64)]);
        let tags = [
            ("amd64", &amd64),
            ("arm64", &arm64),
            ("artifact", &artifact),
            ("plain", &plain),
            ("multi", &multi),
        ];
        graph.write_layout(&dir.path().join("fixture"), &tags);
        let bench = Self {
            dir,
            oras,
            place,
            amd64: amd64.clone(),
            arm64: arm64.clone(),
            artifact: artifact.clone(),
            plain: plain.clone(),
            multi: multi.clone(),
            blob: blob.clone(),
        };
        for (tag, _) in tags {
            let to = bench.place.word(&format!("m:{tag}"));
            let flag = bench.place.is_layout().then_some("--to-oci-layout");
            let from = format!("fixture:{tag}");
            let words = ["cp", "--from-oci-layout"].into_iter().chain(flag);
            bench.oras.run(words.chain([from.as_str(), &to])).ok();
        }
        bench
    }

    fn create(&self, name: &str, rest: &[&str]) -> Output {
        self.place
            .run(&self.oras, "manifest index create", name, rest)
    }

    fn update(&self, name: &str, rest: &[&str]) -> Output {
        self.place
            .run(&self.oras, "manifest index update", name, rest)
    }

    fn platform(&self, image: &Descriptor) -> String {
        let architecture = match image.digest == self.amd64.digest {
            true => "amd64",
            false => "arm64",
        };
        let more = format!(r#","platform":{{"architecture":"{architecture}","os":"linux"}}"#);
        entry(image, &more)
    }

    /// The manifest `name` has exactly these bytes.
    #[track_caller]
    fn holds(&self, name: &str, bytes: &str) {
        let out = self.place.run(&self.oras, "manifest fetch", name, &[]).ok();
        assert_eq!(out.stdout, bytes);
    }

    /// What a line of errors begins with if something is missing here.
    fn prefix(&self) -> &'static str {
        match self.place.is_layout() {
            true => "Error: ",
            false => "Error response from registry: ",
        }
    }
}

#[test]
fn an_index_is_made_of_tags_and_digests_byte_for_byte() {
    for place in places() {
        let bench = Bench::new(place);
        let (amd64, arm64) = (bench.amd64.digest.as_str(), bench.arm64.digest.as_str());
        let both = index(
            "",
            &[&bench.platform(&bench.amd64), &bench.platform(&bench.arm64)],
            "",
        );
        let made = digest(&both);
        let out = bench.create("m:i1,i2,i3", &["amd64", arm64]).ok();
        let mut lines: Vec<&str> = out.stdout.lines().collect();
        lines[6..8].sort_unstable();
        assert_eq!(
            lines,
            [
                "Fetching  amd64",
                &format!("Fetched   {amd64} amd64"),
                &format!("Fetching  {arm64}"),
                &format!("Fetched   {arm64}"),
                &format!("Packed    {} {INDEX}", &made[7..19]),
                &format!("Pushed    {}", bench.place.shown("m:i1")),
                "Tagged i2",
                "Tagged i3",
                &format!("Digest: {made}"),
            ]
        );
        for tag in ["m:i1", "m:i2", "m:i3"] {
            bench.holds(tag, &both);
        }
        // The order is that of the arguments; what comes twice is listed twice.
        let turned = [
            &*bench.platform(&bench.arm64),
            &bench.platform(&bench.amd64),
            &bench.platform(&bench.arm64),
        ];
        let out = bench.create("m", &["arm64", "amd64", "arm64"]).ok();
        assert_eq!(out.digest(), digest(&index("", &turned, "")));
        bench.holds(&format!("m@{}", out.digest()), &index("", &turned, ""));
        // Once more, without any tag and with a digest that is not the one it gets.
        for name in ["m".to_owned(), format!("m@{amd64}")] {
            let again = bench.create(&name, &["arm64", "amd64", "arm64"]).ok();
            assert_eq!(again.digest(), out.digest());
        }
        if !bench.place.is_layout() {
            let full = bench.place.word("m:amd64");
            let out = bench.create("m:full", &[&full]).ok();
            let expected = index("", &[&bench.platform(&bench.amd64)], "");
            assert_eq!(out.digest(), digest(&expected));
        }
        let out = bench.oras.args(["manifest", "index", "pack"]);
        let flag = bench.place.is_layout().then_some("--oci-layout");
        let word = bench.place.word("m:packed");
        let words = flag.into_iter().chain([word.as_str(), "amd64", "arm64"]);
        let out = words.fold(out, |call, word| call.arg(word)).run().ok();
        assert_eq!(out.digest(), made);
    }
}

#[test]
fn entries_tell_artifact_type_and_platform_where_there_are_any() {
    for place in places() {
        let bench = Bench::new(place);
        let cases = [
            (
                "artifact",
                entry(&bench.artifact, r#","artifactType":"test/artifact""#),
            ),
            ("plain", entry(&bench.plain, "")),
            ("multi", entry(&bench.multi, "")),
        ];
        for (source, listed) in cases {
            let out = bench.create("m:one", &[source]).ok();
            bench.holds("m:one", &index("", &[&listed], ""));
            assert_eq!(out.digest(), digest(&index("", &[&listed], "")), "{source}");
        }
        // The type of a nested index is told, too.
        let typed = bench.create("m:typed", &["--artifact-type", "a/typed", "amd64"]);
        let size = index(
            r#","artifactType":"a/typed""#,
            &[&bench.platform(&bench.amd64)],
            "",
        )
        .len();
        let typed = Descriptor::new(
            INDEX,
            Digest::parse(&typed.ok().digest()).unwrap(),
            size as u64,
        );
        bench.create("m:nested", &["typed"]).ok();
        let nested = entry(&typed, r#","artifactType":"a/typed""#);
        bench.holds("m:nested", &index("", &[&nested], ""));
    }
}

#[test]
fn an_index_can_have_a_type_and_annotations_and_no_entries() {
    for place in places() {
        let bench = Bench::new(place);
        bench
            .create("m:empty", &[])
            .ok()
            .says(["Packed", "Pushed", "Digest: "]);
        bench.holds("m:empty", &index("", &[], ""));
        bench
            .create("m:a", &["-a", "k=<v>", "--annotation", "a=b"])
            .ok();
        let annotations = r#","annotations":{"a":"b","k":"\u003cv\u003e"}"#;
        bench.holds("m:a", &index("", &[], annotations));
        bench
            .create("m:t", &["--artifact-type", "a/b", "--artifact-type", "c/d"])
            .ok();
        bench.holds("m:t", &index(r#","artifactType":"c/d""#, &[], ""));
        bench
            .create("m:x", &["--artifact-type", "invalid"])
            .fails()
            .complains(["Error: invalid: invalid media type\n"]);
        bench
            .create("m:x", &["-a", "foo:bar"])
            .fails()
            .complains(["annotation value doesn't match the required format"]);
    }
}

#[test]
fn an_index_is_written_instead_of_pushed() {
    for place in places() {
        let bench = Bench::new(place);
        let expected = index("", &[&bench.platform(&bench.amd64)], "");
        let out = bench.create("m:out", &["amd64", "-o", "-"]).ok();
        assert_eq!(out.stdout, expected);
        let out = bench
            .create("m:out", &["amd64", "-o", "-", "--pretty"])
            .ok();
        assert!(
            out.stdout.starts_with("{\n  \"schemaVersion\": 2,"),
            "{}",
            out.all()
        );
        assert!(out.stdout.ends_with("]\n}\n"), "{}", out.all());
        let out = bench
            .create("m:out,more", &["amd64", "-o", "file.json", "--pretty"])
            .ok();
        assert_eq!(
            fs::read_to_string(bench.dir.path().join("file.json")).unwrap(),
            expected
        );
        assert_eq!(out.digest(), digest(&expected));
        let verbs: Vec<_> = out
            .stdout
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(verbs, ["Fetching", "Fetched", "Packed", "Digest:"]);
        for name in ["m:out", "m:more"] {
            bench
                .place
                .run(&bench.oras, "manifest fetch", name, &[])
                .fails();
        }

        let updated = index(
            "",
            &[&bench.platform(&bench.amd64), &bench.platform(&bench.arm64)],
            "",
        );
        bench.create("m:u", &["amd64"]).ok();
        let out = bench.update("m:u", &["--add", "arm64", "-o", "-"]).ok();
        assert_eq!(out.stdout, updated);
        let out = bench
            .update("m:u", &["--add", "arm64", "--output", "file.json"])
            .ok();
        assert_eq!(
            fs::read_to_string(bench.dir.path().join("file.json")).unwrap(),
            updated
        );
        assert!(!out.stdout.contains("Pushed"), "{}", out.all());
        bench.holds("m:u", &expected);
    }
}

#[test]
fn an_index_is_changed_in_a_fixed_order() {
    for place in places() {
        let bench = Bench::new(place);
        let (amd64, arm64) = (bench.amd64.digest.as_str(), bench.arm64.digest.as_str());
        let old = bench
            .create("m:u", &["amd64", "artifact", "-a", "k=v"])
            .ok()
            .digest();
        let artifact = entry(&bench.artifact, r#","artifactType":"test/artifact""#);
        let new = index(
            r#","artifactType":"a/b""#,
            &[
                &artifact,
                &bench.platform(&bench.arm64),
                &bench.platform(&bench.amd64),
                &bench.platform(&bench.arm64),
            ],
            r#","annotations":{"k":"v"}"#,
        );
        let made = digest(&new);
        let changes = [
            "--merge",
            "multi",
            "--add",
            arm64,
            "--remove",
            amd64,
            "--artifact-type",
            "a/b",
            "--tag",
            "t1",
        ];
        let out = bench.update("m:u", &changes).ok();
        assert_eq!(
            out.stdout.lines().collect::<Vec<_>>(),
            [
                "Fetching  u",
                &format!("Fetched   {old} u"),
                &format!("Removed   {amd64}"),
                &format!("Fetching  {arm64}"),
                &format!("Fetched   {arm64}"),
                &format!("Added     {arm64}"),
                "Fetching  multi",
                &format!("Fetched   {} multi", bench.multi.digest),
                &format!("Merged    {} multi", bench.multi.digest),
                &format!("Updated   {made}"),
                &format!("Pushed    {}", bench.place.shown("m:u")),
                "Tagged t1",
                &format!("Digest: {made}"),
            ]
        );
        bench.holds("m:u", &new);
        bench.holds("m:t1", &new);

        // By digest there is a new index, and the tags stay. What is not changed stays as well.
        let without = index(
            r#","artifactType":"a/b""#,
            &[&artifact, &bench.platform(&bench.amd64)],
            r#","annotations":{"k":"v"}"#,
        );
        let by_digest = format!("m@{made}");
        let out = bench
            .update(&by_digest, &["--remove", arm64, "--remove", arm64])
            .ok();
        assert_eq!(out.digest(), digest(&without));
        let path = bench.place.shown("m");
        assert!(
            out.stdout.contains(&format!("Pushed    {path}\n")),
            "{}",
            out.all()
        );
        bench.holds("m:u", &new);
        bench.holds(&format!("m@{}", out.digest()), &without);
        let again = bench.update(&by_digest, &["--remove", arm64]).ok();
        assert_eq!(again.digest(), out.digest());
        // An empty type takes the type away.
        bench.update("m:u", &["--artifact-type", ""]).ok();
        bench.holds("m:u", &new.replacen(r#","artifactType":"a/b""#, "", 1));
    }
}

#[test]
fn what_cannot_be_listed_is_an_error() {
    for place in places() {
        let bench = Bench::new(place);
        let zeros = format!("sha256:{}", "0".repeat(64));
        let missing = bench.prefix();
        bench.create("m:u", &["amd64"]).ok();
        let create = |rest: &[&str]| bench.create("m:x", rest).fails().stderr;
        let update = |name: &str, rest: &[&str]| bench.update(name, rest).fails().stderr;
        let text = create(&["nosuch"]);
        assert!(
            text.starts_with(&format!("{missing}could not find the manifest nosuch: ")),
            "{text}"
        );
        assert!(
            create(&[&zeros])
                .starts_with(&format!("{missing}could not find the manifest {zeros}: "))
        );
        assert!(create(&[""]).starts_with("Error: could not find the manifest : "));
        let text = update("m:nosuch", &["--add", "amd64"]);
        assert!(
            text.starts_with(&format!("{missing}could not find the index nosuch: ")),
            "{text}"
        );
        let text = update("m:u", &["--add", "nosuch"]);
        assert!(
            text.starts_with(&format!("{missing}could not find the manifest nosuch: ")),
            "{text}"
        );
        let text = update("m:u", &["--merge", "nosuch"]);
        assert!(
            text.starts_with(&format!("{missing}could not find the index nosuch: ")),
            "{text}"
        );
        assert_eq!(
            update("m:amd64", &["--add", "arm64"]),
            "Error: amd64 is not an index\n"
        );
        assert_eq!(
            update("m:u", &["--merge", "arm64"]),
            "Error: arm64 is not an index\n"
        );
        assert_eq!(
            update("m:u", &["--remove", "latest"]),
            "Error: remove: latest is not a digest\n"
        );
        assert_eq!(
            update("m:u", &["--remove", &zeros]),
            format!("Error: {zeros} does not exist in the index u\n")
        );
        assert_eq!(
            update("m:u", &["--artifact-type", "bad"]),
            "Error: bad: invalid media type\n"
        );
        assert_eq!(
            update("m:u", &["--add", "amd64", "--tag", "t", "-o", "f"]),
            "Error: --tag, --output cannot be used at the same time\n"
        );
        let text = update("m", &["--add", "amd64"]);
        assert!(text.contains("no tag or digest specified"), "{text}");
        match bench.place.is_layout() {
            true => {
                let blob = bench.blob.digest.to_string();
                assert_eq!(
                    create(&[&blob]),
                    format!("Error: {blob} is not a manifest\n")
                );
                let text = update("m:u", &["--add", &blob]);
                assert_eq!(text, format!("Error: {blob} is not a manifest\n"));
            }
            false => {
                let out = bench.create("m:x,b@d", &["amd64"]).fails();
                assert!(!out.stdout.contains("Digest:"), "{}", out.all());
                assert!(
                    out.stderr
                        .starts_with("Error: failed to tag b@d: invalid reference: "),
                    "{}",
                    out.all()
                );
                let other = bench.place.word("other:v");
                let expected = format!(
                    "Error: could not find the manifest {other}: invalid reference: mismatch between received \"{other}\" and expected \"{}\"\n",
                    bench.place.word("m:x")
                );
                assert_eq!(create(&[&other]), expected);
            }
        }
        // Nothing was changed by any of these.
        bench.holds("m:u", &index("", &[&bench.platform(&bench.amd64)], ""));
        // Nothing to do is no error, and nobody is asked.
        for name in ["m:nosuch", "m", "m:u"] {
            let out = bench.update(name, &["--tag", "x"]).ok();
            assert_eq!(out.stdout, "Nothing to update as no change is requested\n");
        }
    }
}

#[test]
fn an_index_costs_the_fewest_requests_and_skopeo_reads_it() {
    let registry = DockerRegistry::start();
    let (addr, requests) = (registry.addr(), || registry.requests());
    let bench = Bench::new(Target::docker_registry());
    // The same manifests in a registry whose log we read.
    for tag in ["amd64", "multi"] {
        let to = format!("{addr}/m:{tag}");
        bench
            .oras
            .run(["cp", "--from-oci-layout", &format!("fixture:{tag}"), &to])
            .ok();
    }
    let before = requests().len();
    let target = format!("{addr}/m:i1,i2");
    bench
        .oras
        .run(["manifest", "index", "create", &target, "amd64", "multi"])
        .ok();
    let sent: Vec<String> = requests()[before..]
        .iter()
        .map(|line| line.replace("/v2/m/", ""))
        .collect();
    let config = sent[1].clone();
    assert!(config.starts_with("GET blobs/sha256:"), "{sent:?}");
    assert_eq!(
        sent,
        [
            "GET manifests/amd64",
            &config,
            "GET manifests/multi",
            "PUT manifests/i1",
            "PUT manifests/i2"
        ]
    );
    let raw = skopeo().run([
        "inspect",
        "--raw",
        "--tls-verify=false",
        &format!("docker://{addr}/m:i2"),
    ]);
    assert!(raw.contains(bench.multi.digest.as_str()), "{raw}");
}

#[test]
fn docker_manifests_and_lists_are_listed_and_changed() {
    let bench = Bench::new(Target::docker_registry());
    let config = r#"{"architecture":"s390x","os":"linux","os.version":"1","os.features":["f"],"variant":"v8","config":{}}"#;
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{}","size":{}}},"layers":[]}}"#,
        media_type::DOCKER_MANIFEST,
        digest(config),
        config.len()
    );
    let docker = format!(
        r#"{{"mediaType":"{}","digest":"{}","size":{}"#,
        media_type::DOCKER_MANIFEST,
        digest(&manifest),
        manifest.len()
    );
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{docker},"platform":{{"architecture":"s390x","os":"linux","features":["sse4"]}},"unknown":1}}],"unknown":2}}"#,
        media_type::DOCKER_MANIFEST_LIST
    );
    for (name, text) in [("config", config), ("docker", &manifest), ("list", &list)] {
        fs::write(bench.dir.path().join(name), text).unwrap();
    }
    bench
        .place
        .run(&bench.oras, "blob push", "m", &["config"])
        .ok();
    bench
        .place
        .run(&bench.oras, "manifest push", "m:docker", &["docker"])
        .ok();
    bench
        .place
        .run(&bench.oras, "manifest push", "m:list", &["list"])
        .ok();

    let platform = r#""platform":{"architecture":"s390x","os":"linux","os.version":"1","os.features":["f"],"variant":"v8"}"#;
    bench.create("m:x", &["docker"]).ok();
    let told = format!("{docker},{platform}}}");
    bench.holds("m:x", &index("", &[&told], ""));

    // The list stays one; what the specification does not know goes.
    let out = bench.update("m:list", &["--add", "amd64"]).ok();
    let known = format!(r#"{docker},"platform":{{"architecture":"s390x","os":"linux"}}}}"#);
    let new = index("", &[&known, &bench.platform(&bench.amd64)], "").replacen(
        INDEX,
        media_type::DOCKER_MANIFEST_LIST,
        1,
    );
    bench.holds("m:list", &new);
    assert_eq!(out.digest(), digest(&new));
}

#[test]
fn an_index_that_does_not_say_what_it_is_stays_one() {
    let bench = Bench::new(Target::oras_serve());
    fs::write(
        bench.dir.path().join("bare"),
        r#"{"schemaVersion":2,"manifests":[]}"#,
    )
    .unwrap();
    bench
        .place
        .run(
            &bench.oras,
            "manifest push",
            "m:bare",
            &["bare", "--media-type", INDEX],
        )
        .ok();
    bench.update("m:bare", &["--add", "amd64"]).ok();
    let listed = bench.platform(&bench.amd64);
    bench.holds(
        "m:bare",
        &format!(r#"{{"schemaVersion":2,"manifests":[{listed}]}}"#),
    );
    let out = bench
        .place
        .run(&bench.oras, "manifest fetch", "m:bare", &["--descriptor"])
        .ok();
    out.says([INDEX]);
}
