//! `oras completion`: one command for each shell.

use clap::{Arg, ArgAction, Command};

use crate::completion;
use crate::error::{Error, Failure};
use crate::output;
use crate::pflag::Line;
use crate::usage::Found;

const NO_DESCRIPTIONS: &str = "no-descriptions";

/// The group and its four commands.
pub(super) fn tree() -> Command {
    Command::new("completion")
        .about("Print a completion script for a shell")
        .long_about(
            "Print a script that teaches a shell to complete the commands, flags, registries, repositories and tags of \
             oras.\nThe help of each sub-command says how to load its script.",
        )
        .subcommands([
            shell(
                "bash",
                "Load it in the current shell:
  source <(oras completion bash)

Load it in every new one, on Linux and on macOS with Homebrew:
  oras completion bash > /etc/bash_completion.d/oras
  oras completion bash > $(brew --prefix)/etc/bash_completion.d/oras",
            ),
            shell(
                "fish",
                "Load it in the current shell:
  oras completion fish | source

Load it in every new one:
  oras completion fish > ~/.config/fish/completions/oras.fish",
            ),
            shell(
                "powershell",
                "Load it in the current shell:
  oras completion powershell | Out-String | Invoke-Expression

Load it in every new one: add this line to your profile.",
            ),
            shell(
                "zsh",
                "Completion has to be on, once and for all:
  echo \"autoload -U compinit; compinit\" >> ~/.zshrc

Load it in the current shell:
  source <(oras completion zsh)

Load it in every new one:
  oras completion zsh > \"${fpath[1]}/_oras\"",
            ),
        ])
}

fn shell(name: &'static str, how: &str) -> Command {
    let about = format!("Print the completion script for {name}");
    Command::new(name)
        .long_about(format!("{about}.\n\n{how}"))
        .about(about)
        .override_usage(match name {
            // As the reference has it.
            "bash" => "bash".to_owned(),
            _ => format!("{name} [flags]"),
        })
        .arg(
            Arg::new(NO_DESCRIPTIONS)
                .long(NO_DESCRIPTIONS)
                .action(ArgAction::SetTrue)
                .help("leave out what the candidates mean"),
        )
}

/// Prints the script of the shell that was found.
///
/// # Errors
/// If there is any other word, or nobody takes the script.
pub(super) fn run(found: &Found<'_>, line: &Line) -> Result<(), Error> {
    if let Some(word) = line.positionals.first() {
        let word = oras::spec::go_quote(word);
        let path = oras::spec::go_quote(&found.path());
        return Err(Failure::new(format!("unknown command {word} for {path}")).into());
    }
    let plain = matches!(
        line.matches.try_get_one::<bool>(NO_DESCRIPTIONS),
        Ok(Some(true))
    );
    match completion::script(found.command().get_name(), !plain) {
        Some(script) => output::text(&script),
        None => Ok(()),
    }
}
