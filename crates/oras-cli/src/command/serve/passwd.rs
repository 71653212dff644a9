//! `oras serve passwd`

use std::fs;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::path::Path;

use oras::content::io_text;
use oras_registry::users;
use tempfile::NamedTempFile;

use crate::command::Run;
use crate::error::Error;
use crate::option::stdin::{self, Quiet};
use crate::output;
use crate::session::Session;
use crate::usage::Arity;

/// Set the password of a user in a file for 'oras serve --htpasswd'
///
/// The password is asked for, or read from standard input if that is no terminal. The file and the user are created if
/// they are not there. A server that uses the file takes up the change within a second.
#[derive(Debug, clap::Parser)]
#[command(
    name = "passwd",
    verbatim_doc_comment,
    override_usage = "passwd [flags] <file> <user>",
    after_help = "Example - Ask for a password for the user 'ann':
  oras serve passwd users ann

Example - Take the password from a pipe:
  printf %s \"$PASSWORD\" | oras serve passwd users ann"
)]
pub(crate) struct Passwd {}

impl Run for Passwd {
    const ARITY: Arity = Arity::exactly(2, "the file of users and the name of the user");

    async fn run(self, session: &Session, args: &[String]) -> Result<(), Error> {
        let (path, user) = (Path::new(&args[0]), &args[1]);
        let password = match io::stdin().is_terminal() {
            true => ask(session, user).await?,
            false => stdin::secret()?,
        };
        let told = |what: &str, error: &io::Error| {
            Error::told(format!("{what} {}: {}", path.display(), io_text(error)))
        };
        let before = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(told("open", &error)),
        };
        let after = users::set(&before, user, &password).map_err(|error| Error::caused(&error))?;
        replace(path, &after).map_err(|error| told("write", &error))
    }
}

/// The password, typed twice without being shown.
async fn ask(session: &Session, user: &str) -> Result<String, Error> {
    let quiet = Quiet::new()?;
    let first = typed(session, &format!("New password for {user}: ")).await?;
    let second = typed(session, "Again: ").await?;
    drop(quiet);
    match first == second {
        true => Ok(first),
        false => Err(Error::told("the passwords differ")),
    }
}

async fn typed(session: &Session, question: &str) -> Result<String, Error> {
    output::ask(question);
    let line = stdin::typed(session).await?;
    // The line end that was typed was not shown either.
    output::tell("");
    Ok(line)
}

/// Puts `text` into the file in one step: whoever reads it sees all of it or what was there before. Its permissions
/// stay; a new file is its owner's alone.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Through a link the file that it leads to is written, not the link.
    let path = match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(before) = fs::metadata(&path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
