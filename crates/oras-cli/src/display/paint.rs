//! Colours.

pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const GREY: &str = "\x1b[90m";
pub(crate) const BRIGHT_RED: &str = "\x1b[91m";
pub(crate) const BRIGHT_GREEN: &str = "\x1b[92m";
pub(crate) const BRIGHT_YELLOW: &str = "\x1b[93m";
pub(crate) const ON_BRIGHT_BLUE: &str = "\x1b[104m";
const RESET: &str = "\x1b[0m";

/// Whether to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Colours,
    Plain,
}

impl Paint {
    /// `text` in a colour.
    pub(crate) fn with(self, colour: &str, text: &str) -> String {
        match self {
            Self::Colours if !text.is_empty() => format!("{colour}{text}{RESET}"),
            _ => text.to_owned(),
        }
    }
}
