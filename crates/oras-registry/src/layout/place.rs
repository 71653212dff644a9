//! Where everything is in the folder of a registry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oras_spec::layout::{BLOBS_DIR, INDEX_FILE, INGEST_DIR, OCI_LAYOUT_FILE, blob_path};
use oras_spec::{Algorithm, Digest};

use crate::id;

/// The registry's own folder, in the root and in each repository. Components of names never start with a dot.
pub(crate) const OWN: &str = ".oras";
/// What the names of files begin with that are not finished.
pub(super) const NEW: &str = "new-";

/// Components that mean something else in a layout. With an underscore before them they mean nothing, and no component
/// of a name starts with one.
const TAKEN: [&str; 4] = [BLOBS_DIR, INDEX_FILE, OCI_LAYOUT_FILE, INGEST_DIR];

/// Where docker-registry keeps its repositories.
const OTHER_FORMAT: &str = "docker/registry/v2/repositories";

/// Knows the names of all files.
pub(super) struct Places {
    root: PathBuf,
}

impl Places {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Refuses a folder that is something else, which would look like a registry without repositories. Blocks.
    pub(super) fn recognize(&self) -> io::Result<()> {
        let text = if self.root.join(OCI_LAYOUT_FILE).is_file() {
            "it is an image layout itself, and a registry is the folder that layouts are in"
        } else if self.root.join(OTHER_FORMAT).is_dir() && !self.root.join(OWN).exists() {
            "it has the storage format of docker-registry, whose content has to be copied from registry to registry"
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }

    /// Creates the folders that everything else is put into, and tries to write there. Blocks.
    pub(super) fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.all_uploads())?;
        // Folders that are there tell nothing about a file system that can only be read.
        let trial = self.all_uploads().join(format!(".{}", id::random()));
        fs::write(&trial, b"").and_then(|()| fs::remove_file(&trial))?;
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            fs::create_dir_all(self.all_blobs().join(algorithm.to_string()))?;
        }
        Ok(())
    }

    /// The folder of a repository.
    pub(super) fn repository(&self, name: &str) -> PathBuf {
        let mut path = self.root.clone();
        for component in name.split('/') {
            match TAKEN.contains(&component) {
                true => path.push(format!("_{component}")),
                false => path.push(component),
            }
        }
        path
    }

    /// Refuses to change a repository that a symbolic link leads to, at its own folder or above it: whoever lists,
    /// collects or checks does not follow it. The root itself may be one. Blocks.
    pub(super) fn refuse_links(&self, repository: &Path) -> io::Result<()> {
        let is_link =
            |folder: &Path| fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink());
        let mut below = repository
            .ancestors()
            .take_while(|folder| *folder != self.root);
        match below.any(is_link) {
            true => {
                let text = "the folder of the repository is a symbolic link";
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
            false => Ok(()),
        }
    }

    /// The component of a repository's name that a folder stands for.
    pub(super) fn component(folder: &str) -> Option<&str> {
        match folder.strip_prefix('_') {
            Some(taken) => TAKEN.contains(&taken).then_some(taken),
            None => (!TAKEN.contains(&folder) && !folder.starts_with('.')).then_some(folder),
        }
    }

    /// The registry's own folder.
    pub(super) fn own(&self) -> PathBuf {
        self.root.join(OWN)
    }

    /// What whoever collects holds a lock on.
    pub(super) fn collect_lock(&self) -> PathBuf {
        self.own().join("collect.lock")
    }

    /// Where content is that is about to be removed.
    pub(super) fn trash(&self) -> PathBuf {
        self.own().join("trash")
    }

    /// Where damaged content is put.
    pub(super) fn quarantine(&self) -> PathBuf {
        self.own().join("quarantine")
    }

    /// What kind of folder this is.
    pub(super) fn version(&self) -> PathBuf {
        self.own().join("version")
    }

    /// What is to be known after the machine has crashed.
    pub(super) fn state(&self) -> PathBuf {
        self.own().join("state")
    }

    pub(super) fn all_blobs(&self) -> PathBuf {
        self.own().join(BLOBS_DIR)
    }

    /// Where content is that repositories share.
    pub(super) fn blob(&self, digest: &Digest) -> PathBuf {
        let encoded = digest.encoded();
        let shard = encoded.get(..2).unwrap_or("__");
        let mut path = self.all_blobs();
        path.extend([digest.algorithm(), shard, encoded]);
        path
    }

    pub(super) fn all_uploads(&self) -> PathBuf {
        self.own().join("uploads")
    }

    /// Where the uploads to a repository arrive. One component: a comma is in no name.
    pub(super) fn uploads(&self, name: &str) -> PathBuf {
        self.all_uploads().join(name.replace('/', ","))
    }

    /// Where an upload arrives, if `id` can be one.
    pub(super) fn upload(&self, name: &str, id: &str) -> Option<PathBuf> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let sane = !id.is_empty() && id.len() <= 64 && id.bytes().all(plain);
        sane.then(|| self.uploads(name).join(id))
    }
}

/// Where a repository, whose folder is `root`, has content.
pub(super) fn blob_in(root: &Path, digest: &Digest) -> PathBuf {
    root.join(blob_path(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_of_a_layout_are_set_aside_in_repositories() {
        let places = Places::new("/root".into());
        for (name, path) in [
            ("team/app", "/root/team/app"),
            ("a/blobs/b", "/root/a/_blobs/b"),
            ("index.json", "/root/_index.json"),
            ("oci-layout/ingest", "/root/_oci-layout/_ingest"),
        ] {
            assert_eq!(places.repository(name), Path::new(path));
            let components = Path::new(path).strip_prefix("/root").unwrap();
            let components = components.iter().map(|part| part.to_str().unwrap());
            let back: Option<Vec<&str>> = components.map(Places::component).collect();
            assert_eq!(back.unwrap().join("/"), name);
        }
        for folder in ["blobs", "ingest", ".oras", "_other"] {
            assert_eq!(Places::component(folder), None);
        }
    }

    #[test]
    fn an_upload_never_leaves_its_folder() {
        let places = Places::new("/root".into());
        let path = places.upload("a/b", "3f-7").unwrap();
        assert_eq!(path, Path::new("/root/.oras/uploads/a,b/3f-7"));
        for id in ["", "..", "a/b", ".", "x\0", &"a".repeat(65)] {
            assert_eq!(places.upload("a", id), None);
        }
    }
}
