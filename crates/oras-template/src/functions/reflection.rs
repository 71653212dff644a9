//! What values are.

use super::Param::{Any, Str};
use super::{Function, fixed};
use crate::budget::deep;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("typeOf", &[Any], |call| {
        Ok(Value::str(call.arg(0).type_name()))
    }),
    fixed("typeIs", &[Str, Any], |call| {
        Ok(Value::Bool(call.str(0) == call.arg(1).type_name()))
    }),
    fixed("typeIsLike", &[Str, Any], |call| {
        let (wanted, is) = (call.str(0), call.arg(1).type_name());
        Ok(Value::Bool(
            wanted == is || is.strip_prefix('*') == Some(wanted),
        ))
    }),
    fixed("kindOf", &[Any], |call| {
        Ok(Value::str(call.arg(0).kind_name()))
    }),
    fixed("kindIs", &[Str, Any], |call| {
        Ok(Value::Bool(call.str(0) == call.arg(1).kind_name()))
    }),
    fixed("deepEqual", &[Any, Any], |call| {
        deep_equal(call.arg(0), call.arg(1), 0).map(Value::Bool)
    }),
];

/// Whether two values are the same through and through, types included.
pub(super) fn deep_equal(a: &Value, b: &Value, depth: usize) -> Result<bool, String> {
    deep(depth)?;
    if a.type_name() != b.type_name() {
        return Ok(false);
    }
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(_, a), Value::Int(_, b)) | (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a.as_str() == b.as_str(),
        (Value::List(a), Value::List(b)) => {
            if a.items().len() != b.items().len() {
                return Ok(false);
            }
            for (a, b) in a.items().iter().zip(b.items()) {
                if !deep_equal(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) if a.same(b) => true,
        (Value::Map(a), Value::Map(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, a) in a.entries() {
                let same = match b.get(&key) {
                    Some(b) => deep_equal(&a, &b, depth + 1)?,
                    None => false,
                };
                if !same {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Certificate(a), Value::Certificate(b)) => a.cert == b.cert && a.key == b.key,
        (Value::Version(a), Value::Version(b)) => a == b,
        _ => false,
    })
}
