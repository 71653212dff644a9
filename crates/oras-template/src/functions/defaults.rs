//! Choosing between values.

use super::Param::{Any, Bool, Str};
use super::{Function, fixed, variadic};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("default", &[Any, Any], |call| {
        let given = call.arg(1);
        Ok(if empty(given) { call.arg(0) } else { given }.clone())
    }),
    fixed("empty", &[Any], |call| Ok(Value::Bool(empty(call.arg(0))))),
    variadic("coalesce", &[Any], |call| {
        let filled = call.args.iter().find(|value| !empty(value));
        Ok(filled.cloned().unwrap_or(Value::Nil))
    }),
    variadic("all", &[Any], |call| {
        Ok(Value::Bool(!call.args.iter().any(empty)))
    }),
    variadic("any", &[Any], |call| {
        Ok(Value::Bool(!call.args.iter().all(empty)))
    }),
    fixed("ternary", &[Any, Any, Bool], |call| {
        let first = matches!(call.arg(2), Value::Bool(true));
        Ok(call.arg(usize::from(!first)).clone())
    }),
    fixed("fail", &[Str], |call| Err(call.str(0).to_owned())),
    fixed("hello", &[], |_| Ok(Value::str("Hello!"))),
];

/// Whether there is nothing to it.
pub(super) fn empty(value: &Value) -> bool {
    !value.truth()
}
