//! The settings of a server: a flag and an environment variable for each, and a file.

use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use oras::content::io_text;
use oras_registry::config::{Config, Kind, Layer, SETTINGS, Setting};

use crate::env;
use crate::error::Error;

/// The key that is no flag, because it is a positional.
const FOLDER: &str = "folder";
/// The key that contradicts it.
const MEMORY: &str = "memory";
/// What names the file, as a variable.
const CONFIG: &str = "CONFIG";

/// `--config`
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    /// TOML file with settings; environment variables override it, and flags override both
    #[arg(long, value_name = "path")]
    config: Option<String>,
}

impl ConfigArgs {
    /// What flags, variables and the file say together.
    ///
    /// # Errors
    /// If any of them is wrong, or the file can't be read.
    pub(crate) fn under(&self, flags: FlagLayer) -> Result<Config, Error> {
        let (variables, named) = variables()?;
        let mut layers = vec![flags.layer, variables];
        if let Some(path) = self.config.as_ref().or(named.as_ref()) {
            layers.push(file(path)?);
        }
        Config::merge(layers).map_err(|error| Error::caused(&error))
    }
}

/// What a command line says.
#[derive(Default)]
pub(crate) struct FlagLayer {
    layer: Layer,
}

impl FlagLayer {
    /// What a flag says of the setting `key`.
    ///
    /// # Errors
    /// If that makes no sense.
    pub(crate) fn set(&mut self, key: &str, flag: &str, value: &str) -> Result<(), Error> {
        // The keys are written in this program.
        let Some(setting) = Setting::find(key) else {
            return Err(Error::told(format!("no setting {key}")));
        };
        set(&mut self.layer, setting, flag, value)
    }

    /// What the positional says. A folder on the line is what is meant, whatever else says memory.
    ///
    /// # Errors
    /// None that can happen.
    pub(crate) fn folder(&mut self, folder: Option<&String>) -> Result<(), Error> {
        let Some(folder) = folder else { return Ok(()) };
        self.set(MEMORY, FOLDER, "false")?;
        self.set(FOLDER, FOLDER, folder)
    }
}

fn set(layer: &mut Layer, setting: &Setting, origin: &str, value: &str) -> Result<(), Error> {
    let done = layer.set(setting, origin, value);
    done.map_err(|error| Error::caused(&error))
}

/// The flags of a server.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    flags: SettingFlags,
}

impl SettingsArgs {
    /// What flags, variables and the file say together. `folder` is the positional.
    ///
    /// # Errors
    /// If any of them is wrong, or the file can't be read.
    pub(crate) fn config(&self, folder: Option<&String>) -> Result<Config, Error> {
        if folder.is_some() && self.flags.has(MEMORY) {
            return Err(Error::told(
                "a folder and --memory cannot be used at the same time",
            ));
        }
        let mut flags = FlagLayer::default();
        for (setting, values) in &self.flags.given {
            let flag = format!("--{}", setting.flag());
            for value in values {
                set(&mut flags.layer, setting, &flag, value)?;
            }
        }
        flags.folder(folder)?;
        self.config.under(flags)
    }
}

/// What the environment says, and the file that it names.
fn variables() -> Result<(Layer, Option<String>), Error> {
    let mut layer = Layer::default();
    let mut file = None;
    for (name, value) in env::serve() {
        let whole = format!("{}{name}", env::SERVE);
        let found = SETTINGS.iter().find(|one| one.variable() == name);
        match (found, Setting::nearest_variable(&name)) {
            (Some(setting), _) => set(&mut layer, setting, &whole, &value)?,
            (None, _) if name == CONFIG => file = Some(value),
            // Others may have variables that begin alike: only what looks like a slip is refused.
            (None, Some(near)) => {
                let near = format!("{}{near}", env::SERVE);
                return Err(Error::told(format!(
                    "unknown environment variable {whole}, did you mean {near}?"
                )));
            }
            (None, None) => {}
        }
    }
    Ok((layer, file))
}

fn file(path: &str) -> Result<Layer, Error> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::told(format!("open {path}: {}", io_text(&error))))?;
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    Layer::file(path, &text, folder).map_err(|error| Error::caused(&error))
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
