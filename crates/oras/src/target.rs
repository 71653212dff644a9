//! Opening a store from what a person writes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use oras_content::layout::{LayoutReader, LayoutStore};
use oras_content::{Error, ErrorKind, Result, Source, Target};
use oras_remote::Client;
use oras_spec::Reference;

/// Where a store is and what in it is meant.
///
/// - `localhost:5000/app:v1`, `ghcr.io/org/app@sha256:…`: on a registry
/// - `oci:folder:v1`, `oci:folder@sha256:…`: in an OCI layout
/// - `oci-archive:file.tar:v1`: in an OCI layout in a tar file, which can only be read
///
/// Tag and digest may be left out. In a path, the last `@` or else the last `:` starts the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetName {
    /// On a registry.
    Registry(Reference),
    /// In an OCI layout.
    Layout {
        /// The folder.
        path: PathBuf,
        /// The tag or digest; empty for none.
        reference: String,
    },
    /// In an OCI layout in a tar file.
    Archive {
        /// The file.
        path: PathBuf,
        /// The tag or digest; empty for none.
        reference: String,
    },
}

impl TargetName {
    /// The tag or digest; empty for none.
    pub fn reference(&self) -> String {
        match self {
            Self::Registry(reference) => reference.reference().unwrap_or_default(),
            Self::Layout { reference, .. } | Self::Archive { reference, .. } => reference.clone(),
        }
    }
}

impl FromStr for TargetName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (path, reference) = split(text, rest)?;
            return Ok(Self::Layout { path, reference });
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            let (path, reference) = split(text, rest)?;
            return Ok(Self::Archive { path, reference });
        }
        Reference::parse(text)
            .map(Self::Registry)
            .map_err(|error| invalid(text, error))
    }
}

/// Splits `path:tag` or `path@digest`.
fn split(text: &str, rest: &str) -> Result<(PathBuf, String)> {
    let (path, reference) = match (rest.rsplit_once('@'), rest.rsplit_once(':')) {
        (Some((path, digest)), _) => (path, digest),
        // The colon of a drive letter is part of the path.
        (None, Some((path, tag))) if !(cfg!(windows) && path.len() == 1) => (path, tag),
        _ => (rest, ""),
    };
    if path.is_empty() {
        return Err(invalid(text, "empty path"));
    }
    Ok((PathBuf::from(path), reference.to_owned()))
}

fn invalid(text: &str, why: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidReference, format!("{text:?}: {why}")).with_reference(text)
}

/// An open store and what in it is meant.
#[derive(Clone)]
pub struct Opened<S: ?Sized> {
    /// The store.
    pub store: Arc<S>,
    /// The tag or digest; empty for none.
    pub reference: String,
}

/// Opens a store for reading and writing, see [`TargetName`]. A layout that does not exist is made with the first content.
///
/// # Errors
/// [`ErrorKind::InvalidReference`]; [`ErrorKind::Unsupported`] for an archive; what opening fails with.
pub async fn open(name: &str, client: &Client) -> Result<Opened<dyn Target>> {
    let name: TargetName = name.parse()?;
    let store: Arc<dyn Target> = match &name {
        TargetName::Registry(reference) => Arc::new(client.repository(reference)?),
        TargetName::Layout { path, .. } => Arc::new(LayoutStore::open(path).await?),
        TargetName::Archive { path, .. } => {
            let text = format!(
                "{}: an archive can only be read: unsupported",
                path.display()
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
    };
    let reference = name.reference();
    Ok(Opened { store, reference })
}

/// Opens a store for reading, see [`TargetName`]. A layout must exist; nothing in it is touched.
///
/// # Errors
/// [`ErrorKind::InvalidReference`]; what opening fails with.
pub async fn open_source(name: &str, client: &Client) -> Result<Opened<dyn Source>> {
    let name: TargetName = name.parse()?;
    let store: Arc<dyn Source> = match &name {
        TargetName::Registry(reference) => Arc::new(client.repository(reference)?),
        TargetName::Layout { path, .. } | TargetName::Archive { path, .. } => {
            Arc::new(LayoutReader::open(path).await?)
        }
    };
    let reference = name.reference();
    Ok(Opened { store, reference })
}
