//! `oras serve`

pub(super) mod check;
pub(super) mod gc;
mod listening;
mod log;
pub(super) mod passwd;
mod signals;

use std::io::ErrorKind;

use clap::CommandFactory as _;
use futures_util::future::join_all;
use oras::content::io_text;
use oras_registry::config::Config;
use oras_registry::layout::LayoutDriver;
use oras_registry::{Registry, Server, ServerError};
use tokio::net::TcpListener;

use crate::command::serve::listening::Listening;
use crate::command::serve::signals::{Signal, Signals};
use crate::command::{Interrupt, Run};
use crate::error::Error;
use crate::option::format::{self, Format};
use crate::option::settings::SettingsArgs;
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Run a registry on this machine
///
/// It listens on 127.0.0.1:5000 and stores everything in './registry' unless told. Once it listens it prints one line
/// that says where, with a push to try. Changed files of users and certificates are taken up while it runs. Ctrl-C lets
/// open requests finish and ends it, a second one ends it at once.
///
/// A folder that is called like one of the commands below is served as './gc'.
///
/// Each flag for a setting is also a variable and a key in the file that --config names: '--limits-blob 1GiB' is
/// ORAS_SERVE_LIMITS_BLOB=1GiB, or 'blob = "1GiB"' below '[limits]'.
#[derive(Debug, clap::Parser)]
#[command(
    name = "serve",
    verbatim_doc_comment,
    override_usage = "serve [flags] [folder]",
    args_conflicts_with_subcommands = true,
    after_help = "Example - Serve the folder './registry' to programs on this machine:
  oras serve

Example - Serve another folder, on a free port:
  oras serve ./data --addr 127.0.0.1:0

Example - Serve from memory, and tell a script where:
  oras serve --memory --addr 127.0.0.1:0 --format json

Example - Serve a network: everybody reads, users in the file 'users' write:
  oras serve passwd users ann
  oras serve --addr 0.0.0.0:5000 --htpasswd users --anonymous-pull --tls-cert cert.pem --tls-key key.pem

Example - Check a file of settings without serving anything:
  oras serve --config serve.toml --check-config"
)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: SettingsArgs,
    /// only check the settings and the files they name
    #[arg(long)]
    check_config: bool,
    /// format of the line that says where it listens: 'text' or 'json'
    #[arg(long, default_value = "text")]
    format: String,
}

/// The command with its sub-commands.
pub(super) fn tree() -> clap::Command {
    Serve::command().subcommands([
        check::Check::command(),
        gc::Gc::command(),
        passwd::Passwd::command(),
    ])
}

impl Run for Serve {
    const ARITY: Arity = Arity::at_most(1, "the folder to serve");
    const INTERRUPT: Interrupt = Interrupt::Own;

    async fn run(self, _: &Session, args: &[String]) -> Result<(), Error> {
        let format = format::check(&self.format, "", "json, text")?;
        let config = self.settings.config(args.first())?;
        if self.check_config {
            return check(&config).await;
        }
        open_more_files();
        // Heard from here on, so that nobody who sees the line is too early.
        let mut signals = Signals::new()?;
        free(&config).await?;
        let (observer, log) = match log::start(&config) {
            Some((observer, log)) => (Some(observer), Some(log)),
            None => (None, None),
        };
        let mut builder = config.builder().map_err(|error| Error::caused(&error))?;
        if let Some(observer) = observer {
            builder = builder.observer(observer);
        }
        let registry = builder.build().map_err(|error| match error {
            ServerError::Storage(_) => {
                Error::caused(&error).inside(&config.folder.display().to_string())
            }
            _ => Error::caused(&error),
        })?;
        let servers = listen(&registry, &config).await?;
        let listening = Listening::new(&config, registry.is_open(), &servers);
        drop(registry);
        for warning in listening.warnings() {
            output::tell(&warning);
        }
        output::line(&match format {
            Format::Json => listening.json()?,
            _ => listening.text(),
        })?;
        while signals.next().await == Signal::Reload {
            reload(&servers).await;
        }
        let ended = tokio::select! {
            cut = stop(servers, &config) => match cut {
                0 => Ok(()),
                cut => Err(Error::told(format!("{cut} connections did not finish in time and were cut"))),
            },
            () = signals.stop() => Err(Error::told("told to stop twice: open requests were cut off")),
        };
        if let Some(log) = log {
            log.end().await;
        }
        ended
    }
}

/// Asks for as many open files as this process may have: each connection is one, and each blob that is being sent.
fn open_more_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        let most = Rlimit {
            current: limit.maximum,
            ..limit
        };
        // What there is will have to do.
        let _ = setrlimit(Resource::Nofile, most);
    }
}

/// What can be checked without serving anything.
async fn check(config: &Config) -> Result<(), Error> {
    if let Some(tls) = config.tls() {
        tls.check().await.map_err(|error| Error::caused(&error))?;
    }
    let mut aside = config.clone();
    // Nothing is created: no folder, no key.
    aside.memory = true;
    aside.token_key_file = None;
    let builder = aside.builder().map_err(|error| Error::caused(&error))?;
    builder.build().map_err(|error| Error::caused(&error))?;
    output::line("The settings are valid")
}

/// The folder of a registry that is there already.
fn existing(config: &Config, reading: bool) -> Result<LayoutDriver, Error> {
    let folder = &config.folder;
    if config.memory {
        return Err(Error::told("a registry in memory has no folder"));
    }
    let told = |error| Error::told(format!("open {}: {}", folder.display(), io_text(&error)));
    let found = std::fs::metadata(folder).map_err(told)?;
    if !found.is_dir() {
        return Err(told(ErrorKind::NotADirectory.into()));
    }
    let mut options = config.layout_options();
    options.read_only |= reading;
    let driver = LayoutDriver::open(folder, options);
    driver.map_err(|error| Error::caused(&error).inside(&folder.display().to_string()))
}

/// Finds out that an address is taken before a folder is created for nothing.
async fn free(config: &Config) -> Result<(), Error> {
    for addr in &config.addr {
        let listener = TcpListener::bind(addr).await;
        listener.map_err(|source| {
            let addr = addr.clone();
            Error::caused(&ServerError::Listen { addr, source })
        })?;
    }
    Ok(())
}

async fn listen(registry: &Registry, config: &Config) -> Result<Vec<Server>, Error> {
    let tls = config.tls();
    let mut servers = Vec::new();
    for addr in &config.addr {
        let server = match &tls {
            Some(tls) => registry.bind_tls(addr, tls.clone()).await,
            None => registry.bind(addr).await,
        };
        servers.push(server.map_err(|error| Error::caused(&error))?);
    }
    Ok(servers)
}

/// Users and certificates are taken up when their files change. Whoever sends a signal, too, is told what is wrong.
async fn reload(servers: &[Server]) {
    for server in servers {
        if let Err(error) = server.reload_tls().await {
            output::tell(&Error::caused(&error).into_failure().text());
        }
    }
}

/// Lets all of them finish what they are doing, and says how many connections had to be cut.
async fn stop(servers: Vec<Server>, config: &Config) -> usize {
    servers.iter().for_each(Server::drain);
    tokio::time::sleep(config.drain_delay).await;
    let ends = servers
        .into_iter()
        .map(|server| server.shutdown_within(config.drain_timeout));
    join_all(ends).await.into_iter().sum()
}
