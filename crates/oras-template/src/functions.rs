//! Everything a template can call, by theme.

mod builtin;
mod convert;
mod crypto;
pub(crate) mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod json;
mod lists;
mod math;
pub(crate) mod methods;
mod network;
mod paths;
mod random;
mod reflection;
mod regexes;
pub(crate) mod semver;
mod strings;
mod words;
mod x509;

use std::collections::HashMap;

use crate::Host;
use crate::value::{Elem, Value};

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Param {
    Any,
    Bool,
    Int,
    Uint32,
    Float,
    Str,
    /// A list of anything.
    Anys,
    Map,
    Time,
    Certificate,
    Version,
}

impl Param {
    /// Its name in Go.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Str => "string",
            Self::Anys => "[]interface {}",
            Self::Map => "map[string]interface {}",
            Self::Time => "time.Time",
            Self::Certificate => "sprig.certificate",
            Self::Version => "*semver.Version",
        }
    }

    /// What nothing is for it, if it can be nothing.
    pub(crate) fn zero(self) -> Option<Value> {
        match self {
            Self::Any => Some(Value::Nil),
            Self::Anys => Some(Value::list(Vec::new())),
            Self::Map => Some(Value::map(std::collections::BTreeMap::new())),
            _ => None,
        }
    }

    /// Whether it takes this value.
    pub(crate) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Float, Value::Float(_))
            | (Self::Str, Value::Str(_))
            | (Self::Time, Value::Time(_))
            | (Self::Certificate, Value::Certificate(_))
            | (Self::Version, Value::Version(_)) => true,
            (Self::Int, value) => value.type_name() == "int",
            (Self::Anys, Value::List(list)) => list.elem() == Elem::Any,
            (Self::Map, Value::Map(map)) => map.elem() == Elem::Any,
            _ => false,
        }
    }
}

/// A call: the arguments fit the parameters.
pub(crate) struct Call<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) args: &'a [Value],
    /// The first argument as it is written.
    pub(crate) shown: &'a dyn Fn() -> String,
}

impl Call<'_> {
    /// The argument at this place.
    pub(crate) fn arg(&self, at: usize) -> &Value {
        self.args.get(at).unwrap_or(&Value::Nil)
    }

    /// The arguments from this place on.
    pub(crate) fn from(&self, at: usize) -> &[Value] {
        self.args.get(at..).unwrap_or(&[])
    }

    pub(crate) fn str(&self, at: usize) -> &str {
        self.arg(at).as_str().unwrap_or("")
    }

    pub(crate) fn int(&self, at: usize) -> i64 {
        match self.arg(at) {
            Value::Int(_, number) => *number,
            _ => 0,
        }
    }
}

/// What a call gives.
pub(crate) type Result = std::result::Result<Value, String>;

/// Something to call.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    /// Whether the last parameter takes any number of arguments.
    pub(crate) variadic: bool,
    pub(crate) run: fn(&Call<'_>) -> Result,
}

const fn fixed(
    name: &'static str,
    params: &'static [Param],
    run: fn(&Call<'_>) -> Result,
) -> Function {
    Function {
        name,
        params,
        variadic: false,
        run,
    }
}

const fn variadic(
    name: &'static str,
    params: &'static [Param],
    run: fn(&Call<'_>) -> Result,
) -> Function {
    Function {
        name,
        params,
        variadic: true,
        run,
    }
}

/// All functions by name.
#[derive(Debug)]
pub(crate) struct Functions(HashMap<&'static str, &'static Function>);

impl Functions {
    pub(crate) fn all() -> Self {
        let tables: [&'static [Function]; 17] = [
            builtin::FUNCTIONS,
            convert::FUNCTIONS,
            crypto::FUNCTIONS,
            dates::FUNCTIONS,
            defaults::FUNCTIONS,
            dicts::FUNCTIONS,
            encoding::FUNCTIONS,
            json::FUNCTIONS,
            lists::FUNCTIONS,
            math::FUNCTIONS,
            network::FUNCTIONS,
            paths::FUNCTIONS,
            random::FUNCTIONS,
            reflection::FUNCTIONS,
            regexes::FUNCTIONS,
            semver::FUNCTIONS,
            strings::FUNCTIONS,
        ];
        let more = [words::FUNCTIONS, x509::FUNCTIONS];
        let all = tables.into_iter().chain(more).flatten();
        Self(all.map(|function| (function.name, function)).collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'static Function> {
        self.0.get(name).copied()
    }
}
