//! Adding: what is on disk becomes content. Files stay where they are, folders are packed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oras_spec::annotation::{CONTENT_DIGEST, TITLE, UNPACK};
use oras_spec::media_type::{IMAGE_LAYER, IMAGE_LAYER_GZIP};
use oras_spec::{Algorithm, Descriptor, Digest, Hasher};

use super::name::Claimed;
use super::stored::Stored;
use super::{FileStore, duplicate};
use crate::archive::{PackOptions, pack};
use crate::error::{Error, ErrorKind, Result};
use crate::lexical::clean;
use crate::payload::{Snapshot, io_error};

/// Bytes read from a file at a time.
const READ: usize = 256 * 1024;

impl FileStore {
    /// Makes the file or folder at `path` content of the store, titled `name`, and describes it.
    ///
    /// A relative `path` counts from the working folder; an empty one is `name`. Without a media type, a file is
    /// `application/vnd.oci.image.layer.v1.tar` and a folder the same with `+gzip`. A file is hashed now and read
    /// again when it is fetched, which fails if it was changed meanwhile. A folder is packed now, into a scratch file
    /// without a name.
    ///
    /// # Errors
    /// [`ErrorKind::MissingName`]; [`ErrorKind::DuplicateName`]; [`ErrorKind::Io`] (`stat <path>: …`);
    /// [`ErrorKind::Changed`]; [`ErrorKind::Unsupported`] for what is neither file nor folder; [`ErrorKind::Io`].
    pub async fn add(
        &self,
        name: &str,
        media_type: Option<&str>,
        path: &Path,
    ) -> Result<Descriptor> {
        if name.is_empty() {
            return Err(Error::new(ErrorKind::MissingName, "missing name"));
        }
        // The digest is not known yet: any other claim to the name is a duplicate.
        let pending = Digest::sha256(name.as_bytes());
        let key = self.path_for_name(name);
        if self.0.names.taken(&key) {
            return Err(duplicate(name));
        }
        let Claimed::Ours(claim) = self.0.names.claim(key.clone(), &pending).await else {
            return Err(duplicate(name));
        };
        let path = match path.as_os_str().is_empty() {
            true => key,
            false => clean(&self.0.root.join(path)),
        };
        let stored = self
            .read(name, media_type.unwrap_or_default(), path)
            .await?;
        let descriptor = stored.descriptor().clone();
        self.remember(&descriptor, stored);
        claim.settle_as(&descriptor.digest);
        self.index(&descriptor).await?;
        Ok(descriptor)
    }

    async fn read(&self, name: &str, media_type: &str, path: PathBuf) -> Result<Stored> {
        let stop = StopOnDrop::default();
        let stopped = Arc::clone(&stop.0);
        let name = name.to_owned();
        let media_type = media_type.to_owned();
        let scratch = self
            .0
            .options
            .scratch
            .clone()
            .unwrap_or_else(|| self.0.root.clone());
        let mtime = self.0.options.mtime;
        let work = move || {
            let cancelled = || stopped.load(Ordering::Relaxed);
            let metadata = fs::metadata(&path).map_err(|e| io_error("stat", &path, &e))?;
            if metadata.is_dir() {
                let options = PackOptions {
                    title: &name,
                    mtime,
                    cancelled: &cancelled,
                };
                return pack_folder(&path, &scratch, &media_type, &options);
            }
            hash_file(&path, &metadata, &name, &media_type, &cancelled)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(stored) => stored,
            Err(_) => Err(Error::new(ErrorKind::Other, "reading stopped unexpectedly")),
        }
    }
}

/// Tells a blocking thread to stop once nobody waits for it.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn pack_folder(
    path: &Path,
    scratch: &Path,
    media_type: &str,
    options: &PackOptions<'_>,
) -> Result<Stored> {
    // Without a name it can't be packed itself, and nothing has to remove it.
    let file = tempfile::tempfile_in(scratch)
        .map_err(|e| io_error("create a scratch file in", scratch, &e))?;
    let packed = pack(path, &file, options)?;
    let media_type = if media_type.is_empty() {
        IMAGE_LAYER_GZIP
    } else {
        media_type
    };
    let mut descriptor = Descriptor::new(media_type, packed.digest, packed.size);
    let annotations = [
        (CONTENT_DIGEST, packed.content_digest.to_string()),
        (UNPACK, "true".to_owned()),
        (TITLE, options.title.to_owned()),
    ];
    descriptor
        .annotations
        .extend(annotations.map(|(key, value)| (key.to_owned(), value)));
    Ok(Stored::Scratch {
        descriptor,
        file: Arc::new(file),
    })
}

fn hash_file(
    path: &Path,
    metadata: &Metadata,
    name: &str,
    media_type: &str,
    cancelled: &dyn Fn() -> bool,
) -> Result<Stored> {
    // A pipe would be empty by the time it is read for the second time.
    if !metadata.is_file() {
        let text = format!("{}: not a regular file", path.display());
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let mut file = File::open(path).map_err(|e| io_error("open", path, &e))?;
    let stat = |file: &File| -> Result<Snapshot> {
        let metadata = file.metadata().map_err(|e| io_error("stat", path, &e))?;
        Ok(Snapshot::of(&metadata))
    };
    let snapshot = stat(&file)?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; READ];
    let mut size = 0;
    loop {
        if cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "reading was cancelled"));
        }
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io_error("read", path, &error)),
        }
    }
    if stat(&file)? != snapshot || snapshot.size != size {
        let text = format!("{}: file changed while it was being read", path.display());
        return Err(Error::new(ErrorKind::Changed, text));
    }
    let media_type = if media_type.is_empty() {
        IMAGE_LAYER
    } else {
        media_type
    };
    let mut descriptor = Descriptor::new(media_type, hasher.finish(), size);
    descriptor
        .annotations
        .insert(TITLE.to_owned(), name.to_owned());
    Ok(Stored::File {
        descriptor,
        path: path.to_path_buf(),
        snapshot,
    })
}
