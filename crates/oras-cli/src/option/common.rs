//! Flags of nearly every command.

/// How much is told.
#[derive(Debug, clap::Args)]
pub(crate) struct CommonArgs {
    /// print debug logs and every HTTP exchange to standard error
    #[arg(short, long)]
    pub(crate) debug: bool,
    /// show status lines of unnamed content
    #[arg(short, long, hide = true, action = clap::ArgAction::Set, default_value = "true")]
    pub(crate) verbose: bool,
}

/// Only the log.
#[derive(Debug, clap::Args)]
pub(crate) struct DebugArgs {
    /// print debug logs and every HTTP exchange to standard error
    #[arg(short, long)]
    debug: bool,
}

/// The terminal.
#[derive(Debug, clap::Args)]
pub(crate) struct TerminalArgs {
    /// [Preview] disable progress bars
    #[arg(long)]
    pub(crate) no_tty: bool,
}

/// JSON on standard output.
#[derive(Debug, clap::Args)]
pub(crate) struct PrettyArgs {
    /// prettify JSON on standard output
    #[arg(long)]
    pub(crate) pretty: bool,
}

/// The descriptor instead of the usual output.
#[derive(Debug, clap::Args)]
pub(crate) struct DescriptorArgs {
    /// print the descriptor as JSON
    #[arg(long)]
    pub(crate) descriptor: bool,
}
