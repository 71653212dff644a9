//! Warnings that registries send beside their answers.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use http::header::WARNING;

use crate::lock;

/// More distinct warnings than this are not told: a registry must not fill our memory.
const MOST_WARNINGS: usize = 1000;
/// What the spec allows all warnings of a response together, in bytes.
const LONGEST: usize = 4096;

/// Something a registry wants its users to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Warning {
    /// The registry, as the user wrote it.
    pub registry: String,
    /// The text, for people.
    pub text: String,
}

/// Who hears the warnings.
type Sink = Arc<dyn Fn(&Warning) + Send + Sync>;

/// Tells each warning once. Clones share what was told.
#[derive(Clone, Default)]
pub(crate) struct Warnings {
    sink: Option<Sink>,
    told: Arc<Mutex<HashSet<Warning>>>,
}

impl Warnings {
    pub(crate) fn new(sink: Sink) -> Self {
        Self {
            sink: Some(sink),
            told: Arc::default(),
        }
    }

    /// Looks for warnings among the headers of a response.
    pub(crate) fn observe(&self, registry: &str, headers: &HeaderMap) {
        let Some(sink) = &self.sink else { return };
        for value in headers.get_all(WARNING) {
            let Some(text) = value.to_str().ok().and_then(parse) else {
                continue;
            };
            let warning = Warning {
                registry: registry.to_owned(),
                text,
            };
            let new = {
                let mut told = lock(&self.told);
                told.len() < MOST_WARNINGS && told.insert(warning.clone())
            };
            if new {
                sink(&warning);
            }
        }
    }
}

/// The text of exactly `299 - "<text>"`; everything else is not for us.
fn parse(value: &str) -> Option<String> {
    let quoted = value.strip_prefix("299 - \"")?.strip_suffix('"')?;
    if value.len() > LONGEST {
        return None;
    }
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next()?),
            // A bare quote ends the text, so there is more behind it than one warning.
            '"' => return None,
            c if c.is_control() => return None,
            c => text.push(c),
        }
    }
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_warnings_are_read() {
        #[track_caller]
        fn check(value: &str, expected: Option<&str>) {
            assert_eq!(parse(value).as_deref(), expected);
        }
        check(r#"299 - "please upgrade""#, Some("please upgrade"));
        check(r#"299 - "say \"hi\" \\o""#, Some(r#"say "hi" \o"#));
        check(r#"299 - "a", 299 - "b""#, None);
        check(r#"199 - "no""#, None);
        check(r#"299 reg "no""#, None);
        check(r#"299 - "no" "Sat, 25 Aug 2012 23:34:45 GMT""#, None);
        check(r#"299 - "cut\"#, None);
        check(r#"299 - """#, None);
        check("299 - no", None);
    }
}
