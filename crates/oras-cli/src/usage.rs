//! From a line of words to a command, and what is said when the words don't lead to one.
//!
//! The rules and the words are those of the reference tool, because scripts read them.

use std::fmt::Write as _;

use clap::Command;
use oras::spec::go_quote;

use crate::error::{Error, Failure};
use crate::pflag;

/// How many positionals a command takes, and what they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arity {
    count: Count,
    what: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Count {
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
}

impl Arity {
    /// Exactly so many; `what` continues the sentence "Please specify … as".
    pub(crate) const fn exactly(count: usize, what: &'static str) -> Self {
        Self {
            count: Count::Exactly(count),
            what,
        }
    }

    /// So many or more.
    pub(crate) const fn at_least(count: usize, what: &'static str) -> Self {
        Self {
            count: Count::AtLeast(count),
            what,
        }
    }

    /// So many or fewer.
    pub(crate) const fn at_most(count: usize, what: &'static str) -> Self {
        Self {
            count: Count::AtMost(count),
            what,
        }
    }

    /// # Errors
    /// Three lines that say what is missing.
    pub(crate) fn check(self, used: &Used, given: usize) -> Result<(), Error> {
        let (fits, text) = match self.count {
            Count::Exactly(n) => (given == n, format!("exactly {n} argument")),
            Count::AtLeast(n) => (given >= n, format!("at least {n} argument")),
            Count::AtMost(n) => (given <= n, format!("at most {n} argument")),
        };
        if fits {
            return Ok(());
        }
        let path = &used.path;
        Err(
            Failure::new(format!("\"{path}\" requires {text} but got {given}"))
                .with_usage(&used.usage)
                .with_hint(format!(
                    "Please specify {text} as {}. Run \"{path} -h\" for more options and examples",
                    self.what
                ))
                .into(),
        )
    }
}

/// The command in use, for messages that name it.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// `oras manifest fetch`, with the canonical names.
    pub(crate) path: String,
    /// `oras manifest fetch [flags] …`.
    pub(crate) usage: String,
}

/// Where a line of words leads.
pub(crate) struct Found<'a> {
    /// From the root to the command.
    pub(crate) chain: Vec<&'a Command>,
    /// The words that are not names of commands, in order.
    pub(crate) words: Vec<String>,
}

impl<'a> Found<'a> {
    pub(crate) fn command(&self) -> &'a Command {
        // The chain begins with the root, so there is a last one.
        self.chain[self.chain.len() - 1]
    }

    /// `oras manifest fetch`.
    pub(crate) fn path(&self) -> String {
        path(&self.chain)
    }

    /// The names below the root.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        self.chain.iter().skip(1).map(|c| c.get_name()).collect()
    }

    pub(crate) fn used(&self) -> Used {
        Used {
            path: self.path(),
            usage: usage_line(&self.chain),
        }
    }
}

/// The names of a chain of commands.
pub(crate) fn path(chain: &[&Command]) -> String {
    let names: Vec<&str> = chain.iter().map(|command| command.get_name()).collect();
    names.join(" ")
}

/// Whether the command does nothing but gather others. One that does something itself says that its arguments exclude
/// its sub-commands.
pub(crate) fn is_group(command: &Command) -> bool {
    command.has_subcommands() && !command.is_args_conflicts_with_subcommands_set()
}

/// What to type to use the last command of the chain.
pub(crate) fn usage_line(chain: &[&Command]) -> String {
    let Some(command) = chain.last() else {
        return String::new();
    };
    if is_group(command) {
        return format!("{} [command]", path(chain));
    }
    let rendered = (*command).clone().render_usage().to_string();
    let usage = rendered.trim_start_matches("Usage: ").trim();
    format!("{} {usage}", path(&chain[..chain.len() - 1]))
}

/// Follows the names in `words` as far as they lead, past flags and their values.
pub(crate) fn find<'a>(root: &'a Command, words: &[String]) -> Found<'a> {
    let mut chain = vec![root];
    let mut words = words.to_vec();
    let mut command = root;
    while let Some(at) = first_positional(command, &words) {
        let Some(next) = command.get_subcommands().find(|sub| {
            sub.get_name() == words[at] || sub.get_all_aliases().any(|a| a == words[at])
        }) else {
            break;
        };
        words.remove(at);
        chain.push(next);
        command = next;
    }
    Found { chain, words }
}

/// Where the first word is that is neither a flag nor the value of one. A flag that `command` does not know is
/// taken to have a value.
pub(crate) fn first_positional(command: &Command, words: &[String]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return None;
        }
        let takes_next = match word.strip_prefix("--") {
            Some(name) => {
                !name.contains('=') && !pflag::find_long(command, name).is_some_and(pflag::is_bool)
            }
            None if word.starts_with('-') && word.chars().count() == 2 => {
                let short = word.chars().nth(1).unwrap_or_default();
                !pflag::find_short(command, short).is_some_and(pflag::is_bool)
            }
            None if !word.is_empty() && !word.starts_with('-') => return Some(at),
            None => false,
        };
        at += 1 + usize::from(takes_next);
    }
    None
}

/// `unknown command`, with the names that may have been meant.
pub(crate) fn unknown_command(found: &Found<'_>, word: &str) -> Error {
    let path = found.path();
    let mut message = format!("unknown command {} for {}", go_quote(word), go_quote(&path));
    let suggestions = suggestions(found.command(), word);
    if !suggestions.is_empty() {
        message.push_str("\n\nDid you mean this?\n");
        for name in suggestions {
            let _ = writeln!(message, "\t{name}");
        }
    }
    Failure::new(message)
        .with_hint(format!("Run '{path} --help' for usage."))
        .into()
}

/// Names at most two edits away, or beginning with what was typed; case does not count.
fn suggestions<'a>(command: &'a Command, word: &str) -> Vec<&'a str> {
    let typed = word.to_lowercase();
    let mut names: Vec<&str> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .map(Command::get_name)
        .filter(|name| {
            distance(&typed, &name.to_lowercase()) <= 2 || name.to_lowercase().starts_with(&typed)
        })
        .collect();
    names.sort_unstable();
    names
}

/// The Levenshtein distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let above = row[j + 1];
            let replaced = diagonal + usize::from(ca != *cb);
            row[j + 1] = replaced.min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_or_begin_alike() {
        let root = crate::command::tree();
        let check = |word: &str, expected: &[&str]| {
            assert_eq!(suggestions(&root, word), expected, "{word}");
        };
        check("pus", &["pull", "push"]);
        check("cpoy", &["cp"]);
        check("remove", &["resolve"]);
        check("manif", &["manifest"]);
        check("xyzzy", &[]);
    }

    #[test]
    fn names_are_found_past_flags() {
        let root = crate::command::tree();
        let find = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = find(&root, &words);
            (found.path(), found.words.join(" "))
        };
        let expect = |path: &str, words: &str| (path.to_owned(), words.to_owned());
        assert_eq!(
            find("repo show-tags -d x"),
            expect("oras repo tags", "-d x")
        );
        assert_eq!(
            find("manifest get x y"),
            expect("oras manifest fetch", "x y")
        );
        assert_eq!(
            find("--nosuch=1 push push"),
            expect("oras push", "--nosuch=1 push")
        );
        assert_eq!(find("-- push"), expect("oras", "-- push"));
    }

    #[test]
    fn distances() {
        assert_eq!(distance("cpoy", "cp"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
