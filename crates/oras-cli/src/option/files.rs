//! From file arguments to layers and config in a local store.

use std::io::Read as _;
use std::path::Path;

use oras::content::file::{FileOptions, FileStore};
use oras::content::{Payload, Push as _, io_text};
use oras::spec::{Descriptor, media_type};

use crate::display::status::Detail;
use crate::error::Error;
use crate::option::file::FileArg;
use crate::option::packer::AnnotationSets;
use crate::output;

/// The name under which the config is kept, in the store and in annotation files.
const CONFIG_NAME: &str = "$config";
/// How much is read from a config that is not a regular file, in bytes.
const DEVICE_LIMIT: u64 = 4 * 1024 * 1024;

/// The store that files are added to; packed folders are kept in the folder for temporary files.
///
/// # Errors
/// If the current folder is gone.
pub(crate) fn store() -> Result<FileStore, Error> {
    let mut options = FileOptions::default();
    options.scratch = Some(std::env::temp_dir());
    Ok(FileStore::new("", options)?)
}

/// Adds the files in order.
///
/// # Errors
/// If a file cannot be read, or two have one name.
pub(crate) async fn layers(
    store: &FileStore,
    files: &[FileArg],
    annotations: &AnnotationSets,
    detail: Detail,
) -> Result<Vec<Descriptor>, Error> {
    let mut layers = Vec::new();
    for file in files {
        let own = annotations.files.get(&file.path);
        let title = own.and_then(|own| own.get(oras::spec::annotation::TITLE));
        let name = title.cloned().unwrap_or_else(|| clean(&file.path));
        if detail == Detail::All {
            output::line(&format!("Preparing {name}"))?;
        }
        let mut layer = store
            .add(&name, file.media_type.as_deref(), Path::new(&file.path))
            .await
            .map_err(|error| Error::local(&error))?;
        layer.annotations.extend(own.cloned().unwrap_or_default());
        layers.push(layer);
    }
    if layers.is_empty() && detail != Detail::Nothing {
        output::line("Uploading empty artifact")?;
    }
    Ok(layers)
}

/// Adds the config. Its annotations are those for the config and nothing else.
///
/// # Errors
/// If the file cannot be read.
pub(crate) async fn config(
    store: &FileStore,
    file: &FileArg,
    annotations: &AnnotationSets,
) -> Result<Descriptor, Error> {
    let path = Path::new(&file.path);
    let kind = file.media_type_or(media_type::UNKNOWN_CONFIG);
    let mut config = match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            device(store, path, kind).await?
        }
        _ => {
            let added = store.add(CONFIG_NAME, Some(kind), path).await;
            added.map_err(|error| Error::local(&error))?
        }
    };
    config.annotations = annotations.config.clone();
    Ok(config)
}

/// `/dev/null` is a common way to say "an empty config".
async fn device(store: &FileStore, path: &Path, kind: &str) -> Result<Descriptor, Error> {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(DEVICE_LIMIT).read_to_end(&mut bytes));
    read.map_err(|error| Error::told(format!("read {}: {}", path.display(), io_text(&error))))?;
    let kind = if kind.is_empty() {
        media_type::IMAGE_LAYER
    } else {
        kind
    };
    let config = Descriptor::of_bytes(kind, &bytes);
    store.push(&config, Payload::bytes(bytes)).await?;
    Ok(config)
}

/// Writes the manifest where the user wants it.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn export(path: &str, manifest: &[u8]) -> Result<(), Error> {
    if path.is_empty() {
        return Ok(());
    }
    let written = std::fs::write(path, manifest);
    written.map_err(|error| Error::told(format!("open {path}: {}", io_text(&error))))
}

/// The path without `.` and, where possible, without `..`; with slashes.
pub(crate) fn clean(path: &str) -> String {
    let path = if cfg!(windows) && !Path::new(path).is_absolute() {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_paths() {
        for (path, name) in [
            ("./a/../b", "b"),
            ("d/", "d"),
            (".", "."),
            ("../x", "../x"),
            ("a/../../x", "../x"),
            ("/a//b/./c", "/a/b/c"),
            ("/../x", "/x"),
            ("foobar/bar", "foobar/bar"),
        ] {
            assert_eq!(clean(path), name, "{path}");
        }
    }
}
