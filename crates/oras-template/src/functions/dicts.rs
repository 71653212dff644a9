//! Maps. What Go lists in random order comes sorted by key.

use std::collections::BTreeMap;

use super::Param::{Any, Map as Dict, Str};
use super::convert::string;
use super::defaults::empty;
use super::{Call, Function, Result, fixed, variadic};
use crate::budget::{MAX_ITEMS, counts, deep};
use crate::value::{Elem, List, Map, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[Any], dict),
    fixed("get", &[Dict, Str], |call| {
        Ok(map(call.arg(0))
            .get(call.str(1))
            .unwrap_or_else(|| Value::str("")))
    }),
    fixed("set", &[Dict, Str, Any], |call| {
        let map = map(call.arg(0));
        counts(map.len())?;
        map.insert(call.str(1).to_owned(), call.arg(2).clone());
        Ok(Value::Map(map))
    }),
    fixed("unset", &[Dict, Str], |call| {
        let map = map(call.arg(0));
        map.remove(call.str(1));
        Ok(Value::Map(map))
    }),
    fixed("hasKey", &[Dict, Str], |call| {
        Ok(Value::Bool(map(call.arg(0)).has(call.str(1))))
    }),
    variadic("pluck", &[Str, Dict], |call| {
        let key = call.str(0);
        let found = call.from(1).iter().filter_map(|value| map(value).get(key));
        Ok(Value::list(found.collect()))
    }),
    variadic("keys", &[Dict], |call| {
        Ok(Value::strings(
            call.args.iter().flat_map(|value| map(value).keys()),
        ))
    }),
    fixed("values", &[Dict], |call| {
        let entries = map(call.arg(0)).entries();
        Ok(Value::list(
            entries.into_iter().map(|(_, value)| value).collect(),
        ))
    }),
    variadic("pick", &[Dict, Str], |call| Ok(filtered(call, true))),
    variadic("omit", &[Dict, Str], |call| Ok(filtered(call, false))),
    variadic("merge", &[Dict, Dict], |call| merged(call, Winner::First)),
    variadic("mustMerge", &[Dict, Dict], |call| {
        merged(call, Winner::First)
    }),
    variadic("mergeOverwrite", &[Dict, Dict], |call| {
        merged(call, Winner::Last)
    }),
    variadic("mustMergeOverwrite", &[Dict, Dict], |call| {
        merged(call, Winner::Last)
    }),
    variadic("dig", &[Any], dig),
    fixed("deepCopy", &[Any], |call| deep_copy(call.arg(0), 0, &mut 0)),
    fixed("mustDeepCopy", &[Any], |call| {
        deep_copy(call.arg(0), 0, &mut 0)
    }),
];

/// The map that a value is.
fn map(value: &Value) -> Map {
    match value {
        Value::Map(map) => map.clone(),
        _ => Map::new(Elem::Any, BTreeMap::new()),
    }
}

fn dict(call: &Call<'_>) -> Result {
    let mut fields = BTreeMap::new();
    for pair in call.args.chunks(2) {
        let [key, rest @ ..] = pair else { continue };
        let value = rest.first().cloned().unwrap_or_else(|| Value::str(""));
        fields.insert(string(key)?, value);
    }
    Ok(Value::map(fields))
}

/// The entries whose keys are, or are not, among the arguments.
fn filtered(call: &Call<'_>, wanted: bool) -> Value {
    let named = |key: &str| call.from(1).iter().any(|name| name.as_str() == Some(key));
    let entries = map(call.arg(0)).entries();
    Value::map(
        entries
            .into_iter()
            .filter(|(key, _)| named(key) == wanted)
            .collect(),
    )
}

/// Whose value stays if several maps have a key.
#[derive(Clone, Copy, PartialEq)]
enum Winner {
    First,
    Last,
}

/// Changes the first map, and gives it.
fn merged(call: &Call<'_>, winner: Winner) -> Result {
    let into = map(call.arg(0));
    for from in call.from(1) {
        merge(&into, &map(from), winner, 0)?;
    }
    Ok(Value::Map(into))
}

fn merge(into: &Map, from: &Map, winner: Winner, depth: usize) -> std::result::Result<(), String> {
    deep(depth)?;
    if into.same(from) {
        return Ok(());
    }
    for (key, new) in from.entries() {
        match (into.get(&key), &new) {
            (Some(Value::Map(old)), Value::Map(new)) => merge(&old, new, winner, depth + 1)?,
            (Some(old), new) if winner == Winner::First && !empty(&old) => drop((old, new)),
            (Some(_), new) if empty(new) => {}
            _ => {
                counts(into.len())?;
                into.insert(key, new);
            }
        }
    }
    Ok(())
}

/// Keys, then what to give if one is missing, then the map.
fn dig(call: &Call<'_>) -> Result {
    let [keys @ .., otherwise, last] = call.args else {
        return Err("dig needs at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut value = last.clone();
    for key in keys {
        let Value::Map(map) = &value else {
            return Err(conversion(&value, "map[string]interface {}"));
        };
        let Some(key) = key.as_str() else {
            return Err(conversion(key, "string"));
        };
        match map.get(key) {
            Some(step) => value = step,
            None => return Ok(otherwise.clone()),
        }
    }
    Ok(value)
}

fn conversion(value: &Value, wanted: &str) -> String {
    let is = match value {
        Value::Nil => "nil",
        other => other.type_name(),
    };
    format!("interface conversion: interface {{}} is {is}, not {wanted}")
}

/// A copy that shares no map with the original.
fn deep_copy(value: &Value, depth: usize, count: &mut usize) -> Result {
    deep(depth)?;
    *count += 1;
    if *count > MAX_ITEMS {
        return counts(*count).map(|()| Value::Nil);
    }
    match value {
        Value::List(list) => {
            let items = list
                .items()
                .iter()
                .map(|item| deep_copy(item, depth + 1, count));
            let items = items.collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(Value::List(List::new(list.elem(), items)))
        }
        Value::Map(map) => {
            let mut fields = BTreeMap::new();
            for (key, item) in map.entries() {
                fields.insert(key, deep_copy(&item, depth + 1, count)?);
            }
            Ok(Value::Map(Map::new(map.elem(), fields)))
        }
        other => Ok(other.clone()),
    }
}
