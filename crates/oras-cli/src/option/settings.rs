//! The settings of a server: a flag and an environment variable for each, and a file.

use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use oras::content::io_text;
use oras_registry::config::{Config, ConfigError, Kind, Layer, SETTINGS, Setting};

use crate::env;
use crate::error::Error;

/// The key that is no flag, because it is a positional.
const FOLDER: &str = "folder";
/// The key that contradicts it.
const MEMORY: &str = "memory";
/// What names the file, as a variable.
const CONFIG: &str = "CONFIG";

/// The flags of a server.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    /// TOML file with settings; environment variables override it, and flags override both
    #[arg(long, value_name = "path")]
    config: Option<String>,
    #[command(flatten)]
    flags: SettingFlags,
}

impl SettingsArgs {
    /// What flags, variables and the file say together. `folder` is the positional.
    ///
    /// # Errors
    /// If any of them is wrong, or the file can't be read.
    pub(crate) fn config(&self, folder: Option<&String>) -> Result<Config, Error> {
        self.merged(folder).map_err(|error| match error {
            Wrong::Setting(error) => Error::caused(&error),
            Wrong::Told(error) => error,
        })
    }

    fn merged(&self, folder: Option<&String>) -> Result<Config, Wrong> {
        let mut flags = Layer::default();
        for (setting, values) in &self.flags.given {
            for value in values {
                flags.set(setting, &format!("--{}", setting.flag()), value)?;
            }
        }
        if let (Some(folder), Some(setting)) = (folder, Setting::find(FOLDER)) {
            if self.flags.has(MEMORY) {
                let told = Error::told("a folder and --memory cannot be used at the same time");
                return Err(Wrong::Told(told));
            }
            flags.set(setting, FOLDER, folder)?;
            if let Some(memory) = Setting::find(MEMORY) {
                flags.set(memory, FOLDER, "false")?;
            }
        }
        let (variables, named) = variables()?;
        let mut layers = vec![flags, variables];
        if let Some(path) = self.config.as_ref().or(named.as_ref()) {
            layers.push(file(path)?);
        }
        Ok(Config::merge(layers)?)
    }
}

enum Wrong {
    Setting(ConfigError),
    Told(Error),
}

impl From<ConfigError> for Wrong {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error)
    }
}

/// What the environment says, and the file that it names.
fn variables() -> Result<(Layer, Option<String>), Wrong> {
    let mut layer = Layer::default();
    let mut file = None;
    for (name, value) in env::serve() {
        let whole = format!("{}{name}", env::SERVE);
        let found = SETTINGS.iter().find(|one| one.variable() == name);
        match (found, Setting::nearest_variable(&name)) {
            (Some(setting), _) => layer.set(setting, &whole, &value)?,
            (None, _) if name == CONFIG => file = Some(value),
            // Others may have variables that begin alike: only what looks like a slip is refused.
            (None, Some(near)) => {
                let near = format!("{}{near}", env::SERVE);
                let told = Error::told(format!(
                    "unknown environment variable {whole}, did you mean {near}?"
                ));
                return Err(Wrong::Told(told));
            }
            (None, None) => {}
        }
    }
    Ok((layer, file))
}

fn file(path: &str) -> Result<Layer, Wrong> {
    let text = fs::read_to_string(path)
        .map_err(|error| Wrong::Told(Error::told(format!("open {path}: {}", io_text(&error)))))?;
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    Ok(Layer::file(path, &text, folder)?)
}

/// A flag for every setting that has one.
#[derive(Debug)]
struct SettingFlags {
    given: Vec<(&'static Setting, Vec<String>)>,
}

impl SettingFlags {
    fn has(&self, key: &str) -> bool {
        let on = |values: &[String]| values.last().is_some_and(|value| value == "true");
        let mut given = self.given.iter();
        given.any(|(setting, values)| setting.key == key && on(values))
    }
}

fn settings() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| setting.key != FOLDER)
}

fn flag(setting: &Setting) -> Arg {
    let arg = Arg::new(setting.key)
        .long(setting.flag())
        .help(setting.about);
    match setting.kind {
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::List => arg.action(ArgAction::Append).value_name("list"),
        Kind::Path => arg.value_name("path"),
        Kind::Number => arg.value_name("number"),
        Kind::Size => arg.value_name("size"),
        Kind::Duration => arg.value_name("duration"),
        _ => arg.value_name("text"),
    }
}

impl clap::Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(settings().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = |key| matches.value_source(key) == Some(clap::parser::ValueSource::CommandLine);
        let given = settings().filter(|setting| typed(setting.key));
        let values = given.map(|setting| {
            let values = match setting.kind {
                Kind::Switch => {
                    let on = matches.get_one::<bool>(setting.key);
                    on.map(ToString::to_string).into_iter().collect()
                }
                _ => {
                    let texts = matches.get_many::<String>(setting.key);
                    texts.into_iter().flatten().cloned().collect()
                }
            };
            (setting, values)
        });
        Ok(Self {
            given: values.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
