//! `oras backup`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use oras::content::layout::{LayoutArchive, LayoutStore};
use oras::content::{Source, Target, io_text};
use oras::spec::go_quote;
use oras::{BackupOptions, TaggedContent, backup, find_tags};

use crate::command::Run;
use crate::display::status::Verbs;
use crate::display::units;
use crate::env;
use crate::error::{Error, Failure};
use crate::option::backup::{Copying, found, no_tags, scope};
use crate::option::common::{DebugArgs, TerminalArgs};
use crate::option::referrers::DistributionSpecArgs;
use crate::option::remote::RemoteArgs;
use crate::option::repository::RepositoryTags;
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// [Experimental] Save artifacts of a repository in a folder or a tar archive
#[derive(Debug, clap::Parser)]
#[command(
    name = "backup",
    override_usage = "backup [flags] --output <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
    after_help = "Example - Save the artifact tagged 'v1' in the folder 'hello':
  oras backup --output hello localhost:5000/hello:v1

Example - Save it in a tar archive:
  oras backup --output hello.tar localhost:5000/hello:v1

Example - Save it with everything that refers to it:
  oras backup --output hello.tar --include-referrers localhost:5000/hello:v1

Example - Save several tags:
  oras backup --output hello.tar localhost:5000/hello:v1,v2,v3

Example - Save all tags of a repository, with everything that refers to them:
  oras backup --output hello.tar --include-referrers localhost:5000/hello

Example - Copy up to 6 contents at a time:
  oras backup --output hello.tar --concurrency 6 localhost:5000/hello:v1"
)]
pub(crate) struct Backup {
    #[command(flatten)]
    debug: DebugArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    spec: DistributionSpecArgs,
    /// folder to save into, or file if the name ends in .tar
    #[arg(short, long, default_value = "")]
    output: String,
    /// also save everything that refers to the artifacts
    #[arg(long)]
    include_referrers: bool,
    /// how many contents are copied at a time
    #[arg(long, default_value = "3", value_parser = parse_int)]
    concurrency: i64,
}

impl Run for Backup {
    const ARITY: Arity = Arity::exactly(1, "the artifacts to back up");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let started = Instant::now();
        let repository = RepositoryTags::check(&args[0], &self.remote, session.flags())?;
        if !session.given.has("output") {
            return Err(Error::told("required flag(s) \"output\" not set"));
        }
        if self.output.is_empty() {
            return Err(Error::told("the output path cannot be empty"));
        }
        let audience = repository.place.audience(session).for_backups();
        let saved = self.save(session, &repository).await;
        let saved = saved.map_err(|error| error.tell(&audience))?;
        output::line(&format!(
            "Successfully backed up {saved} tag(s) from {} to {} in {}.",
            go_quote(&repository.place.path()),
            go_quote(&self.output),
            units::time(started.elapsed())
        ))
    }
}

/// Where the content goes.
enum Output {
    Folder(LayoutStore),
    Archive(Box<LayoutArchive>),
}

impl Backup {
    /// Returns how many tags were saved.
    async fn save(&self, session: &Session, repository: &RepositoryTags) -> Result<usize, Error> {
        let output = self.open().await?;
        let store = match &output {
            Output::Folder(store) => store,
            Output::Archive(archive) => archive.store(),
        };
        let layout: Arc<dyn Target> = Arc::new(store.clone());
        let tags = self.copy_all(session, repository, &layout).await?;
        drop(layout);
        if let Output::Archive(archive) = output {
            let path = &self.output;
            output::line(&format!("Exporting to {path}"))?;
            let cancel = session.cancel.clone();
            let size = archive.finish(move || cancel.is_cancelled()).await;
            let size = size.map_err(|error| {
                error.context(format!("failed to create tar archive at {path}"))
            })?;
            output::line(&format!("Exported to {path} ({})", units::size(size)))?;
        }
        Ok(tags)
    }

    async fn open(&self) -> Result<Output, Error> {
        let path = Path::new(&self.output);
        let is_tar = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("tar"));
        if !is_tar {
            let store = LayoutStore::open(path).await;
            let store =
                store.map_err(|error| error.context("failed to prepare OCI store for backup"))?;
            return Ok(Output::Folder(store));
        }
        let shown = &self.output;
        match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(Failure::new(format!(
                    "the output path {} already exists and is a directory",
                    go_quote(shown)
                ))
                .with_hint("To back up to a tar archive, please specify a different output file name or remove the existing directory.")
                .into());
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::told(format!(
                    "unable to create output file {shown}: open {shown}: {}",
                    io_text(&error)
                )));
            }
            _ => {}
        }
        let archive = LayoutArchive::create(path, env::temporary()).await;
        let archive = archive
            .map_err(|error| error.context(format!("unable to create output file {shown}")))?;
        Ok(Output::Archive(Box::new(archive)))
    }

    async fn copy_all(
        &self,
        session: &Session,
        repository: &RepositoryTags,
        layout: &Arc<dyn Target>,
    ) -> Result<usize, Error> {
        let name = repository.place.path();
        let source = repository
            .place
            .source(session, self.spec.distribution_spec)
            .await?;
        let copying = Copying {
            verbs: Verbs::BACKUP,
            concurrency: self.concurrency,
            scope: scope(self.include_referrers),
        };
        let tags = find_tags(&source, &repository.tags, &session.cancel).await?;
        if tags.is_empty() {
            return Err(no_tags("repository", &name, "oras repo tags"));
        }
        output::text(&found(&tags, &name))?;
        for tagged in &tags {
            let (lines, options) = copying.next(session);
            let referrers = self.copy(&source, tagged, layout, &options, &name).await;
            lines.check()?;
            output::line(&format!(
                "Pulled tag {} with {} referrer(s)",
                tagged.tag, referrers?
            ))?;
        }
        Ok(tags.len())
    }

    async fn copy(
        &self,
        source: &Arc<dyn Source>,
        tagged: &TaggedContent,
        layout: &Arc<dyn Target>,
        options: &BackupOptions,
        name: &str,
    ) -> Result<usize, Error> {
        let copied = backup(source, tagged, layout, options).await;
        Ok(copied.map_err(|error| {
            error.context(format!(
                "failed to back up tag {} from {} to {}",
                go_quote(&tagged.tag),
                go_quote(name),
                go_quote(&self.output)
            ))
        })?)
    }
}
