//! Reading the files of a layout, from a folder or out of a tar. Nothing here changes anything.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use oras_spec::{Descriptor, Digest, RawManifest, layout::blob_path};

use super::blocking;
use super::read::missing_blob;
use super::tar::TarIndex;
use crate::ability::{MAX_MANIFEST_BYTES, parse_manifest};
use crate::content::ByteStream;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::{FILE_CHUNK, io_error, read_file};

/// Where the files of a layout are.
pub(super) enum Blobs {
    /// In this folder.
    Folder(PathBuf),
    /// In a tar file.
    Tar(TarIndex),
}

impl Blobs {
    /// The size in bytes of the blob `digest`, if it is there. Blocks.
    pub(super) fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        let name = blob_path(digest);
        match self {
            Self::Folder(root) => regular_size(&root.join(name)),
            Self::Tar(tar) => Ok(tar.find(&name).map(|(_, size)| size)),
        }
    }

    /// All bytes of the file `name`, which has at most `limit`. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] in the words of the reference tool; [`ErrorKind::SizeLimit`].
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let opened = match self.place(name) {
            Some((path, span)) => open(&path, span, 0)?,
            None => None,
        };
        let Some((mut file, size)) = opened else {
            let reason = match self {
                Self::Folder(root) => {
                    irregular(&root.join(name)).unwrap_or("no such file or directory")
                }
                Self::Tar(_) => "file does not exist",
            };
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("open {name}: {reason}"),
            ));
        };
        if size > limit {
            let text = format!("{name} is larger than {limit} bytes");
            return Err(Error::new(ErrorKind::SizeLimit, text));
        }
        let mut bytes = Vec::new();
        (&mut file)
            .take(size)
            .read_to_end(&mut bytes)
            .map_err(|error| io_error("read", Path::new(name), &error))?;
        Ok(bytes)
    }

    /// The manifest `descriptor`, verified; nothing if it is not there. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::SizeLimit`], [`ErrorKind::DigestMismatch`], [`ErrorKind::InvalidManifest`].
    pub(super) fn manifest(&self, descriptor: &Descriptor) -> Result<Option<RawManifest>> {
        let algorithm = descriptor
            .digest
            .verifier()
            .map_err(|error| Error::new(ErrorKind::InvalidDigest, error.to_string()))?;
        let bytes = match self.read(&blob_path(&descriptor.digest), MAX_MANIFEST_BYTES) {
            Err(error) if error.is_not_found() => return Ok(None),
            read => read?,
        };
        let got = Digest::of(algorithm, &bytes);
        if got != descriptor.digest {
            return Err(Error::digest_mismatch());
        }
        parse_manifest(descriptor, bytes.into()).map(Some)
    }

    /// The bytes of `descriptor` from `offset` on, unverified.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub(super) async fn stream(&self, descriptor: &Descriptor, offset: u64) -> Result<ByteStream> {
        let Some((path, span)) = self.place(&blob_path(&descriptor.digest)) else {
            return Err(missing_blob(descriptor).with_operation("fetch"));
        };
        let from = path.clone();
        let opened = blocking(move || open(&from, span, offset)).await?;
        let Some((file, rest)) = opened else {
            return Err(missing_blob(descriptor).with_operation("fetch"));
        };
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(FILE_CHUNK);
        Ok(read_file(file, path, None, rest))
    }

    /// The file that `name` is (in), and which part of it.
    fn place(&self, name: &str) -> Option<(PathBuf, Option<Span>)> {
        match self {
            Self::Folder(root) => Some((root.join(name), None)),
            Self::Tar(tar) => Some((tar.path().to_owned(), Some(tar.find(name)?))),
        }
    }
}

/// An offset and a size, in bytes.
type Span = (u64, u64);

/// Opens a part of a regular file (or all of it) at `offset` in that part, and says how many bytes follow.
fn open(path: &Path, span: Option<Span>, offset: u64) -> Result<Option<(File, u64)>> {
    // Looked at before it is opened, because opening a pipe would wait for a writer.
    if regular_size(path)?.is_none() {
        return Ok(None);
    }
    let failed = |error| io_error("open", path, &error);
    let mut file = match File::open(path) {
        Err(error) if is_absent(&error) => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let (start, size) = match span {
        Some(span) => span,
        // Asked of the open file, since the name may stand for another one by now.
        None => (0, file.metadata().map_err(failed)?.len()),
    };
    if start > 0 || offset > 0 {
        let at = start.saturating_add(offset.min(size));
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
    }
    Ok(Some((file, size.saturating_sub(offset))))
}

fn regular_size(path: &Path) -> Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(io_error("stat", path, &error)),
    }
}

/// What is wrong with a path that is there and no regular file. Blocks.
pub(super) fn irregular(path: &Path) -> Option<&'static str> {
    let metadata = std::fs::metadata(path).ok()?;
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => None,
        (_, true) => Some("is a directory"),
        _ => Some("not a regular file"),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
