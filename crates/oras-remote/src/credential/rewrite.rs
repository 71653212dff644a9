//! Changing one entry of a `config.json` of Docker that others read and write at the same time.
//!
//! The file is read again under a lock, so that nobody's entry is lost, and replaced in one step, so that everybody reads
//! all of it. What is not understood is kept as it stands, down to the digits of numbers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oras_content::{Error, ErrorKind, Result, io_text};
use oras_spec::json;
use serde_json::value::{RawValue, to_raw_value};
use tempfile::NamedTempFile;

use super::config_file::{self, ConfigFile};
use super::entry::Entry;

const AUTHS: &str = "auths";
/// Other tools know by this name what an interrupted write leaves behind.
const TEMPORARY: &str = "oras_credstore_temp_";
/// As many as the system follows.
const MOST_LINKS: usize = 40;

type Fields = BTreeMap<String, Box<RawValue>>;

/// What to do with one entry.
pub(super) enum Change {
    Put(Entry),
    Remove,
}

/// Makes a change to the entry of `key`, and returns what the file at `path` says then. Blocks.
pub(super) fn rewrite(path: &Path, key: &str, change: &Change) -> Result<ConfigFile> {
    let file = follow(path);
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Change::Put(_) = change {
        make_folder(folder)?;
    }
    let _lock = lock(folder);
    let before = config_file::text(path)?;
    let content = ConfigFile::parse(path, &before)?;
    let Some(after) = changed(&before, key, change).map_err(|error| unwritable(path, &error))?
    else {
        return Ok(content);
    };
    if after != before || !is_private(&file) {
        replace(&file, folder, &after).map_err(|error| unwritable(path, &error))?;
    }
    ConfigFile::parse(path, &after)
}

/// The new text, or `None` if there is nothing to change.
fn changed(before: &[u8], key: &str, change: &Change) -> io::Result<Option<Vec<u8>>> {
    let mut fields: Fields = parse(before)?;
    let mut auths: Fields = match fields.get(AUTHS) {
        Some(auths) => parse(auths.get().as_bytes())?,
        None => Fields::new(),
    };
    match change {
        Change::Put(entry) => {
            auths.insert(key.to_owned(), to_raw_value(entry)?);
        }
        Change::Remove => {
            if auths.remove(key).is_none() {
                return Ok(None);
            }
        }
    }
    fields.insert(AUTHS.to_owned(), to_raw_value(&auths)?);
    encode(&fields).map(Some)
}

fn parse(text: &[u8]) -> io::Result<Fields> {
    if text.trim_ascii().is_empty() {
        return Ok(Fields::new());
    }
    let fields: Option<Fields> = serde_json::from_slice(text)?;
    Ok(fields.unwrap_or_default())
}

/// As Go writes it: sorted keys, a tab per level, and no `<`, `>` or `&`.
fn encode(fields: &Fields) -> io::Result<Vec<u8>> {
    let indented = json::indent(&serde_json::to_vec(fields)?).map_err(io::Error::other)?;
    let indented = String::from_utf8(indented).map_err(io::Error::other)?;
    let mut text = String::with_capacity(indented.len());
    for (at, line) in indented.split('\n').enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let content = line.trim_start_matches(' ');
        let level = (line.len() - content.len()) / 2;
        text.extend(std::iter::repeat_n('\t', level));
        for c in content.chars() {
            match c {
                // Only strings have any of these.
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    text.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => text.push(c),
            }
        }
    }
    Ok(text.into_bytes())
}

/// Where `path` leads: a link stays, what it points to is replaced, even if that is not there yet.
fn follow(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    path
}

/// Makes the folder and those above it, for their owner alone.
fn make_folder(folder: &Path) -> Result<()> {
    let above = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.is_dir());
    let missing: Vec<&Path> = above.collect();
    for path in missing.into_iter().rev() {
        let made = private_folder(path);
        let text = match &made {
            Ok(()) => continue,
            // Somebody else made it in the meantime.
            Err(_) if path.is_dir() => continue,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "not a directory".to_owned()
            }
            Err(error) => io_text(error),
        };
        let cause = format!("mkdir {}: {text}", path.display());
        return Err(Error::new(ErrorKind::Credential, cause)
            .context(format!("failed to make directory {}", folder.display())));
    }
    Ok(())
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Waits for the right to change files in `folder`, and has it as long as the value lives.
///
/// The lock is on the folder: it is always there, it is not replaced, and nothing appears in it. Where a folder can't be
/// opened or locked there is none: as safe as the reference tool is still of use.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Puts `text` into the file in one step, readable by its owner alone.
fn replace(file: &Path, folder: &Path, text: &[u8]) -> io::Result<()> {
    let before = match fs::metadata(file) {
        Ok(before) if !before.is_file() => return Err(io::Error::other("not a regular file")),
        before => before.ok(),
    };
    let mut temporary: NamedTempFile = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(folder)?;
    temporary.write_all(text)?;
    if let Some(before) = before {
        keep_owner(temporary.as_file(), &before);
    }
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    if let Ok(folder) = File::open(folder) {
        // The new file is complete; that its name survives a power cut is nice to have.
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Who runs this with `sudo` must not take the file away from its user.
#[cfg(unix)]
fn keep_owner(file: &File, before: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(before.uid()), Some(before.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) {}

#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(file: &Path) -> bool {
    file.exists()
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Credential, io_text(error))
        .context(format!("failed to write config file at {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credential;

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        let entry = Change::Put(Entry::of(&Credential::basic("me", "pw")).unwrap());
        let check = |before: &str, after: &str| {
            let changed = changed(before.as_bytes(), "r.test", &entry).unwrap();
            assert_eq!(String::from_utf8(changed.unwrap()).unwrap(), after);
        };
        let fresh =
            "{\n\t\"auths\": {\n\t\t\"r.test\": {\n\t\t\t\"auth\": \"bWU6cHc=\"\n\t\t}\n\t}\n}";
        for before in ["", " \n", "{}", "null", r#"{"auths":null}"#, fresh] {
            check(before, fresh);
        }
        check(
            r#"{"z":[1.50,123456789012345678901234567890,{"b":"  x\/<&>","a":{}}],"auths":{"r.test":{"email":"x"},"a":7}}"#,
            "{\n\t\"auths\": {\n\t\t\"a\": 7,\n\t\t\"r.test\": {\n\t\t\t\"auth\": \"bWU6cHc=\"\n\t\t}\n\t},\n\
             \t\"z\": [\n\t\t1.50,\n\t\t123456789012345678901234567890,\n\t\t{\n\
             \t\t\t\"b\": \"  x\\/\\u003c\\u0026\\u003e\",\n\t\t\t\"a\": {}\n\t\t}\n\t]\n}",
        );
    }

    #[test]
    fn removing_the_last_entry_leaves_an_empty_object() {
        let before = br#"{"auths":{"r.test":{}}}"#;
        let after = changed(before, "r.test", &Change::Remove).unwrap().unwrap();
        assert_eq!(after, b"{\n\t\"auths\": {}\n}");
        assert_eq!(changed(before, "other", &Change::Remove).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let error = replace(&path, dir.path(), b"{}").unwrap_err();
        assert_eq!(error.to_string(), "not a regular file");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
