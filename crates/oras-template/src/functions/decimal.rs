//! Arithmetic on decimal digits, so that 0.1 and 0.2 are 0.3.

/// `mantissa` times ten to the power of `-scale`.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// What is done to two numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Digits behind the point of a quotient.
const DIVISION_DIGITS: u32 = 16;

/// The result, on digits if they fit, else on floats.
///
/// # Errors
/// If it is a division by zero.
pub(super) fn calculate(a: f64, b: f64, operation: Operation) -> Result<f64, String> {
    if matches!(operation, Operation::Divide) && b == 0.0 {
        return Err("decimal division by 0".to_owned());
    }
    let exact = || match operation {
        Operation::Add => sum(of(a)?, of(b)?),
        Operation::Subtract => sum(of(a)?, of(-b)?),
        Operation::Multiply => product(of(a)?, of(b)?),
        Operation::Divide => quotient(of(a)?, of(b)?),
    };
    Ok(match (exact().and_then(float), operation) {
        (Some(result), _) => result,
        (None, Operation::Add) => a + b,
        (None, Operation::Subtract) => a - b,
        (None, Operation::Multiply) => a * b,
        (None, Operation::Divide) => a / b,
    })
}

fn of(number: f64) -> Option<Decimal> {
    if !number.is_finite() {
        return None;
    }
    let text = format!("{number}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    Some(Decimal {
        mantissa: format!("{whole}{fraction}").parse().ok()?,
        scale: u32::try_from(fraction.len()).ok()?,
    })
}

fn float(decimal: Decimal) -> Option<f64> {
    format!("{}e-{}", decimal.mantissa, decimal.scale)
        .parse()
        .ok()
}

fn scaled(decimal: Decimal, scale: u32) -> Option<i128> {
    let factor = 10i128.checked_pow(scale.checked_sub(decimal.scale)?)?;
    decimal.mantissa.checked_mul(factor)
}

fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale.max(b.scale);
    let mantissa = scaled(a, scale)?.checked_add(scaled(b, scale)?)?;
    Some(Decimal { mantissa, scale })
}

fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    Some(Decimal {
        mantissa: a.mantissa.checked_mul(b.mantissa)?,
        scale: a.scale.checked_add(b.scale)?,
    })
}

/// Rounded to so many digits behind the point.
fn quotient(a: Decimal, b: Decimal) -> Option<Decimal> {
    let above = scaled(a, DIVISION_DIGITS.checked_add(b.scale)?.max(a.scale))?;
    let extra = a.scale.saturating_sub(DIVISION_DIGITS + b.scale);
    let below = b.mantissa.checked_mul(10i128.checked_pow(extra)?)?;
    let (quotient, rest) = (above.checked_div(below)?, above.checked_rem(below)?);
    let away = rest.unsigned_abs().checked_mul(2)? >= below.unsigned_abs();
    let step = if (above < 0) == (below < 0) { 1 } else { -1 };
    Some(Decimal {
        mantissa: quotient.checked_add(if away { step } else { 0 })?,
        scale: DIVISION_DIGITS,
    })
}
