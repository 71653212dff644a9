//! Arithmetic: whole numbers are 64 bits wide, and floats are calculated on their decimal digits.

use super::Param::{Any, Float, Int};
use super::convert::{float64, int64};
use super::decimal::{Operation, calculate};
use super::{Call, Function, Result, fixed, variadic};
use crate::budget::counts;
use crate::value::{Elem, List, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("add", &[Any], |call| {
        Ok(fold(0, call.args, i64::wrapping_add))
    }),
    fixed("add1", &[Any], |call| {
        Ok(Value::int64(int64(call.arg(0)).wrapping_add(1)))
    }),
    fixed("sub", &[Any, Any], |call| {
        Ok(fold(int64(call.arg(0)), call.from(1), i64::wrapping_sub))
    }),
    fixed("div", &[Any, Any], |call| divide(call, i64::wrapping_div)),
    fixed("mod", &[Any, Any], |call| divide(call, i64::wrapping_rem)),
    variadic("mul", &[Any, Any], |call| {
        Ok(fold(int64(call.arg(0)), call.from(1), i64::wrapping_mul))
    }),
    variadic("addf", &[Any], |call| {
        decimals(0.0, call.args, Operation::Add)
    }),
    fixed("add1f", &[Any], |call| {
        decimals(float64(call.arg(0)), &[Value::int(1)], Operation::Add)
    }),
    variadic("subf", &[Any, Any], |call| {
        decimals(float64(call.arg(0)), call.from(1), Operation::Subtract)
    }),
    variadic("mulf", &[Any, Any], |call| {
        decimals(float64(call.arg(0)), call.from(1), Operation::Multiply)
    }),
    variadic("divf", &[Any, Any], |call| {
        decimals(float64(call.arg(0)), call.from(1), Operation::Divide)
    }),
    variadic("max", &[Any, Any], |call| {
        Ok(fold(int64(call.arg(0)), call.from(1), Ord::max))
    }),
    variadic("biggest", &[Any, Any], |call| {
        Ok(fold(int64(call.arg(0)), call.from(1), Ord::max))
    }),
    variadic("min", &[Any, Any], |call| {
        Ok(fold(int64(call.arg(0)), call.from(1), Ord::min))
    }),
    variadic("maxf", &[Any, Any], |call| Ok(floats(call, f64::max))),
    variadic("minf", &[Any, Any], |call| Ok(floats(call, f64::min))),
    fixed("ceil", &[Any], |call| {
        Ok(Value::Float(float64(call.arg(0)).ceil()))
    }),
    fixed("floor", &[Any], |call| {
        Ok(Value::Float(float64(call.arg(0)).floor()))
    }),
    variadic("round", &[Any, Int, Float], round),
    fixed("until", &[Int], |call| {
        let count = call.int(0);
        steps(0, count, if count < 0 { -1 } else { 1 }).map(list)
    }),
    fixed("untilStep", &[Int, Int, Int], |call| {
        steps(call.int(0), call.int(1), call.int(2)).map(list)
    }),
    variadic("seq", &[Int], seq),
];

fn fold(start: i64, rest: &[Value], step: fn(i64, i64) -> i64) -> Value {
    Value::int64(rest.iter().map(int64).fold(start, step))
}

fn divide(call: &Call<'_>, divide: fn(i64, i64) -> i64) -> Result {
    match int64(call.arg(1)) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(Value::int64(divide(int64(call.arg(0)), divisor))),
    }
}

fn decimals(start: f64, rest: &[Value], operation: Operation) -> Result {
    let result = rest
        .iter()
        .try_fold(start, |a, b| calculate(a, float64(b), operation));
    result.map(Value::Float)
}

fn floats(call: &Call<'_>, step: fn(f64, f64) -> f64) -> Value {
    let rest = call.from(1).iter().map(float64);
    Value::Float(rest.fold(float64(call.arg(0)), step))
}

/// To so many digits behind the point; from which fraction on to round up may be said.
fn round(call: &Call<'_>) -> Result {
    let number = float64(call.arg(0));
    let from = match call.arg(2) {
        Value::Float(from) => *from,
        _ => 0.5,
    };
    let power = 10f64.powi(i32::try_from(call.int(1)).unwrap_or(i32::MAX));
    let shifted = power * number;
    let up = shifted.fract() >= from;
    Ok(Value::Float(
        if up { shifted.ceil() } else { shifted.floor() } / power,
    ))
}

/// The numbers from `start` to before `stop`; none if `step` leads elsewhere.
fn steps(start: i64, stop: i64, step: i64) -> std::result::Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    let mut next = start;
    while (step > 0 && next < stop) || (step < 0 && next > stop) {
        counts(numbers.len())?;
        numbers.push(next);
        let Some(after) = next.checked_add(step) else {
            break;
        };
        next = after;
    }
    Ok(numbers)
}

fn list(numbers: Vec<i64>) -> Value {
    let items = numbers.into_iter().map(Value::int).collect();
    Value::List(List::new(Elem::Int, items))
}

/// Like the program of this name: up to the last argument, which belongs to it.
fn seq(call: &Call<'_>) -> Result {
    let (start, step, end) = match call.args.len() {
        1 => (1, None, call.int(0)),
        2 => (call.int(0), None, call.int(1)),
        3 => (call.int(0), Some(call.int(1)), call.int(2)),
        _ => return Ok(Value::str("")),
    };
    let direction = if end < start { -1 } else { 1 };
    let step = step.unwrap_or(direction);
    if step.signum() != direction && start != end {
        return Ok(Value::str(""));
    }
    let numbers = steps(start, end.saturating_add(direction), step)?;
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(Value::str(texts.join(" ")))
}
