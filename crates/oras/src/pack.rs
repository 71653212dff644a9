//! Making the manifest of an artifact.

mod created;

use bytes::Bytes;
use oras_content::{Error, ErrorKind, Payload, Result, Side, Target, parse_manifest};
use oras_spec::annotation::{self, Annotations};
use oras_spec::descriptor::EMPTY_JSON_BYTES;
use oras_spec::{Descriptor, ImageManifest, RawManifest, json, media_type};

pub use created::Created;

use crate::sync::At;

/// The shape of a packed manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PackVersion {
    /// Image-spec 1.0: the artifact type is the media type of the config.
    V1_0,
    /// Image-spec 1.1: an `artifactType` of its own, and a `subject`.
    #[default]
    V1_1,
}

/// What a packed manifest holds.
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// The shape.
    pub version: PackVersion,
    /// The type of the artifact. 1.1 needs it unless the config says it; 1.0 ignores it beside a config.
    pub artifact_type: Option<String>,
    /// The config, used as it is; it is neither pushed nor looked for. `{}` if `None`.
    pub config: Option<Descriptor>,
    /// Annotations for the config that stands in for `None`.
    pub config_annotations: Annotations,
    /// The layers, in order. With 1.1, `{}` stands in for none.
    pub layers: Vec<Descriptor>,
    /// What this manifest refers to. Not with 1.0.
    pub subject: Option<Descriptor>,
    /// Annotations of the manifest. A creation time in here wins over `created`.
    pub annotations: Annotations,
    /// The creation time to annotate with.
    pub created: Created,
}

/// Makes a manifest and puts it, and the `{}` it may need, into `target`. Everything is checked before anything is pushed.
///
/// The descriptor of the result carries the artifact type and the annotations of the manifest.
///
/// # Errors
/// [`ErrorKind::MissingArtifactType`], [`ErrorKind::InvalidMediaType`], [`ErrorKind::InvalidTimestamp`],
/// [`ErrorKind::Unsupported`] for a subject with 1.0; what the target fails with.
pub async fn pack(target: &dyn Target, options: &PackOptions) -> Result<RawManifest> {
    let packed = Packed::new(options)?;
    for empty in packed.to_push() {
        push_missing(target, empty)
            .await
            .at(Side::Destination, "push")?;
    }
    let manifest = packed.manifest;
    let payload = Payload::bytes(manifest.bytes().clone());
    target
        .push(manifest.descriptor(), payload)
        .await
        .at(Side::Destination, "push")?;
    Ok(manifest)
}

/// Makes a manifest without putting it anywhere. See [`pack`].
///
/// # Errors
/// As [`pack`], without those of a target.
pub fn pack_manifest(options: &PackOptions) -> Result<RawManifest> {
    Ok(Packed::new(options)?.manifest)
}

async fn push_missing(target: &dyn Target, empty: &Descriptor) -> Result<()> {
    if !target.exists(empty).await? {
        let payload = Payload::bytes(Bytes::from_static(EMPTY_JSON_BYTES));
        target.push(empty, payload).await?;
    }
    Ok(())
}

struct Packed {
    manifest: RawManifest,
    /// The descriptor that `{}` goes by as the config.
    config: Option<Descriptor>,
    /// Whether `{}` is the only layer.
    empty_layer: bool,
}

impl Packed {
    fn new(options: &PackOptions) -> Result<Self> {
        match options.version {
            PackVersion::V1_0 => Self::v1_0(options),
            PackVersion::V1_1 => Self::v1_1(options),
        }
    }

    fn v1_0(options: &PackOptions) -> Result<Self> {
        if options.subject.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "subject is not supported for manifest version 1: unsupported",
            ));
        }
        let artifact_type = given(options);
        let own_config = match &options.config {
            Some(config) => {
                validate("config mediaType", &config.media_type)?;
                None
            }
            None => {
                if let Some(artifact_type) = artifact_type {
                    validate("artifactType", artifact_type)?;
                }
                let media_type = artifact_type.unwrap_or(media_type::UNKNOWN_CONFIG);
                let mut config = Descriptor::of_bytes(media_type, EMPTY_JSON_BYTES);
                config.annotations = options.config_annotations.clone();
                Some(config)
            }
        };
        Self::assemble(options, own_config, None, options.layers.clone())
    }

    fn v1_1(options: &PackOptions) -> Result<Self> {
        let artifact_type = given(options);
        let config_says = options
            .config
            .as_ref()
            .is_some_and(|config| config.media_type != media_type::EMPTY_JSON);
        match artifact_type {
            Some(artifact_type) => validate("artifactType", artifact_type)?,
            None if config_says => {}
            None => {
                return Err(Error::new(
                    ErrorKind::MissingArtifactType,
                    "missing artifact type",
                ));
            }
        }
        let own_config = match &options.config {
            Some(config) => {
                validate("config mediaType", &config.media_type)?;
                None
            }
            None => {
                let mut config = Descriptor::empty_json();
                config.annotations = options.config_annotations.clone();
                Some(config)
            }
        };
        // Registries may refuse a manifest without any layer.
        let layers = match options.layers.is_empty() {
            true => vec![Descriptor::empty_json()],
            false => options.layers.clone(),
        };
        Self::assemble(options, own_config, artifact_type, layers)
    }

    fn assemble(
        options: &PackOptions,
        own_config: Option<Descriptor>,
        artifact_type: Option<&str>,
        layers: Vec<Descriptor>,
    ) -> Result<Self> {
        let annotations = options.created.annotate(&options.annotations)?;
        let empty_layer = options.version == PackVersion::V1_1 && options.layers.is_empty();
        let Some(config) = options.config.clone().or_else(|| own_config.clone()) else {
            return Err(Error::new(ErrorKind::Other, "no config to pack"));
        };
        let mut manifest = ImageManifest::new(config, layers);
        manifest.artifact_type = artifact_type.map(str::to_owned);
        manifest.subject = options.subject.clone();
        manifest.annotations = annotations;

        let bytes = json::to_vec(&manifest).map_err(|error| {
            Error::new(ErrorKind::InvalidManifest, "manifest can't be encoded").with_source(error)
        })?;
        let mut descriptor = Descriptor::of_bytes(media_type::IMAGE_MANIFEST, &bytes);
        descriptor.artifact_type = match options.version {
            PackVersion::V1_0 => Some(manifest.config.media_type.clone()),
            PackVersion::V1_1 => manifest.artifact_type,
        };
        descriptor.annotations = manifest.annotations;
        Ok(Self {
            manifest: parse_manifest(&descriptor, bytes.into())?,
            config: own_config,
            empty_layer,
        })
    }

    /// What `{}` has to be pushed as before the manifest.
    fn to_push(&self) -> impl Iterator<Item = &Descriptor> {
        let layer = self.manifest.layers().first().filter(|_| self.empty_layer);
        // In 1.1 both are the same content.
        let layer = layer.filter(|_| self.config.is_none());
        self.config.iter().chain(layer)
    }
}

fn given(options: &PackOptions) -> Option<&str> {
    options
        .artifact_type
        .as_deref()
        .filter(|text| !text.is_empty())
}

fn validate(field: &str, value: &str) -> Result<()> {
    media_type::validate(value).map_err(|error| {
        Error::new(
            ErrorKind::InvalidMediaType,
            format!("invalid {field} format: {value}: {error}"),
        )
    })
}

impl Created {
    /// The annotations with the creation time among them.
    fn annotate(&self, annotations: &Annotations) -> Result<Annotations> {
        let mut annotations = annotations.clone();
        if let Some(given) = annotations.get(annotation::CREATED) {
            created::validate(given)?;
            return Ok(annotations);
        }
        if let Some(time) = self.text()? {
            annotations.insert(annotation::CREATED.to_owned(), time);
        }
        Ok(annotations)
    }
}
