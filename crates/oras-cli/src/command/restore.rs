//! `oras restore`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use oras::content::layout::{LayoutReader, LayoutStore, looks_like_tar};
use oras::content::{Source, Target, io_text};
use oras::spec::go_quote;
use oras::{BackupOptions, TaggedContent, find_tags, referrers_to_restore, restore};

use crate::command::Run;
use crate::display::status::Verbs;
use crate::display::units;
use crate::error::Error;
use crate::option::backup::{Copying, found, no_tags, scope};
use crate::option::common::{DebugArgs, TerminalArgs};
use crate::option::referrers::DistributionSpecArgs;
use crate::option::remote::RemoteArgs;
use crate::option::repository::RepositoryTags;
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// [Experimental] Push artifacts that were saved by 'oras backup' to a repository
#[derive(Debug, clap::Parser)]
#[command(
    name = "restore",
    override_usage = "restore [flags] --input <path> <registry>/<repository>[:<ref1>[,<ref2>...]]",
    after_help = "Example - Restore the artifact tagged 'v1', with everything that refers to it, from the folder 'hello':
  oras restore --input hello localhost:5000/hello:v1

Example - Restore it from a tar archive:
  oras restore --input hello.tar localhost:5000/hello:v1

Example - Restore it alone:
  oras restore --input hello.tar --exclude-referrers localhost:5000/hello:v1

Example - Restore several tags:
  oras restore --input hello.tar localhost:5000/hello:v1,v2,v3

Example - Restore all tags:
  oras restore --input hello.tar localhost:5000/hello

Example - Show what would be restored, without pushing anything:
  oras restore --input hello.tar --dry-run localhost:5000/hello:v1

Example - Copy up to 6 contents at a time:
  oras restore --input hello.tar --concurrency 6 localhost:5000/hello:v1"
)]
pub(crate) struct Restore {
    #[command(flatten)]
    debug: DebugArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    spec: DistributionSpecArgs,
    /// folder or tar archive to restore from
    #[arg(long, default_value = "")]
    input: String,
    /// leave out what refers to the artifacts
    #[arg(long)]
    exclude_referrers: bool,
    /// show what would be restored, and push nothing
    #[arg(long)]
    dry_run: bool,
    /// how many contents are copied at a time
    #[arg(long, default_value = "5", value_parser = parse_int)]
    concurrency: i64,
}

impl Run for Restore {
    const ARITY: Arity = Arity::exactly(1, "the targets to restore to");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let started = Instant::now();
        let repository = RepositoryTags::check(&args[0], &self.remote, session.flags())?;
        if !session.given.has("input") {
            return Err(Error::told("required flag(s) \"input\" not set"));
        }
        if self.input.is_empty() {
            return Err(Error::told("the input path cannot be empty"));
        }
        let audience = repository.place.audience(session).for_backups();
        let restored = self.restore(session, &repository).await;
        let restored = restored.map_err(|error| error.tell(&audience))?;
        let name = go_quote(&repository.place.path());
        if self.dry_run {
            return output::line(&format!(
                "Dry run complete: {restored} tag(s) would be restored to {name} (no data pushed)"
            ));
        }
        output::line(&format!(
            "Successfully restored {restored} tag(s) to {name} in {}",
            units::time(started.elapsed())
        ))
    }
}

impl Restore {
    /// Returns how many tags there were.
    async fn restore(
        &self,
        session: &Session,
        repository: &RepositoryTags,
    ) -> Result<usize, Error> {
        let layout = self.open().await?;
        let target = repository
            .place
            .target(session, self.spec.distribution_spec)
            .await?;
        let copying = Copying {
            verbs: Verbs::RESTORE,
            concurrency: self.concurrency,
            scope: scope(!self.exclude_referrers),
        };
        let tags = find_tags(&layout, &repository.tags, &session.cancel).await?;
        if tags.is_empty() {
            let command = "oras repo tags --oci-layout";
            return Err(no_tags("OCI layout", &self.input, command));
        }
        output::text(&found(&tags, "the backup"))?;
        let name = repository.place.path();
        for tagged in &tags {
            let tag = &tagged.tag;
            let (lines, options) = copying.next(session);
            if self.dry_run {
                let referrers = referrers_to_restore(&layout, tagged, &options).await;
                lines.check()?;
                let referrers = referrers?;
                output::line(&format!(
                    "Dry run: would push tag {tag} with {referrers} referrer(s)"
                ))?;
                continue;
            }
            let referrers = self.push(&layout, tagged, &target, &options, &name).await;
            lines.check()?;
            output::line(&format!("Pushed tag {tag} with {} referrer(s)", referrers?))?;
        }
        Ok(tags.len())
    }

    /// Opens the input, of which nothing is changed.
    async fn open(&self) -> Result<Arc<dyn Source>, Error> {
        let (input, path) = (&self.input, Path::new(&self.input));
        let quoted = go_quote(input);
        let there = std::fs::metadata(path).map_err(|error| {
            Error::told(format!(
                "failed to access input path {quoted}: stat {input}: {}",
                io_text(&error)
            ))
        })?;
        if there.is_dir() {
            let store = LayoutStore::open(path).await.map_err(|error| {
                error.context(format!(
                    "failed to prepare OCI store from directory {quoted}"
                ))
            })?;
            return Ok(Arc::new(store));
        }
        if !there.is_file() {
            return Err(Error::told(format!(
                "input path {quoted} must be a directory or a tar archive"
            )));
        }
        let named_tar = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("tar"));
        if !named_tar && !looks_like_tar(path).await? {
            return Err(Error::told(format!(
                "input path {quoted} is not a tar archive"
            )));
        }
        let reader = LayoutReader::open(path).await.map_err(|error| {
            error.context(format!(
                "failed to prepare OCI store from tar archive {quoted}"
            ))
        })?;
        output::line(&format!(
            "Loaded backup archive: {input} ({})",
            units::size(there.len())
        ))?;
        Ok(Arc::new(reader))
    }

    async fn push(
        &self,
        layout: &Arc<dyn Source>,
        tagged: &TaggedContent,
        target: &Arc<dyn Target>,
        options: &BackupOptions,
        name: &str,
    ) -> Result<usize, Error> {
        let pushed = restore(layout, tagged, target, options).await;
        Ok(pushed.map_err(|error| {
            error.context(format!(
                "failed to restore tag {} from {} to {}",
                go_quote(&tagged.tag),
                go_quote(&self.input),
                go_quote(name)
            ))
        })?)
    }
}
