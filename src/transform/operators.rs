//! Our operators: what each gives for two values. Called from minijinja, which does the evaluating.
//!
//! The one rule above all: a missing operand makes the result missing, as SQL's NULL does.

use super::datum::Datum;
use super::fault::Fault;
use super::length::fits;
use super::number::Number;
use super::tree::Operator;
use std::cmp::Ordering;

/// Applies an operator.
pub(super) fn apply(
    operator: Operator,
    left: &Datum<'_>,
    right: &Datum<'_>,
) -> Result<Datum<'static>, Fault> {
    use Operator::*;
    if *left == Datum::Missing || *right == Datum::Missing {
        return Ok(Datum::Missing);
    }
    match operator {
        Add => calculate(left, right, Number::plus),
        Subtract => calculate(left, right, Number::minus),
        Multiply => calculate(left, right, Number::times),
        Divide => calculate(left, right, Number::divided_by),
        FloorDivide => calculate(left, right, Number::floor_divided_by),
        Remainder => calculate(left, right, Number::remainder),
        Power => calculate(left, right, Number::power),
        Equal => Ok(Datum::Bool(left == right)),
        Unequal => Ok(Datum::Bool(left != right)),
        Less => order(left, right, Ordering::is_lt),
        LessOrEqual => order(left, right, Ordering::is_le),
        Greater => order(left, right, Ordering::is_gt),
        GreaterOrEqual => order(left, right, Ordering::is_ge),
        In => contains(right, left),
        NotIn => Ok(match contains(right, left)? {
            Datum::Bool(found) => Datum::Bool(!found),
            other => other,
        }),
    }
}

/// `-a`.
pub(super) fn negative(value: &Datum<'_>) -> Result<Datum<'static>, Fault> {
    Ok(match operand(value)? {
        Some(number) => Datum::Number(number.negative()),
        None => Datum::Missing,
    })
}

/// `a ~ b ~ …`: missing where one part is missing; an empty text joins nothing.
pub(super) fn join<'v>(parts: impl Iterator<Item = Datum<'v>>) -> Result<Datum<'static>, Fault> {
    let mut joined = String::new();
    let mut missing = false;
    for part in parts {
        match part {
            Datum::Missing => missing = true,
            Datum::List(_) => return Err(Fault::new("a list where a text is needed")),
            part => {
                let text = part.into_text();
                fits(joined.len() + text.len())?;
                joined.push_str(&text);
            }
        }
    }
    Ok(if missing { Datum::Missing } else { Datum::Text(joined.into()) })
}

fn calculate(
    left: &Datum<'_>,
    right: &Datum<'_>,
    with: fn(Number, Number) -> Result<Number, Fault>,
) -> Result<Datum<'static>, Fault> {
    match (operand(left)?, operand(right)?) {
        (Some(left), Some(right)) => with(left, right).map(Datum::Number),
        _ => Ok(Datum::Missing),
    }
}

/// The number to calculate with. Blank text, which an `if` without `else` gives, counts as missing.
fn operand(value: &Datum<'_>) -> Result<Option<Number>, Fault> {
    match value {
        Datum::Number(number) => Ok(Some(*number)),
        blank if blank.is_blank() => Ok(None),
        _ => Err(Fault::new("a text where a number is needed; write `| number`")),
    }
}

fn order(left: &Datum<'_>, right: &Datum<'_>, holds: fn(Ordering) -> bool) -> Result<Datum<'static>, Fault> {
    let ordering = match (left, right) {
        (Datum::Number(left), Datum::Number(right)) => left.cmp(right),
        (Datum::Text(left), Datum::Text(right)) => left.cmp(right),
        (Datum::Number(_), blank) | (blank, Datum::Number(_)) if blank.is_blank() => {
            return Ok(Datum::Missing);
        }
        _ => return Err(Fault::new("an order between values of different kinds; write `| number`")),
    };
    Ok(Datum::Bool(holds(ordering)))
}

/// A member of a list, or a part of a text. Where a missing item might be the one, the answer is missing.
fn contains(whole: &Datum<'_>, part: &Datum<'_>) -> Result<Datum<'static>, Fault> {
    match (whole, part) {
        (Datum::List(items), part) if items.contains(part) => Ok(Datum::Bool(true)),
        (Datum::List(items), _) if items.contains(&Datum::Missing) => Ok(Datum::Missing),
        (Datum::List(_), _) => Ok(Datum::Bool(false)),
        (Datum::Text(whole), Datum::Text(part)) => Ok(Datum::Bool(whole.contains(&**part))),
        _ => Err(Fault::new("`in` looks in a list or in a text")),
    }
}
