//! What can follow on a command line, for the shells.
//!
//! A script in the language of the shell ([`script`]) calls `oras __complete <words>` whenever somebody presses Tab. The
//! answer is one candidate a line, and then what the shell may do with them: the protocol of the reference tool.

mod known;
mod script;

use clap::{Arg, Command};

use crate::error::Error;
use crate::option::format;
use crate::output;
use crate::pflag;
use crate::usage::{self, Found};

pub(crate) use self::script::script;

/// The hidden commands that the scripts call: with descriptions and without.
const CALLS: [(&str, bool); 2] = [("__complete", true), ("__completeNoDesc", false)];

/// What a shell does with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    /// It may offer files if there is no candidate.
    Default,
    /// Nothing but the candidates.
    NoFiles,
    /// As above, and the word goes on after a candidate.
    NoFilesNoSpace,
}

impl Directive {
    fn number(self) -> u8 {
        match self {
            Self::Default => 0,
            Self::NoFiles => 4,
            Self::NoFilesNoSpace => 6,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Default => "ShellCompDirectiveDefault",
            Self::NoFiles => "ShellCompDirectiveNoFileComp",
            Self::NoFilesNoSpace => "ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp",
        }
    }
}

/// A word that can follow.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    about: String,
}

impl Candidate {
    fn new(word: impl Into<String>, about: &str) -> Self {
        Self {
            word: word.into(),
            about: about.lines().next().unwrap_or_default().to_owned(),
        }
    }
}

/// All words that can follow.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    candidates: Vec<Candidate>,
    directive: Directive,
}

impl Answer {
    fn files() -> Self {
        Self {
            candidates: Vec::new(),
            directive: Directive::Default,
        }
    }

    fn only(candidates: Vec<Candidate>) -> Self {
        Self {
            candidates,
            directive: Directive::NoFiles,
        }
    }
}

/// Answers a script, if that is who calls.
///
/// # Errors
/// If there is no word to complete, or nobody takes the answer.
pub(crate) fn respond(tree: &Command, words: &[String]) -> Option<Result<(), Error>> {
    let (name, words) = words.split_first()?;
    let (_, described) = CALLS.into_iter().find(|(call, _)| call == name)?;
    Some(match words.split_last() {
        None => Err(Error::told("requires at least 1 arg(s), only received 0")),
        Some((last, before)) => tell(&answer(tree, before, last), last, described),
    })
}

fn tell(answer: &Answer, last: &str, described: bool) -> Result<(), Error> {
    let mut text = String::new();
    let fitting = |candidate: &&Candidate| candidate.word.starts_with(last);
    for candidate in answer.candidates.iter().filter(fitting) {
        text.push_str(&candidate.word);
        if described && !candidate.about.is_empty() {
            text.push('\t');
            text.push_str(&candidate.about);
        }
        text.push('\n');
    }
    text.push_str(&format!(":{}\n", answer.directive.number()));
    output::text(&text)?;
    output::tell(&format!(
        "Completion ended with directive: {}",
        answer.directive.name()
    ));
    Ok(())
}

fn answer(tree: &Command, before: &[String], last: &str) -> Answer {
    if let Some((_, topic)) = before.split_first().filter(|(first, _)| *first == "help") {
        return Answer::only(commands(&usage::find(tree, topic)));
    }
    let found = usage::find(tree, before);
    let command = found.command();
    let typed = Typed::read(command, &found.words);
    if let Some(flag) = typed.open {
        return values(flag, "");
    }
    if !typed.ended && last.starts_with('-') {
        let long = last
            .strip_prefix("--")
            .and_then(|long| long.split_once('='));
        return match long.and_then(|(name, _)| pflag::find_long(command, name)) {
            Some(flag) => values(flag, &last[..=last.find('=').unwrap_or(0)]),
            None => Answer::only(flags(command, &typed, last)),
        };
    }
    if usage::is_group(command) {
        return Answer::only(commands(&found));
    }
    known::positional(&found, typed.positionals, last)
}

/// What stands before the word in question.
struct Typed<'a> {
    /// How many positionals.
    positionals: usize,
    /// The long names of the flags.
    given: Vec<&'a str>,
    /// The flag whose value comes next.
    open: Option<&'a Arg>,
    /// Whether `--` was typed.
    ended: bool,
}

impl<'a> Typed<'a> {
    fn read(command: &'a Command, words: &[String]) -> Self {
        let mut typed = Self {
            positionals: 0,
            given: Vec::new(),
            open: None,
            ended: false,
        };
        for word in words {
            if typed.open.take().is_some() {
                continue;
            }
            if typed.ended {
                typed.positionals += 1;
            } else if word == "--" {
                typed.ended = true;
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, _)) => (name, true),
                    None => (long, false),
                };
                typed.flag(pflag::find_long(command, name), value);
            } else if let Some(cluster) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                typed.cluster(command, cluster);
            } else {
                typed.positionals += 1;
            }
        }
        typed
    }

    fn cluster(&mut self, command: &'a Command, cluster: &str) {
        for (at, short) in cluster.char_indices() {
            let flag = pflag::find_short(command, short);
            let value = at + short.len_utf8() < cluster.len();
            self.flag(flag, value);
            if !flag.is_some_and(pflag::is_bool) {
                break;
            }
        }
    }

    /// Takes note of a flag that has its value, or does not have it yet.
    fn flag(&mut self, flag: Option<&'a Arg>, value: bool) {
        let Some(flag) = flag else { return };
        self.given.extend(flag.get_long());
        if !value && !pflag::is_bool(flag) {
            self.open = Some(flag);
        }
    }
}

fn commands(found: &Found<'_>) -> Vec<Candidate> {
    let command = found.command();
    let mut names: Vec<Candidate> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .map(|sub| {
            let about = sub.get_about().map(ToString::to_string);
            Candidate::new(sub.get_name(), &about.unwrap_or_default())
        })
        .collect();
    if found.chain.len() == 1 {
        names.push(Candidate::new("help", "Show the help of a command"));
    }
    names.sort_by(|a, b| a.word.cmp(&b.word));
    names
}

/// The flags that can still be given. Short names are offered only to whoever has typed a single dash.
fn flags(command: &Command, typed: &Typed<'_>, last: &str) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let more = |flag: &&Arg| {
        let again = matches!(flag.get_action(), clap::ArgAction::Append);
        let given = flag
            .get_long()
            .is_some_and(|long| typed.given.contains(&long));
        !flag.is_hide_set() && (again || !given)
    };
    for flag in command.get_arguments().filter(more) {
        let help = flag.get_long_help().or_else(|| flag.get_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        if let Some(long) = flag.get_long() {
            candidates.push(Candidate::new(format!("--{long}"), &help));
        }
        if let Some(short) = flag.get_short().filter(|_| last == "-") {
            candidates.push(Candidate::new(format!("-{short}"), &help));
        }
    }
    let help = format!("help for {}", command.get_name());
    candidates.push(Candidate::new("--help", &help));
    if last == "-" {
        candidates.push(Candidate::new("-h", &help));
    }
    candidates.sort_by(|a, b| a.word.cmp(&b.word));
    candidates
}

/// What a flag can be set to; `prefix` is what stands before the value in the same word.
fn values(flag: &Arg, prefix: &str) -> Answer {
    let help = flag.get_long_help().or_else(|| flag.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let values = format::described(&help);
    if values.is_empty() {
        return Answer::files();
    }
    let values = values.into_iter();
    let candidates = values.map(|(word, about)| Candidate::new(format!("{prefix}{word}"), about));
    Answer::only(candidates.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str], directive: Directive) {
        let tree = crate::command::tree();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (last, before) = words.split_last().unwrap();
        let answer = answer(&tree, before, last);
        let fitting = |candidate: &&Candidate| candidate.word.starts_with(last.as_str());
        let found = answer.candidates.iter().filter(fitting);
        let words: Vec<&str> = found.map(|candidate| candidate.word.as_str()).collect();
        assert_eq!(
            (words, answer.directive),
            (expected.to_vec(), directive),
            "{line}"
        );
    }

    #[test]
    fn names_of_commands_follow_groups() {
        check("blob ", &["delete", "fetch", "push"], Directive::NoFiles);
        check("pu", &["pull", "push"], Directive::NoFiles);
        check("help blob p", &["push"], Directive::NoFiles);
        check("hel", &["help"], Directive::NoFiles);
        check("repo t", &["tags"], Directive::NoFiles);
    }

    #[test]
    fn flags_follow_a_dash_unless_they_are_there_already() {
        let plain = ["--plain-http"];
        check("resolve --plai", &plain, Directive::NoFiles);
        check("resolve --plain-http --plai", &[], Directive::NoFiles);
        check(
            "resolve --header a:b --head",
            &["--header"],
            Directive::NoFiles,
        );
        check("resolve -- --plai", &[], Directive::Default);
        check("resolve -u --plai", &[], Directive::Default);
        check("resolve -ujo --plai", &plain, Directive::NoFiles);
        check("resolve -dl --ver", &[], Directive::NoFiles);
    }

    #[test]
    fn values_with_names_are_offered() {
        check(
            "pull --format ",
            &["text", "json", "go-template"],
            Directive::NoFiles,
        );
        check("pull --format j", &["json"], Directive::NoFiles);
        check("pull --format=j", &["--format=json"], Directive::NoFiles);
        check("pull --output ", &[], Directive::Default);
    }

    #[test]
    fn files_are_left_to_the_shell() {
        check("push localhost:1/x:y ", &[], Directive::Default);
    }
}
