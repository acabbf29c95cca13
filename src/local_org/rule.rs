//! Validation rules: when a record must be refused, in minijinja's expressions over the record's fields.
//!
//! The only file of the local org that names minijinja. Must not know HTTP, jobs or storage.

use crate::model::FieldType;
use minijinja::value::Value;
use minijinja::{Environment, Expression, UndefinedBehavior};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The engine, made once: making it costs more than evaluating a rule.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    engine
});

/// A rule of an object: records for which `when` is true are refused with `message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) when: String,
    pub(crate) message: String,
    /// The field the message stands at, if any.
    pub(crate) field: Option<String>,
    /// Names that `when` mentions.
    pub(crate) names: Vec<String>,
}

/// Names that a rule's expression mentions.
///
/// # Errors
/// Why it is no expression.
pub(crate) fn names(when: &str) -> Result<Vec<String>, String> {
    let expression = ENGINE.compile_expression(when).map_err(|e| e.to_string())?;
    let mut names: Vec<String> = expression
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !ENGINE.globals().any(|(global, _)| global == name))
        .collect();
    names.sort();
    Ok(names)
}

/// A rule ready to be asked; made once for many records.
pub(crate) struct Compiled<'r> {
    pub(crate) rule: &'r Rule,
    expression: Option<Expression<'r, 'r>>,
}

/// Makes a rule ready.
pub(crate) fn compile(rule: &Rule) -> Compiled<'_> {
    Compiled { rule, expression: ENGINE.compile_expression(&rule.when).ok() }
}

impl Compiled<'_> {
    /// Whether the rule refuses a record, given the stored texts of the fields it mentions. A blank text is `none`, a
    /// blank number or date is undefined: compared, it makes the rule fail to evaluate, and such a rule refuses
    /// nothing, as a formula over blanks is not true. `not Amount` tells a blank (or zero) one.
    pub(crate) fn refuses(&self, get: &mut dyn FnMut(&str) -> (FieldType, Option<String>)) -> bool {
        let Some(expression) = &self.expression else { return false };
        let context: BTreeMap<String, Value> =
            self.rule.names.iter().map(|name| (name.clone(), value(get(name)))).collect();
        expression.eval(Value::from(context)).is_ok_and(|v| v.is_true())
    }
}

fn value((kind, text): (FieldType, Option<String>)) -> Value {
    use FieldType::{Boolean, Currency, Date, DateTime, Double, Int, Long, Percent, Time};
    let Some(text) = text else {
        return match kind {
            Boolean => Value::from(false),
            Int | Long | Double | Currency | Percent | Date | DateTime | Time => Value::UNDEFINED,
            _ => Value::from(()),
        };
    };
    match kind {
        Boolean => Value::from(text == "1" || text == "true"),
        Int | Long => text.parse::<i64>().map_or(Value::from(text), Value::from),
        Double | Currency | Percent => text.parse::<f64>().map_or(Value::from(text), Value::from),
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{Rule, compile, names};
    use crate::model::FieldType;

    #[test]
    fn partner_needs_phone() {
        let when = "Type == \"Partner\" and not Phone";
        assert_eq!(names(when).unwrap(), ["Phone", "Type"]);
        assert!(names("Type ==").is_err());
        let rule = Rule {
            name: "r".into(),
            when: when.into(),
            message: "m".into(),
            field: None,
            names: names(when).unwrap(),
        };
        let record = |kind: &'static str, phone: Option<&'static str>| {
            compile(&rule).refuses(&mut |name| {
                let text = if name == "Type" { Some(kind) } else { phone };
                (FieldType::String, text.map(str::to_owned))
            })
        };
        assert!(record("Partner", None));
        assert!(!record("Partner", Some("1")) && !record("Customer", None));
    }

    #[test]
    fn a_blank_number_refuses_nothing() {
        let rule = Rule {
            name: "r".into(),
            when: "Amount < 0".into(),
            message: "m".into(),
            field: None,
            names: vec!["Amount".into()],
        };
        assert!(!compile(&rule).refuses(&mut |_| (FieldType::Currency, None)));
        assert!(compile(&rule).refuses(&mut |_| (FieldType::Currency, Some("-1.0".into()))));
    }
}
