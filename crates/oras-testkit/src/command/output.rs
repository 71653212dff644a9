//! What a command left, and what tests want to know about it.

use std::time::Duration;

use super::status::{self, Family};

/// What a command left.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything on standard output.
    pub stdout: String,
    /// Everything on standard error.
    pub stderr: String,
    /// The call as a person would type it.
    pub line: String,
    /// How long it ran.
    pub took: Duration,
    /// Peak resident memory in KiB, sampled from the kernel's high-water mark while it ran. Zero if it ended too soon.
    pub peak_kib: u64,
}

impl Output {
    /// Asserts exit code 0.
    ///
    /// # Panics
    /// With everything the command printed.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "should succeed: {}", self.all());
        self
    }

    /// Asserts exit code 1, the only failure code of the command, and an error on stderr (notices may come before it).
    ///
    /// # Panics
    /// With everything the command printed.
    #[track_caller]
    pub fn fails(self) -> Self {
        assert_eq!(self.code, Some(1), "should fail: {}", self.all());
        let tells = self.stderr.lines().any(|line| line.starts_with("Error"));
        assert!(tells, "says no error: {}", self.all());
        self
    }

    /// Asserts that stdout contains every one of `words`, ignoring case.
    #[track_caller]
    pub fn says<const N: usize>(self, words: [&str; N]) -> Self {
        let stdout = self.stdout.to_lowercase();
        for word in words {
            assert!(
                stdout.contains(&word.to_lowercase()),
                "no {word:?} on stdout: {}",
                self.all()
            );
        }
        self
    }

    /// Asserts that stderr contains every one of `words`, ignoring case.
    #[track_caller]
    pub fn complains<const N: usize>(self, words: [&str; N]) -> Self {
        let stderr = self.stderr.to_lowercase();
        for word in words {
            assert!(
                stderr.contains(&word.to_lowercase()),
                "no {word:?} on stderr: {}",
                self.all()
            );
        }
        self
    }

    /// The value of the line `Digest: ...`.
    #[must_use]
    #[track_caller]
    pub fn digest(&self) -> String {
        self.field("Digest: ")
    }

    /// The rest of the one line on stdout that starts with `label`.
    #[must_use]
    #[track_caller]
    pub fn field(&self, label: &str) -> String {
        let mut values = self
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix(label));
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_owned(),
            _ => panic!("not exactly one line {label:?}: {}", self.all()),
        }
    }

    /// Standard output as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.all()))
    }

    /// Asserts the status lines: every `(short digest, name)` in `expected` ends exactly once, in an order that the
    /// command family allows, and no listed key has a line too many.
    #[track_caller]
    pub fn reports<const N: usize>(self, family: Family, expected: [(&str, &str); N]) -> Self {
        if let Err(problem) = status::check(family, &self.stdout, &expected) {
            panic!("{problem}: {}", self.all());
        }
        self
    }

    /// The verbs reported for the object with this name, in order.
    #[must_use]
    pub fn verbs(&self, name: &str) -> Vec<&str> {
        status::lines(&self.stdout)
            .filter(|line| line.name == name)
            .map(|line| line.verb)
            .collect()
    }

    /// Everything in one text, for messages.
    #[must_use]
    pub fn all(&self) -> String {
        let Self {
            line,
            code,
            stdout,
            stderr,
            ..
        } = self;
        format!("`{line}` exit {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
