//! Names that can stand where a target does: registries somebody signed in to, repositories, tags.
//!
//! Asked for as the flags before the word say, and with the credentials of the configuration. A shell waits for the
//! answer: whatever takes longer than a moment, or fails, is no candidate.

use std::time::Duration;

use clap::{Args as _, Command, FromArgMatches as _};
use futures_util::TryStreamExt as _;

use super::{Answer, Candidate, Directive};
use crate::option::remote::RemoteArgs;
use crate::option::target::{Kind, TargetArgs};
use crate::pflag::{self, Line};
use crate::session::Session;
use crate::usage::Found;

/// How long a shell may be kept waiting.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many names are offered at most.
const MOST: usize = 1000;

/// What can be the positional after so many others.
pub(super) fn positional(found: &Found<'_>, before: usize, word: &str) -> Answer {
    let targets = match found.names()[..] {
        ["cp"] => 2,
        ["version" | "completion" | "serve", ..] => 0,
        _ => 1,
    };
    if before >= targets {
        return Answer::files();
    }
    let names = match word.split_once('/') {
        None if !word.contains(':') || word.starts_with("localhost:") => registries(word),
        _ => looked_up(found, word),
    };
    match names {
        Some(answer) if !answer.candidates.is_empty() => answer,
        _ => Answer::files(),
    }
}

/// The registries of the credential file that begin so.
fn registries(word: &str) -> Option<Answer> {
    let path = crate::env::docker_config().ok()?;
    let config = oras::remote::DockerConfig::load(vec![path]).ok()?;
    let fitting = |name: &String| name.starts_with(word) && !name.contains('/');
    let candidates = config.registries().into_iter().filter(fitting);
    Some(Answer {
        candidates: candidates
            .map(|name| Candidate::new(format!("{name}/"), ""))
            .collect(),
        directive: Directive::NoFilesNoSpace,
    })
}

/// Asks a registry, or looks into a layout.
fn looked_up(found: &Found<'_>, word: &str) -> Option<Answer> {
    let (args, line) = target(found)?;
    if args.remote.reads_stdin() {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let session = Session::new(found.used(), line.given, false);
    let answer = runtime.block_on(async {
        let names = async {
            match word.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
                Some((name, _)) => tags(&session, &args, name).await,
                None => repositories(&session, &args, word).await,
            }
        };
        tokio::time::timeout(PATIENCE, names).await.ok()?
    });
    runtime.shutdown_background();
    answer
}

/// The flags about the target, as far as the line has any.
fn target(found: &Found<'_>) -> Option<(TargetArgs, Line)> {
    let command = found.command();
    let has_target = pflag::find_long(command, "oci-layout").is_some();
    let line = match has_target || pflag::find_long(command, "plain-http").is_some() {
        true => pflag::parse(command, &found.words).ok()?,
        // The flags of `cp` belong to one of its sides; without any there is still `localhost` and the configuration.
        false => pflag::parse(&bare(), &[]).ok()?,
    };
    let matches = match has_target {
        true => &line.matches,
        false => &pflag::parse(&bare(), &[]).ok()?.matches,
    };
    let mut args = TargetArgs::from_arg_matches(matches).ok()?;
    if !has_target && pflag::find_long(command, "plain-http").is_some() {
        args.remote = RemoteArgs::from_arg_matches(&line.matches).ok()?;
    }
    Some((args, line))
}

fn bare() -> Command {
    pflag::prepare(TargetArgs::augment_args(Command::new("oras")))
}

async fn tags(session: &Session, args: &TargetArgs, name: &str) -> Option<Answer> {
    let place = args.place(name, session.flags()).ok()?;
    let source = place.source(session, None).await.ok()?;
    let mut pages = source.as_list_tags()?.tags(None);
    let mut candidates = Vec::new();
    while let Ok(Some(page)) = pages.try_next().await {
        candidates.extend(
            page.iter()
                .map(|tag| Candidate::new(format!("{name}:{tag}"), "")),
        );
        if candidates.len() >= MOST {
            break;
        }
    }
    Some(Answer::only(candidates))
}

async fn repositories(session: &Session, args: &TargetArgs, word: &str) -> Option<Answer> {
    let (registry, _) = word.split_once('/')?;
    let place = args
        .place(&format!("{registry}/any"), session.flags())
        .ok()?;
    let Kind::Repository { access, .. } = &place.kind else {
        return None;
    };
    let listed = session
        .client(access, registry, None)
        .ok()?
        .registry(registry)
        .ok()?;
    let mut pages = listed.repositories(None);
    let mut candidates = Vec::new();
    while let Ok(Some(page)) = pages.try_next().await {
        let names = page.iter().map(|name| format!("{registry}/{name}"));
        let fitting = names.filter(|name| name.starts_with(word));
        candidates.extend(fitting.map(|name| Candidate::new(name, "")));
        if candidates.len() >= MOST {
            break;
        }
    }
    Some(Answer {
        candidates,
        directive: Directive::NoFilesNoSpace,
    })
}
