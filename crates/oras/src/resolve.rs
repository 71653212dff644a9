//! From a reference to a descriptor or manifest, with platform selection.

use std::sync::Arc;

use bytes::Bytes;
use oras_content::{
    Content, Error, ErrorKind, Fetch, FetchExt, MAX_MANIFEST_BYTES, Result, Side, Source,
    parse_manifest,
};
use oras_spec::{Descriptor, Manifest, Platform, RawManifest, media_type};

use crate::sync::At;

/// The descriptor that `reference` stands for; with a platform, that of the manifest for it.
///
/// # Errors
/// [`ErrorKind::NotFound`] for the reference or the platform, [`ErrorKind::Unsupported`] when the platform of the
/// content can't be told.
pub async fn resolve(
    source: &Arc<dyn Source>,
    reference: &str,
    platform: Option<&Platform>,
) -> Result<Descriptor> {
    match platform {
        None => source
            .resolve(reference)
            .await
            .map_err(|error| error.with_reference(reference))
            .at(Side::Source, "resolve"),
        Some(_) => {
            let root = fetch_root(source, reference, platform, MAX_MANIFEST_BYTES).await?;
            Ok(root.descriptor)
        }
    }
}

/// The manifest that `reference` stands for, verified; with a platform, the manifest for it.
///
/// # Errors
/// Those of [`resolve`]; [`ErrorKind::Unsupported`] if the content is no manifest; [`ErrorKind::InvalidManifest`].
pub async fn fetch_manifest(
    source: &Arc<dyn Source>,
    reference: &str,
    platform: Option<&Platform>,
) -> Result<RawManifest> {
    let root = fetch_root(source, reference, platform, MAX_MANIFEST_BYTES).await?;
    if !root.descriptor.is_manifest() {
        return Err(unsupported(&root.descriptor)).at(Side::Source, "fetch");
    }
    match root.bytes {
        Some(bytes) => parse_manifest(&root.descriptor, bytes),
        None => source.fetch_manifest(&root.descriptor).await,
    }
    .at(Side::Source, "fetch")
}

/// The manifest for `platform` below (or equal to) `root`.
///
/// Out of an index this is the entry, with its annotations and its platform; the first match wins. An image manifest is
/// compared by its config.
///
/// # Errors
/// [`ErrorKind::NotFound`] if nothing matches, [`ErrorKind::Unsupported`] if the platform of `root` can't be told.
pub async fn select_platform(
    source: &dyn Fetch,
    root: &Descriptor,
    platform: &Platform,
) -> Result<Descriptor> {
    if !root.is_manifest() {
        return Err(unsupported(root));
    }
    let manifest = source.fetch_manifest(root).await?;
    select(source, &manifest, platform).await
}

/// What a copy starts at. The bytes are verified, and only kept for manifests.
pub(crate) struct Root {
    pub(crate) descriptor: Descriptor,
    pub(crate) bytes: Option<Bytes>,
}

/// Resolves and reads in one round trip where the source can do that.
pub(crate) async fn fetch_root(
    source: &Arc<dyn Source>,
    reference: &str,
    platform: Option<&Platform>,
    limit: u64,
) -> Result<Root> {
    let root = read_root(source, reference, limit)
        .await
        .map_err(|error| error.with_reference(reference))
        .at(Side::Source, "resolve")?;
    let Some(platform) = platform else {
        return Ok(root);
    };
    let selected = select_in(source, &root, platform)
        .await
        .at(Side::Source, "resolve")?;
    let unchanged = selected.same_content(&root.descriptor);
    Ok(Root {
        descriptor: selected,
        bytes: root.bytes.filter(|_| unchanged),
    })
}

async fn read_root(source: &Arc<dyn Source>, reference: &str, limit: u64) -> Result<Root> {
    let Some(fetcher) = source.as_fetch_reference() else {
        let descriptor = source.resolve(reference).await?;
        return Ok(Root {
            descriptor,
            bytes: None,
        });
    };
    let content: Content = fetcher.fetch_reference(reference).await?;
    let descriptor = content.descriptor().clone();
    let bytes = match descriptor.is_manifest() {
        true => Some(content.bytes(limit).await?),
        false => None,
    };
    Ok(Root { descriptor, bytes })
}

async fn select_in(
    source: &Arc<dyn Source>,
    root: &Root,
    platform: &Platform,
) -> Result<Descriptor> {
    match &root.bytes {
        Some(bytes) => {
            let manifest = parse_manifest(&root.descriptor, bytes.clone())?;
            select(source.as_ref(), &manifest, platform).await
        }
        None => select_platform(source.as_ref(), &root.descriptor, platform).await,
    }
}

async fn select(
    source: &dyn Fetch,
    manifest: &RawManifest,
    platform: &Platform,
) -> Result<Descriptor> {
    let root = manifest.descriptor();
    match manifest.manifest() {
        Manifest::Index(index) | Manifest::DockerList(index) => index
            .manifests
            .iter()
            .find(|entry| entry.platform.as_ref().is_some_and(|p| p.matches(platform)))
            .cloned()
            .ok_or_else(|| no_match(root, "no matching manifest was found in the manifest list")),
        Manifest::Image(image) => {
            is_for(
                source,
                &image.config,
                media_type::IMAGE_CONFIG,
                root,
                platform,
            )
            .await
        }
        Manifest::DockerImage(image) => {
            is_for(
                source,
                &image.config,
                media_type::DOCKER_CONFIG,
                root,
                platform,
            )
            .await
        }
        _ => Err(unsupported(root)),
    }
}

/// `root`, if its config says that it is for `platform`.
async fn is_for(
    source: &dyn Fetch,
    config: &Descriptor,
    expected: &str,
    root: &Descriptor,
    platform: &Platform,
) -> Result<Descriptor> {
    if config.media_type != expected {
        let text = format!(
            "fail to recognize platform from unknown config {}: expect {expected}: unsupported",
            config.media_type
        );
        return Err(Error::new(ErrorKind::Unsupported, text).with_descriptor(root));
    }
    let bytes = source.fetch_bytes(config, MAX_MANIFEST_BYTES).await?;
    let own: Platform = serde_json::from_slice(&bytes).map_err(|error| {
        Error::new(ErrorKind::InvalidManifest, "config is not valid JSON")
            .with_source(error)
            .with_descriptor(config)
    })?;
    if !own.matches(platform) {
        return Err(no_match(
            root,
            "platform in manifest does not match target platform",
        ));
    }
    Ok(root.clone())
}

fn no_match(root: &Descriptor, why: &str) -> Error {
    let text = format!("{}: not found: {why}", root.digest);
    Error::new(ErrorKind::NotFound, text).with_descriptor(root)
}

fn unsupported(content: &Descriptor) -> Error {
    let text = format!("{}: {}: unsupported", content.digest, content.media_type);
    Error::new(ErrorKind::Unsupported, text).with_descriptor(content)
}
