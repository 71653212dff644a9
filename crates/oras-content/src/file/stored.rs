//! Where the bytes of a content are.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use oras_spec::Descriptor;

use crate::content::ByteStream;
use crate::error::{Error, ErrorKind, Result};
use crate::payload::{FILE_CHUNK, Open, Payload, Snapshot};

/// A content of the store.
#[derive(Clone)]
pub(super) enum Stored {
    /// A file that had this content when it looked like `snapshot`.
    File {
        descriptor: Descriptor,
        path: PathBuf,
        snapshot: Snapshot,
    },
    /// A packed folder in a file without a name, which goes away with the last handle.
    Scratch {
        descriptor: Descriptor,
        file: Arc<File>,
    },
    /// A packed folder that was unpacked while it arrived; its own bytes were not kept.
    Unpacked { descriptor: Descriptor },
}

impl Stored {
    pub(super) fn descriptor(&self) -> &Descriptor {
        match self {
            Self::File { descriptor, .. }
            | Self::Scratch { descriptor, .. }
            | Self::Unpacked { descriptor } => descriptor,
        }
    }

    /// The size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.descriptor().size
    }

    /// Whether the bytes can be read again.
    pub(super) fn readable(&self) -> bool {
        !matches!(self, Self::Unpacked { .. })
    }

    /// The bytes, trusted.
    pub(super) fn payload(&self) -> Result<Payload> {
        match self {
            Self::File { path, snapshot, .. } => Ok(Payload::hashed_file(path, *snapshot)),
            Self::Scratch { descriptor, file } => Ok(Payload::new(Scratch {
                file: Arc::clone(file),
                size: descriptor.size,
            })),
            Self::Unpacked { descriptor } => {
                let text = format!(
                    "{}: the packed folder was unpacked and not kept",
                    descriptor.digest
                );
                Err(Error::new(ErrorKind::Unsupported, text).with_descriptor(descriptor))
            }
        }
    }
}

/// A file that only this process can reach, hashed while it was written.
struct Scratch {
    file: Arc<File>,
    size: u64,
}

#[async_trait]
impl Open for Scratch {
    async fn open(&self, offset: u64) -> Result<ByteStream> {
        let (file, size) = (Arc::clone(&self.file), self.size);
        Ok(stream::try_unfold(offset, move |offset| {
            let file = Arc::clone(&file);
            async move {
                let rest = size.saturating_sub(offset);
                if rest == 0 {
                    return Ok(None);
                }
                let want = usize::try_from(rest).map_or(FILE_CHUNK, |rest| rest.min(FILE_CHUNK));
                let read = tokio::task::spawn_blocking(move || read_at(&file, offset, want));
                let chunk = read.await.map_err(io::Error::other)??;
                let next = offset + chunk.len() as u64;
                Ok(Some((chunk, next)))
            }
        })
        .boxed())
    }

    fn trusted(&self) -> bool {
        true
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, want: usize) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt;
    let mut chunk = vec![0; want];
    file.read_exact_at(&mut chunk, offset)?;
    Ok(chunk.into())
}

#[cfg(windows)]
fn read_at(file: &File, offset: u64, want: usize) -> io::Result<Bytes> {
    use std::os::windows::fs::FileExt;
    let mut chunk = vec![0; want];
    let mut filled = 0;
    while filled < want {
        match file.seek_read(&mut chunk[filled..], offset + filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(chunk.into())
}
