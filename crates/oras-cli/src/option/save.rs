//! `--output`: content into a file or to standard output.

use std::io::{self, Write as _};
use std::path::Path;

use futures_util::TryStreamExt as _;
use oras::content::{ByteStream, io_text};

use crate::error::Error;
use crate::output;

/// Writes verified content to `path`; `-` is standard output. Files appear when they are complete.
///
/// # Errors
/// If reading, verifying or writing fails.
pub(crate) async fn stream(path: &str, mut content: ByteStream) -> Result<(), Error> {
    if path == "-" {
        while let Some(chunk) = next(&mut content).await? {
            output::content(&chunk)?;
        }
        return Ok(());
    }
    let mut file = Draft::create(path)?;
    while let Some(chunk) = next(&mut content).await? {
        file.write(&chunk)?;
    }
    file.publish()
}

/// Writes `content` to the file `path`.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn bytes(path: &str, content: &[u8]) -> Result<(), Error> {
    let mut file = Draft::create(path)?;
    file.write(content)?;
    file.publish()
}

async fn next(content: &mut ByteStream) -> oras::content::Result<Option<bytes::Bytes>> {
    Ok(content.try_next().await?)
}

/// A file that is not there yet. Devices and pipes are written as they are.
struct Draft<'a> {
    path: &'a str,
    file: DraftFile,
}

enum DraftFile {
    Beside(tempfile::NamedTempFile),
    Device(std::fs::File),
}

impl<'a> Draft<'a> {
    fn create(path: &'a str) -> Result<Self, Error> {
        let fail = |error: &io::Error| Error::told(format!("open {path}: {}", io_text(error)));
        let file = match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(Error::told(format!("open {path}: is a directory")));
            }
            Ok(there) if !there.is_file() => {
                let device = std::fs::OpenOptions::new().write(true).open(path);
                DraftFile::Device(device.map_err(|error| fail(&error))?)
            }
            _ => DraftFile::Beside(beside(Path::new(path)).map_err(|error| fail(&error))?),
        };
        Ok(Self { path, file })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = match &mut self.file {
            DraftFile::Beside(file) => file.write_all(bytes),
            DraftFile::Device(file) => file.write_all(bytes),
        };
        written.map_err(|error| Error::told(format!("write {}: {}", self.path, io_text(&error))))
    }

    fn publish(self) -> Result<(), Error> {
        let DraftFile::Beside(file) = self.file else {
            return Ok(());
        };
        let renamed = file.persist(self.path);
        renamed.map_err(|failed| {
            Error::told(format!("open {}: {}", self.path, io_text(&failed.error)))
        })?;
        Ok(())
    }
}

fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".oras-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: what the umask leaves.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let folder = parent.unwrap_or(Path::new("."));
    // The error of a scratch file would be about that file; what is wrong is nearly always the folder.
    std::fs::metadata(folder.join("."))?;
    builder
        .tempfile_in(folder)
        .map_err(|error| io::Error::from(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let text = path.to_str().unwrap();
        let mut draft = Draft::create(text).unwrap();
        draft.write(b"half").unwrap();
        assert!(!path.exists());
        drop(draft);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        bytes(text, b"whole").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn errors_name_the_file() {
        let error = bytes("nosuchdir/x", b"").unwrap_err().into_failure().text();
        assert_eq!(error, "Error: open nosuchdir/x: no such file or directory");
        assert_eq!(
            bytes(".", b"").unwrap_err().into_failure().text(),
            "Error: open .: is a directory"
        );
        bytes("/dev/null", b"x").unwrap();
    }
}
