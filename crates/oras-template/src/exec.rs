//! Runs a template: Go's rules, and its words when something does not work.

use std::fmt::Display;
use std::io::{self, Write};
use std::rc::Rc;

use crate::ast::{Branch, Command, Invocation, Node, Number, Pipe, Templates, Term, Word};
use crate::budget::{Budget, MAX_DEPTH};
use crate::fmt::{quote, text};
use crate::functions::{Call, Function, Functions, Param, methods};
use crate::value::{Elem, Value};
use crate::{Error, Host};

/// Twice what a text can nest: templates call each other.
const MAX_RUN_DEPTH: usize = 2 * MAX_DEPTH;

/// Where a value comes from decides how it may be used.
#[derive(Clone, Debug)]
enum Slot {
    /// Nothing: a key that is missing, or an interface without value that was looked into.
    Invalid,
    /// A value of its own type.
    Plain(Value),
    /// An element of something that may hold anything.
    Interface(Value),
}

impl Slot {
    /// What an interface holds.
    fn unwrapped(self) -> Self {
        match self {
            Self::Interface(Value::Nil) => Self::Invalid,
            Self::Interface(value) => Self::Plain(value),
            other => other,
        }
    }

    fn of_result(value: Value) -> Self {
        Self::Interface(value).unwrapped()
    }

    fn value(self) -> Value {
        match self {
            Self::Invalid => Value::Nil,
            Self::Plain(value) | Self::Interface(value) => value,
        }
    }
}

/// Why statements are left.
enum Leave {
    Break,
    Continue,
    Failed(Error),
}

impl From<Error> for Leave {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Leave {
    fn from(error: io::Error) -> Self {
        Self::Failed(Error::Output(error))
    }
}

/// Runs the template `name` on `data`.
///
/// # Errors
/// If it fails; what was written before stays written.
pub(crate) fn execute(
    name: &str,
    source: &str,
    templates: &Templates,
    functions: &Functions,
    data: Value,
    host: &dyn Host,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let budget = Rc::new(Budget::default());
    if let Err(message) = budget.take(&data) {
        return Err(Error::Template(format!("template: {name}: {message}")));
    }
    let empty = Vec::new();
    let root = templates.get(name).unwrap_or(&empty);
    let mut run = Run {
        name,
        source,
        templates,
        functions,
        host,
        out,
        budget,
        running: name,
        at: None,
        variables: vec![("$".to_owned(), Slot::Plain(data.clone()))],
        depth: 0,
    };
    match run.walk(&Slot::Plain(data), root) {
        Err(Leave::Failed(error)) => Err(error),
        _ => Ok(()),
    }
}

struct Run<'a> {
    name: &'a str,
    source: &'a str,
    templates: &'a Templates,
    functions: &'a Functions,
    host: &'a dyn Host,
    out: &'a mut dyn Write,
    budget: Rc<Budget>,
    /// The template that is running.
    running: &'a str,
    /// What is being evaluated.
    at: Option<(usize, &'a dyn Display)>,
    variables: Vec<(String, Slot)>,
    depth: usize,
}

impl<'a> Run<'a> {
    fn failed<T>(&self, message: impl Display) -> Result<T, Error> {
        let name = self.name;
        Err(Error::Template(match self.at {
            None => format!("template: {}: {message}", self.running),
            Some((pos, shown)) => {
                let before = self.source.get(..pos).unwrap_or("");
                let line = before.matches('\n').count() + 1;
                let column = pos - before.rfind('\n').map_or(0, |at| at + 1);
                let running = quote(self.running);
                format!(
                    "template: {name}:{line}:{column}: executing {running} at <{shown}>: {message}"
                )
            }
        }))
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.depth += 1;
        match self.depth > MAX_RUN_DEPTH {
            true => self.failed(format!("exceeded maximum template depth ({MAX_RUN_DEPTH})")),
            false => Ok(()),
        }
    }

    fn walk(&mut self, dot: &Slot, list: &'a [Node]) -> Result<(), Leave> {
        self.deeper()?;
        for node in list {
            match node {
                Node::Text(text) => self.out.write_all(text.as_bytes())?,
                Node::Action(pipe) => {
                    let value = self.pipeline(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        self.print(value)?;
                    }
                }
                Node::If(branch) => self.choose(dot, branch, false)?,
                Node::With(branch) => self.choose(dot, branch, true)?,
                Node::Range(branch) => self.range(dot, branch)?,
                Node::Template(invocation) => self.invoke(dot, invocation)?,
                Node::Break => return Err(Leave::Break),
                Node::Continue => return Err(Leave::Continue),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn print(&mut self, slot: Slot) -> Result<(), Leave> {
        match slot {
            Slot::Invalid => self.out.write_all(b"<no value>")?,
            Slot::Plain(Value::Str(text)) => self.out.write_all(text.as_str().as_bytes())?,
            other => match text(&other.value()) {
                Ok(text) => self.out.write_all(text.as_bytes())?,
                Err(message) => self.failed(message)?,
            },
        }
        Ok(())
    }

    /// `if` and `with`
    fn choose(&mut self, dot: &Slot, branch: &'a Branch, with: bool) -> Result<(), Leave> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let done = match (value.clone().value().truth(), &branch.otherwise) {
            (true, _) => self.walk(if with { &value } else { dot }, &branch.then),
            (false, Some(list)) => self.walk(dot, list),
            (false, None) => Ok(()),
        };
        self.variables.truncate(mark);
        done
    }

    fn range(&mut self, dot: &Slot, branch: &'a Branch) -> Result<(), Leave> {
        let outer = self.variables.len();
        let depth = self.depth;
        let over = self.pipeline(dot, &branch.pipe)?.value();
        let mark = self.variables.len();
        let mut any = false;
        let mut each = |run: &mut Self, index: Slot, elem: Slot| -> Result<bool, Leave> {
            any = true;
            run.bind(&branch.pipe, index, &elem)?;
            let done = run.walk(&elem, &branch.then);
            run.variables.truncate(mark);
            run.depth = depth;
            match done {
                Ok(()) | Err(Leave::Continue) => Ok(true),
                Err(Leave::Break) => Ok(false),
                Err(failed) => Err(failed),
            }
        };
        match &over {
            Value::Nil => {}
            Value::List(list) => {
                for (at, item) in list.items().iter().enumerate() {
                    let elem = element(item.clone(), list.elem());
                    if !each(self, Slot::Plain(Value::count(at)), elem)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in map.entries() {
                    let elem = element(item, map.elem());
                    if !each(self, Slot::Plain(Value::str(key)), elem)? {
                        break;
                    }
                }
            }
            Value::Int(kind, count) => {
                if branch.pipe.variables.len() > 1 {
                    return Ok(self.failed(format!(
                        "can't use {count} to iterate over more than one variable"
                    ))?);
                }
                for number in 0..*count {
                    let elem = Slot::Plain(Value::Int(*kind, number));
                    if !each(self, Slot::Invalid, elem)? {
                        break;
                    }
                }
            }
            other => {
                let shown = text(other).unwrap_or_default();
                return Ok(self.failed(format!("range can't iterate over {shown}"))?);
            }
        }
        self.variables.truncate(mark);
        let done = match (&branch.otherwise, any) {
            (Some(list), false) => self.walk(dot, list),
            _ => Ok(()),
        };
        self.variables.truncate(outer);
        done
    }

    /// Gives the variables of a `range` their values.
    fn bind(&mut self, pipe: &Pipe, index: Slot, elem: &Slot) -> Result<(), Error> {
        let top = self.variables.len();
        match (pipe.variables.as_slice(), pipe.assigns) {
            ([first, second], true) => {
                self.set(first, index)?;
                self.set(second, elem.clone())?;
            }
            ([only], true) => self.set(only, elem.clone())?,
            ([_, _], false) => {
                if let [.., first, second] = self.variables.as_mut_slice() {
                    first.1 = index;
                    second.1 = elem.clone();
                }
            }
            ([_], false) if top > 0 => {
                if let Some(last) = self.variables.last_mut() {
                    last.1 = elem.clone();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Slot) -> Result<(), Error> {
        match self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name)
        {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.failed(format!("undefined variable: {name}")),
        }
    }

    fn invoke(&mut self, dot: &Slot, invocation: &'a Invocation) -> Result<(), Leave> {
        self.at = Some((invocation.pos, invocation));
        let Some((name, list)) = self.templates.get_key_value(&invocation.name) else {
            let name = quote(&invocation.name);
            return Ok(self.failed(format!("template {name} not defined"))?);
        };
        self.deeper()?;
        let dot = match &invocation.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Slot::Invalid,
        };
        // Nothing of the caller is visible in there.
        let outside = std::mem::replace(&mut self.variables, vec![("$".to_owned(), dot.clone())]);
        let caller = std::mem::replace(&mut self.running, name);
        let done = self.walk(&dot, list);
        self.variables = outside;
        self.running = caller;
        self.depth -= 1;
        done
    }

    fn pipeline(&mut self, dot: &Slot, pipe: &'a Pipe) -> Result<Slot, Error> {
        self.at = Some((pipe.pos, pipe));
        self.deeper()?;
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value)?.unwrapped());
        }
        let value = value.unwrap_or(Slot::Invalid);
        for name in &pipe.variables {
            match pipe.assigns {
                true => self.set(name, value.clone())?,
                false => self.variables.push((name.clone(), value.clone())),
            }
        }
        self.depth -= 1;
        Ok(value)
    }

    fn command(
        &mut self,
        dot: &Slot,
        command: &'a Command,
        last: Option<Slot>,
    ) -> Result<Slot, Error> {
        let Some((first, args)) = command.words.split_first() else {
            return Ok(Slot::Invalid);
        };
        let passed = Passed { args, last };
        match &first.term {
            Term::Field(names) => {
                self.at = Some((first.pos, first));
                self.fields(dot, dot.clone(), first, names, passed)
            }
            Term::Chain(word, names) => self.chain(dot, first, word, names, passed),
            Term::Identifier(name) => {
                self.at = Some((first.pos, first));
                self.function(dot, name, (command.pos, command), passed)
            }
            Term::Pipe(pipe) => {
                self.no_function(first, &passed)?;
                self.pipeline(dot, pipe)
            }
            Term::Variable(names) => self.variable(dot, first, names, passed),
            term => {
                self.at = Some((first.pos, first));
                self.no_function(first, &passed)?;
                match term {
                    Term::Dot => Ok(dot.clone()),
                    Term::Nil => self.failed("nil is not a command"),
                    _ => Ok(Slot::Plain(self.literal(term)?)),
                }
            }
        }
    }

    fn no_function(&self, word: &Word, passed: &Passed<'_>) -> Result<(), Error> {
        match passed.args.is_empty() && passed.last.is_none() {
            true => Ok(()),
            false => self.failed(format!("can't give argument to non-function {word}")),
        }
    }

    fn literal(&self, term: &Term) -> Result<Value, Error> {
        match term {
            Term::Bool(flag) => Ok(Value::Bool(*flag)),
            Term::String(_, value) => Ok(value.clone()),
            Term::Number(number) => match (number.is_float, number.float, number.int) {
                (true, Some(float), _) => Ok(Value::Float(float)),
                (_, _, Some(int)) => Ok(Value::int(int)),
                _ => self.failed(format!("{} overflows int", number.text)),
            },
            _ => self.failed("unexpected operand"),
        }
    }

    fn variable(
        &mut self,
        dot: &Slot,
        word: &'a Word,
        names: &'a [String],
        passed: Passed<'a>,
    ) -> Result<Slot, Error> {
        self.at = Some((word.pos, word));
        let Some((name, fields)) = names.split_first() else {
            return Ok(Slot::Invalid);
        };
        let known = self.variables.iter().rev().find(|(known, _)| known == name);
        let Some((_, value)) = known else {
            return self.failed(format!("undefined variable: {name}"));
        };
        let value = value.clone();
        if fields.is_empty() {
            self.no_function(word, &passed)?;
            return Ok(value);
        }
        self.fields(dot, value, word, fields, passed)
    }

    fn chain(
        &mut self,
        dot: &Slot,
        whole: &'a Word,
        word: &'a Word,
        names: &'a [String],
        passed: Passed<'a>,
    ) -> Result<Slot, Error> {
        self.at = Some((whole.pos, whole));
        let receiver = match &word.term {
            Term::Pipe(pipe) => self.pipeline(dot, pipe)?,
            Term::Identifier(name) => self.function(dot, name, (word.pos, word), Passed::NONE)?,
            _ => return self.failed(format!("indirection through explicit nil in {whole}")),
        };
        self.fields(dot, receiver, whole, names, passed)
    }

    /// Follows `names` from `receiver`; what is passed is for the last one.
    fn fields(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        word: &'a Word,
        names: &'a [String],
        passed: Passed<'a>,
    ) -> Result<Slot, Error> {
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for name in before {
            receiver = self.field(dot, receiver, word, name, Passed::NONE)?;
        }
        self.field(dot, receiver, word, last, passed)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        word: &'a Word,
        name: &'a str,
        passed: Passed<'a>,
    ) -> Result<Slot, Error> {
        let declared = match &receiver {
            Slot::Invalid => return Ok(Slot::Invalid),
            Slot::Interface(Value::Nil) => {
                return self.failed(format!("nil pointer evaluating interface {{}}.{name}"));
            }
            Slot::Interface(_) => "interface {}",
            Slot::Plain(value) => value.type_name(),
        };
        let value = receiver.value();
        if let Some(method) = methods::find(&value, name) {
            return self.call(dot, method, (word.pos, word), Some(value), passed);
        }
        match &value {
            Value::Map(map) => {
                if !passed.args.is_empty() || passed.last.is_some() {
                    return self.failed(format!("{name} is not a method but has arguments"));
                }
                Ok(match map.get(name) {
                    Some(item) => element(item, map.elem()),
                    None => Slot::Invalid,
                })
            }
            Value::Certificate(pair) if name == "Cert" => {
                Ok(Slot::Plain(Value::str(pair.cert.as_str())))
            }
            Value::Certificate(pair) if name == "Key" => {
                Ok(Slot::Plain(Value::str(pair.key.as_str())))
            }
            _ => self.failed(format!("can't evaluate field {name} in type {declared}")),
        }
    }

    fn function(
        &mut self,
        dot: &Slot,
        name: &str,
        shown: (usize, &'a dyn Display),
        passed: Passed<'a>,
    ) -> Result<Slot, Error> {
        let Some(function) = self.functions.get(name) else {
            return self.failed(format!("{} is not a defined function", quote(name)));
        };
        self.call(dot, function, shown, None, passed)
    }

    fn call(
        &mut self,
        dot: &Slot,
        function: &'a Function,
        shown: (usize, &'a dyn Display),
        receiver: Option<Value>,
        passed: Passed<'a>,
    ) -> Result<Slot, Error> {
        let name = function.name;
        let params = function.params;
        let Passed { args, last } = passed;
        let count = args.len() + usize::from(last.is_some());
        let fixed = params.len() - usize::from(function.variadic);
        if function.variadic && count < fixed {
            return self.failed(format!(
                "wrong number of args for {name}: want at least {fixed} got {count}"
            ));
        }
        if !function.variadic && count != fixed {
            return self.failed(format!(
                "wrong number of args for {name}: want {fixed} got {count}"
            ));
        }
        let param = |at: usize| {
            params
                .get(at)
                .or(params.last())
                .copied()
                .unwrap_or(Param::Any)
        };
        if name == "and" || name == "or" {
            return self.short_circuit(dot, name == "or", args, last);
        }
        let mut values = Vec::with_capacity(count + 1);
        values.extend(receiver);
        for (at, word) in args.iter().enumerate() {
            values.push(self.argument(dot, param(at), word)?);
        }
        if let Some(last) = last {
            values.push(self.typed(last, param(count - 1))?);
        }
        let call = Call {
            host: self.host,
            args: &values,
            shown: &|| args.first().map(ToString::to_string).unwrap_or_default(),
        };
        let result = (function.run)(&call).and_then(|value| {
            self.budget.take(&value)?;
            Ok(value)
        });
        match result {
            Ok(value) => Ok(Slot::of_result(value)),
            Err(message) => {
                self.at = Some(shown);
                self.failed(format!("error calling {name}: {message}"))
            }
        }
    }

    /// `and` and `or` evaluate no more than they need.
    fn short_circuit(
        &mut self,
        dot: &Slot,
        wanted: bool,
        args: &'a [Word],
        last: Option<Slot>,
    ) -> Result<Slot, Error> {
        let mut value = Value::Nil;
        for word in args {
            value = self.argument(dot, Param::Any, word)?;
            if value.truth() == wanted {
                return Ok(Slot::of_result(value));
            }
        }
        Ok(match last {
            Some(last) => last.unwrapped(),
            None => Slot::of_result(value),
        })
    }

    /// An argument, as the parameter wants it.
    fn argument(&mut self, dot: &Slot, param: Param, word: &'a Word) -> Result<Value, Error> {
        self.at = Some((word.pos, word));
        let slot = match &word.term {
            Term::Dot => dot.clone(),
            Term::Nil => {
                return match param.zero() {
                    Some(zero) => Ok(zero),
                    None => self.failed(format!("cannot assign nil to {}", param.type_name())),
                };
            }
            Term::Field(names) => self.fields(dot, dot.clone(), word, names, Passed::NONE)?,
            Term::Variable(names) => self.variable(dot, word, names, Passed::NONE)?,
            Term::Pipe(pipe) => self.pipeline(dot, pipe)?,
            Term::Identifier(name) => self.function(dot, name, (word.pos, word), Passed::NONE)?,
            Term::Chain(inner, names) => self.chain(dot, word, inner, names, Passed::NONE)?,
            term => return self.constant(param, term, word),
        };
        self.typed(slot, param)
    }

    /// A literal, as the parameter wants it.
    fn constant(&self, param: Param, term: &Term, word: &Word) -> Result<Value, Error> {
        let expected = |what: &str| self.failed(format!("expected {what}; found {word}"));
        let number = match term {
            Term::Number(number) => Some(number),
            _ => None,
        };
        match (param, term) {
            (Param::Any, _) => self.literal(term),
            (Param::Bool, Term::Bool(flag)) => Ok(Value::Bool(*flag)),
            (Param::Bool, _) => expected("bool"),
            (Param::Str, Term::String(_, value)) => Ok(value.clone()),
            (Param::Str, _) => expected("string"),
            (Param::Float, _) => match number.and_then(|number| number.float) {
                Some(float) => Ok(Value::Float(float)),
                None => expected("float"),
            },
            (Param::Int, _) => match number.and_then(|number: &Number| number.int) {
                Some(int) => Ok(Value::int(int)),
                None => expected("integer"),
            },
            (Param::Uint32, _) => {
                match number.and_then(|number| u32::try_from(number.unsigned?).ok()) {
                    Some(int) => Ok(Value::int(i64::from(int))),
                    None => expected("unsigned integer"),
                }
            }
            _ => self.failed(format!(
                "can't handle {word} for arg of type {}",
                param.type_name()
            )),
        }
    }

    /// A value, if the parameter takes it.
    fn typed(&self, slot: Slot, param: Param) -> Result<Value, Error> {
        let got = match &slot {
            Slot::Invalid => {
                return match param.zero() {
                    Some(zero) => Ok(zero),
                    None => self.failed(format!("invalid value; expected {}", param.type_name())),
                };
            }
            Slot::Interface(Value::Nil) => "interface {}",
            Slot::Plain(value) | Slot::Interface(value) => value.type_name(),
        };
        let value = slot.value();
        match param.takes(&value) {
            true => Ok(value),
            false => self.failed(format!(
                "wrong type for value; expected {}; got {got}",
                param.type_name()
            )),
        }
    }
}

/// What a word is called with.
struct Passed<'a> {
    args: &'a [Word],
    /// What the pipeline brought.
    last: Option<Slot>,
}

impl Passed<'_> {
    const NONE: Self = Self {
        args: &[],
        last: None,
    };
}

/// An element outside of what holds it.
fn element(value: Value, elem: Elem) -> Slot {
    match elem {
        Elem::Any => Slot::Interface(value),
        _ => Slot::Plain(value),
    }
}
