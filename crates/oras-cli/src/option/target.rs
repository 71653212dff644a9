//! Where a command works: a repository of a registry, or an OCI layout.

use oras::spec::{Digest, DigestError, Reference, ReferenceError, go_quote};

use crate::error::{Audience, Error, Failure, Registry};
use crate::option::layout::LayoutRef;
use crate::option::remote::{Access, Flags, RemoteArgs};
use crate::session::Session;
use crate::usage::Used;

/// Flags that say what the positional means.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// the target is an OCI image layout
    #[arg(long)]
    oci_layout: bool,
    /// [Experimental] path of an OCI image layout; the argument is the reference inside of it
    #[arg(long, default_value = "")]
    oci_layout_path: String,
}

/// A target, as typed and as understood.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// As typed.
    pub(crate) raw: String,
    pub(crate) kind: Kind,
}

/// What a target is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A repository.
    Repository {
        reference: Reference,
        access: Box<Access>,
    },
    /// A layout.
    Layout {
        layout: LayoutRef,
        given_by: GivenBy,
    },
}

/// The flag that made the target a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenBy {
    /// `--oci-layout`
    Argument,
    /// `--oci-layout-path`
    Flag,
}

impl TargetArgs {
    /// Whether the target is a layout.
    pub(crate) fn is_layout(&self) -> bool {
        self.oci_layout || !self.oci_layout_path.is_empty()
    }

    /// Understands `raw`, and checks the flags around it.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn place(&self, raw: &str, flags: Flags<'_>) -> Result<Place, Error> {
        flags.exclusive(&["oci-layout-path", "oci-layout"])?;
        let kind = if !self.oci_layout_path.is_empty() {
            let reference = (!raw.is_empty()).then(|| raw.to_owned());
            let layout = LayoutRef {
                path: self.oci_layout_path.clone(),
                reference,
            };
            Kind::Layout {
                layout,
                given_by: GivenBy::Flag,
            }
        } else if self.oci_layout {
            if self.remote.has_headers() {
                return Err(Error::told(
                    "custom header flags cannot be used on an OCI image layout target",
                ));
            }
            Kind::Layout {
                layout: LayoutRef::parse(raw)?,
                given_by: GivenBy::Argument,
            }
        } else {
            let reference =
                Reference::parse_lenient(raw).map_err(|error| invalid_reference(raw, &error))?;
            Kind::Repository {
                reference,
                access: Box::new(self.remote.check(flags)?),
            }
        };
        Ok(Place {
            raw: raw.to_owned(),
            kind,
        })
    }
}

/// How to write a registry reference.
pub(crate) const REFERENCE_HINT: &str =
    "Please make sure the provided reference is in the form of <registry>/<repo>[:tag|@digest]";

fn invalid_reference(raw: &str, error: &ReferenceError) -> Error {
    Failure::new(format!("{}: {error}", go_quote(raw)))
        .with_hint(REFERENCE_HINT)
        .into()
}

/// A digest that we can verify. Some tags of layouts look like digests of an algorithm that nobody knows.
///
/// # Errors
/// If `text` is none.
pub(crate) fn parse_digest(text: &str) -> Result<Digest, DigestError> {
    let digest = Digest::parse(text)?;
    digest.verifier()?;
    Ok(digest)
}

/// Splits `target,tag,tag`.
pub(crate) fn split_tags(text: &str) -> (String, Vec<String>) {
    let mut parts = text.split(',').map(str::to_owned);
    (parts.next().unwrap_or_default(), parts.collect())
}

impl Place {
    /// `registry` or `oci-layout`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Repository { .. } => "registry",
            Kind::Layout { .. } => "oci-layout",
        }
    }

    /// `[registry] localhost:5000/app:v1`, as typed.
    pub(crate) fn display(&self) -> String {
        format!("[{}] {}", self.type_name(), self.raw)
    }

    /// What comes before tag or digest.
    pub(crate) fn path(&self) -> String {
        match &self.kind {
            Kind::Repository { reference, .. } => reference.name(),
            Kind::Layout { layout, .. } => layout.path.clone(),
        }
    }

    /// The tag or digest.
    pub(crate) fn reference(&self) -> Option<String> {
        match &self.kind {
            Kind::Repository { reference, .. } => reference.reference(),
            Kind::Layout { layout, .. } => layout.reference.clone(),
        }
    }

    /// The tag or digest.
    ///
    /// # Errors
    /// Three lines if there is none.
    pub(crate) fn need_reference(&self, used: &Used) -> Result<String, Error> {
        let forms = "\"<name>:<tag>\" or \"<name>@<digest>\"";
        self.reference()
            .ok_or_else(|| self.missing("no tag or digest", forms, used, "").into())
    }

    /// Like [`need_reference`](Self::need_reference), for commands that need a digest.
    ///
    /// # Errors
    /// Three lines if there is none.
    pub(crate) fn need_digest(&self, used: &Used) -> Result<String, Error> {
        let missing = || {
            self.missing("no digest", "\"<name>@<digest>\"", used, "")
                .into()
        };
        self.reference().ok_or_else(missing)
    }

    /// The error for a missing reference, with something in front of its hint.
    pub(crate) fn missing(&self, what: &str, forms: &str, used: &Used, hint: &str) -> Failure {
        let path = &used.path;
        Failure::new(format!("{}: {what} specified", go_quote(&self.raw)))
            .with_usage(&used.usage)
            .with_hint(format!(
                "{hint}Please specify a reference in the form of {forms}. Run \"{path} -h\" for more options and examples"
            ))
    }

    /// For the words of errors.
    pub(crate) fn audience(&self, session: &Session) -> Audience {
        match &self.kind {
            Kind::Layout {
                given_by: GivenBy::Argument,
                ..
            } => Audience::Layout,
            Kind::Layout {
                given_by: GivenBy::Flag,
                ..
            } => Audience::LayoutPath,
            Kind::Repository { reference, access } => Audience::Repository(Registry {
                host: reference.host().to_owned(),
                config: session.config_path(access),
                namespaced: namespaced(reference, &session.used),
            }),
        }
    }
}

/// What to type if `library/` was left out.
fn namespaced(reference: &Reference, used: &Used) -> Option<String> {
    if reference.registry() != "docker.io" || reference.repository().contains('/') {
        return None;
    }
    let rest = reference
        .to_string()
        .replacen("docker.io/", "docker.io/library/", 1);
    Some(format!("{} {rest}", used.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_split_at_every_comma() {
        assert_eq!(
            split_tags("r/a:v1,v2,"),
            ("r/a:v1".into(), vec!["v2".into(), String::new()])
        );
        assert_eq!(split_tags("r/a"), ("r/a".into(), Vec::new()));
    }

    #[test]
    fn docker_hub_names_get_a_hint() {
        let used = Used {
            path: "oras resolve".into(),
            usage: String::new(),
        };
        let hint = |text: &str| namespaced(&Reference::parse(text).unwrap(), &used);
        assert_eq!(
            hint("docker.io/e401:v1").unwrap(),
            "oras resolve docker.io/library/e401:v1"
        );
        assert_eq!(hint("docker.io/library/e401:v1"), None);
        assert_eq!(hint("localhost:5000/e401:v1"), None);
    }
}
