//! The help screen of every command the binary has, word for word, and the pages of the documentation that are made from them.

mod man;
mod markdown;
mod screen;

use std::collections::BTreeMap;

use oras_testkit::command::Oras;

use crate::fresh;
use screen::Screen;

fn oras() -> Oras {
    Oras::new(env!("CARGO_BIN_EXE_oras"))
}

/// The screens of all commands, from the root down.
fn screens() -> Vec<Screen> {
    let oras = oras();
    let mut screens = Vec::new();
    let mut waiting = vec![Vec::new()];
    while let Some(names) = waiting.pop() {
        let words = names.iter().map(String::as_str).chain(["--help"]);
        let output = oras.run(words).ok();
        assert_eq!(output.stderr, "", "{names:?}");
        let screen = Screen::read(&names, &output.stdout);
        for (name, _) in screen.commands.iter().rev() {
            // It shows what the others show.
            if name != "help" {
                waiting.push([&names[..], std::slice::from_ref(name)].concat());
            }
        }
        screens.push(screen);
    }
    assert!(screens.len() > 20, "not all commands were found");
    screens
}

/// One file per screen.
fn files(
    name: impl Fn(&Screen) -> String,
    text: impl Fn(&Screen) -> String,
) -> BTreeMap<String, String> {
    screens()
        .iter()
        .map(|screen| (name(screen), text(screen)))
        .collect()
}

#[test]
fn every_help_screen_is_known_word_for_word() {
    let files = files(
        |screen| format!("{}.txt", screen.id()),
        |screen| screen.text.clone(),
    );
    fresh::folder("crates/oras-cli/tests/help", &files);
}

#[test]
fn every_command_has_a_reference_page() {
    fresh::folder("docs/reference", &files(markdown::name, markdown::page));
}

#[test]
fn every_command_has_a_man_page() {
    let version = oras().run(["version"]).ok().field("Version:");
    let version = version.trim();
    let files = files(man::name, |screen| man::page(screen, version));
    fresh::folder("docs/man", &files);
}

#[test]
fn every_help_screen_has_the_structure_that_scripts_know() {
    let oras = oras();
    for screen in screens() {
        let (id, path) = (screen.id(), screen.path());
        let words = || screen.names.iter().map(String::as_str);
        // However help is asked for, it is the same screen.
        let said = oras.run(["help"].into_iter().chain(words())).ok();
        assert_eq!(said.stdout, screen.text, "oras help {id}");
        let short = oras.run(words().chain(["surplus", "-h"]));
        let is_group = screen.usage.ends_with(" [command]");
        if screen.names.is_empty() {
            assert!(screen.about.is_empty(), "{id}");
        } else {
            assert_eq!(short.ok().stdout, screen.text, "{path} surplus -h");
            assert!(!screen.about.is_empty(), "{id}");
        }
        let end =
            format!("Use \"{path} [command] --help\" for more information about a command.\n");
        assert_eq!(
            screen.text.ends_with(&end),
            !screen.commands.is_empty(),
            "{id}"
        );
        assert!(screen.usage.starts_with(&path), "{id}: {}", screen.usage);
        if is_group {
            let usage = format!("Usage:\n  {path} [command]\n");
            assert!(screen.text.contains(&usage), "{id}");
            assert_eq!(oras.run(words()).ok().stdout, screen.text, "{path}");
        }
        let mut flags: Vec<&str> = screen.flags.iter().map(|flag| flag.long()).collect();
        assert!(flags.is_sorted(), "{id}: {flags:?}");
        assert!(!flags.contains(&"--verbose"), "{id}");
        flags.dedup();
        assert_eq!(flags.len(), screen.flags.len(), "{id}");
        assert!(flags.contains(&"--help"), "{id}");
    }
}

#[test]
fn an_unknown_sub_command_fails_and_names_those_that_are_near() {
    // A deliberate difference: the reference tool shows the help of the group and succeeds.
    let oras = oras();
    for screen in screens() {
        if !screen.usage.ends_with(" [command]") {
            continue;
        }
        let path = screen.path();
        let call = |word: &str| {
            let words = screen.names.iter().map(String::as_str);
            let output = oras.run(words.chain([word])).fails();
            assert_eq!(output.stdout, "", "{path} {word}");
            output.stderr
        };
        let run = format!("Run '{path} --help' for usage.\n");
        assert_eq!(
            call("no-such-command"),
            format!("Error: unknown command \"no-such-command\" for \"{path}\"\n{run}")
        );
        let name = &screen.commands[0].0;
        let expected = format!(
            "Error: unknown command \"{name}x\" for \"{path}\"\n\nDid you mean this?\n\t{name}\n"
        );
        let said = call(&format!("{name}x"));
        assert!(
            said.starts_with(&expected) && said.ends_with(&run),
            "{said}"
        );
    }
}
