//! The key that signs tokens, in a file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::AuthError;
use super::token::Keys;

/// More than this, in bytes, is no file of keys.
const MOST_BYTES: u64 = 4096;

/// Keys that nobody else has, for as long as the process lives.
pub(super) fn random() -> Result<Keys, AuthError> {
    Ok(Keys::new([generate()?]))
}

/// The keys in a file, which is created if there is none.
pub(super) fn from_file(path: &Path) -> Result<Keys, AuthError> {
    let failed = |source| AuthError::TokenKey {
        path: path.to_owned(),
        source,
    };
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path, &generate()?).map_err(failed)?;
            // Another process may have been faster: what counts is what is there now.
            read(path).map_err(failed)
        }
        keys => keys.map_err(failed),
    }
}

fn generate() -> Result<[u8; 32], AuthError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| AuthError::Random)?;
    Ok(key)
}

fn read(path: &Path) -> io::Result<Keys> {
    let mut text = String::new();
    File::open(path)?
        .take(MOST_BYTES)
        .read_to_string(&mut text)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Option<Vec<_>> = lines.map(parse).collect();
    match keys {
        Some(keys) if !keys.is_empty() => Ok(Keys::new(keys)),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "every line should have 64 hexadecimal digits",
        )),
    }
}

fn parse(line: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if line.len() != 64 || !line.is_ascii() {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(line.as_bytes().chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let (high, low) = (digit(*digits.first()?)?, digit(*digits.get(1)?)?);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(key)
}

/// Creates the file for its owner only, whole or not at all. One that is there stays.
fn create(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for byte in key {
        write!(file, "{byte:02x}")?;
    }
    writeln!(file)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(keys: &Keys) -> String {
        keys.fingerprint(["", ""]).unwrap()
    }

    #[test]
    fn a_key_is_created_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/key");
        let first = fingerprint(&from_file(&path).unwrap());
        assert_eq!(fingerprint(&from_file(&path).unwrap()), first);
        assert_ne!(fingerprint(&random().unwrap()), first);
        create(&path, &[0; 32]).unwrap();
        assert_eq!(fingerprint(&from_file(&path).unwrap()), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_without_keys_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let long = "0".repeat(66);
        for text in ["", "\n", "abc", &"x".repeat(64), &long] {
            fs::write(&path, text).unwrap();
            let failed = from_file(&path).err().unwrap();
            assert!(matches!(failed, AuthError::TokenKey { .. }), "{text}");
        }
        fs::write(
            &path,
            format!("{}\r\n\n{}\n", "0".repeat(64), "F".repeat(64)),
        )
        .unwrap();
        from_file(&path).unwrap();
    }
}
