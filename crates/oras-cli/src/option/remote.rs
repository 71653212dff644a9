//! How a registry is reached, and as whom.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use oras::http::{ClientBuilder, ResolveRule, TlsOptions};
use oras::remote::Credential;
use oras::spec::go_quote;

use crate::error::Error;
use crate::option::stdin;
use crate::output;
use crate::pflag::Given;

/// The flags that appeared, seen from one side of a command: `from-`, `to-`, or neither.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags<'a> {
    pub(crate) given: &'a Given,
    pub(crate) prefix: &'static str,
}

impl Flags<'_> {
    /// Whether `--<prefix><name>` appeared.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.has(&self.name(name))
    }

    /// # Errors
    /// If two or more of `names` appeared.
    pub(crate) fn exclusive(&self, names: &[&str]) -> Result<(), Error> {
        let names: Vec<String> = names.iter().map(|name| self.name(name)).collect();
        self.given
            .conflict(&names)
            .map_or(Ok(()), |text| Err(Error::told(text)))
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "\"\""
        } else {
            "\"*****\""
        })
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Flags about one registry.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoteArgs {
    /// registry username
    #[arg(short, long, default_value = "")]
    username: String,
    /// registry password, or an identity token if there is no username
    #[arg(short, long, default_value = "")]
    password: Secret,
    /// registry identity token
    #[arg(long, default_value = "")]
    identity_token: Secret,
    /// read the password, or an identity token if there is no username, from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// read the identity token from standard input
    #[arg(long)]
    pub(crate) identity_token_stdin: bool,
    /// connect over TLS without checking the certificate
    #[arg(long)]
    insecure: bool,
    /// connect over plain HTTP instead of HTTPS
    #[arg(long)]
    plain_http: bool,
    /// certificate authorities to trust instead of those of the system
    #[arg(long, default_value = "")]
    ca_file: String,
    /// client certificate for TLS
    #[arg(long, default_value = "")]
    cert_file: String,
    /// key of the client certificate
    #[arg(long, default_value = "")]
    key_file: String,
    /// files with registry credentials
    #[arg(long, short_alias = 'c', value_name = "path")]
    pub(crate) registry_config: Vec<String>,
    /// connect to this address instead of what DNS says
    #[arg(long, value_name = "host:port:address[:address_port]")]
    resolve: Vec<String>,
    /// add a header to every request
    #[arg(short = 'H', long)]
    header: Vec<String>,
}

/// Checked flags about one registry.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) username: String,
    pub(crate) secret: Secret,
    /// `None`: plain HTTP for `localhost` only.
    pub(crate) plain_http: Option<bool>,
    pub(crate) registry_config: Vec<String>,
    insecure: bool,
    ca_file: String,
    identity: Option<(String, String)>,
    resolve: Vec<String>,
    headers: Vec<(String, String)>,
}

impl RemoteArgs {
    /// Whether there is any `--header`.
    pub(crate) fn has_headers(&self) -> bool {
        !self.header.is_empty()
    }

    /// Whether a secret comes from standard input.
    pub(crate) fn reads_stdin(&self) -> bool {
        self.password_stdin || self.identity_token_stdin
    }

    /// Puts rules in front of the own `--resolve`.
    pub(crate) fn resolve_first(&mut self, rules: &[String]) {
        self.resolve.splice(0..0, rules.iter().cloned());
    }

    /// Checks the flags in the reference tool's order; reads a secret from standard input if told to.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check(&self, flags: Flags<'_>) -> Result<Access, Error> {
        flags.exclusive(&["username", "identity-token", "identity-token-stdin"])?;
        flags.exclusive(&[
            "password",
            "identity-token",
            "identity-token-stdin",
            "password-stdin",
        ])?;
        let headers = self
            .header
            .iter()
            .map(|text| header(text))
            .collect::<Result<_, _>>()?;
        let identity = self.identity(flags)?;
        Ok(Access {
            username: self.username.clone(),
            secret: self.secret(flags)?,
            plain_http: flags.has("plain-http").then_some(self.plain_http),
            registry_config: self.registry_config.clone(),
            insecure: self.insecure,
            ca_file: self.ca_file.clone(),
            identity,
            resolve: self.resolve.clone(),
            headers,
        })
    }

    fn identity(&self, flags: Flags<'_>) -> Result<Option<(String, String)>, Error> {
        let (cert, key) = ("cert-file", "key-file");
        let alone = |one: &str, other: &str| {
            let (one, other) = (flags.name(one), flags.name(other));
            Err(Error::told(format!(
                "--{one} must be used in conjunction with --{other}"
            )))
        };
        match (self.cert_file.as_str(), self.key_file.as_str()) {
            ("", "") => Ok(None),
            (_, "") => alone(cert, key),
            ("", _) => alone(key, cert),
            (cert, key) => Ok(Some((cert.to_owned(), key.to_owned()))),
        }
    }

    fn secret(&self, flags: Flags<'_>) -> Result<Secret, Error> {
        for (flag, value) in [
            ("identity-token", &self.identity_token),
            ("password", &self.password),
        ] {
            if flags.has(flag) {
                if flags.prefix.is_empty() {
                    output::tell(&format!(
                        "WARNING! Using --{flag} via the CLI is insecure. Use --{flag}-stdin."
                    ));
                }
                return Ok(value.clone());
            }
        }
        if self.reads_stdin() {
            return stdin::secret().map(Secret);
        }
        Ok(Secret::default())
    }
}

fn header(text: &str) -> Result<(String, String), Error> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::told(format!("invalid header: {}", go_quote(text)))),
    }
}

impl Access {
    /// Whether user or secret were given on the command line.
    pub(crate) fn has_credential(&self) -> bool {
        !self.username.is_empty() || !self.secret.0.is_empty()
    }

    /// What was given on the command line. A secret without a user name is an identity token.
    pub(crate) fn credential(&self) -> Credential {
        let secret = self.secret.0.as_str();
        match self.username.as_str() {
            "" if secret.is_empty() => Credential::Anonymous,
            "" => Credential::Identity {
                token: secret.into(),
            },
            username => Credential::basic(username, secret),
        }
    }

    /// Whether to speak plain HTTP to this registry.
    pub(crate) fn is_plain_http(&self, registry: &str) -> bool {
        self.plain_http
            .unwrap_or_else(|| registry == "localhost" || registry.starts_with("localhost:"))
    }

    /// Applies TLS options, DNS rules and headers.
    ///
    /// # Errors
    /// If a file cannot be read or a rule makes no sense.
    pub(crate) fn configure(&self, mut http: ClientBuilder) -> Result<ClientBuilder, Error> {
        let ca_pem = match self.ca_file.as_str() {
            "" => None,
            path => Some(certificates(path)?),
        };
        let identity = match &self.identity {
            Some((cert, key)) => Some((read(cert)?, read(key)?)),
            None => None,
        };
        http = http.tls(TlsOptions {
            ca_pem,
            identity,
            insecure: self.insecure,
        });
        for rule in &self.resolve {
            let rule: ResolveRule = rule
                .parse()
                .map_err(|error| Error::told(format!("{error}")))?;
            http = http.resolve(rule);
        }
        for (name, value) in &self.headers {
            http = http.header(name, value);
        }
        Ok(http)
    }
}

fn certificates(path: &str) -> Result<Vec<u8>, Error> {
    let pem = read(path)?;
    let marker = b"-----BEGIN CERTIFICATE-----";
    if pem.windows(marker.len()).any(|window| window == marker) {
        return Ok(pem);
    }
    Err(Error::told(format!(
        "Failed to load certificate in file: {path}"
    )))
}

fn read(path: &str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        let verb = if error.kind() == std::io::ErrorKind::IsADirectory {
            "read"
        } else {
            "open"
        };
        Error::told(format!("{verb} {path}: {}", oras::content::io_text(&error)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", Secret("hunter2".into())).contains("hunter2"));
    }

    #[test]
    fn headers_need_a_name() {
        assert_eq!(header("A: b").unwrap(), ("A".to_owned(), " b".to_owned()));
        assert_eq!(
            header("bad").unwrap_err().into_failure().text(),
            "Error: invalid header: \"bad\""
        );
        assert!(header(" :x").is_err());
    }
}
