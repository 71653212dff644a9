//! Standard input: secrets, answers, and content for `-`.

use std::io::{self, Read as _};

use bytes::BytesMut;
use futures_util::{StreamExt as _, stream};
use oras::content::{ByteStream, io_text};
use tokio::io::AsyncReadExt as _;

use crate::error::Error;
use crate::option::remote::RemoteArgs;
use crate::session::Session;

/// Bytes of content read at a time.
const CHUNK: usize = 128 * 1024;

/// More than any token is, in bytes.
const SECRET_LIMIT: u64 = 1024 * 1024;

/// One line, without its end. Read byte by byte, so that nothing behind it is swallowed.
///
/// # Errors
/// If standard input cannot be read.
pub(crate) fn line() -> Result<String, Error> {
    let mut line = Vec::new();
    for byte in io::stdin().lock().bytes() {
        match byte.map_err(|error| read_error(&error))? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// One line, unless the user interrupts first.
///
/// # Errors
/// As [`line`]; if the user interrupts.
pub(crate) async fn typed(session: &Session) -> Result<String, Error> {
    let line = tokio::task::spawn_blocking(line);
    tokio::select! {
        line = line => line.map_err(|error| Error::caused(&error))?,
        () = session.cancel.cancelled() => Err(Error::told("interrupt signal received")),
    }
}

/// All of standard input, without one line end.
///
/// # Errors
/// If standard input cannot be read.
pub(crate) fn secret() -> Result<String, Error> {
    let mut secret = String::new();
    let mut stdin = io::stdin().lock().take(SECRET_LIMIT);
    stdin
        .read_to_string(&mut secret)
        .map_err(|error| read_error(&error))?;
    let secret = secret.strip_suffix('\n').unwrap_or(&secret);
    Ok(secret.strip_suffix('\r').unwrap_or(secret).to_owned())
}

fn read_error(error: &io::Error) -> Error {
    Error::told(format!("read /dev/stdin: {}", io_text(error)))
}

/// # Errors
/// If a secret is to be read from standard input, too.
pub(crate) fn check_free(remote: &RemoteArgs) -> Result<(), Error> {
    let taken = |flag: &str, what: &str| {
        Err(Error::told(format!(
            "`-` read file from input and `--{flag}` read {what} from input cannot be both used"
        )))
    };
    if remote.password_stdin {
        return taken("password-stdin", "password");
    }
    if remote.identity_token_stdin {
        return taken("identity-token-stdin", "identity token");
    }
    Ok(())
}

/// Standard input as content.
pub(crate) fn stream() -> ByteStream {
    let chunks = stream::try_unfold(tokio::io::stdin(), |mut stdin| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = stdin.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (chunk.freeze(), stdin)))
    });
    chunks.boxed()
}

/// While this lives, the terminal does not show what is typed.
pub(crate) struct Quiet {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl Quiet {
    /// # Errors
    /// If standard input is no terminal, or one that can't do that.
    #[cfg(unix)]
    pub(crate) fn new() -> Result<Self, Error> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = io::stdin();
        let told = |error: rustix::io::Errno| read_error(&error.into());
        let before = tcgetattr(&stdin).map_err(told)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // What was typed ahead is kept: it may come from a program.
        tcsetattr(&stdin, OptionalActions::Now, &quiet).map_err(told)?;
        Ok(Self { before })
    }

    /// # Errors
    /// Always: here it is only known how to read a secret from a pipe.
    #[cfg(not(unix))]
    pub(crate) fn new() -> Result<Self, Error> {
        Err(Error::told("give the password on standard input"))
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Nothing is left to be done for a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
