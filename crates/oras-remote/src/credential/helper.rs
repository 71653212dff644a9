//! Asking a credential helper: a program that keeps secrets in the system's keychain.

use std::process::Stdio;
use std::time::Duration;

use oras_content::{Error, ErrorKind, Result, io_text};
use oras_spec::go_quote;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::{Credential, Secret};

/// A keychain may ask its user for a password, so this is long.
const TIMEOUT: Duration = Duration::from_secs(120);
const OUTPUT_LIMIT: u64 = 128 * 1024;
/// What a helper says when it knows nothing.
const NOTHING: [&str; 3] = [
    "credentials not found in native keychain",
    "no credentials server URL",
    "no credentials username",
];

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// What `docker-credential-<suffix> get` knows about `key`.
pub(super) async fn get(suffix: &str, key: &str) -> Result<Credential> {
    let program = format!("docker-credential-{suffix}");
    let answered = tokio::time::timeout(TIMEOUT, run(&program, key)).await;
    let (success, output) = answered.map_err(|_| {
        Error::new(
            ErrorKind::Timeout,
            format!("{program} did not answer in time"),
        )
    })??;
    let text = output.trim();
    match success {
        Ok(()) => {}
        Err(_) if NOTHING.contains(&text) => return Ok(Credential::Anonymous),
        Err(status) => {
            let text = if text.is_empty() {
                status.as_str()
            } else {
                text
            };
            return Err(Error::new(ErrorKind::Credential, text));
        }
    }
    let answer: Answer = serde_json::from_str(text).map_err(|_| {
        Error::new(
            ErrorKind::Credential,
            format!("{program} answered something unreadable"),
        )
    })?;
    Ok(match (answer.username.as_str(), answer.secret.as_str()) {
        ("", "") => Credential::Anonymous,
        ("<token>", secret) => Credential::Identity {
            token: Secret::from(secret),
        },
        (username, secret) => Credential::basic(username, secret),
    })
}

/// Why there is no such helper. One of them comes and goes with Docker Desktop.
fn missing(program: &str) -> String {
    match program {
        "docker-credential-desktop.exe" => {
            "credentials store is configured to `desktop.exe` but Docker Desktop seems not running"
                .to_owned()
        }
        _ => format!(
            "exec: {}: executable file not found in $PATH",
            go_quote(program)
        ),
    }
}

async fn run(program: &str, input: &str) -> Result<(Result<(), String>, String)> {
    let failed = |error: std::io::Error| {
        Error::new(
            ErrorKind::Credential,
            format!("{program}: {}", io_text(&error)),
        )
    };
    let spawned = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A helper talks to its user: it may ask for a passphrase, or say why it can't go on.
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn();
    let mut child = spawned.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorKind::Credential, missing(program)),
        _ => failed(error),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input may still answer.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(OUTPUT_LIMIT)
            .read_to_end(&mut output)
            .await
            .map_err(failed)?;
    }
    let status = child.wait().await.map_err(failed)?;
    let outcome = match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("exit status {code}")),
        None => Err("killed by a signal".to_owned()),
    };
    Ok((outcome, String::from_utf8_lossy(&output).into_owned()))
}
