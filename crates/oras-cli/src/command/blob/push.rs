//! `oras blob push`

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use oras::content::{ByteStream, ErrorKind, Event, EventSink as _, Fetch, Open, Payload, io_text};
use oras::spec::{Descriptor, Digest, media_type};

use crate::command::Run;
use crate::display::json::{self, Layout};
use crate::display::status::{Detail, Verbs};
use crate::error::Error;
use crate::option::common::{CommonArgs, DescriptorArgs, PrettyArgs, TerminalArgs};
use crate::option::target::{Place, TargetArgs, parse_digest};
use crate::option::{files, stdin};
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// Push a blob to a registry or an OCI image layout
#[derive(Debug, clap::Parser)]
#[command(
    name = "push",
    override_usage = "push [flags] <name>[@digest] <file>",
    after_help = "Example - Push the file 'hi.txt' as a blob:
  oras blob push localhost:5000/hello hi.txt

Example - Push what comes on standard input, of known digest and size:
  oras blob push --size 10 localhost:5000/hello@sha256:9a201d228ebd966211f7d1131be19f152be428bd373a92071c71d8deaf83b3e5 -

Example - Push and print the descriptor, with a media type of its own:
  oras blob push --media-type application/vnd.me.hi --descriptor localhost:5000/hello hi.txt

Example - Push into the OCI image layout folder 'layout-dir':
  oras blob push --oci-layout layout-dir hi.txt"
)]
pub(crate) struct Push {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(flatten)]
    pretty: PrettyArgs,
    #[command(flatten)]
    descriptor: DescriptorArgs,
    /// size of the blob in bytes, needed for standard input
    #[arg(long, default_value = "-1", value_parser = parse_int)]
    size: i64,
    /// media type that is shown and put into the descriptor
    #[arg(long, default_value = media_type::IMAGE_LAYER)]
    media_type: String,
}

impl Run for Push {
    const ARITY: Arity = Arity::exactly(
        2,
        "the destination to push to and the file to read blob content from",
    );

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let file = &args[1];
        if file == "-" {
            stdin::check_free(&self.target.remote)?;
            if self.size < 0 {
                return Err(Error::told(
                    "`--size` must be provided if the blob is read from stdin",
                ));
            }
        }
        let place = self.target.place(&args[0], session.flags())?;
        let done = self.push(session, &place, file).await;
        done.map_err(|error| error.tell(&place.audience(session)))
    }
}

impl Push {
    async fn push(&self, session: &Session, place: &Place, file: &str) -> Result<(), Error> {
        let target = place.target(session, None).await?;
        let digest = match place.reference() {
            None => None,
            Some(text) => match parse_digest(&text) {
                Ok(digest) => Some(digest),
                Err(error) => return Err(Error::told(format!("invalid digest {text}: {error}"))),
            },
        };
        let (blob, payload) = match file {
            "-" => self.blob_on_stdin(digest)?,
            path => self.blob_in_file(path, digest).await?,
        };
        let mut shown = blob.clone();
        shown.media_type.clone_from(&self.media_type);
        let detail = match self.descriptor.descriptor {
            true => Detail::Nothing,
            false => Detail::of_text(self.common.verbose),
        };
        let lines = match detail {
            Detail::Nothing => session.plain_status(Verbs::UPLOAD, detail),
            _ => session.status(Verbs::UPLOAD, detail),
        };
        if target.exists(&blob).await? {
            lines.on_event(&Event::Exists(&shown));
        } else {
            lines.on_event(&Event::Started(&shown));
            let pushed = target.push(&blob, lines.watch(&shown, payload)).await;
            pushed.map_err(|error| match error.kind() {
                ErrorKind::SizeMismatch if file == "-" => {
                    error.context(format!("standard input is not of `--size` {}", self.size))
                }
                _ => error,
            })?;
            lines.on_event(&Event::Finished(&shown));
        }
        lines.check()?;
        if self.descriptor.descriptor {
            return output::content(&json::descriptor(&shown, Layout::of(self.pretty.pretty))?);
        }
        output::line(&format!("Pushed: {}", place.display()))?;
        output::line(&format!("Digest: {}", shown.digest))
    }

    fn blob_on_stdin(&self, digest: Option<Digest>) -> Result<(Descriptor, Payload), Error> {
        let Some(digest) = digest else {
            return Err(Error::told(
                "content digest must be provided if it is read from stdin",
            ));
        };
        // Checked to be positive before.
        let size = u64::try_from(self.size).unwrap_or(0);
        Ok((
            Descriptor::new(media_type::OCTET_STREAM, digest, size),
            Payload::stream(stdin::stream()),
        ))
    }

    async fn blob_in_file(
        &self,
        path: &str,
        digest: Option<Digest>,
    ) -> Result<(Descriptor, Payload), Error> {
        if path.is_empty() {
            return Err(Error::told("missing file name"));
        }
        let metadata = std::fs::metadata(path).map_err(|error| {
            Error::told(format!(
                "failed to open {path}: open {path}: {}",
                io_text(&error)
            ))
        })?;
        if metadata.is_dir() {
            return Err(Error::told(format!("read {path}: is a directory")));
        }
        let actual = metadata.len();
        if self.size >= 0 && u64::try_from(self.size) != Ok(actual) {
            let size = self.size;
            return Err(Error::told(format!(
                "input size {size} does not match the actual content size {actual}"
            )));
        }
        let store = files::store()?;
        let added = store
            .add(path, Some(media_type::OCTET_STREAM), Path::new(path))
            .await
            .map_err(|error| Error::local(&error))?;
        let payload = Payload::from_source(Arc::new(store) as Arc<dyn Fetch>, added.clone());
        let mut blob = added.plain();
        match digest {
            // Whoever receives it finds that it is wrong, and says so in its own words.
            Some(digest) if digest != blob.digest => {
                blob.digest = digest;
                Ok((blob, Payload::new(Unchecked(payload))))
            }
            _ => Ok((blob, payload)),
        }
    }
}

/// Content that is not what it claims to be, as far as we know.
struct Unchecked(Payload);

#[async_trait]
impl Open for Unchecked {
    async fn open(&self, offset: u64) -> oras::content::Result<ByteStream> {
        self.0.open(offset).await
    }
}
