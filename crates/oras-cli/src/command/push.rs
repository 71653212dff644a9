//! `oras push`

use std::sync::Arc;

use oras::content::{Payload, Push as _, Side, Target};
use oras::spec::{Descriptor, Platform, RawManifest, json, media_type};
use oras::{CopyOptions, PackOptions, PackVersion, TagOptions, pack, push_packed, tag_manifest};
use serde::Serialize;

use crate::command::Run;
use crate::display::json::DescriptorModel;
use crate::display::status::{Detail, Verbs};
use crate::error::{Error, Failure};
use crate::option::common::{CommonArgs, TerminalArgs};
use crate::option::file::FileArg;
use crate::option::files;
use crate::option::format::{Format, FormatArgs};
use crate::option::packer::{AnnotationSets, PackerArgs};
use crate::option::platform;
use crate::option::referrers::UnknownOption;
use crate::option::target::{Place, TargetArgs, parse_digest, split_tags};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Push files to a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "push",
    mut_arg("config", |arg| arg.alias("manifest-config")),
    override_usage = "push [flags] <name>[:<tag>[,<tag>][...]] <file>[:<type>] [...]",
    after_help = "Example - Push the file 'hi.txt' with the default media type:
  oras push localhost:5000/hello:v1 hi.txt

Example - Push a file with a media type of its own:
  oras push localhost:5000/hello:v1 hi.txt:application/vnd.me.hi

Example - Push several files, and a folder that is packed:
  oras push localhost:5000/hello:v1 hi.txt:text/plain ./images

Example - Say what kind of artifact it is:
  oras push --artifact-type application/vnd.example+type localhost:5000/hello:v1 hi.txt

Example - Push with a config and annotations:
  oras push --config config.json:application/vnd.me.config -a \"key=value\" localhost:5000/hello:v1 hi.txt

Example - Push and give several tags:
  oras push localhost:5000/hello:v1,v2,latest hi.txt

Example - Push into the OCI image layout folder 'layout-dir':
  oras push --oci-layout layout-dir:v1 hi.txt"
)]
pub(crate) struct Push {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    packer: PackerArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    /// type of the artifact
    #[arg(long, default_value = "")]
    artifact_type: String,
    /// [Preview] version of the image specification to pack by: v1.1, v1.0 (default "v1.1")
    #[arg(long, value_parser = image_spec)]
    image_spec: Option<ImageSpec>,
    /// [Experimental] platform that the artifact is for
    #[arg(
        long,
        value_name = "os[/arch][/variant][:os_version]",
        default_value = ""
    )]
    artifact_platform: String,
}

/// `--image-spec`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImageSpec {
    V1_0,
    V1_1,
}

fn image_spec(text: &str) -> Result<ImageSpec, UnknownOption> {
    match text {
        "v1.1" => Ok(ImageSpec::V1_1),
        "v1.0" => Ok(ImageSpec::V1_0),
        _ => Err(UnknownOption {
            what: "image specification",
            text: text.to_owned(),
            options: "v1.1, v1.0",
        }),
    }
}

/// Everything that was checked.
struct Plan {
    place: Place,
    tags: Vec<String>,
    files: Vec<FileArg>,
    config: Option<FileArg>,
    annotations: AnnotationSets,
    platform: Option<Platform>,
    version: PackVersion,
    artifact_type: String,
    format: Format,
    detail: Detail,
}

impl Run for Push {
    const ARITY: Arity = Arity::at_least(1, "the destination for pushing");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let plan = self.plan(session, args)?;
        let done = self.push(session, &plan).await;
        done.map_err(|error| error.tell(&plan.place.audience(session)))
    }
}

impl Push {
    fn plan(&self, session: &Session, args: &[String]) -> Result<Plan, Error> {
        let files = args[1..]
            .iter()
            .map(|text| FileArg::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        let annotations = self.packer.check(&files, &session.given)?;
        let platform = platform::parse(&self.artifact_platform)?;
        let (raw, tags) = split_tags(&args[0]);
        let place = self.target.place(&raw, session.flags())?;
        let format = self.format.check()?;
        let version = self.version(session)?;
        let artifact_type = match (version, self.artifact_type.as_str()) {
            (PackVersion::V1_1, "") if self.packer.config.is_empty() => {
                media_type::UNKNOWN_ARTIFACT.to_owned()
            }
            (_, given) => given.to_owned(),
        };
        let detail = match format {
            Format::Text => Detail::of_text(self.common.verbose),
            _ => Detail::Nothing,
        };
        let config = self.packer.config()?;
        Ok(Plan {
            place,
            tags,
            files,
            config,
            annotations,
            platform,
            version,
            artifact_type,
            format,
            detail,
        })
    }

    /// The shape of the manifest.
    fn version(&self, session: &Session) -> Result<PackVersion, Error> {
        let config = !self.packer.config.is_empty();
        let typed = !self.artifact_type.is_empty();
        let version = match self.image_spec {
            Some(ImageSpec::V1_1) if config && !typed => {
                return Err(Failure::new(
                    "missing artifact type for OCI image-spec v1.1 artifacts",
                )
                .with_hint("set an artifact type via `--artifact-type` or consider image spec v1.0")
                .into());
            }
            Some(ImageSpec::V1_1) => PackVersion::V1_1,
            Some(ImageSpec::V1_0) => PackVersion::V1_0,
            None if config && !typed => PackVersion::V1_0,
            None => PackVersion::V1_1,
        };
        session
            .flags()
            .exclusive(&["config", "artifact-platform"])?;
        if version == PackVersion::V1_0 && config && typed {
            return Err(Error::told(
                "--artifact-type and --config cannot both be provided for 1.0 OCI image",
            ));
        }
        if version == PackVersion::V1_0 && !self.artifact_platform.is_empty() && typed {
            return Err(Failure::new(
                "artifact type cannot be customized for OCI image-spec v1.0 when platform is specified",
            )
            .with_hint("consider using image spec v1.1 or remove --artifact-type")
            .into());
        }
        Ok(version)
    }

    async fn push(&self, session: &Session, plan: &Plan) -> Result<(), Error> {
        let Plan { place, detail, .. } = plan;
        let store = files::store()?;
        let config = match (&plan.config, &plan.platform) {
            (Some(file), _) => Some(files::config(&store, file, &plan.annotations).await?),
            (None, Some(platform)) => {
                let (config, bytes) = platform_config(platform)?;
                store.push(&config, Payload::bytes(bytes)).await?;
                Some(config)
            }
            (None, None) => None,
        };
        let told = session.detail(*detail);
        let layers = files::layers(&store, &plan.files, &plan.annotations, told).await?;
        let options = PackOptions {
            version: plan.version,
            artifact_type: Some(plan.artifact_type.clone()),
            annotations: plan.annotations.manifest.clone(),
            config_annotations: plan.annotations.config.clone(),
            config,
            layers,
            ..PackOptions::default()
        };

        let target = place.target(session, None).await?;
        let lines = session.status(Verbs::UPLOAD, *detail);
        let mut copy = CopyOptions::default();
        copy.concurrency = usize::try_from(self.packer.concurrency).unwrap_or(0);
        copy.events = Arc::clone(&lines) as _;
        copy.cancel = session.cancel.clone();

        let store: Arc<dyn Target> = Arc::new(store);
        let manifest = pack(store.as_ref(), &options).await?;
        let name = place.reference().unwrap_or_default();
        let pushed = push_packed(&store, &manifest, &target, &name, &copy).await;
        lines.check()?;
        pushed.map_err(|error| Error::beside_files(error, Side::Source))?;
        if *detail != Detail::Nothing {
            output::line(&format!("Pushed {}", place.display()))?;
        }
        let tagging = TagOptions {
            events: Arc::clone(&lines) as _,
            ..TagOptions::default()
        };
        tag_manifest(&target, &manifest, &plan.tags, &tagging).await?;
        lines.check()?;
        show(plan, &manifest)?;
        files::export(&self.packer.export_manifest, manifest.bytes())
    }
}

fn platform_config(platform: &Platform) -> Result<(Descriptor, Vec<u8>), Error> {
    let bytes = json::to_vec(platform).map_err(|error| Error::told(error.to_string()))?;
    Ok((
        Descriptor::of_bytes(media_type::IMAGE_CONFIG, &bytes),
        bytes,
    ))
}

fn show(plan: &Plan, manifest: &RawManifest) -> Result<(), Error> {
    let descriptor = manifest.descriptor();
    if plan.format.is_model() {
        let model = Model {
            descriptor: DescriptorModel::new(&plan.place.path(), descriptor),
            reference_as_tags: reference_as_tags(&plan.place, &plan.tags),
        };
        return plan.format.show(&model);
    }
    let artifact_type = descriptor.artifact_type.as_deref().unwrap_or_default();
    output::line(&format!("ArtifactType: {artifact_type}"))?;
    output::line(&format!("Digest: {}", descriptor.digest))
}

/// `--format json`
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    #[serde(flatten)]
    descriptor: DescriptorModel,
    /// `null` if there is none.
    reference_as_tags: Option<Vec<String>>,
}

/// The artifact by each of its tags, sorted. An untagged push shows up as an empty tag, as in the reference tool.
fn reference_as_tags(place: &Place, tags: &[String]) -> Option<Vec<String>> {
    let path = place.path();
    let first = place.reference().unwrap_or_default();
    let first = Some(first).filter(|first| parse_digest(first).is_err());
    let mut all: Vec<String> = first
        .iter()
        .chain(tags)
        .map(|tag| format!("{path}:{tag}"))
        .collect();
    all.sort();
    (!all.is_empty()).then_some(all)
}
