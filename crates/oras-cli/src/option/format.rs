//! `--format` and `--template`.

use oras::spec::go_quote;

use oras_template::Template;
use serde::Serialize;

use crate::display::{json, template};
use crate::error::{Error, Failure};
use crate::output;

/// The form of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Tree,
    Table,
    Json,
    Template(Template),
}

impl Format {
    /// Whether all that is printed is one model, for programs.
    pub(crate) fn is_model(&self) -> bool {
        matches!(self, Self::Json | Self::Template(_))
    }

    /// Prints the model, if it is what is printed.
    ///
    /// # Errors
    /// If standard output cannot take it, or the template fails.
    pub(crate) fn show<T: Serialize>(&self, model: &T) -> Result<(), Error> {
        match self {
            Self::Json => output::text(&json::pretty(model)?),
            Self::Template(template) => template::show(template, model),
            Self::Text | Self::Tree | Self::Table => Ok(()),
        }
    }
}

/// The flags of commands whose default is text.
#[derive(Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// [Experimental] format of the output:
    /// 'text':        lines for people
    /// 'json':        one JSON object
    /// 'go-template': what the given Go template makes of the JSON object
    #[arg(long, default_value = "text", verbatim_doc_comment)]
    pub(crate) format: String,
    #[command(flatten)]
    pub(crate) template: TemplateArgs,
}

/// `--template`
#[derive(Debug, clap::Args)]
pub(crate) struct TemplateArgs {
    /// [Experimental] Go template for the output, needs --format go-template
    #[arg(long, default_value = "")]
    pub(crate) template: String,
}

impl FormatArgs {
    /// # Errors
    /// If the format is unknown, or does not fit the template.
    pub(crate) fn check(&self) -> Result<Format, Error> {
        check(
            &self.format,
            &self.template.template,
            "json, go-template, text",
        )
    }
}

/// The values that the help of a flag describes, a line each: `'json': one JSON object`.
pub(crate) fn described(help: &str) -> Vec<(&str, &str)> {
    let value = |line| {
        let (name, about) = str::strip_prefix(line, "'")?.split_once("':")?;
        Some((name, about.trim()))
    };
    help.lines().filter_map(value).collect()
}

/// What a value of `--format` means, on a command that supports the formats in `supported`.
///
/// # Errors
/// If the format is unknown, or does not fit the template.
pub(crate) fn check(format: &str, template: &str, supported: &str) -> Result<Format, Error> {
    if format == "table" {
        output::tell("Format \"table\" is deprecated and will be removed in a future release.");
    }
    if !template.is_empty() && format != "go-template" {
        return Err(Error::told(
            "--template must be used with --format go-template",
        ));
    }
    let (kind, text) = match format.split_once('=') {
        Some(("go-template", inline)) => ("go-template", inline),
        _ => (format, template),
    };
    match kind {
        "text" => return Ok(Format::Text),
        "go-template" if text.is_empty() => {
            return Err(
                Failure::new("\"go-template\" format specified but no template given")
                    .with_hint("use `--format go-template=TEMPLATE` to specify the template")
                    .into(),
            );
        }
        _ => {}
    }
    if !supported.split(", ").any(|name| name == kind) {
        return Err(
            Failure::new(format!("invalid format type: {}", go_quote(kind)))
                .with_hint(format!("supported types: {supported}"))
                .into(),
        );
    }
    match kind {
        "json" => Ok(Format::Json),
        "tree" => Ok(Format::Tree),
        "table" => Ok(Format::Table),
        // Before anything is done: a push must not succeed and then fail for its template.
        _ => Ok(Format::Template(template::parse(text)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "json, go-template, text";

    #[track_caller]
    fn refuses(format: &str, template: &str, expected: &str) {
        let error = check(format, template, TEXT).unwrap_err().into_failure();
        assert_eq!(error.text(), format!("Error: {expected}"));
    }

    #[test]
    fn formats_are_checked_in_order() {
        assert_eq!(check("json", "", TEXT).unwrap(), Format::Json);
        assert_eq!(
            check("text", "", "table, json, go-template, tree").unwrap(),
            Format::Text
        );
        refuses(
            "json",
            "{{.}}",
            "--template must be used with --format go-template",
        );
        refuses(
            "go-template=a",
            "b",
            "--template must be used with --format go-template",
        );
        let missing = "\"go-template\" format specified but no template given\nuse `--format go-template=TEMPLATE` to specify the template";
        refuses("go-template", "", missing);
        refuses("go-template=", "", missing);
        refuses(
            "JSON",
            "",
            "invalid format type: \"JSON\"\nsupported types: json, go-template, text",
        );
        refuses(
            "={{.}}",
            "",
            "invalid format type: \"={{.}}\"\nsupported types: json, go-template, text",
        );
    }

    #[test]
    fn templates_are_parsed_at_once_wherever_they_are_given() {
        let inline = check("go-template={{.a}}={{.b}}", "", TEXT).unwrap();
        assert_eq!(inline, check("go-template", "{{.a}}={{.b}}", TEXT).unwrap());
        assert!(inline.is_model());
        refuses(
            "go-template={{.digest",
            "",
            "template: format output:1: unclosed action",
        );
        refuses(
            "go-template",
            "{{nofunc}}",
            "template: format output:1: function \"nofunc\" not defined",
        );
    }
}
