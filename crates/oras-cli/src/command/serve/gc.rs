//! `oras serve gc`

use oras_registry::config::Config;
use oras_registry::layout::{CollectReport, LayoutDriver};
use serde::Serialize;

use crate::command::Run;
use crate::display::json::pretty;
use crate::display::size;
use crate::error::Error;
use crate::option::format::{self, Format};
use crate::option::settings::{ConfigArgs, FlagLayer};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Remove what nothing refers to from the folder of a registry
///
/// Blobs that no manifest refers to go, and uploads that nobody continues, and repositories that are empty. What was
/// pushed or asked for within the grace stays, because somebody may be about to refer to it. Servers can run meanwhile,
/// and do the same by themselves.
#[derive(Debug, clap::Parser)]
#[command(
    name = "gc",
    verbatim_doc_comment,
    override_usage = "gc [flags] [folder]",
    after_help = "Example - See what would be removed from './registry':
  oras serve gc --dry-run

Example - Remove from './data' what nothing has referred to for a day:
  oras serve gc ./data --grace 24h"
)]
pub(crate) struct Gc {
    #[command(flatten)]
    config: ConfigArgs,
    /// only tell what would be removed
    #[arg(long)]
    dry_run: bool,
    /// how long content that nothing refers to is kept (default 1h)
    #[arg(long, value_name = "duration")]
    grace: Option<String>,
    /// format of the output: 'text' or 'json'
    #[arg(long, default_value = "text")]
    format: String,
}

/// `--format json`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    dry_run: bool,
    repositories: Vec<Repository<'a>>,
    blobs: u64,
    bytes: u64,
    uploads: u64,
    freed: u64,
}

#[derive(Serialize)]
struct Repository<'a> {
    name: &'a str,
    manifests: u64,
    blobs: u64,
    bytes: u64,
    removed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a str>,
}

impl Run for Gc {
    const ARITY: Arity = Arity::at_most(1, "the folder of the registry");

    async fn run(self, _: &Session, args: &[String]) -> Result<(), Error> {
        let format = format::check(&self.format, "", "json, text")?;
        let mut flags = FlagLayer::default();
        flags.folder(args.first())?;
        if let Some(grace) = &self.grace {
            flags.set("gc.grace", "--grace", grace)?;
        }
        let config = self.config.under(flags)?;
        let driver = super::existing(&config, self.dry_run)?;
        let report = self.collect(&driver, &config).await?;
        for repository in &report.repositories {
            if let Some(why) = &repository.skipped {
                output::tell(&format!(
                    "Warning: {} was left alone: {why}",
                    repository.name
                ));
            }
        }
        match format {
            Format::Json => output::text(&pretty(&self.model(&report))?),
            _ => self.tell(&report),
        }
    }
}

impl Gc {
    async fn collect(
        &self,
        driver: &LayoutDriver,
        config: &Config,
    ) -> Result<CollectReport, Error> {
        let mut options = config.layout_options().collect;
        options.dry_run = self.dry_run;
        let report = driver.collect(options).await;
        report.map_err(|error| Error::caused(&error))
    }

    fn tell(&self, report: &CollectReport) -> Result<(), Error> {
        let verb = match self.dry_run {
            true => "Would remove",
            false => "Removed",
        };
        for repository in report.repositories.iter().filter(|one| one.blobs > 0) {
            let (name, blobs) = (&repository.name, repository.blobs);
            output::line(&format!(
                "{name}: {blobs} blobs, {}",
                size(repository.bytes)
            ))?;
        }
        for repository in report.repositories.iter().filter(|one| one.removed) {
            output::line(&format!("{}: empty", repository.name))?;
        }
        let (blobs, uploads) = (report.blobs, report.uploads);
        let (bytes, freed) = (size(report.bytes), size(report.freed));
        output::line(&format!(
            "{verb} {blobs} blobs of {bytes} and {uploads} uploads, {freed} free again"
        ))
    }

    fn model<'a>(&self, report: &'a CollectReport) -> Model<'a> {
        let repositories = report.repositories.iter().map(|repository| Repository {
            name: &repository.name,
            manifests: repository.manifests,
            blobs: repository.blobs,
            bytes: repository.bytes,
            removed: repository.removed,
            skipped: repository.skipped.as_deref(),
        });
        Model {
            dry_run: self.dry_run,
            repositories: repositories.collect(),
            blobs: report.blobs,
            bytes: report.bytes,
            uploads: report.uploads,
            freed: report.freed,
        }
    }
}
