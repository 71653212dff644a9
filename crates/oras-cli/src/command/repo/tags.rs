//! `oras repo tags`

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use oras::content::Source;
use oras::spec::{Digest, Reference};
use serde::Serialize;

use crate::command::Run;
use crate::error::Error;
use crate::option::common::CommonArgs;
use crate::option::format::{Format, FormatArgs};
use crate::option::target::{Kind, Place, TargetArgs, parse_digest};
use crate::output;
use crate::session::Session;
use crate::trace;
use crate::usage::Arity;

/// Tags resolved at a time.
const CONCURRENCY: usize = 8;

/// Show the tags of a repository
#[derive(Debug, clap::Parser)]
#[command(
    name = "tags",
    alias = "show-tags",
    override_usage = "tags [flags] <name>",
    after_help = "Example - Show the tags of a repository:
  oras repo tags localhost:5000/hello

Example - Show the tags that stand for the same content as 'v0.1.0':
  oras repo tags localhost:5000/hello:v0.1.0

Example - Leave out tags that only stand in for digests:
  oras repo tags --exclude-digest-tags localhost:5000/hello

Example - Print JSON for programs:
  oras repo tags localhost:5000/hello --format json

Example - Print what a template makes of it:
  oras repo tags localhost:5000/hello --format go-template --template \"{{.tags}}\"

Example - Show the tags of the OCI image layout folder 'layout-dir':
  oras repo tags --oci-layout layout-dir"
)]
pub(crate) struct Tags {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// list tags after this one
    #[arg(long, value_name = "last", default_value = "")]
    last: String,
    /// [Preview] leave out tags such as sha256-<hash>, which stand in for digests
    #[arg(long)]
    exclude_digest_tags: bool,
}

impl Run for Tags {
    const ARITY: Arity = Arity::exactly(1, "the target repository to list tags from");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let place = self.target.place(&args[0], session.flags())?;
        let format = self.format.check()?;
        let done = self.list(session, &place, format).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

/// Which tags are shown.
enum Shown {
    All,
    /// Those that begin so; the beginning is cut off.
    Below(String),
    /// Those of one manifest, which was asked for by this name.
    Of(Digest, String),
}

impl Tags {
    async fn list(&self, session: &Session, place: &Place, format: Format) -> Result<(), Error> {
        let source = place.source(session, None).await?;
        let shown = shown(&source, place).await?;
        if let Shown::Of(digest, _) = &shown {
            let warning = format!(
                "[Experimental] querying tags associated to {digest}, it may take a while...\n"
            );
            output::tell(&trace::entry("WARNING", &warning, &[]));
        }
        let Some(lister) = source.as_list_tags() else {
            return Err(Error::told("listing tags is not supported here"));
        };
        let mut all = Vec::new();
        let mut pages = lister.tags(Some(self.last.as_str()).filter(|last| !last.is_empty()));
        while let Some(page) = pages.try_next().await? {
            for tag in self.filter(&source, &shown, page).await? {
                match &format {
                    Format::Text => output::line(&tag)?,
                    _ => all.push(tag),
                }
            }
        }
        format.show(&Model { tags: all })
    }

    async fn filter(
        &self,
        source: &Arc<dyn Source>,
        shown: &Shown,
        page: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let tags = match shown {
            Shown::All => page,
            Shown::Below(prefix) => page
                .iter()
                .filter_map(|tag| tag.strip_prefix(prefix))
                .map(str::to_owned)
                .collect(),
            Shown::Of(digest, asked) => associated(source, digest, asked, page).await?,
        };
        let keep = |tag: &String| !(self.exclude_digest_tags && is_digest_tag(tag));
        Ok(tags.into_iter().filter(keep).collect())
    }
}

async fn shown(source: &Arc<dyn Source>, place: &Place) -> Result<Shown, Error> {
    let Some(reference) = place.reference() else {
        return Ok(Shown::All);
    };
    if let Kind::Layout { .. } = place.kind
        && let Ok(name) = Reference::parse(&reference)
        && name.reference().is_none()
    {
        return Ok(Shown::Below(format!("{reference}:")));
    }
    let digest = match parse_digest(&reference) {
        Ok(digest) => digest,
        Err(_) => source.resolve(&reference).await?.digest,
    };
    Ok(Shown::Of(digest, reference))
}

/// Those of `tags` that stand for `digest`, in order. `asked` is known to.
async fn associated(
    source: &Arc<dyn Source>,
    digest: &Digest,
    asked: &str,
    tags: Vec<String>,
) -> Result<Vec<String>, Error> {
    let resolved = stream::iter(tags).map(|tag| async move {
        if tag == asked {
            return Ok(Some(tag));
        }
        match source.resolve(&tag).await {
            Ok(descriptor) => Ok((descriptor.digest == *digest).then_some(tag)),
            Err(error) => Err(Error::from(error)),
        }
    });
    let found: Vec<Option<String>> = resolved.buffered(CONCURRENCY).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Whether the tag becomes a digest when its first dash becomes a colon.
fn is_digest_tag(tag: &str) -> bool {
    parse_digest(&tag.replacen('-', ":", 1)).is_ok()
}

/// `--format json`
#[derive(Debug, Serialize)]
struct Model {
    tags: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_tags_are_told_apart() {
        assert!(is_digest_tag(&format!("sha256-{}", "a".repeat(64))));
        assert!(!is_digest_tag("sha256-abc"));
        assert!(!is_digest_tag("v1-2"));
    }
}
