//! A file that is being written. Where the system can, it has no name until it is whole: whoever is killed over it leaves
//! nothing behind.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::Existing;
use super::push::innermost;

/// An unfinished file. Dropping it removes it.
pub(super) enum Draft {
    /// A file that no folder knows.
    #[cfg(target_os = "linux")]
    Unnamed(File),
    /// A hidden file beside the target.
    Named(NamedTempFile),
}

impl Draft {
    /// A new empty file on the file system of the folder `parent`.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = unnamed(parent) {
            return Ok(Self::Unnamed(file));
        }
        let named = builder().tempfile_in(parent);
        named.map(Self::Named).map_err(innermost)
    }

    /// Appends `bytes`.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => file.write_all(bytes),
            Self::Named(file) => file.write_all(bytes),
        }
    }

    /// Gives it its final name, in one step.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if the name is taken and what has it is to be kept.
    pub(super) fn publish(self, target: &Path, existing: Existing) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => publish_unnamed(&file, target, existing),
            Self::Named(file) => persist(file, target, existing),
        }
    }
}

fn persist<F>(file: NamedTempFile<F>, target: &Path, existing: Existing) -> io::Result<()> {
    let renamed = match existing {
        Existing::Replace => file.persist(target),
        Existing::Keep => file.persist_noclobber(target),
    };
    renamed.map(drop).map_err(|failed| failed.error)
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".oras-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Nothing where the file system, or a system without `/proc`, can't do it.
#[cfg(target_os = "linux")]
fn unnamed(parent: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(parent, flags, Mode::from_raw_mode(0o666)).ok()?);
    Path::new(&link_of(&file)).exists().then_some(file)
}

#[cfg(target_os = "linux")]
fn link_of(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(target_os = "linux")]
fn publish_unnamed(file: &File, target: &Path, existing: Existing) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    let source = link_of(file);
    let link = |to: &Path| -> io::Result<()> {
        Ok(linkat(
            CWD,
            source.as_str(),
            CWD,
            to,
            AtFlags::SYMLINK_FOLLOW,
        )?)
    };
    let mut linked = link(target);
    if let (Err(error), Some(parent)) = (&linked, target.parent())
        && error.kind() == io::ErrorKind::NotFound
    {
        // Without a name it did not keep the folder from being taken back by a push that failed.
        std::fs::create_dir_all(parent)?;
        linked = link(target);
    }
    match (linked, target.parent()) {
        // A link never replaces anything; a name of our own does.
        (Err(error), Some(parent))
            if error.kind() == io::ErrorKind::AlreadyExists && existing == Existing::Replace =>
        {
            let named = builder().make_in(parent, link).map_err(innermost)?;
            persist(named, target, existing)
        }
        (linked, _) => linked,
    }
}
