//! `oras cp`

use std::sync::Arc;

use oras::content::{Event, EventSink as _, Side, Source, Target};
use oras::spec::{Descriptor, Platform};
use oras::{CopyOptions, ExtendedCopyOptions, TagOptions, copy, extended_copy, tag_many};

use crate::command::Run;
use crate::display::status::{Detail, StatusLines, Verbs};
use crate::error::{End, Ends, Error};
use crate::option::common::{CommonArgs, TerminalArgs};
use crate::option::pair::{From, Prefix as _, Prefixed, To};
use crate::option::platform::PlatformArgs;
use crate::option::target::{Place, parse_digest, split_tags};
use crate::output;
use crate::pflag::parse_int;
use crate::session::Session;
use crate::usage::Arity;

/// Copy artifacts from one target to another
#[derive(Debug, clap::Parser)]
#[command(
    name = "cp",
    alias = "copy",
    override_usage = "cp [flags] <from>{:<tag>|@<digest>} <to>[:<tag>[,<tag>][...]]",
    after_help = "Example - Copy an artifact between registries:
  oras cp localhost:5000/net-monitor:v1 localhost:6000/net-monitor-copy:v1

Example - Copy an artifact together with everything that refers to it:
  oras cp -r localhost:5000/net-monitor:v1 localhost:6000/net-monitor-copy:v1

Example - Copy into the OCI image layout folder 'downloaded', and back:
  oras cp --to-oci-layout localhost:5000/net-monitor:v1 ./downloaded:v1
  oras cp --from-oci-layout ./downloaded:v1 localhost:5000/net-monitor:v2

Example - Copy the manifest for one platform only:
  oras cp --platform linux/arm/v5 localhost:5000/net-monitor:v1 localhost:6000/net-monitor-copy:v1

Example - Copy and give several tags:
  oras cp localhost:5000/net-monitor:v1 localhost:6000/net-monitor-copy:tag1,tag2,tag3"
)]
pub(crate) struct Copy {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    from: Prefixed<From>,
    #[command(flatten)]
    to: Prefixed<To>,
    /// [Preview] also copy everything that refers to the artifact
    #[arg(short, long)]
    recursive: bool,
    /// connect to this address instead of what DNS says, on both sides
    #[arg(long, value_name = "host:port:address[:address_port]")]
    resolve: Vec<String>,
    /// how many contents are copied at a time
    #[arg(long, default_value = "3", value_parser = parse_int)]
    concurrency: i64,
}

impl Run for Copy {
    const ARITY: Arity = Arity::exactly(2, "the source and destination for copying");

    async fn run(mut self, session: &Session, args: &[String]) -> Result<(), Error> {
        for end in [&mut self.from.end, &mut self.to.end] {
            end.target.remote.resolve_first(&self.resolve);
        }
        let platform = self.platform.check()?;
        let from = self
            .from
            .end
            .target
            .place(&args[0], session.side(From::PREFIX))?;
        let (raw, tags) = split_tags(&args[1]);
        let to = self.to.end.target.place(&raw, session.side(To::PREFIX))?;
        let work = Work {
            reference: from.need_reference(&session.used)?,
            destination: to.reference().unwrap_or_default(),
            ends: Ends {
                source: end(&from, session),
                destination: end(&to, session),
            },
            from,
            to,
            tags,
        };
        self.copy(session, &work, platform)
            .await
            .map_err(|error| work.ends.tell(error))
    }
}

fn end(place: &Place, session: &Session) -> End {
    End {
        kind: place.type_name(),
        raw: place.raw.clone(),
        audience: place.audience(session),
    }
}

/// What goes where.
struct Work {
    from: Place,
    reference: String,
    to: Place,
    destination: String,
    tags: Vec<String>,
    ends: Ends,
}

impl Copy {
    async fn copy(
        &self,
        session: &Session,
        work: &Work,
        platform: Option<Platform>,
    ) -> Result<(), Error> {
        let source = work
            .from
            .source(session, self.from.end.spec.distribution_spec)
            .await?;
        let target = work
            .to
            .target(session, self.to.end.spec.distribution_spec)
            .await?;
        let lines = session.status(Verbs::COPY, Detail::of_text(self.common.verbose));
        let mut options = CopyOptions::default();
        options.concurrency = usize::try_from(self.concurrency).unwrap_or(0);
        options.events = Arc::clone(&lines) as _;
        options.platform = platform;
        options.cancel = session.cancel.clone();

        let copied = self.run_copy(&source, &target, work, options).await;
        lines.check()?;
        let root = copied?;
        let from = shown_source(work, &root);
        output::line(&format!("Copied {from} => {}", work.to.display()))?;
        if !work.tags.is_empty() {
            tag(&target, work, &lines).await?;
        }
        output::line(&format!("Digest: {}", root.digest))
    }

    async fn run_copy(
        &self,
        source: &Arc<dyn Source>,
        target: &Arc<dyn Target>,
        work: &Work,
        options: CopyOptions,
    ) -> Result<Descriptor, Error> {
        let Work {
            reference,
            destination,
            ..
        } = work;
        let copied = match self.recursive {
            true => {
                let options = ExtendedCopyOptions {
                    copy: options,
                    ..ExtendedCopyOptions::default()
                };
                extended_copy(source, reference, target, destination, &options).await
            }
            false => copy(source, reference, target, destination, &options).await,
        };
        copied.map_err(|error| {
            let resolving =
                error.operation() == Some("resolve") && error.side() == Some(Side::Source);
            match resolving && (self.recursive || destination.is_empty()) {
                true => work
                    .ends
                    .resolving(error.context(format!("failed to resolve {reference}"))),
                false => error.into(),
            }
        })
    }
}

/// The source as typed; by the digest of what was selected, if it was typed as a digest.
fn shown_source(work: &Work, root: &Descriptor) -> String {
    match parse_digest(&work.reference) {
        Ok(typed) if typed != root.digest => {
            format!(
                "[{}] {}@{}",
                work.from.type_name(),
                work.from.path(),
                root.digest
            )
        }
        _ => work.from.display(),
    }
}

async fn tag(target: &Arc<dyn Target>, work: &Work, lines: &Arc<StatusLines>) -> Result<(), Error> {
    let lines = Arc::clone(lines);
    let options = TagOptions {
        // The tagged content was told of already.
        events: Arc::new(move |event: &Event<'_>| match event {
            Event::Started(_) => {}
            event => lines.on_event(event),
        }),
        ..TagOptions::default()
    };
    let tagged = tag_many(target, &work.destination, &work.tags, &options).await;
    tagged.map_err(|error| Error::Sdk(error).tell(&work.ends.destination.audience))?;
    Ok(())
}
