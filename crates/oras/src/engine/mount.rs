//! Taking blobs over from other repositories of the destination's registry.

use std::collections::HashSet;
use std::sync::Mutex;

use oras_content::{ErrorKind, Location, Mounted};
use oras_spec::Descriptor;

use super::Engine;
use super::run::Outcome;
use crate::options::MountPolicy;
use crate::sync::lock;

pub(super) struct Mounts {
    candidates: Vec<String>,
    /// Repositories that we may not mount from: not asked again for every blob.
    refused: Mutex<HashSet<String>>,
}

impl Mounts {
    pub(super) fn new(policy: &MountPolicy, source: &Location, target: &Location) -> Self {
        let candidates = match policy {
            MountPolicy::Never => Vec::new(),
            MountPolicy::Auto => neighbour(source, target).into_iter().collect(),
            MountPolicy::From(repositories) => repositories.clone(),
        };
        Self {
            candidates,
            refused: Mutex::default(),
        }
    }

    fn open(&self) -> Vec<String> {
        let refused = lock(&self.refused);
        let open = self
            .candidates
            .iter()
            .filter(|from| !refused.contains(*from));
        open.cloned().collect()
    }
}

/// The source's repository, if it is another one on the registry of the target, reached by the same identity.
fn neighbour(source: &Location, target: &Location) -> Option<String> {
    match (source, target) {
        (
            Location::Repository {
                registry,
                repository,
                identity,
            },
            Location::Repository {
                registry: to_registry,
                repository: to_repository,
                identity: to_identity,
            },
        ) if registry == to_registry && identity == to_identity && repository != to_repository => {
            Some(repository.clone())
        }
        _ => None,
    }
}

impl Engine {
    /// Whether `blob` could be mounted. A mount that fails is only a mount that did not happen.
    pub(super) async fn mounted(&self, blob: &Descriptor) -> Outcome<bool> {
        let Some(mount) = self.target.as_mount() else {
            return Ok(false);
        };
        for from in self.mounts.open() {
            let tried = self.run.until_stopped(mount.mount(blob, &from)).await?;
            match tried {
                Ok(Mounted::Mounted) => return Ok(true),
                Ok(Mounted::Declined) => {}
                Err(error) => {
                    tracing::debug!(%from, digest = %blob.digest, %error, "mount failed");
                    if refuses(error.kind()) {
                        lock(&self.mounts.refused).insert(from);
                    }
                }
            }
        }
        Ok(false)
    }
}

/// Whether an error is about the repository rather than about one blob or one moment.
fn refuses(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::Credential
            | ErrorKind::RepositoryNotFound
            | ErrorKind::Unsupported
    )
}
