//! Status lines, matched the way the reference tool's own end-to-end suite does it.

use std::collections::HashMap;

/// Which verbs a command may print for one object, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `push` and `attach`.
    Push,
    /// `pull`.
    Pull,
    /// `cp`.
    Copy,
    /// `backup`.
    Backup,
    /// `restore`.
    Restore,
}

impl Family {
    fn sequences(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Push => &[&["Uploading", "Uploaded"], &["Exists"], &["Skipped"]],
            Self::Pull => &[
                &["Downloading", "Downloaded"],
                &["Downloading", "Processing", "Downloaded"],
                &["Skipped"],
                &["Restored"],
            ],
            Self::Copy => &[
                &["Copying", "Copied"],
                &["Skipped"],
                &["Exists"],
                &["Mounted"],
            ],
            Self::Backup => &[&["Pulling", "Pulled"], &["Skipped"], &["Exists"]],
            Self::Restore => &[&["Pushing", "Pushed"], &["Skipped"], &["Exists"]],
        }
    }
}

pub(super) struct Line<'a> {
    pub(super) verb: &'a str,
    pub(super) short: &'a str,
    pub(super) name: &'a str,
}

/// The status lines of a standard output: exactly three blank-separated fields, the second a short digest.
pub(super) fn lines(stdout: &str) -> impl Iterator<Item = Line<'_>> {
    stdout.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (verb, short, name) = (fields.next()?, fields.next()?, fields.next()?);
        let is_short = short.len() == 12 && short.bytes().all(|b| b.is_ascii_hexdigit());
        (fields.next().is_none() && is_short).then_some(Line { verb, short, name })
    })
}

pub(super) fn check(family: Family, stdout: &str, expected: &[(&str, &str)]) -> Result<(), String> {
    let mut seen: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
    for line in lines(stdout) {
        seen.entry((line.short, line.name))
            .or_default()
            .push(line.verb);
    }
    for key @ (short, name) in expected {
        let verbs = seen
            .get(key)
            .ok_or_else(|| format!("no status line for {short} {name}"))?;
        if !family.sequences().contains(&verbs.as_slice()) {
            return Err(format!("{short} {name} went through {verbs:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Family, check};

    const STDOUT: &str = "Preparing a\nUploading 2c26b46b68ff a\nUploaded  2c26b46b68ff a\nExists    44136fa355b3 t/y\n";

    #[test]
    fn listed_objects_end_exactly_once() {
        assert_eq!(
            check(
                Family::Push,
                STDOUT,
                &[("2c26b46b68ff", "a"), ("44136fa355b3", "t/y")]
            ),
            Ok(())
        );
        let twice = format!("{STDOUT}Exists 44136fa355b3 t/y\n");
        assert!(check(Family::Push, &twice, &[("44136fa355b3", "t/y")]).is_err());
        assert!(check(Family::Push, STDOUT, &[("000000000000", "a")]).is_err());
        assert!(check(Family::Pull, STDOUT, &[("2c26b46b68ff", "a")]).is_err());
    }
}
