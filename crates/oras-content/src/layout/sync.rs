//! Waiting until what was written is on the disk.

use std::fs::File;
use std::io;
use std::path::Path;

/// Waits until a file, or the names in a folder, are on the disk. What was deleted in the meantime is no error. Blocks.
///
/// # Errors
/// What the system says.
pub fn sync_path(path: &Path) -> io::Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced,
    }
}

/// Waits until everything in the file system of `folder` is on the disk. False where there is no such call. Blocks.
///
/// # Errors
/// What the system says.
#[cfg(target_os = "linux")]
pub fn sync_file_system(folder: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(true)
}

/// Waits until everything in the file system of `folder` is on the disk. False where there is no such call. Blocks.
///
/// # Errors
/// None here.
#[cfg(not(target_os = "linux"))]
pub fn sync_file_system(_: &Path) -> io::Result<bool> {
    Ok(false)
}
