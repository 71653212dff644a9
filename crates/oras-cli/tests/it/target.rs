//! Where a scenario takes place: a registry, or a folder of OCI layouts. The steps are the same.

use oras_testkit::command::{Oras, Output};
use oras_testkit::fault::{FakeRegistry, FaultServer};
use oras_testkit::fixture::{Graph, docker_archive};
use oras_testkit::peer::{DockerRegistry, OurRegistry, skopeo};
use tempfile::TempDir;

/// A place for repositories. `name` in the methods is a repository with tag or digest, such as `app:v1`.
pub(crate) enum Target {
    /// Debian's registry: referrers by tag schema.
    Registry(DockerRegistry),
    /// Our own, from the same binary.
    Ours(OurRegistry),
    /// A registry with the referrers API.
    Api(FaultServer),
    /// A layout per repository.
    Layouts(TempDir),
}

impl Target {
    /// One of each kind that people have: without the referrers API, with it, layouts.
    pub(crate) fn each() -> [Self; 3] {
        [Self::docker_registry(), Self::oras_serve(), Self::layouts()]
    }

    pub(crate) fn docker_registry() -> Self {
        Self::Registry(DockerRegistry::start())
    }

    pub(crate) fn oras_serve() -> Self {
        Self::Ours(OurRegistry::start(env!("CARGO_BIN_EXE_oras")))
    }

    pub(crate) fn referrers_api() -> Self {
        Self::Api(FakeRegistry::new(Graph::new()).with_referrers_api().serve())
    }

    pub(crate) fn layouts() -> Self {
        Self::Layouts(TempDir::with_prefix("oras-layouts-").unwrap())
    }

    /// What is typed for `name`.
    pub(crate) fn word(&self, name: &str) -> String {
        match self {
            Self::Registry(registry) => registry.reference(name),
            Self::Ours(registry) => registry.reference(name),
            Self::Api(server) => server.reference(name),
            Self::Layouts(dir) => dir.path().join(name).display().to_string(),
        }
    }

    /// What output shows for `name`.
    pub(crate) fn shown(&self, name: &str) -> String {
        let kind = if self.is_layout() {
            "oci-layout"
        } else {
            "registry"
        };
        format!("[{kind}] {}", self.word(name))
    }

    /// What skopeo calls `name`.
    pub(crate) fn for_skopeo(&self, name: &str) -> String {
        let transport = if self.is_layout() {
            "oci:"
        } else {
            "docker://"
        };
        format!("{transport}{}", self.word(name))
    }

    pub(crate) fn is_layout(&self) -> bool {
        matches!(self, Self::Layouts(_))
    }

    /// Runs `oras <command> [--oci-layout] <name> <rest>`; the command may have two words.
    pub(crate) fn run(&self, oras: &Oras, command: &str, name: &str, rest: &[&str]) -> Output {
        let word = self.word(name);
        let flag = self.is_layout().then_some("--oci-layout");
        let words = command
            .split(' ')
            .chain(flag)
            .chain([word.as_str()])
            .chain(rest.iter().copied());
        oras.run(words)
    }

    /// Runs `oras cp <rest>` from here to `name` at another place.
    pub(crate) fn copy(
        &self,
        oras: &Oras,
        from: &str,
        place: &Self,
        to: &str,
        rest: &[&str],
    ) -> Output {
        let flags = [
            self.is_layout().then_some("--from-oci-layout"),
            place.is_layout().then_some("--to-oci-layout"),
        ];
        let (from, to) = (self.word(from), place.word(to));
        let words = ["cp"]
            .into_iter()
            .chain(rest.iter().copied())
            .chain(flags.into_iter().flatten());
        oras.run(words.chain([from.as_str(), to.as_str()]))
    }

    /// Lets skopeo bring an image of `texts.len()` layers.
    pub(crate) fn receive_image(&self, name: &str, texts: &[&str]) {
        let dir = TempDir::new().unwrap();
        let archive = dir.path().join("image.tar");
        docker_archive(&archive, "testimage:latest", texts);
        let source = format!("docker-archive:{}", archive.display());
        // The folder above a layout is not made by skopeo.
        if let Self::Layouts(root) = self {
            std::fs::create_dir_all(root.path()).unwrap();
        }
        skopeo().run([
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            "--format=oci",
            &source,
            &self.for_skopeo(name),
        ]);
    }

    /// The manifest as skopeo reads it.
    pub(crate) fn raw_by_skopeo(&self, name: &str) -> String {
        skopeo().run([
            "inspect",
            "--raw",
            "--tls-verify=false",
            &self.for_skopeo(name),
        ])
    }

    /// Lets skopeo pull an image completely, checking every digest.
    pub(crate) fn pull_by_skopeo(&self, name: &str) {
        let dir = TempDir::new().unwrap();
        let folder = format!("dir:{}", dir.path().join("image").display());
        skopeo().run([
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            &self.for_skopeo(name),
            &folder,
        ]);
    }
}
