//! The one place that turns what went wrong into words: prefix, message, usage line and hint.
//!
//! An [`Error`] is either [told](Error::Told) already, or still an SDK error, for whose words it matters what the
//! command was talking to: that is an [`Audience`]. The rules are those of the reference tool.

use std::fmt::Write as _;
use std::io;

use oras::content::{ErrorKind, ResponseInfo, Side, io_text};
use oras::spec::go_quote;

/// What a command fails with.
#[derive(Debug)]
pub(crate) enum Error {
    /// In its final words.
    Told(Box<Failure>),
    /// From the SDK; the audience decides on the words.
    Sdk(oras::content::Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Told(Box::new(failure))
    }
}

impl From<oras::content::Error> for Error {
    fn from(error: oras::content::Error) -> Self {
        Self::Sdk(error)
    }
}

impl Error {
    /// A one-line error in final words.
    pub(crate) fn told(message: impl Into<String>) -> Self {
        Failure::new(message).into()
    }

    /// An error with all its causes, in one line.
    pub(crate) fn caused(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let words = chain.map(|error| match error.downcast_ref::<io::Error>() {
            Some(error) => io_text(error),
            None => error.to_string(),
        });
        Self::told(words.collect::<Vec<_>>().join(": "))
    }

    /// An error about files of this machine: no registry is to blame, whatever the target is.
    pub(crate) fn local(error: &oras::content::Error) -> Self {
        Audience::Layout.words(error).into()
    }

    /// An error of a copy between a target and files of this machine, which are on the `local` side.
    pub(crate) fn beside_files(error: oras::content::Error, local: Side) -> Self {
        match error.side() == Some(local) {
            true => Self::local(&error),
            false => error.into(),
        }
    }

    /// Puts `lead` in front of the hint, if there is a hint.
    pub(crate) fn lead_hint(mut self, lead: &str) -> Self {
        if let Self::Told(failure) = &mut self
            && let Some(hint) = &mut failure.hint
        {
            hint.insert_str(0, lead);
        }
        self
    }

    /// Puts `context` in front of what is told already.
    pub(crate) fn inside(mut self, context: &str) -> Self {
        if let Self::Told(failure) = &mut self {
            failure.message.insert_str(0, &format!("{context}: "));
        }
        self
    }

    /// The final words for whoever used one target.
    pub(crate) fn tell(self, audience: &Audience) -> Self {
        match self {
            Self::Sdk(error) => audience.words(&error).into(),
            told @ Self::Told(_) => told,
        }
    }

    /// What is printed.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Told(failure) => *failure,
            Self::Sdk(error) => Failure::new(error.chain()),
        }
    }
}

/// An error in its final words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    prefix: String,
    message: String,
    usage: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// `Error: <message>`.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            prefix: "Error:".to_owned(),
            message: message.into(),
            usage: None,
            hint: None,
        }
    }

    fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Adds `Usage: <line>`.
    pub(crate) fn with_usage(mut self, line: &str) -> Self {
        self.usage = Some(line.to_owned());
        self
    }

    /// Adds a line that says what to do.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// All lines, without a line end after the last.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} {}", self.prefix, self.message);
        if let Some(usage) = &self.usage {
            let _ = write!(text, "\nUsage: {usage}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n{hint}");
        }
        text
    }
}

const REGISTRY_PREFIX: &str = "Error response from registry:";
const NO_CREDENTIAL: &str = "basic credential not found";

/// What a command was talking to, as far as the words of an error depend on it.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// A layout given by `--oci-layout`: errors are told as they are.
    Layout,
    /// A layout given by `--oci-layout-path`, whose missing content the reference tool reports like a registry's.
    LayoutPath,
    /// A repository.
    Repository(Registry),
    /// A repository that is saved or restored: what is missing is our finding, not the registry's answer.
    Backup(Registry),
    /// A registry as a whole: no repository in it is meant.
    Registry(Registry),
}

/// A registry as errors see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    /// `host[:port]` that answers.
    pub(crate) host: String,
    /// The one credential file in use, if it is one.
    pub(crate) config: Option<String>,
    /// What to type instead if a name on Docker Hub lacks its namespace.
    pub(crate) namespaced: Option<String>,
}

impl Audience {
    /// The same for saving and restoring.
    pub(crate) fn for_backups(self) -> Self {
        match self {
            Self::Repository(registry) => Self::Backup(registry),
            other => other,
        }
    }

    fn words(&self, error: &oras::content::Error) -> Failure {
        if error.kind() == ErrorKind::PathTraversal {
            let failure = Failure::new(error.chain());
            // No flag helps an archive that leaves its own folder.
            return match error.chain().ends_with(TRAVERSAL) {
                true => failure.with_hint(TRAVERSAL_HINT),
                false => failure,
            };
        }
        // What cannot be done is said by us, whatever answer it was learned from.
        if error.kind() == ErrorKind::Unsupported {
            return Failure::new(error.chain());
        }
        let (registry, whole) = match self {
            Self::Layout => return Failure::new(error.chain()),
            Self::LayoutPath if error.is_not_found() => {
                return Failure::new(error.chain()).with_prefix(REGISTRY_PREFIX);
            }
            Self::LayoutPath => return Failure::new(error.chain()),
            Self::Repository(registry) => (registry, false),
            Self::Registry(registry) => (registry, true),
            Self::Backup(_) if error.is_not_found() && !is_bare_answer(error) => {
                return Failure::new(error.chain());
            }
            Self::Backup(registry) => (registry, false),
        };
        if let Some(failure) = registry.missing_credential(error) {
            return failure;
        }
        if error.is_not_found() && !whole && !is_bare_answer(error) {
            return Failure::new(error.chain()).with_prefix(REGISTRY_PREFIX);
        }
        match error.response() {
            // A server that is no registry at all has not answered as one.
            Some(_) if whole && error.is_not_found() => Failure::new(error.chain()),
            Some(response) if whole || response.host == registry.host => registry.answer(response),
            _ => Failure::new(error.chain()),
        }
    }
}

/// What is said of a file that wants to be somewhere else.
const TRAVERSAL: &str = "path traversal disallowed";
/// What to do about it.
const TRAVERSAL_HINT: &str = "Pulling files outside of working directory is insecure and blocked by default. If you trust the content producer, use --allow-path-traversal to bypass this check.";

/// Whether the error is the answer itself, and not what was asked for and is missing.
fn is_bare_answer(error: &oras::content::Error) -> bool {
    error.chain().contains(": response status code ")
}

impl Registry {
    fn missing_credential(&self, error: &oras::content::Error) -> Option<Failure> {
        if error.kind() != ErrorKind::Credential {
            return None;
        }
        let chain = error.chain();
        let at = chain.find(NO_CREDENTIAL)?;
        // What is between the context and the cause is the request that met the challenge: `Get "http://…": `.
        let context = strip_request(&chain[..at]);
        let place = match &self.config {
            Some(path) => format!(" at {}", go_quote(path)),
            None => String::new(),
        };
        let hint = format!(
            "Please check whether the registry credential stored in the authentication file{place} is correct"
        );
        Some(Failure::new(format!("{context}{NO_CREDENTIAL}")).with_hint(hint))
    }

    fn answer(&self, response: &ResponseInfo) -> Failure {
        let failure = Failure::new(response_text(response)).with_prefix(REGISTRY_PREFIX);
        match &self.namespaced {
            Some(command) if response.status == 401 => {
                failure.with_hint(format!("Namespace seems missing. Do you mean `{command}`?"))
            }
            _ => failure,
        }
    }
}

/// Cuts a trailing `<Verb> "<url>": ` (in any case of the verb) off a context.
fn strip_request(context: &str) -> &str {
    let Some(quote) = context.find(" \"http") else {
        return context;
    };
    let verb = context[..quote].rfind(": ").map_or(0, |at| at + 2);
    match context[verb..quote]
        .chars()
        .all(|c| c.is_ascii_alphabetic())
    {
        true => &context[..verb],
        false => context,
    }
}

/// The registry's errors, or the status if it sent none.
fn response_text(response: &ResponseInfo) -> String {
    if !response.errors.is_empty() {
        let errors: Vec<String> = response.errors.iter().map(ToString::to_string).collect();
        return errors.join("; ");
    }
    let ResponseInfo {
        method,
        url,
        status,
        ..
    } = response;
    let text = reason(*status);
    format!(
        "{method} {}: response status code {status}: {text}",
        go_quote(url)
    )
}

/// Go's text for a status code.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        418 => "I'm a teapot",
        413 => "Request Entity Too Large",
        416 => "Requested Range Not Satisfiable",
        _ => http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or(""),
    }
}

/// The two ends of a copy.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) source: End,
    pub(crate) destination: End,
}

/// One end of a copy.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// `registry` or `oci-layout`.
    pub(crate) kind: &'static str,
    /// As typed.
    pub(crate) raw: String,
    pub(crate) audience: Audience,
}

impl Ends {
    /// The words for an error while copying: it is said on which side it happened.
    pub(crate) fn tell(&self, error: Error) -> Error {
        let error = match error {
            Error::Sdk(error) => error,
            told @ Error::Told(_) => return told,
        };
        let (name, end) = match error.side() {
            Some(Side::Source) => ("source", &self.source),
            Some(Side::Destination) => ("destination", &self.destination),
            None => return self.resolving(error),
        };
        let prefix = format!("Error from {name} {} for {}:", end.kind, go_quote(&end.raw));
        end.audience.words(&error).with_prefix(prefix).into()
    }

    /// The words for an error before copying began. The side is not said, and whoever is a registry is blamed.
    pub(crate) fn resolving(&self, error: oras::content::Error) -> Error {
        let blamed = match (&self.source.audience, &self.destination.audience) {
            (Audience::Layout, Audience::Layout) => &Audience::Layout,
            (Audience::Layout, _) => &Audience::LayoutPath,
            (source, _) => source,
        };
        blamed.words(&error).into()
    }
}

#[cfg(test)]
mod tests;
