//! `--format go-template`: what a Go template makes of the model.

use std::io::Write as _;

use oras_template::Template;
use serde::Serialize;

use crate::env::Variables;
use crate::error::Error;
use crate::output;

/// What errors call the template.
const NAME: &str = "format output";

/// The template that `text` is.
///
/// # Errors
/// If it is none.
pub(crate) fn parse(text: &str) -> Result<Template, Error> {
    Template::parse(NAME, text).map_err(told)
}

/// Prints what the template makes of `model`, as it makes it.
///
/// # Errors
/// If the template fails, or standard output cannot take its text. What was printed before stays printed.
pub(crate) fn show<T: Serialize>(template: &Template, model: &T) -> Result<(), Error> {
    let model = serde_json::to_value(model).map_err(|error| Error::told(error.to_string()))?;
    let mut out = output::stream();
    let done = template.execute(model, &Variables, &mut out).map_err(told);
    let flushed = out.flush().map_err(|error| output::display_error(&error));
    done.and(flushed)
}

fn told(error: oras_template::Error) -> Error {
    match error {
        oras_template::Error::Output(error) => output::display_error(&error),
        oras_template::Error::Template(message) => Error::told(message),
    }
}
