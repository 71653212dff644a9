//! The only room that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{self, IsTerminal as _, Write as _};

use oras::content::io_text;

use crate::error::{Error, Failure};

/// Prints one line of a result or a status.
///
/// # Errors
/// If standard output cannot take it: `display output error`.
pub(crate) fn line(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").map_err(|error| display_error(&error))
}

/// Prints text as it is, without a line end of our own.
///
/// # Errors
/// If standard output cannot take it.
pub(crate) fn text(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let done = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    done.map_err(|error| display_error(&error))
}

/// Standard output for text that is produced piece by piece. Whoever uses it flushes it.
pub(crate) fn stream() -> impl io::Write + Send {
    io::BufWriter::new(io::stdout())
}

/// Writes content to standard output: the bytes, nothing else.
///
/// # Errors
/// If standard output cannot take it.
pub(crate) fn content(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let done = stdout.write_all(bytes).and_then(|()| stdout.flush());
    done.map_err(|error| Failure::new(write_error(&error)).into())
}

/// Tells a person something on standard error: an error, a notice, a warning, a trace.
pub(crate) fn tell(text: &str) {
    // Nobody is left to be told if this fails.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Asks a person something on standard error, and leaves the line open for the answer.
pub(crate) fn ask(text: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is left to be asked if this fails.
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

/// Whether standard error is a terminal.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes to the terminal on standard error: text and what moves the cursor.
pub(crate) fn draw(text: &str) {
    if text.is_empty() {
        return;
    }
    let mut stderr = io::stderr().lock();
    // Nobody is left to see it if this fails.
    let _ = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// The size of the terminal on standard error now; 80 columns and 10 rows if it does not say.
pub(crate) fn window() -> Window {
    #[cfg(unix)]
    let size = rustix::termios::tcgetwinsize(io::stderr());
    #[cfg(unix)]
    if let Ok(size) = size
        && size.ws_col > 0
        && size.ws_row > 0
    {
        return Window {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        };
    }
    Window {
        columns: 80,
        rows: 10,
    }
}

/// What to say if a result can't be printed.
pub(crate) fn display_error(error: &io::Error) -> Error {
    Failure::new(format!("display output error: {}", write_error(error))).into()
}

fn write_error(error: &io::Error) -> String {
    format!("write /dev/stdout: {}", io_text(error))
}
