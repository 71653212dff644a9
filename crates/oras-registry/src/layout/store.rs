//! Giving content its place: once for the registry, and a link to it in each repository.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use oras_content::layout::{Index, keep_blob, sync_path};
use oras_spec::layout::{INDEX_FILE, OCI_LAYOUT_FILE};
use oras_spec::{Digest, OciLayout, json};

use super::place::{NEW, OWN, blob_in};
use super::stat::Stat;
use super::{Durability, Shared, is_absent};
use crate::id;

/// How often content and folders may vanish between two steps before it is an error: others clean up at the same time.
const ATTEMPTS: usize = 8;

/// What became of a link.
enum Linked {
    /// It is new.
    New,
    /// There was one already.
    Before,
    /// What it should lead to, or the folder it should be in, is gone.
    Gone,
    /// The file has as many links as it can have, or the file system has no links between these places.
    Impossible,
}

impl Shared {
    /// Makes the file `source`, which was verified, a blob of the repository in `root`. What it is called until now is
    /// left for the caller to remove. Blocks.
    pub(super) fn store(&self, root: &Path, source: &Path, digest: &Digest) -> io::Result<()> {
        self.places.refuse_links(root)?;
        self.recovery.mark()?;
        self.give(root, source, digest)?;
        // A collection may have removed the repository, which was empty, at this moment.
        match root.join(OCI_LAYOUT_FILE).exists() {
            true => Ok(()),
            false => self.prepare(root, None),
        }
    }

    fn give(&self, root: &Path, source: &Path, digest: &Digest) -> io::Result<()> {
        make_read_only(source)?;
        if self.options.durability == Durability::Blob {
            sync_path(source)?;
        }
        let shared = self.places.blob(digest);
        let own = blob_in(root, digest);
        let mut full = false;
        for _ in 0..ATTEMPTS {
            match link(source, &shared)? {
                Linked::New => {}
                Linked::Before if full || !same_size(source, &shared)? => {
                    // Damaged, or linked as often as can be: from now on the new file is the one that is shared.
                    fs::rename(duplicate(source)?, &shared)?;
                }
                Linked::Before if !self.keep(source, &shared, digest)? => continue,
                Linked::Before => {}
                Linked::Gone => {
                    make_parent(&shared)?;
                    continue;
                }
                Linked::Impossible => return self.place(root, source, &own, digest),
            }
            match link(&shared, &own)? {
                Linked::New => return self.linked(&own, &shared),
                Linked::Before if same_size(source, &own)? => {
                    if self.keep(source, &own, digest)? {
                        return Ok(());
                    }
                }
                Linked::Before => return self.place(root, source, &own, digest),
                Linked::Gone => self.prepare(root, Some(digest))?,
                Linked::Impossible if full => return self.place(root, source, &own, digest),
                Linked::Impossible => full = true,
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Makes the blob in the repository in `from` one of the repository in `to`. False if it is not there. Blocks.
    pub(super) fn share(&self, from: &Path, to: &Path, digest: &Digest) -> io::Result<bool> {
        let (source, own) = (blob_in(from, digest), blob_in(to, digest));
        if Stat::at(&source)?.is_none() || !self.trust(&source, digest)? {
            return Ok(false);
        }
        self.places.refuse_links(to)?;
        self.recovery.mark()?;
        for _ in 0..ATTEMPTS {
            match link(&source, &own)? {
                Linked::New => return self.linked(&own, &source).map(|()| true),
                Linked::Before if self.trust(&own, digest)? && keep_blob(&own)? => return Ok(true),
                Linked::Before => {}
                Linked::Gone if !source.exists() => return Ok(false),
                Linked::Gone => self.prepare(to, Some(digest))?,
                Linked::Impossible => {
                    self.prepare(to, Some(digest))?;
                    let copy = own_temporary(to)?;
                    fs::copy(&source, &copy)?;
                    fs::rename(copy, &own)?;
                    return Ok(true);
                }
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Stores `bytes`, which were verified, as a blob of the repository in `root`, whatever is there in its place. Blocks.
    pub(super) fn store_bytes(&self, root: &Path, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let own = blob_in(root, digest);
        match fs::read(&own) {
            Ok(before) if before == bytes => return Ok(()),
            Ok(_) => {
                // Damaged, and its twin perhaps, too.
                fs::remove_file(&own)?;
                let shared = self.places.blob(digest);
                if fs::read(&shared).is_ok_and(|before| before != bytes) {
                    fs::remove_file(&shared)?;
                }
            }
            Err(_) => self.prepare(root, Some(digest))?,
        }
        let source = own_temporary(root)?;
        let stored = fs::write(&source, bytes).and_then(|()| self.store(root, &source, digest));
        remove(&source)?;
        stored
    }

    /// Keeps a blob that has the content of `source`. False if it is gone, or nothing to rely on.
    fn keep(&self, source: &Path, blob: &Path, digest: &Digest) -> io::Result<bool> {
        match (Stat::at(source)?, Stat::at(blob)?) {
            // Just linked, and locked by whoever has written it.
            (Some(source), Some(blob)) if source.is(&blob) => Ok(true),
            _ => Ok(self.trust(blob, digest)? && keep_blob(blob)?),
        }
    }

    /// Where there are no links, or no more: the file itself, in the place of whatever is there. Blocks.
    fn place(&self, root: &Path, source: &Path, own: &Path, digest: &Digest) -> io::Result<()> {
        self.prepare(root, Some(digest))?;
        match fs::rename(source, own) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let copy = own_temporary(root)?;
                fs::copy(source, &copy)?;
                fs::rename(copy, own)
            }
            renamed => renamed,
        }
    }

    fn linked(&self, own: &Path, shared: &Path) -> io::Result<()> {
        if self.options.durability == Durability::Blob {
            for folder in [own.parent(), shared.parent()].into_iter().flatten() {
                sync_path(folder)?;
            }
        }
        Ok(())
    }

    /// Creates what the repository in `root` needs, and needs to hold `digest`. The marker of a layout comes last: whoever sees it
    /// finds a whole one. Blocks.
    pub(super) fn prepare(&self, root: &Path, digest: Option<&Digest>) -> io::Result<()> {
        if let Some(digest) = digest {
            make_parent(&blob_in(root, digest))?;
        }
        fs::create_dir_all(root.join(OWN))?;
        let encoded = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
        if !root.join(INDEX_FILE).exists() {
            let empty = Index::empty().and_then(|index| index.to_json());
            create(root, INDEX_FILE, &empty.map_err(|error| encoded(&error))?)?;
        }
        if !root.join(OCI_LAYOUT_FILE).exists() {
            let marker = json::to_vec(&OciLayout::default());
            create(
                root,
                OCI_LAYOUT_FILE,
                &marker.map_err(|error| encoded(&error))?,
            )?;
            self.names.forget();
        }
        Ok(())
    }
}

/// Creates a file as a whole, unless it is there.
fn create(root: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let temporary = own_temporary(root)?;
    File::create_new(&temporary)?.write_all(content)?;
    let linked = match fs::hard_link(&temporary, root.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // No links here: another process that does the same at this moment writes the same.
        Err(_) => return fs::rename(&temporary, root.join(name)),
        linked => linked,
    };
    remove(&temporary)?;
    linked
}

/// A name for a file that is being written, in a repository that is prepared.
pub(super) fn own_temporary(root: &Path) -> io::Result<std::path::PathBuf> {
    let own = root.join(OWN);
    fs::create_dir_all(&own)?;
    Ok(own.join(format!("{NEW}{}", id::random())))
}

/// A second name for a file, beside it, to be renamed.
fn duplicate(source: &Path) -> io::Result<std::path::PathBuf> {
    let name = source.with_extension("twin");
    remove(&name)?;
    fs::hard_link(source, &name)?;
    Ok(name)
}

fn link(source: &Path, target: &Path) -> io::Result<Linked> {
    match fs::hard_link(source, target) {
        Ok(()) => Ok(Linked::New),
        Err(error) => match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(Linked::Before),
            io::ErrorKind::NotFound => Ok(Linked::Gone),
            io::ErrorKind::TooManyLinks
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::Unsupported => Ok(Linked::Impossible),
            _ => Err(error),
        },
    }
}

/// Whether both are files of the same size. What is gone is of no other size: it is looked for again.
fn same_size(source: &Path, other: &Path) -> io::Result<bool> {
    let size = |path: &Path| fs::symlink_metadata(path);
    let source = size(source)?.len();
    match size(other) {
        Err(error) if is_absent(&error) => Ok(true),
        found => Ok(found.is_ok_and(|found| found.is_file() && found.len() == source)),
    }
}

#[cfg(unix)]
fn make_read_only(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
}

#[cfg(not(unix))]
fn make_read_only(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
