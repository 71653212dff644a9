//! Credential helpers: programs that keep secrets in the system's keychain.

use std::process::Stdio;
use std::time::Duration;

use oras_content::{Error, ErrorKind, Result, io_text};
use oras_spec::{go_quote, json};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::{Credential, Secret};

const OUTPUT_LIMIT: u64 = 128 * 1024;
/// More than anybody reads of an error, in characters.
const LONGEST_ERROR: usize = 1000;
/// What a helper says when it knows nothing.
const NOTHING: [&str; 3] = [
    "credentials not found in native keychain",
    "no credentials server URL",
    "no credentials username",
];
/// The user name that stands for an identity token.
const TOKEN: &str = "<token>";

#[derive(Deserialize)]
struct Known {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Store<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// The program `docker-credential-<suffix>`.
pub(super) struct Helper {
    program: String,
    timeout: Duration,
}

/// How a helper ended: well or not, and what it printed.
struct Answer {
    outcome: Result<(), String>,
    text: String,
}

impl Helper {
    pub(super) fn new(suffix: &str, timeout: Duration) -> Self {
        Self {
            program: format!("docker-credential-{suffix}"),
            timeout,
        }
    }

    /// What it knows about `key`.
    pub(super) async fn get(&self, key: &str) -> Result<Credential> {
        let answer = self.ask("get", key.as_bytes()).await?;
        if answer.outcome.is_err() && NOTHING.contains(&answer.text.as_str()) {
            return Ok(Credential::Anonymous);
        }
        let text = answer.success()?;
        // No text of the parser: it might quote a piece of the secret.
        let known: Known =
            serde_json::from_str(&text).map_err(|_| self.error("answered something unreadable"))?;
        Ok(match (known.username.as_str(), known.secret.as_str()) {
            ("", "") => Credential::Anonymous,
            (TOKEN, secret) => Credential::Identity {
                token: Secret::from(secret),
            },
            (username, secret) => Credential::basic(username, secret),
        })
    }

    /// Has it keep `credential` for `key`.
    pub(super) async fn store(&self, key: &str, credential: &Credential) -> Result<()> {
        let (username, secret) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password.expose()),
            Credential::Identity { token } => (TOKEN, token.expose()),
            Credential::Anonymous | Credential::Access { .. } => {
                return Err(self.error("keeps passwords and identity tokens only"));
            }
        };
        let store = Store {
            server_url: key,
            username,
            secret,
        };
        let input = json::to_vec(&store).map_err(|_| self.error("can't be told"))?;
        let mut answer = self.ask("store", &input).await?;
        // A chatty helper may repeat what it was told.
        if !secret.is_empty() {
            answer.text = answer.text.replace(secret, "*****");
        }
        answer.success().map(drop)
    }

    /// Has it forget `key`.
    pub(super) async fn erase(&self, key: &str) -> Result<()> {
        let answer = self.ask("erase", key.as_bytes()).await?;
        answer.success().map(drop)
    }

    async fn ask(&self, action: &str, input: &[u8]) -> Result<Answer> {
        let answered = tokio::time::timeout(self.timeout, self.run(action, input)).await;
        answered.unwrap_or_else(|_| {
            let problem = format!("{} did not answer in time", self.program);
            Err(Error::new(ErrorKind::Timeout, problem))
        })
    }

    async fn run(&self, action: &str, input: &[u8]) -> Result<Answer> {
        let failed = |error: std::io::Error| {
            let problem = format!("{}: {}", self.program, io_text(&error));
            Error::new(ErrorKind::Credential, problem)
        };
        let spawned = Command::new(&self.program)
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A helper talks to its user: it may ask for a passphrase, or say why it can't go on.
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::new(ErrorKind::Credential, self.missing()),
            _ => failed(error),
        })?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let tell = async {
            if let Some(mut stdin) = stdin {
                // A helper that does not read its input may still answer.
                let _ = stdin.write_all(input).await;
            }
        };
        let listen = async {
            let mut output = Vec::new();
            if let Some(stdout) = stdout {
                stdout.take(OUTPUT_LIMIT).read_to_end(&mut output).await?;
            }
            Ok(output)
        };
        // At the same time: one that talks before it listens must not wait for us.
        let ((), output) = tokio::join!(tell, listen);
        let output: Vec<u8> = output.map_err(failed)?;
        let status = child.wait().await.map_err(failed)?;
        let outcome = match status.code() {
            Some(0) => Ok(()),
            Some(code) => Err(format!("exit status {code}")),
            None => Err("killed by a signal".to_owned()),
        };
        Ok(Answer {
            outcome,
            text: String::from_utf8_lossy(&output).trim().to_owned(),
        })
    }

    fn error(&self, problem: &str) -> Error {
        let problem = format!("{} {problem}", self.program);
        Error::new(ErrorKind::Credential, problem)
    }

    /// Why there is no such helper. One of them comes and goes with Docker Desktop.
    fn missing(&self) -> String {
        match self.program.as_str() {
            "docker-credential-desktop.exe" => {
                "credentials store is configured to `desktop.exe` but Docker Desktop seems not running"
                    .to_owned()
            }
            program => format!(
                "exec: {}: executable file not found in $PATH",
                go_quote(program)
            ),
        }
    }
}

impl Answer {
    /// What it printed; if it failed, that is the error.
    fn success(self) -> Result<String> {
        let status = match self.outcome {
            Ok(()) => return Ok(self.text),
            Err(status) => status,
        };
        let text = match self.text.char_indices().nth(LONGEST_ERROR) {
            Some((end, _)) => format!("{}…", &self.text[..end]),
            None => self.text,
        };
        let text = if text.is_empty() { status } else { text };
        Err(Error::new(ErrorKind::Credential, text))
    }
}

#[cfg(all(test, unix))]
mod tests;
