//! Go templates over JSON: `text/template` with the functions of sprig.
//!
//! What a template prints, and what an error says, is what Go's package prints and says: scripts compare both. That is why
//! this is an engine of its own: the types behind Go's rules (`int`, `int64` and `float64` don't mix, an element of a
//! generic map is an interface) decide which templates work.
//!
//! Templates may come from anybody. Values are limited to 256 MiB together, nesting is bounded, and a template runs on a thread
//! whose stack is known to suffice. Time is not limited.
//!
//! ```
//! use oras_template::{Host, Template};
//!
//! struct NoVariables;
//!
//! impl Host for NoVariables {
//!     fn variable(&self, _name: &str) -> Option<String> {
//!         None
//!     }
//! }
//!
//! let template = Template::parse("example", "{{range .tags}}{{upper .}} {{end}}").unwrap();
//! let mut out = Vec::new();
//! let data = serde_json::json!({"tags": ["v1", "v2"]});
//! template.execute(data, &NoVariables, &mut out).unwrap();
//! assert_eq!(out, b"V1 V2 ");
//! ```

mod ast;
mod budget;
mod exec;
mod fmt;
mod functions;
mod lexer;
mod literal;
mod parser;
mod value;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::thread;

use crate::functions::Functions;
use crate::value::Value;

/// Enough for the deepest nesting that is allowed, in builds without optimisation too.
const STACK: usize = 256 << 20;

/// What templates may ask of the machine.
pub trait Host: Sync {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<String>;
}

/// Why there is no output, or not all of it.
#[derive(Debug)]
pub enum Error {
    /// The template is wrong, or failed while it ran. In the words of Go's package.
    Template(String),
    /// The output could not be written.
    Output(io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Template(message) => f.write_str(message),
            Self::Output(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

/// A template that is known to be well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    name: String,
    text: String,
}

impl Template {
    /// Parses `text`; errors call it `name`.
    ///
    /// # Errors
    /// If it is not a template, or uses functions that don't exist.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let template = Self {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        template.with_stack(|| template.parsed(&Functions::all()).map(drop))?;
        Ok(template)
    }

    /// Runs it on `data` and writes to `out` what it produces, as it produces it.
    ///
    /// # Errors
    /// If it fails; what was written before stays written.
    pub fn execute(
        &self,
        data: serde_json::Value,
        host: &dyn Host,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Error> {
        self.with_stack(|| {
            let functions = Functions::all();
            // Parsed again, because nodes share their texts with values, which stay on their thread.
            let templates = self.parsed(&functions)?;
            let data = Value::of_json(data);
            exec::execute(
                &self.name, &self.text, &templates, &functions, data, host, out,
            )
        })
    }

    fn parsed(&self, functions: &Functions) -> Result<ast::Templates, Error> {
        parser::parse(&self.name, &self.text, functions).map_err(|wrong| {
            let parser::Wrong { line, message } = wrong;
            Error::Template(format!("template: {}:{line}: {message}", self.name))
        })
    }

    /// Runs `work` where it has a stack of known size.
    fn with_stack(&self, work: impl FnOnce() -> Result<(), Error> + Send) -> Result<(), Error> {
        thread::scope(|scope| {
            let spawned = thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, work);
            match spawned.map_err(Error::Output)?.join() {
                Ok(done) => done,
                Err(_) => Err(Error::Template(format!(
                    "template: {}: failed unexpectedly",
                    self.name
                ))),
            }
        })
    }
}
