//! From a place to a store.

use std::io;
use std::path::Path;
use std::sync::Arc;

use oras::Cache;
use oras::content::layout::{LayoutReader, LayoutStore};
use oras::content::{Content, ErrorKind, Source, Target, io_text};
use oras::remote::Repository;
use oras::spec::{Descriptor, Digest, go_quote, media_type};

use crate::env;
use crate::error::Error;
use crate::option::referrers::DistributionSpec;
use crate::option::target::{Kind, Place, parse_digest};
use crate::session::Session;

impl Place {
    /// Opens the place for reading. A layout may be a folder or a tar, and is not changed.
    ///
    /// # Errors
    /// If there is no layout, or the client cannot be built.
    pub(crate) async fn source(
        &self,
        session: &Session,
        spec: Option<DistributionSpec>,
    ) -> Result<Arc<dyn Source>, Error> {
        match &self.kind {
            Kind::Repository { .. } => Ok(Arc::new(self.repository(session, spec)?)),
            Kind::Layout { layout, .. } => Ok(Arc::new(self.reader(&layout.path).await?)),
        }
    }

    /// Opens the place for reading content through the user's cache, if there is one.
    ///
    /// # Errors
    /// As [`source`](Self::source); if the cache is unusable.
    pub(crate) async fn cached_source(&self, session: &Session) -> Result<Arc<dyn Source>, Error> {
        let source = self.source(session, None).await?;
        through_cache(source).await
    }

    /// Opens the place for writing. A layout is made if there is none.
    ///
    /// # Errors
    /// If the layout is unusable, or the client cannot be built.
    pub(crate) async fn target(
        &self,
        session: &Session,
        spec: Option<DistributionSpec>,
    ) -> Result<Arc<dyn Target>, Error> {
        match &self.kind {
            Kind::Repository { .. } => Ok(Arc::new(self.repository(session, spec)?)),
            Kind::Layout { layout, .. } => Ok(Arc::new(LayoutStore::open(&layout.path).await?)),
        }
    }

    /// Opens the place for reading manifests of these media types, through the cache.
    ///
    /// # Errors
    /// As [`cached_source`](Self::cached_source); if the place is a layout, which has no choice of media types.
    pub(crate) async fn source_accepting(
        &self,
        session: &Session,
        media_types: Vec<String>,
    ) -> Result<Arc<dyn Source>, Error> {
        if media_types.is_empty() {
            return self.cached_source(session).await;
        }
        match &self.kind {
            Kind::Repository { .. } => {
                let repository = self.repository(session, None)?.with_accept(media_types);
                through_cache(Arc::new(repository)).await
            }
            Kind::Layout { .. } => Err(Error::told(
                "`--media-type` cannot be used with `--oci-layout` at the same time",
            )),
        }
    }

    /// Opens the place for reading blobs by their digest alone.
    ///
    /// # Errors
    /// As [`source`](Self::source).
    pub(crate) async fn blobs(&self, session: &Session) -> Result<Blobs, Error> {
        match &self.kind {
            Kind::Repository { .. } => Ok(Blobs::Repository(self.repository(session, None)?)),
            Kind::Layout { .. } => Ok(Blobs::Layout(self.source(session, None).await?)),
        }
    }

    /// Like [`blobs`](Self::blobs), for who has the place open for writing: there a layout may still be missing.
    ///
    /// # Errors
    /// If the client cannot be built.
    pub(crate) async fn blobs_of(
        &self,
        session: &Session,
        target: &Arc<dyn Target>,
    ) -> Result<Blobs, Error> {
        match &self.kind {
            Kind::Repository { .. } => self.blobs(session).await,
            Kind::Layout { .. } => Ok(Blobs::Layout(Arc::clone(target) as Arc<dyn Source>)),
        }
    }

    fn repository(
        &self,
        session: &Session,
        spec: Option<DistributionSpec>,
    ) -> Result<Repository, Error> {
        let Kind::Repository { reference, access } = &self.kind else {
            return Err(Error::told("not a repository"));
        };
        let client = session.client(access, reference.registry(), spec)?;
        Ok(client.repository(reference)?)
    }

    async fn reader(&self, path: &str) -> Result<LayoutReader, Error> {
        if let Err(error) = tokio::fs::metadata(Path::new(path)).await {
            return Err(self.no_path(path, &error));
        }
        Ok(LayoutReader::open(path).await?)
    }

    fn no_path(&self, path: &str, error: &io::Error) -> Error {
        Error::told(format!(
            "invalid argument {}: failed to find path {}: stat {path}: {}",
            go_quote(&self.raw),
            go_quote(path),
            io_text(error)
        ))
    }
}

async fn through_cache(source: Arc<dyn Source>) -> Result<Arc<dyn Source>, Error> {
    Ok(match cache().await? {
        Some(cache) => cache.over(source),
        None => source,
    })
}

/// The user's cache, if there is one.
///
/// # Errors
/// If its folder is no layout and cannot become one.
pub(crate) async fn cache() -> Result<Option<Cache>, Error> {
    let Some(folder) = env::cache() else {
        return Ok(None);
    };
    let store = LayoutStore::open(&folder).await;
    let store = store.map_err(|error| Error::local(&error))?;
    Ok(Some(Cache::new(Arc::new(store))))
}

/// Where blobs are looked up by digest. A registry keeps them apart from manifests, a layout does not.
pub(crate) enum Blobs {
    Repository(Repository),
    Layout(Arc<dyn Source>),
}

impl Blobs {
    /// # Errors
    /// If there is no such blob, or `reference` is no digest.
    pub(crate) async fn resolve(&self, reference: &str) -> Result<Descriptor, Error> {
        match self {
            Self::Repository(repository) => {
                digest(reference)?;
                Ok(repository.resolve_blob(reference).await?)
            }
            Self::Layout(layout) => Ok(in_layout(layout, reference).await?),
        }
    }

    /// # Errors
    /// If there is no such blob, or `reference` is no digest.
    pub(crate) async fn fetch(&self, reference: &str) -> Result<Content, Error> {
        match self {
            Self::Repository(repository) => {
                digest(reference)?;
                Ok(repository.fetch_blob_reference(reference).await?)
            }
            Self::Layout(layout) => {
                let blob = in_layout(layout, reference).await?;
                Ok(layout.fetch(&blob).await?)
            }
        }
    }
}

fn digest(reference: &str) -> Result<Digest, Error> {
    parse_digest(reference).map_err(|error| Error::told(error.to_string()))
}

/// A blob has no tag, and no media type but the most general one.
async fn in_layout(layout: &Arc<dyn Source>, reference: &str) -> oras::content::Result<Descriptor> {
    if parse_digest(reference).is_err() {
        return Err(oras::content::Error::new(ErrorKind::NotFound, "not found"));
    }
    let found = layout.resolve(reference).await?;
    Ok(Descriptor::new(
        media_type::OCTET_STREAM,
        found.digest,
        found.size,
    ))
}
