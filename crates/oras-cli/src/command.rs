//! The commands: the tree of their names, and how one of them is run.

mod attach;
mod backup;
mod blob;
mod completion;
mod cp;
mod discover;
mod login;
mod logout;
mod manifest;
mod pull;
mod push;
mod repo;
mod resolve;
mod restore;
mod serve;
mod tag;
mod version;

use std::time::Duration;

use clap::{Command, CommandFactory as _};

use crate::error::Error;
use crate::interrupt;
use crate::pflag::{self, Line};
use crate::session::Session;
use crate::usage::{Arity, Found};

/// A command that talks to registries or works on files.
trait Run: clap::Parser {
    /// Its positionals.
    const ARITY: Arity;
    /// What Ctrl-C does.
    const INTERRUPT: Interrupt = Interrupt::Fails;

    /// Checks the options, then does the work.
    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error>;
}

/// What Ctrl-C does to a command.
enum Interrupt {
    /// The command is told to stop, and has failed.
    Fails,
    /// What the command makes of it.
    Own,
}

/// Every command, by name.
pub(crate) fn tree() -> Command {
    let blob = Command::new("blob").about("Blob operations").subcommands([
        blob::delete::Delete::command(),
        blob::fetch::Fetch::command(),
        blob::push::Push::command(),
    ]);
    let index = Command::new("index")
        .about("[Experimental] Index operations")
        .subcommands([
            manifest::index::Create::command(),
            manifest::index::Update::command(),
        ]);
    let manifest = Command::new("manifest")
        .about("Manifest operations")
        .subcommands([
            manifest::delete::Delete::command(),
            manifest::fetch::Fetch::command(),
            manifest::fetch_config::FetchConfig::command(),
            index,
            manifest::push::Push::command(),
        ]);
    let repo = Command::new("repo")
        .alias("repository")
        .about("Repository operations")
        .subcommands([repo::ls::List::command(), repo::tags::Tags::command()]);
    pflag::prepare(Command::new("oras").subcommands([
        attach::Attach::command(),
        backup::Backup::command(),
        blob,
        completion::tree(),
        cp::Copy::command(),
        discover::Discover::command(),
        login::Login::command(),
        logout::Logout::command(),
        manifest,
        pull::Pull::command(),
        push::Push::command(),
        repo,
        resolve::Resolve::command(),
        restore::Restore::command(),
        serve::tree(),
        tag::Tag::command(),
        version::Version::command(),
    ]))
}

/// Runs the command that was found.
///
/// # Errors
/// Whatever it fails with, in final words or not.
pub(crate) fn run(found: &Found<'_>, line: Line) -> Result<(), Error> {
    match found.names()[..] {
        ["attach"] => go::<attach::Attach>(found, line),
        ["backup"] => go::<backup::Backup>(found, line),
        ["blob", "delete"] => go::<blob::delete::Delete>(found, line),
        ["blob", "fetch"] => go::<blob::fetch::Fetch>(found, line),
        ["blob", "push"] => go::<blob::push::Push>(found, line),
        ["completion", _] => completion::run(found, &line),
        ["cp"] => go::<cp::Copy>(found, line),
        ["discover"] => go::<discover::Discover>(found, line),
        ["login"] => go::<login::Login>(found, line),
        ["logout"] => go::<logout::Logout>(found, line),
        ["manifest", "delete"] => go::<manifest::delete::Delete>(found, line),
        ["manifest", "fetch"] => go::<manifest::fetch::Fetch>(found, line),
        ["manifest", "fetch-config"] => go::<manifest::fetch_config::FetchConfig>(found, line),
        ["manifest", "index", "create"] => go::<manifest::index::Create>(found, line),
        ["manifest", "index", "update"] => go::<manifest::index::Update>(found, line),
        ["manifest", "push"] => go::<manifest::push::Push>(found, line),
        ["pull"] => go::<pull::Pull>(found, line),
        ["push"] => go::<push::Push>(found, line),
        ["repo", "ls"] => go::<repo::ls::List>(found, line),
        ["repo", "tags"] => go::<repo::tags::Tags>(found, line),
        ["resolve"] => go::<resolve::Resolve>(found, line),
        ["restore"] => go::<restore::Restore>(found, line),
        ["serve"] => go::<serve::Serve>(found, line),
        ["serve", "gc"] => go::<serve::gc::Gc>(found, line),
        ["serve", "check"] => go::<serve::check::Check>(found, line),
        ["serve", "passwd"] => go::<serve::passwd::Passwd>(found, line),
        ["tag"] => go::<tag::Tag>(found, line),
        ["version"] => version::run(&line.positionals),
        _ => Ok(()),
    }
}

fn go<T: Run>(found: &Found<'_>, line: Line) -> Result<(), Error> {
    let used = found.used();
    T::ARITY.check(&used, line.positionals.len())?;
    let debug = matches!(line.matches.try_get_one::<bool>("debug"), Ok(Some(true)));
    let draws = may_draw(&line);
    let session = Session::new(used, line.given, debug);
    let session = if draws { session.drawing() } else { session };
    let command =
        T::from_arg_matches(&line.matches).map_err(|error| Error::told(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::told(format!("failed to start: {error}")))?;
    let work = command.run(&session, &line.positionals);
    let done = match T::INTERRUPT {
        Interrupt::Fails => runtime.block_on(interrupt::unless(&session, work)),
        Interrupt::Own => runtime.block_on(work),
    };
    session.screen().end();
    // A thread that waits for standard input is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

/// Whether the command may draw in a terminal. What goes to standard output would be between the lines, unless the user
/// says that it is not.
fn may_draw(line: &Line) -> bool {
    let Ok(Some(no_tty)) = line.matches.try_get_one::<bool>("no_tty") else {
        return false;
    };
    let output = line.matches.try_get_one::<String>("output");
    let prints = matches!(output, Ok(Some(path)) if path == "-");
    !no_tty && (!prints || line.given.has("no-tty"))
}
