//! What a template is once it is parsed. Every node can write itself again, because errors show it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use crate::value::Value;

/// All templates of a text, by name.
pub(crate) type Templates = BTreeMap<String, Vec<Node>>;

/// A statement, or text.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Invocation),
    Break,
    Continue,
}

/// A pipeline that decides between two lists.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) then: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// `{{template "name" pipeline}}`
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) pos: usize,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

/// Commands, each of which gets the value of the one before.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    /// Whether variables are assigned, not declared.
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<String>,
    pub(crate) commands: Vec<Command>,
}

/// A word and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    /// At least one.
    pub(crate) words: Vec<Word>,
}

/// An operand.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) pos: usize,
    pub(crate) term: Term,
}

/// What an operand is.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Identifier(String),
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// As it is written, and as it is meant.
    String(String, Value),
    /// The first name includes the dollar sign.
    Variable(Vec<String>),
    Field(Vec<String>),
    /// Fields of something in parentheses.
    Chain(Box<Word>, Vec<String>),
    Pipe(Pipe),
}

/// A number, in every type that can hold it.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) unsigned: Option<u64>,
    pub(crate) float: Option<f64>,
    /// Whether it is a float where nothing says which it should be.
    pub(crate) is_float: bool,
}

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut Formatter<'_>, names: &[String]| {
            names.iter().try_for_each(|name| write!(f, ".{name}"))
        };
        match &self.term {
            Term::Identifier(name) => f.write_str(name),
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Bool(flag) => write!(f, "{flag}"),
            Term::Number(number) => f.write_str(&number.text),
            Term::String(written, _) => f.write_str(written),
            Term::Variable(names) => f.write_str(&names.join(".")),
            Term::Field(names) => fields(f, names),
            Term::Chain(word, names) => {
                write!(f, "{word}")?;
                fields(f, names)
            }
            Term::Pipe(pipe) => write!(f, "({pipe})"),
        }
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        separated(f, &self.words, " ")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            separated(f, &self.variables, ", ")?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        separated(f, &self.commands, " | ")
    }
}

impl Display for Invocation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", crate::fmt::quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

fn separated<T: Display>(f: &mut Formatter<'_>, all: &[T], separator: &str) -> fmt::Result {
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{one}")?;
    }
    Ok(())
}
