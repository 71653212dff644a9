//! `oras pull`

use std::sync::Arc;

use oras::content::Side;
use oras::content::file::{Existing, FileOptions, FileStore, Traversal};
use oras::spec::{Platform, annotation};
use oras::{ConfigFile, PullOptions, Pulled, PulledFile, Subject, pull};
use serde::Serialize;

use crate::command::Run;
use crate::display::json::DescriptorModel;
use crate::display::status::{Detail, Verbs};
use crate::error::Error;
use crate::option::common::{CommonArgs, TerminalArgs};
use crate::option::file::FileArg;
use crate::option::format::{Format, FormatArgs};
use crate::option::platform::PlatformArgs;
use crate::option::target::{Place, TargetArgs};
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// Pull files from a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "pull",
    override_usage = "pull [flags] <name>{:<tag>|@<digest>}",
    after_help = "Example - Pull the files of an artifact into the current folder:
  oras pull localhost:5000/hello:v1

Example - Pull into another folder, and replace nothing that is there:
  oras pull --output files --keep-old-files localhost:5000/hello:v1

Example - Pull the artifact for one platform of an index:
  oras pull --platform linux/arm64 localhost:5000/hello:v1

Example - Pull the config, too, and save it as 'config.json':
  oras pull --config config.json:application/vnd.me.config localhost:5000/hello:v1

Example - Pull out of the OCI image layout folder or tar 'layout':
  oras pull --oci-layout layout:v1"
)]
pub(crate) struct Pull {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    /// folder that files are written to
    #[arg(short, long, default_value = ".")]
    output: String,
    /// fail rather than replace files that are there
    #[arg(short, long)]
    keep_old_files: bool,
    /// allow files to be written outside of the output folder
    #[arg(short = 'T', long)]
    allow_path_traversal: bool,
    /// also pull what the artifact refers to
    #[arg(long)]
    include_subject: bool,
    /// save the config to this file, if it is of the given media type: path[:type]
    #[arg(long, value_name = "path", default_value = "")]
    config: String,
    /// how many contents are pulled at a time
    #[arg(long, default_value = "3", value_parser = parse_int)]
    concurrency: i64,
    /// pull content of these types only
    #[arg(short = 't', long, hide = true)]
    media_type: Vec<String>,
    /// nothing needs to be allowed any more
    #[arg(short, long, hide = true)]
    allow_all: bool,
}

impl Run for Pull {
    const ARITY: Arity = Arity::exactly(1, "the artifact reference you want to pull");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let platform = self.platform.check()?;
        let place = self.target.place(&args[0], session.flags())?;
        let format = self.format.check()?;
        let done = self.pull(session, &place, platform, format).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Pull {
    async fn pull(
        &self,
        session: &Session,
        place: &Place,
        platform: Option<Platform>,
        format: Format,
    ) -> Result<(), Error> {
        let detail = match format {
            Format::Text => Detail::of_text(self.common.verbose),
            _ => Detail::Nothing,
        };
        let source = place.cached_source(session).await?;
        let reference = place.need_reference(&session.used)?;
        let store = self.store()?;
        let lines = session.status(Verbs::DOWNLOAD, detail);
        let mut options = PullOptions::default();
        options.copy.concurrency = usize::try_from(self.concurrency).unwrap_or(0);
        options.copy.events = Arc::clone(&lines) as _;
        options.copy.platform = platform;
        options.copy.cancel = session.cancel.clone();
        options.config = self.config()?;
        options.media_types.clone_from(&self.media_type);
        if self.include_subject {
            options.subject = Subject::Follow;
        }
        let pulled = pull(&source, &reference, &store, &options).await;
        lines.check()?;
        let pulled = pulled.map_err(|error| Error::beside_files(error, Side::Destination))?;
        match format {
            Format::Json | Format::Template(_) => format.show(&Model::new(&place.path(), &pulled)),
            _ => summary(place, &pulled),
        }
    }

    fn store(&self) -> Result<FileStore, Error> {
        let mut options = FileOptions::default();
        if self.keep_old_files {
            options.existing = Existing::Keep;
        }
        if self.allow_path_traversal {
            options.traversal = Traversal::Allow;
        }
        Ok(FileStore::new(&self.output, options)?)
    }

    fn config(&self) -> Result<Option<ConfigFile>, Error> {
        if self.config.is_empty() {
            return Ok(None);
        }
        let file = FileArg::parse(&self.config)?;
        let media_type = file.media_type.filter(|kind| !kind.is_empty());
        Ok(Some(ConfigFile {
            name: file.path,
            media_type,
        }))
    }
}

fn summary(place: &Place, pulled: &Pulled) -> Result<(), Error> {
    if pulled.skipped_unnamed {
        output::line(&format!(
            "Skipped pulling layers without file name in \"{}\"",
            annotation::TITLE
        ))?;
        let raw = &place.raw;
        return output::line(&format!(
            "Use 'oras copy {raw} --to-oci-layout <layout-dir>' to pull all layers."
        ));
    }
    output::line(&format!("Pulled {}", place.display()))?;
    output::line(&format!("Digest: {}", pulled.root.digest))
}

/// `--format json`
#[derive(Debug, Serialize)]
struct Model {
    reference: String,
    /// `null` if there is none.
    files: Option<Vec<FileModel>>,
}

#[derive(Debug, Serialize)]
struct FileModel {
    /// Absolute; with a slash at the end if it is a folder.
    path: String,
    #[serde(flatten)]
    descriptor: DescriptorModel,
}

impl Model {
    fn new(path: &str, pulled: &Pulled) -> Self {
        let files: Vec<FileModel> = pulled
            .files
            .iter()
            .map(|file| FileModel::new(path, file))
            .collect();
        Self {
            reference: format!("{path}@{}", pulled.root.digest),
            files: (!files.is_empty()).then_some(files),
        }
    }
}

impl FileModel {
    fn new(path: &str, file: &PulledFile) -> Self {
        let slash = if file.is_folder { "/" } else { "" };
        Self {
            path: format!("{}{slash}", file.path.display()),
            descriptor: DescriptorModel::new(path, &file.descriptor),
        }
    }
}
