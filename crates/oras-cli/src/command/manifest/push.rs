//! `oras manifest push`

use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oras::content::{Event, EventSink as _, MAX_MANIFEST_BYTES, Payload, Target, io_text};
use oras::spec::{Descriptor, go_quote};
use serde_json::Value;

use crate::command::Run;
use crate::display::json::{self, Layout};
use crate::display::status::{Detail, StatusLines, Verbs};
use crate::error::{Error, Failure};
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs};
use crate::option::referrers::DistributionSpecArgs;
use crate::option::stdin;
use crate::option::target::{Place, TargetArgs, split_tags};
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// Push a manifest to a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "push",
    override_usage = "push [flags] <name>[:<tag>[,<tag>][...]|@<digest>] <file>",
    after_help = "Example - Push a manifest under a tag:
  oras manifest push localhost:5000/hello:v1 manifest.json

Example - Push what comes on standard input:
  oras manifest push localhost:5000/hello:v1 -

Example - Push with a media type of its own, and print the descriptor:
  oras manifest push --media-type application/vnd.cncf.oras.artifact.manifest.v1+json --descriptor localhost:5000/hello:v1 manifest.json

Example - Push and give several tags:
  oras manifest push localhost:5000/hello:tag1,tag2,tag3 manifest.json

Example - Push into the OCI image layout folder 'layout-dir':
  oras manifest push --oci-layout layout-dir:v1 manifest.json"
)]
pub(crate) struct Push {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    spec: DistributionSpecArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    /// media type of the manifest
    #[arg(long, default_value = "")]
    media_type: String,
    /// how many tags are given at a time
    #[arg(long, default_value = "5", value_parser = parse_int)]
    concurrency: i64,
}

impl Run for Push {
    const ARITY: Arity = Arity::exactly(
        2,
        "the destination to push to and the file to read manifest content from",
    );

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let file = &args[1];
        if file == "-" {
            stdin::check_free(&self.target.remote)?;
        }
        let (raw, tags) = split_tags(&args[0]);
        let place = self.target.place(&raw, session.flags())?;
        let done = self.push(session, &place, &tags, file).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Push {
    async fn push(
        &self,
        session: &Session,
        place: &Place,
        tags: &[String],
        file: &str,
    ) -> Result<(), Error> {
        let target = place.target(session, self.spec.distribution_spec).await?;
        let bytes = read(file).await?;
        let media_type = self.media_type(session, file, &bytes)?;
        let manifest = Descriptor::of_bytes(media_type, &bytes);
        let detail = match self.descriptor.descriptor {
            true => Detail::Nothing,
            false => Detail::of_text(self.common.verbose),
        };
        let lines = StatusLines::new(Verbs::UPLOAD, detail, &session.cancel);
        let put = Put {
            target,
            manifest,
            bytes,
        };
        put.unless_there(place.reference(), &lines).await?;
        lines.check()?;
        if detail != Detail::Nothing {
            output::line(&format!("Pushed: {}", place.display()))?;
        }
        let limit = usize::try_from(self.concurrency)
            .ok()
            .filter(|n| *n > 0)
            .unwrap_or(5);
        let naming: Vec<_> = tags.iter().map(|tag| put.tag(tag)).collect();
        let mut named = stream::iter(naming).buffer_unordered(limit);
        while let Some(tag) = named.try_next().await? {
            if detail != Detail::Nothing {
                output::line(&format!("Tagged {tag}"))?;
            }
        }
        put.target.flush().await?;
        if self.descriptor.descriptor {
            return output::content(&json::descriptor(
                &put.manifest,
                Layout::of(self.pretty.pretty),
            )?);
        }
        output::line(&format!("Digest: {}", put.manifest.digest))
    }

    fn media_type(&self, session: &Session, file: &str, bytes: &[u8]) -> Result<String, Error> {
        if !self.media_type.is_empty() {
            return Ok(self.media_type.clone());
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
            return Err(Error::told("not a valid json file"));
        };
        let field = fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("mediaType"));
        match field.and_then(|(_, value)| value.as_str()).filter(|text| !text.is_empty()) {
            Some(media_type) => Ok(media_type.to_owned()),
            None => Err(Failure::new(format!(
                "media type is not specified via the flag \"--media-type\" nor in {}",
                go_quote(file)
            ))
            .with_usage(&session.used.usage)
            .with_hint("Please specify a valid media type in the manifest JSON or via the \"--media-type\" flag")
            .into()),
        }
    }
}

async fn read(file: &str) -> Result<Bytes, Error> {
    match file {
        "" => Err(Error::told("missing file name")),
        "-" => {
            let chunks: Vec<Bytes> = stdin::stream()
                .try_collect()
                .await
                .map_err(oras::content::Error::from)?;
            Ok(chunks.concat().into())
        }
        path => match std::fs::read(path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => {
                let verb = match error.kind() {
                    ErrorKind::IsADirectory => "read",
                    _ => "open",
                };
                let cause = io_text(&error);
                Err(Error::told(format!(
                    "failed to read {path}: {verb} {path}: {cause}"
                )))
            }
        },
    }
}

/// A manifest on its way.
struct Put {
    target: Arc<dyn Target>,
    manifest: Descriptor,
    bytes: Bytes,
}

impl Put {
    /// Stores the manifest under `reference`, or under its digest, unless it is there.
    async fn unless_there(
        &self,
        reference: Option<String>,
        lines: &StatusLines,
    ) -> Result<(), Error> {
        let digest = self.manifest.digest.to_string();
        let name = reference.unwrap_or_else(|| digest.clone());
        match self.target.resolve(&name).await {
            Ok(found) if found.digest == self.manifest.digest => {
                lines.on_event(&Event::Exists(&self.manifest));
                return Ok(());
            }
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        lines.on_event(&Event::Started(&self.manifest));
        match self.target.as_push_reference() {
            Some(pusher) => {
                let pushed = pusher.push_reference(&self.manifest, self.bytes.clone(), &name);
                pushed.await.map_err(|error| self.explain(error, &name))?;
            }
            None => {
                self.target
                    .push(&self.manifest, Payload::bytes(self.bytes.clone()))
                    .await?;
                if name != digest {
                    self.target.tag(&self.manifest, &name).await?;
                }
                self.target.flush().await?;
            }
        }
        lines.on_event(&Event::Finished(&self.manifest));
        Ok(())
    }

    /// A manifest that is too large for a registry is told in the words for metadata.
    fn explain(&self, error: oras::content::Error, name: &str) -> Error {
        match error.kind() {
            oras::content::ErrorKind::SizeLimit => Error::told(format!(
                "failed to tag {name}: content size {} exceeds MaxMetadataBytes {MAX_MANIFEST_BYTES}: size exceeds limit",
                self.manifest.size
            )),
            _ => error.into(),
        }
    }

    async fn tag<'a>(&self, tag: &'a str) -> oras::content::Result<&'a str> {
        let tagged = match self.target.as_push_reference() {
            Some(pusher) => {
                pusher
                    .push_reference(&self.manifest, self.bytes.clone(), tag)
                    .await
            }
            None => self.target.tag(&self.manifest, tag).await,
        };
        tagged
            .map(|()| tag)
            .map_err(|error| error.context(format!("failed to tag {tag}")))
    }
}
