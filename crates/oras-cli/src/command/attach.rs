//! `oras attach`

use std::sync::Arc;

use oras::content::{Side, Target};
use oras::spec::{Descriptor, Platform};
use oras::{CopyOptions, PackOptions, PackVersion, pack, push_packed, resolve};

use crate::command::Run;
use crate::display::json::DescriptorModel;
use crate::display::status::{Detail, Verbs};
use crate::error::{Error, Failure};
use crate::option::common::{CommonArgs, TerminalArgs};
use crate::option::file::FileArg;
use crate::option::files;
use crate::option::format::{Format, FormatArgs};
use crate::option::packer::{AnnotationSets, PackerArgs};
use crate::option::platform::PlatformArgs;
use crate::option::referrers::DistributionSpecArgs;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Attach files to an existing artifact
#[derive(Debug, clap::Parser)]
#[command(
    name = "attach",
    override_usage = "attach [flags] --artifact-type=<type> <name>{:<tag>|@<digest>} {<file>[:<layer_media_type>]|--annotation <key>=<value>} [...]",
    after_help = "Example - Attach the file 'hi.txt' to the artifact 'hello:v1':
  oras attach --artifact-type doc/example localhost:5000/hello:v1 hi.txt

Example - Attach a file with a media type of its own:
  oras attach --artifact-type doc/example localhost:5000/hello:v1 hi.txt:application/vnd.me.hi

Example - Attach nothing but annotations:
  oras attach --artifact-type doc/example --annotation \"key=value\" localhost:5000/hello:v1

Example - Attach to the image for one platform of an index:
  oras attach --artifact-type doc/example --platform linux/amd64 localhost:5000/hello:v1 hi.txt

Example - Attach in the OCI image layout folder 'layout-dir':
  oras attach --oci-layout --artifact-type doc/example layout-dir:v1 hi.txt"
)]
pub(crate) struct Attach {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    packer: PackerArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    spec: DistributionSpecArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    /// type of what is attached
    #[arg(long, default_value = "")]
    artifact_type: String,
}

const NO_SUBJECT: &str = "Are you missing an artifact reference to attach to? ";

/// Everything that was checked.
struct Plan {
    place: Place,
    reference: String,
    files: Vec<FileArg>,
    config: Option<FileArg>,
    annotations: AnnotationSets,
    platform: Option<Platform>,
    format: Format,
    detail: Detail,
}

impl Run for Attach {
    const ARITY: Arity = Arity::at_least(1, "the destination artifact for attaching.");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let plan = self.plan(session, args)?;
        let done = self.attach(session, &plan).await;
        done.map_err(|error| error.tell(&plan.place.audience(session)))
    }
}

impl Attach {
    fn plan(&self, session: &Session, args: &[String]) -> Result<Plan, Error> {
        let used = &session.used;
        let files = args[1..]
            .iter()
            .map(|text| FileArg::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        let annotations = self.packer.check(&files, &session.given)?;
        // Whoever names no file may have forgotten the artifact, and named a file in its place.
        let lead = if files.is_empty() { NO_SUBJECT } else { "" };
        let place = self.target.place(&args[0], session.flags());
        let place = place.map_err(|error| error.lead_hint(lead))?;
        let format = self.format.check()?;
        let platform = self.platform.check()?;
        session.flags().exclusive(&["config", "platform"])?;
        let forms = "\"<name>:<tag>\" or \"<name>@<digest>\"";
        let Some(reference) = place.reference() else {
            return Err(place.missing("no tag or digest", forms, used, lead).into());
        };
        if !session.given.has("artifact-type") {
            return Err(Error::told("required flag(s) \"artifact-type\" not set"));
        }
        if files.is_empty() && annotations.manifest.is_empty() {
            let hint = format!(
                "To attach to an existing artifact, please provide files via argument or annotations via flag \"--annotation\". Run \"{} -h\" for more options and examples",
                used.path
            );
            return Err(
                Failure::new("neither file nor annotation provided in the command")
                    .with_usage(&used.usage)
                    .with_hint(hint)
                    .into(),
            );
        }
        let detail = match format {
            Format::Text => Detail::of_text(self.common.verbose),
            _ => Detail::Nothing,
        };
        let config = self.packer.config()?;
        Ok(Plan {
            place,
            reference,
            files,
            config,
            annotations,
            platform,
            format,
            detail,
        })
    }

    async fn attach(&self, session: &Session, plan: &Plan) -> Result<(), Error> {
        let Plan {
            place,
            reference,
            detail,
            ..
        } = plan;
        let target = place.target(session, self.spec.distribution_spec).await?;
        let source = Arc::clone(&target) as _;
        let subject = resolve(&source, reference, plan.platform.as_ref()).await;
        let subject =
            subject.map_err(|error| error.context(format!("failed to resolve {reference}")))?;

        let store = files::store()?;
        let told = session.detail(*detail);
        let layers = files::layers(&store, &plan.files, &plan.annotations, told).await?;
        let config = match &plan.config {
            Some(file) => Some(files::config(&store, file, &plan.annotations).await?),
            None => None,
        };
        let options = PackOptions {
            version: PackVersion::V1_1,
            artifact_type: Some(self.artifact_type.clone()),
            annotations: plan.annotations.manifest.clone(),
            config_annotations: plan.annotations.config.clone(),
            config,
            layers,
            subject: Some(subject.clone()),
            ..PackOptions::default()
        };
        if self.artifact_type.is_empty() {
            return Err(Error::told("missing artifact type"));
        }

        let lines = session.status(Verbs::UPLOAD, *detail);
        let mut copy = CopyOptions::default();
        copy.concurrency = usize::try_from(self.packer.concurrency).unwrap_or(0);
        copy.events = Arc::clone(&lines) as _;
        copy.cancel = session.cancel.clone();
        let store: Arc<dyn Target> = Arc::new(store);
        let manifest = pack(store.as_ref(), &options).await?;
        let pushed = push_packed(&store, &manifest, &target, "", &copy).await;
        lines.check()?;
        pushed.map_err(|error| Error::beside_files(error, Side::Source))?;
        show(plan, &subject, manifest.descriptor())?;
        files::export(&self.packer.export_manifest, manifest.bytes())
    }
}

fn show(plan: &Plan, subject: &Descriptor, attached: &Descriptor) -> Result<(), Error> {
    let place = &plan.place;
    if plan.format.is_model() {
        let model = DescriptorModel::new(&place.path(), attached);
        return plan.format.show(&model);
    }
    let subject = match place.raw.ends_with(subject.digest.as_str()) {
        true => place.raw.clone(),
        false => format!("{}@{}", place.path(), subject.digest),
    };
    output::line(&format!("Attached to [{}] {subject}", place.type_name()))?;
    output::line(&format!("Digest: {}", attached.digest))
}
