//! What is wrong with a setting.

use std::path::PathBuf;

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not TOML, or a value that its key doesn't take.
    #[error("{origin}: {problem}")]
    Invalid {
        /// Where it stands: a file with its line, a variable, a flag.
        origin: String,
        /// What is wrong.
        problem: String,
    },
    /// No such setting.
    #[error("{origin}: unknown key `{key}`{}", suggestion(.nearest))]
    UnknownKey {
        /// Where it stands: a file with its line.
        origin: String,
        /// The key, dotted.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A path that can't be written in TOML.
    #[error("the folder {} is not UTF-8", .0.display())]
    Folder(PathBuf),
    /// A rule for a group that has no members.
    #[error("there is no group `{0}`: name its members below `[groups]`")]
    Group(String),
    /// A setting that makes no sense beside another, or without it.
    #[error("{0}")]
    Together(&'static str),
}

fn suggestion(nearest: &Option<String>) -> String {
    match nearest {
        Some(key) => format!(", did you mean `{key}`?"),
        None => String::new(),
    }
}
