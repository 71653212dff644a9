//! Lists. The `must` forms differ only in how Go fails; the message is the same.

use super::Param::{Any, Int};
use super::convert::{int64, items};
use super::defaults::empty;
use super::reflection::deep_equal;
use super::{Call, Function, Result, fixed, variadic};
use crate::budget::counts;
use crate::value::{Elem, List, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("list", &[Any], |call| Ok(Value::list(call.args.to_vec()))),
    variadic("tuple", &[Any], |call| Ok(Value::list(call.args.to_vec()))),
    fixed("first", &[Any], first),
    fixed("mustFirst", &[Any], first),
    fixed("last", &[Any], last),
    fixed("mustLast", &[Any], last),
    fixed("rest", &[Any], rest),
    fixed("mustRest", &[Any], rest),
    fixed("initial", &[Any], initial),
    fixed("mustInitial", &[Any], initial),
    fixed("append", &[Any, Any], append),
    fixed("mustAppend", &[Any, Any], append),
    fixed("push", &[Any, Any], append),
    fixed("mustPush", &[Any, Any], append),
    fixed("prepend", &[Any, Any], prepend),
    fixed("mustPrepend", &[Any, Any], prepend),
    variadic("concat", &[Any], concat),
    fixed("reverse", &[Any], reverse),
    fixed("mustReverse", &[Any], reverse),
    fixed("uniq", &[Any], uniq),
    fixed("mustUniq", &[Any], uniq),
    variadic("without", &[Any, Any], without),
    variadic("mustWithout", &[Any, Any], without),
    fixed("has", &[Any, Any], has),
    fixed("mustHas", &[Any, Any], has),
    fixed("compact", &[Any], compact),
    fixed("mustCompact", &[Any], compact),
    variadic("slice", &[Any, Any], slice),
    variadic("mustSlice", &[Any, Any], slice),
    fixed("chunk", &[Int, Any], chunk),
    fixed("mustChunk", &[Int, Any], chunk),
];

fn first(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot find first on type")?;
    Ok(list.first().cloned().unwrap_or(Value::Nil))
}

fn last(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot find last on type")?;
    Ok(list.last().cloned().unwrap_or(Value::Nil))
}

fn rest(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot find rest on type")?;
    Ok(Value::list(list.get(1..).unwrap_or(&[]).to_vec()))
}

fn initial(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot find initial on type")?;
    let len = list.len().saturating_sub(1);
    Ok(Value::list(list.get(..len).unwrap_or(&[]).to_vec()))
}

fn append(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot push on type")?;
    counts(list.len())?;
    let mut all = Vec::with_capacity(list.len() + 1);
    all.extend_from_slice(list);
    all.push(call.arg(1).clone());
    Ok(Value::list(all))
}

fn prepend(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot prepend on type")?;
    counts(list.len())?;
    let mut all = Vec::with_capacity(list.len() + 1);
    all.push(call.arg(1).clone());
    all.extend_from_slice(list);
    Ok(Value::list(all))
}

fn concat(call: &Call<'_>) -> Result {
    let mut all = Vec::new();
    for list in call.args {
        match list {
            Value::List(list) => {
                counts(all.len() + list.items().len())?;
                all.extend_from_slice(list.items());
            }
            Value::Nil => return items(list, "").map(|_| Value::Nil),
            other => return Err(format!("Cannot concat type {} as list", other.kind_name())),
        }
    }
    Ok(Value::list(all))
}

fn reverse(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot find reverse on type")?;
    Ok(Value::list(list.iter().rev().cloned().collect()))
}

fn contains(list: &[Value], wanted: &Value) -> std::result::Result<bool, String> {
    for item in list {
        if deep_equal(item, wanted, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(call: &Call<'_>) -> Result {
    let mut all: Vec<Value> = Vec::new();
    for item in items(call.arg(0), "Cannot find uniq on type")? {
        if !contains(&all, item)? {
            all.push(item.clone());
        }
    }
    Ok(Value::list(all))
}

fn without(call: &Call<'_>) -> Result {
    let mut all = Vec::new();
    for item in items(call.arg(0), "Cannot find without on type")? {
        if !contains(call.from(1), item)? {
            all.push(item.clone());
        }
    }
    Ok(Value::list(all))
}

fn has(call: &Call<'_>) -> Result {
    if matches!(call.arg(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let list = items(call.arg(1), "Cannot find has on type")?;
    contains(list, call.arg(0)).map(Value::Bool)
}

fn compact(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "Cannot compact on type")?;
    let filled = list.iter().filter(|item| !empty(item));
    Ok(Value::list(filled.cloned().collect()))
}

fn slice(call: &Call<'_>) -> Result {
    let list = items(call.arg(0), "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |at: usize, otherwise: usize| match call.args.get(at) {
        Some(value) => usize::try_from(int64(value)).ok(),
        None => Some(otherwise),
    };
    let part = match (bound(1, 0), bound(2, list.len())) {
        (Some(start), Some(end)) => list.get(start..end),
        _ => None,
    };
    let part = part.ok_or_else(|| "reflect.Value.Slice: slice index out of bounds".to_owned())?;
    let elem = match call.arg(0) {
        Value::List(list) => list.elem(),
        _ => Elem::Any,
    };
    Ok(Value::List(List::new(elem, part.to_vec())))
}

fn chunk(call: &Call<'_>) -> Result {
    let size = usize::try_from(call.int(0)).unwrap_or(0);
    let list = match call.arg(1) {
        Value::List(list) => list.items(),
        Value::Nil => return items(call.arg(1), "").map(|_| Value::Nil),
        other => return Err(format!("Cannot chunk type {}", other.kind_name())),
    };
    if size == 0 {
        return Err("runtime error: makeslice: len out of range".to_owned());
    }
    let parts = list.chunks(size).map(|part| Value::list(part.to_vec()));
    Ok(Value::List(List::new(Elem::Lists, parts.collect())))
}
