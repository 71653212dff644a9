//! A registry in memory with something to look at: open the address it prints in a browser.
//!
//! `cargo run -p oras-registry --example page [address [htpasswd]]`: with a file of users, they can sign in.

#![allow(clippy::print_stdout)]

use std::error::Error;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use oras_registry::Registry;
use oras_registry::auth::Auth;
use oras_registry::memory::MemoryDriver;
use oras_spec::{
    Annotations, Descriptor, Digest, ImageIndex, ImageManifest, Platform, annotation, json,
    media_type,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let addr = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let store = MemoryDriver::new();
    fill(&Registry::builder().store(store.clone()).build()?).await?;
    let mut auth = Auth::new();
    if let Some(users) = arguments.next() {
        auth = auth.htpasswd(users)?.anonymous_pull(true);
    }
    let registry = Registry::builder().store(store).auth(auth).build()?;
    let server = registry.bind(&addr).await?;
    println!("http://{}/", server.addr());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}

async fn fill(registry: &Registry) -> Result<()> {
    release(registry).await?;
    image(registry).await?;
    chart(registry).await?;
    hostile(registry).await?;
    let one = |content: &'static str| vec![file("model.safetensors", content)];
    for name in [
        "models/tiny-llama",
        "models/whisper/base",
        "policies/admission",
    ] {
        let repository = Pushes { registry, name };
        for minor in 0..12 {
            let manifest = artifact("application/vnd.example.bundle", one("weights"));
            repository
                .tagged(
                    &manifest,
                    &[("weights", "weights")],
                    &format!("0.{minor}.0"),
                )
                .await?;
        }
    }
    for number in 0..60 {
        let name = format!("builds/nightly-{number:02}");
        let repository = Pushes {
            registry,
            name: &name,
        };
        let manifest = artifact("application/vnd.example.build", one("build"));
        repository
            .tagged(&manifest, &[("build", "build")], "latest")
            .await?;
    }
    Ok(())
}

/// Files for several people, with what was said about them afterwards.
async fn release(registry: &Registry) -> Result<()> {
    let repository = Pushes {
        registry,
        name: "acme/rocket",
    };
    let binary = "ELF".repeat(700_000);
    let content = [
        ("binary", binary.as_str()),
        ("notes", "# Rocket 1.4\n"),
        ("docs", "docs"),
    ];
    let mut docs = file("docs", "docs");
    docs.media_type = media_type::IMAGE_LAYER_GZIP.to_owned();
    docs.annotations
        .insert(annotation::UNPACK.to_owned(), "true".to_owned());
    let mut manifest = artifact(
        "application/vnd.acme.rocket.release.v1",
        vec![
            file("rocket-linux-amd64", &binary),
            file("RELEASE-NOTES.md", "# Rocket 1.4\n"),
            docs,
        ],
    );
    manifest.annotations = annotations(&[
        (annotation::CREATED, "2026-11-19T16:20:00Z"),
        (
            annotation::DESCRIPTION,
            "The release that reaches orbit.\nTested on two launch pads.",
        ),
        (annotation::SOURCE, "https://git.example.org/acme/rocket"),
        (annotation::LICENSES, "Apache-2.0"),
        (annotation::VERSION, "1.4.0"),
        ("org.acme.build.pipeline", "release/8812"),
    ]);
    for tag in ["1.4.0", "1.4", "latest"] {
        repository.tagged(&manifest, &content, tag).await?;
    }
    let release = describe(media_type::IMAGE_MANIFEST, &manifest)?;
    let sbom = repository
        .attach(&release, "application/spdx+json", "sbom")
        .await?;
    repository
        .attach(
            &sbom,
            "application/vnd.cncf.notary.signature",
            "a signature of the sbom",
        )
        .await?;
    repository
        .attach(
            &release,
            "application/vnd.cncf.notary.signature",
            "a signature",
        )
        .await?;
    let scan = repository
        .attach(&release, "application/sarif+json", "scan")
        .await?;
    let review = repository
        .attach(&scan, "application/vnd.acme.review.v1", "review")
        .await?;
    repository
        .attach(
            &review,
            "application/vnd.cncf.notary.signature",
            "a signature of the review",
        )
        .await?;
    repository
        .attach(&release, "application/vnd.in-toto+json", "provenance")
        .await?;
    Ok(())
}

/// An image for several platforms.
async fn image(registry: &Registry) -> Result<()> {
    let repository = Pushes {
        registry,
        name: "library/hello",
    };
    let layers = ["base".repeat(900_000), "application".repeat(40_000)];
    let mut index = ImageIndex::new(Vec::new());
    index.annotations = annotations(&[(annotation::CREATED, "2026-10-02T07:00:00Z")]);
    for (architecture, variant) in [("amd64", None), ("arm64", Some("v8")), ("riscv64", None)] {
        let config = format!(r#"{{"architecture":"{architecture}","os":"linux"}}"#);
        let layer = |content: &String| {
            Descriptor::of_bytes(media_type::IMAGE_LAYER_GZIP, content.as_bytes())
        };
        let manifest = ImageManifest::new(
            Descriptor::of_bytes(media_type::IMAGE_CONFIG, config.as_bytes()),
            layers.iter().map(layer).collect(),
        );
        let content = [
            ("config", config.as_str()),
            ("base", &layers[0]),
            ("app", &layers[1]),
        ];
        repository
            .tagged(&manifest, &content, &format!("3-{architecture}"))
            .await?;
        let mut entry = describe(media_type::IMAGE_MANIFEST, &manifest)?;
        let mut platform = Platform::new("linux", architecture);
        platform.variant = variant.map(str::to_owned);
        entry.platform = Some(platform);
        index.manifests.push(entry);
    }
    repository
        .manifest(media_type::IMAGE_INDEX, &json::to_vec(&index)?, "3")
        .await
}

async fn chart(registry: &Registry) -> Result<()> {
    let repository = Pushes {
        registry,
        name: "charts/rocket",
    };
    let config = r#"{"name":"rocket","version":"0.9.1"}"#;
    let mut manifest = artifact("", vec![file("rocket-0.9.1.tgz", "chart")]);
    manifest.artifact_type = None;
    manifest.config = Descriptor::of_bytes(
        "application/vnd.cncf.helm.config.v1+json",
        config.as_bytes(),
    );
    repository
        .tagged(
            &manifest,
            &[("config", config), ("chart", "chart")],
            "0.9.1",
        )
        .await
}

/// What an attacker would push.
async fn hostile(registry: &Registry) -> Result<()> {
    let repository = Pushes {
        registry,
        name: "zoo/hostile",
    };
    let script = "<script>document.title='ran'</script>";
    let mut evil = file("invoice\u{202e}fdp.exe", "x");
    evil.media_type = "text/html\"><img src=x onerror=alert(1)>".to_owned();
    let mut manifest = artifact(
        script,
        vec![evil, file(script, "x"), file(&"long".repeat(9_999), "x")],
    );
    manifest.annotations = annotations(&[
        (annotation::URL, "javascript:alert(1)"),
        (
            annotation::SOURCE,
            "https://example.org/\"><script>alert(1)</script>",
        ),
        (annotation::CREATED, "<time>now</time>"),
        (
            "</style><script>alert(1)</script>",
            "שלום \u{2066}world\u{2069} \u{1b}[31mred\u{0}",
        ),
        (
            "z\u{334}\u{335}\u{336}\u{337}\u{338}\u{489}a\u{334}\u{335}\u{489}lgo",
            &"A".repeat(500_000),
        ),
    ]);
    repository.tagged(&manifest, &[("x", "x")], "latest").await
}

fn annotations(pairs: &[(&str, &str)]) -> Annotations {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn file(title: &str, content: &str) -> Descriptor {
    let mut file = Descriptor::of_bytes(media_type::OCTET_STREAM, content.as_bytes());
    file.annotations = annotations(&[(annotation::TITLE, title)]);
    file
}

fn artifact(artifact_type: &str, files: Vec<Descriptor>) -> ImageManifest {
    let mut manifest = ImageManifest::new(Descriptor::empty_json(), files);
    manifest.artifact_type = Some(artifact_type.to_owned());
    manifest
}

fn describe(media_type: &str, manifest: &ImageManifest) -> Result<Descriptor> {
    Ok(Descriptor::of_bytes(media_type, &json::to_vec(manifest)?))
}

/// Pushes to one repository.
struct Pushes<'a> {
    registry: &'a Registry,
    name: &'a str,
}

impl Pushes<'_> {
    async fn tagged(
        &self,
        manifest: &ImageManifest,
        content: &[(&str, &str)],
        tag: &str,
    ) -> Result<()> {
        self.blob("{}").await?;
        for (_, content) in content {
            self.blob(content).await?;
        }
        self.manifest(media_type::IMAGE_MANIFEST, &json::to_vec(manifest)?, tag)
            .await
    }

    async fn attach(
        &self,
        subject: &Descriptor,
        artifact_type: &str,
        content: &str,
    ) -> Result<Descriptor> {
        self.blob(content).await?;
        let mut manifest = artifact(artifact_type, vec![file("statement.json", content)]);
        manifest.subject = Some(subject.clone());
        manifest.annotations = annotations(&[(annotation::CREATED, "2026-11-20T09:05:00Z")]);
        let bytes = json::to_vec(&manifest)?;
        let digest = Digest::sha256(&bytes);
        self.manifest(media_type::IMAGE_MANIFEST, &bytes, digest.as_str())
            .await?;
        describe(media_type::IMAGE_MANIFEST, &manifest)
    }

    async fn blob(&self, content: &str) -> Result<()> {
        let digest = Digest::sha256(content.as_bytes());
        let path = format!("/v2/{}/blobs/uploads/?digest={digest}", self.name);
        self.send(
            Method::POST,
            &path,
            media_type::OCTET_STREAM,
            content.as_bytes(),
        )
        .await
    }

    async fn manifest(&self, media_type: &str, bytes: &[u8], reference: &str) -> Result<()> {
        let path = format!("/v2/{}/manifests/{reference}", self.name);
        self.send(Method::PUT, &path, media_type, bytes).await
    }

    async fn send(&self, method: Method, path: &str, media_type: &str, body: &[u8]) -> Result<()> {
        let body = Full::new(Bytes::copy_from_slice(body));
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", media_type).body(body)?;
        let response = self.registry.respond(request).await;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(format!("{path}: {}", response.status()).into()),
        }
    }
}
