//! The `oras` command: push, pull, attach, discover and copy any file in any OCI registry.
//!
//! A thin layer over the SDK, and the only place that prints, reads the environment or asks a person. A command is a
//! file in [`command`]: its flags, then `run`, which opens targets, has the SDK do one operation and shows the events.
//!
//! - [`pflag`], [`usage`], [`help`]: the command line, in the words that scripts know
//! - [`completion`]: what can follow on a command line, for the shells
//! - [`option`]: groups of flags that commands share; [`session`]: what a run shares
//! - [`display`], [`output`], [`trace`]: what is shown, and the one room that prints
//! - [`error`]: from typed errors to text, hint and exit code; [`env`](mod@env): all environment variables

// The comments of flags are their help texts, with marks such as `[Preview]` that rustdoc takes for links.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags)]

mod command;
mod completion;
mod display;
mod env;
mod error;
mod help;
mod interrupt;
mod option;
mod output;
mod pflag;
mod session;
mod trace;
mod usage;

use std::process::ExitCode;

use oras::spec::go_quote;

use crate::error::Error;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let outcome = run(&words);
    tell_hashed(&words);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::tell(&error.into_failure().text());
            ExitCode::FAILURE
        }
    }
}

/// Debug builds end their debug output by how much they hashed: tests show with it that no byte is hashed twice.
fn tell_hashed(words: &[String]) {
    let debug = cfg!(debug_assertions) && words.iter().any(|word| word == "--debug");
    if let Some(count) = oras::spec::digest::hashed_bytes().filter(|_| debug) {
        output::tell(&format!("hashed {count} bytes"));
    }
}

fn run(words: &[String]) -> Result<(), Error> {
    let tree = command::tree();
    if let Some(done) = completion::respond(&tree, words) {
        return done;
    }
    if words.first().is_some_and(|word| word == "help") {
        return help_about(&tree, &words[1..]);
    }
    let found = usage::find(&tree, words);
    let command = found.command();
    let stray = usage::first_positional(command, &found.words).map(|at| found.words[at].clone());
    let is_root = found.chain.len() == 1;
    if let Some(word) = stray.as_ref().filter(|_| is_root) {
        return Err(usage::unknown_command(&found, word));
    }
    let line =
        pflag::parse(command, &found.words).map_err(|error| Error::told(error.to_string()))?;
    for notice in &line.notices {
        output::tell(notice);
    }
    if line.help {
        return output::text(&help::screen(&found.chain));
    }
    if usage::is_group(command) {
        return match line.positionals.first() {
            Some(word) => Err(usage::unknown_command(&found, word)),
            None => output::text(&help::screen(&found.chain)),
        };
    }
    command::run(&found, line)
}

/// `oras help <names>`
fn help_about(tree: &clap::Command, words: &[String]) -> Result<(), Error> {
    let found = usage::find(tree, words);
    let asks_for_help = words.iter().any(|word| word == "-h" || word == "--help");
    if found.chain.len() > 1 || words.is_empty() || asks_for_help {
        return output::text(&help::screen(&found.chain));
    }
    let topic: Vec<String> = words.iter().map(|word| quote_topic(word)).collect();
    output::tell(&format!("Unknown help topic [{}]", topic.join(" ")));
    output::tell(help::usage_screen(&found.chain).trim_end());
    Ok(())
}

/// In back-quotes, where that is possible.
fn quote_topic(word: &str) -> String {
    match word.contains('`') || word.chars().any(char::is_control) {
        true => go_quote(word),
        false => format!("`{word}`"),
    }
}
