//! Flags as scripts written for the reference tool expect them: the syntax and the error words of Go's pflag.
//!
//! clap knows the flags, their types and their help; this module reads the line. It rewrites what was typed into
//! one form that clap cannot misread (`--name=value`, positionals after `--`), so that clap is left with storing
//! values.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command};
use oras::spec::go_quote;

/// The flags of one command line.
#[derive(Debug, Default)]
pub(crate) struct Given {
    names: BTreeSet<String>,
}

impl Given {
    /// Whether the flag appeared at all, with any value.
    pub(crate) fn has(&self, long: &str) -> bool {
        self.names.contains(long)
    }

    /// Those of `flags` that appeared, if they are two or more: they exclude each other.
    pub(crate) fn conflict(&self, flags: &[String]) -> Option<String> {
        let given: Vec<String> = flags
            .iter()
            .filter(|flag| self.has(flag))
            .map(|flag| format!("--{flag}"))
            .collect();
        (given.len() > 1).then(|| format!("{} cannot be used at the same time", given.join(", ")))
    }
}

/// What one line says.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) given: Given,
    pub(crate) positionals: Vec<String>,
    /// `-h` or `--help` with a true value.
    pub(crate) help: bool,
    /// What to tell of the flags that were used and are on their way out, one line per use.
    pub(crate) notices: Vec<String>,
    pub(crate) matches: ArgMatches,
}

/// Why a line cannot be read, in the reference tool's words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FlagError(String);

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes every switch of the tree take an optional value, as pflag's do.
pub(crate) fn prepare(command: Command) -> Command {
    command
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .mut_args(|arg| match arg.get_action() {
            ArgAction::SetTrue => arg
                .action(ArgAction::Set)
                .num_args(1)
                .value_parser(ValueParser::new(parse_bool))
                .default_value("false"),
            _ if is_bool(&arg) => arg.value_parser(ValueParser::new(parse_bool)),
            _ => arg,
        })
        .mut_subcommands(prepare)
}

/// Whether the flag is a switch, for which a value needs `=`.
pub(crate) fn is_bool(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == std::any::TypeId::of::<bool>()
}

/// Finds a flag by its long name, or one that it had once.
pub(crate) fn find_long<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let had = |arg: &Arg| arg.get_all_aliases().is_some_and(|all| all.contains(&long));
    let mut flags = command.get_arguments();
    flags.find(|arg| arg.get_long() == Some(long) || had(arg))
}

/// Finds a flag by its short name, or one that it had once.
pub(crate) fn find_short(command: &Command, short: char) -> Option<&Arg> {
    let had = |arg: &Arg| {
        arg.get_all_short_aliases()
            .is_some_and(|all| all.contains(&short))
    };
    let mut flags = command.get_arguments();
    flags.find(|arg| arg.get_short() == Some(short) || had(arg))
}

/// What to tell whoever typed `flag`, a name of `arg`: flags that help does not show will go.
fn notice(arg: &Arg, flag: &str) -> Option<String> {
    let name = arg.get_long().unwrap_or_default();
    let is_own = match flag.strip_prefix("--") {
        Some(long) => long == name,
        None => flag.chars().nth(1) == arg.get_short(),
    };
    match (is_own, arg.is_hide_set()) {
        (true, false) => None,
        // By either of its names.
        (true, true) => Some(format!(
            "Flag --{name} has been deprecated, and will be removed in a future release."
        )),
        (false, _) => Some(format!(
            "Flag {flag} has been deprecated, use --{name} instead."
        )),
    }
}

/// Reads the words that follow the name of `command`.
///
/// # Errors
/// The first thing on the line that is wrong.
pub(crate) fn parse(command: &Command, words: &[String]) -> Result<Line, FlagError> {
    let mut scan = Scan {
        command,
        rest: words.iter().map(String::as_str).collect(),
        flags: Vec::new(),
        notices: Vec::new(),
        positionals: Vec::new(),
    };
    let scanned = scan.run();
    let Scan {
        flags,
        notices,
        positionals,
        ..
    } = scan;

    // A bad value in front of a bad flag comes first, so the values read so far are checked in either case.
    let matches = convert(command, &flags)?;
    scanned?;

    let mut given = Given::default();
    let mut help = false;
    for (name, value) in flags {
        if name == HELP {
            help = parse_bool(&value).unwrap_or(false);
        }
        given.names.insert(name);
    }
    Ok(Line {
        given,
        positionals,
        help,
        notices,
        matches,
    })
}

const HELP: &str = "help";

/// Lets clap store the values.
fn convert(command: &Command, flags: &[(String, String)]) -> Result<ArgMatches, FlagError> {
    for (name, value) in flags {
        if name == HELP {
            parse_bool(value)
                .map_err(|error| bad_value(command, name, value, &error.to_string()))?;
        }
    }
    let line = flags
        .iter()
        .filter(|(name, _)| name != HELP)
        .map(|(name, value)| format!("--{name}={value}"));
    let words = std::iter::once("oras".to_owned()).chain(line);
    let error = match command.clone().try_get_matches_from(words) {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let name = text(ContextKind::InvalidArg);
    let name = name
        .trim_start_matches("--")
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default();
    let cause = std::error::Error::source(&error)
        .map_or_else(|| error.kind().to_string(), ToString::to_string);
    Err(bad_value(
        command,
        name,
        &text(ContextKind::InvalidValue),
        &cause,
    ))
}

fn bad_value(command: &Command, name: &str, value: &str, cause: &str) -> FlagError {
    let short = match name {
        HELP => Some('h'),
        _ => find_long(command, name).and_then(Arg::get_short),
    };
    let flag = match short {
        Some(short) => format!("-{short}, --{name}"),
        None => format!("--{name}"),
    };
    FlagError(format!(
        "invalid argument {} for {} flag: {cause}",
        go_quote(value),
        go_quote(&flag)
    ))
}

struct Scan<'a> {
    command: &'a Command,
    rest: VecDeque<&'a str>,
    flags: Vec<(String, String)>,
    notices: Vec<String>,
    positionals: Vec<String>,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), FlagError> {
        while let Some(word) = self.rest.pop_front() {
            if word == "--" {
                self.positionals
                    .extend(self.rest.drain(..).map(str::to_owned));
            } else if let Some(flag) = word.strip_prefix("--") {
                self.long(word, flag)?;
            } else if let Some(cluster) =
                word.strip_prefix('-').filter(|cluster| !cluster.is_empty())
            {
                self.cluster(cluster)?;
            } else {
                self.positionals.push(word.to_owned());
            }
        }
        Ok(())
    }

    fn long(&mut self, word: &str, flag: &str) -> Result<(), FlagError> {
        if flag.starts_with(['-', '=']) {
            return Err(FlagError(format!("bad flag syntax: {word}")));
        }
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        let (canonical, switch) = match find_long(self.command, name) {
            Some(arg) => {
                self.notices.extend(notice(arg, &format!("--{name}")));
                (arg.get_long().unwrap_or_default(), is_bool(arg))
            }
            None if name == HELP => (HELP, true),
            None => return Err(FlagError(format!("unknown flag: --{name}"))),
        };
        let value = match (value, switch) {
            (Some(value), _) => value,
            (None, true) => "true".to_owned(),
            (None, false) => match self.rest.pop_front() {
                Some(value) => value.to_owned(),
                None => return Err(FlagError(format!("flag needs an argument: --{name}"))),
            },
        };
        self.flags.push((canonical.to_owned(), value));
        Ok(())
    }

    fn cluster(&mut self, mut cluster: &str) -> Result<(), FlagError> {
        while let Some(short) = cluster.chars().next() {
            let after = &cluster[short.len_utf8()..];
            let (name, switch) = match find_short(self.command, short) {
                Some(arg) => {
                    self.notices.extend(notice(arg, &format!("-{short}")));
                    (arg.get_long().unwrap_or_default(), is_bool(arg))
                }
                None if short == 'h' => (HELP, true),
                None => {
                    return Err(FlagError(format!(
                        "unknown shorthand flag: {short:?} in -{cluster}"
                    )));
                }
            };
            let attached = after.strip_prefix('=').filter(|value| !value.is_empty());
            let (value, next) = match attached {
                Some(value) => (value.to_owned(), ""),
                None if switch => ("true".to_owned(), after),
                None if !after.is_empty() => (after.to_owned(), ""),
                None => match self.rest.pop_front() {
                    Some(value) => (value.to_owned(), ""),
                    None => {
                        return Err(FlagError(format!(
                            "flag needs an argument: {short:?} in -{cluster}"
                        )));
                    }
                },
            };
            self.flags.push((name.to_owned(), value));
            cluster = next;
        }
        Ok(())
    }
}

/// A value that Go's `strconv` would refuse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError(String);

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SyntaxError {}

/// The words for true and false that Go knows.
///
/// # Errors
/// Any other word.
pub(crate) fn parse_bool(word: &str) -> Result<bool, SyntaxError> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(SyntaxError(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            go_quote(word)
        ))),
    }
}

/// A whole number in any of Go's notations: decimal, `0x`, `0o`, `0b`, a leading zero for octal.
///
/// # Errors
/// Anything else, or a number beyond 64 bits.
pub(crate) fn parse_int(word: &str) -> Result<i64, SyntaxError> {
    let fail = |what: &str| {
        SyntaxError(format!(
            "strconv.ParseInt: parsing {}: {what}",
            go_quote(word)
        ))
    };
    let (sign, digits) = match word.as_bytes().first() {
        Some(b'-') => ("-", &word[1..]),
        Some(b'+') => ("", &word[1..]),
        _ => ("", word),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(fail("invalid syntax"));
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| fail("value out of range"))
}

#[cfg(test)]
mod tests;
