//! Everything read from the environment, in one place. Libraries below never read it; `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` are the exception: they are part of how the system's trust roots are found.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use oras::http::ProxyOptions;

use crate::display::paint::Paint;
use crate::error::Error;

/// Folder of an OCI layout that keeps what is read.
const CACHE: &str = "ORAS_CACHE";
/// Folder of the docker configuration.
const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// Asks every program not to use colours.
const NO_COLOR: &str = "NO_COLOR";
/// What the settings of `oras serve` begin with.
pub(crate) const SERVE: &str = "ORAS_SERVE_";
/// The user's home.
const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The docker configuration file: `$DOCKER_CONFIG/config.json`, else `$HOME/.docker/config.json`.
///
/// # Errors
/// If neither variable is set.
pub(crate) fn docker_config() -> Result<PathBuf, Error> {
    let folder = match filled(DOCKER_CONFIG) {
        Some(folder) => PathBuf::from(folder),
        None => match filled(HOME) {
            Some(home) => PathBuf::from(home).join(".docker"),
            None => {
                return Err(Error::told(format!(
                    "failed to get user home directory: ${HOME} is not defined"
                )));
            }
        },
    };
    Ok(folder.join("config.json"))
}

/// The folder for temporary files: `$TMPDIR`, or what the system has.
pub(crate) fn temporary() -> PathBuf {
    env::temp_dir()
}

/// Where what is read is kept, if anywhere.
pub(crate) fn cache() -> Option<PathBuf> {
    let folder = env::var_os(CACHE)?;
    (!folder.is_empty()).then(|| folder.into())
}

/// The proxies: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` and their lower-case forms.
pub(crate) fn proxies() -> ProxyOptions {
    ProxyOptions::from_vars(filled)
}

/// How to draw in a terminal: without colours if `NO_COLOR` is set.
pub(crate) fn paint() -> Paint {
    match filled(NO_COLOR) {
        Some(_) => Paint::Plain,
        None => Paint::Colours,
    }
}

/// The settings of `oras serve`: what follows [`SERVE`] in each name, and the value.
pub(crate) fn serve() -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        let name = name.to_str()?.strip_prefix(SERVE)?.to_owned();
        Some((name, value.to_string_lossy().into_owned()))
    };
    let given = env::vars_os().filter_map(text);
    given.filter(|(_, value)| !value.is_empty()).collect()
}

/// Every variable, for the functions `env` and `expandenv` of templates.
pub(crate) struct Variables;

impl oras_template::Host for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        // A name that no variable can have must not reach the system.
        let possible = !name.is_empty() && !name.contains(['=', '\0']);
        let value = possible.then(|| env::var_os(name)).flatten()?;
        Some(value.to_string_lossy().into_owned())
    }
}

fn filled(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
