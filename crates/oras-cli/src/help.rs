//! The help screen: the structure is the reference tool's, the sentences are ours.

use clap::{Arg, ArgAction, Command};
use oras::spec::go_quote;

use crate::pflag;
use crate::usage;

/// Everything about the last command of the chain.
pub(crate) fn screen(chain: &[&Command]) -> String {
    let Some(command) = chain.last() else {
        return String::new();
    };
    let about = command.get_long_about().or_else(|| command.get_about());
    let mut blocks = Vec::new();
    if let Some(about) = about.filter(|_| chain.len() > 1) {
        blocks.push(about.to_string().trim().to_owned());
    }
    if let Some(examples) = command.get_after_help() {
        blocks.push(examples.to_string().trim_end().to_owned());
    }
    blocks.extend(usage_blocks(chain));
    blocks.join("\n\n") + "\n"
}

/// The screen without what the command is about.
pub(crate) fn usage_screen(chain: &[&Command]) -> String {
    usage_blocks(chain).join("\n\n") + "\n"
}

fn usage_blocks(chain: &[&Command]) -> Vec<String> {
    let Some(command) = chain.last() else {
        return Vec::new();
    };
    let path = usage::path(chain);
    let mut line = usage::usage_line(chain);
    // The reference says nothing about flags in the one case.
    let silent = path == "oras completion bash";
    if !usage::is_group(command) && !line.contains("[flags]") && !silent {
        line.push_str(" [flags]");
    }
    let mut blocks = vec![format!("Usage:\n  {line}")];
    let aliases: Vec<&str> = command.get_all_aliases().collect();
    if !aliases.is_empty() {
        blocks.push(format!(
            "Aliases:\n  {}, {}",
            command.get_name(),
            aliases.join(", ")
        ));
    }
    let has_commands = command.has_subcommands();
    if has_commands {
        blocks.push(format!(
            "Available Commands:\n{}",
            commands(command).join("\n")
        ));
    }
    blocks.push(format!("Flags:\n{}", flags(command).join("\n")));
    if has_commands {
        blocks.push(format!(
            "Use \"{path} [command] --help\" for more information about a command."
        ));
    }
    blocks
}

fn commands(command: &Command) -> Vec<String> {
    let mut rows: Vec<(String, String)> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .map(|sub| {
            (
                sub.get_name().to_owned(),
                sub.get_about().map(ToString::to_string).unwrap_or_default(),
            )
        })
        .collect();
    if command.get_name() == "oras" {
        rows.push(("help".to_owned(), "Show the help of a command".to_owned()));
    }
    rows.sort();
    let width = rows
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0)
        .max(11);
    rows.into_iter()
        .map(|(name, about)| format!("  {name:width$} {about}"))
        .collect()
}

fn flags(command: &Command) -> Vec<String> {
    let mut rows: Vec<(String, String, String)> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(|arg| {
            arg.get_long()
                .map(|long| (long.to_owned(), left(arg, long), right(arg)))
        })
        .collect();
    let name = command.get_name();
    rows.push((
        "help".to_owned(),
        "  -h, --help".to_owned(),
        format!("help for {name}"),
    ));
    rows.sort();
    let width = rows
        .iter()
        .map(|(_, left, _)| left.chars().count())
        .max()
        .unwrap_or(0);
    rows.into_iter()
        .map(|(_, left, right)| {
            let right = right.replace('\n', &format!("\n{}", " ".repeat(width + 3)));
            format!("{left:width$}   {right}")
        })
        .collect()
}

/// `  -d, --debug` with the placeholder of the value.
fn left(arg: &Arg, long: &str) -> String {
    let mut text = match arg.get_short() {
        Some(short) => format!("  -{short}, --{long}"),
        None => format!("      --{long}"),
    };
    if let Some(placeholder) = placeholder(arg) {
        text.push(' ');
        text.push_str(&placeholder);
    }
    text
}

fn placeholder(arg: &Arg) -> Option<String> {
    if pflag::is_bool(arg) {
        return None;
    }
    let given = arg
        .get_value_names()
        .and_then(|names| names.first())
        .map(ToString::to_string);
    // The derive names a value after its field, in capitals: nobody chose that.
    let chosen = given.filter(|name| name.chars().any(|c| c.is_ascii_lowercase()));
    let kind = match arg.get_action() {
        ArgAction::Append => "stringArray",
        _ if arg.get_value_parser().type_id() == std::any::TypeId::of::<i64>() => "int",
        _ => "string",
    };
    Some(chosen.unwrap_or_else(|| kind.to_owned()))
}

fn right(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    let default = arg
        .get_default_values()
        .first()
        .map(|value| value.to_string_lossy().into_owned());
    let Some(default) = default.filter(|value| !matches!(value.as_str(), "" | "0" | "false"))
    else {
        return text;
    };
    let number = arg.get_value_parser().type_id() == std::any::TypeId::of::<i64>();
    let shown = if number || pflag::is_bool(arg) {
        default
    } else {
        go_quote(&default)
    };
    text.push_str(&format!(" (default {shown})"));
    text
}
