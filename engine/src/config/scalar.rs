//! One value against one key: the type, the range, and the words for what does not fit.

use shm::units::decimal::{DecimalError, parse_scaled};

use super::fault::{FaultKind, did_you_mean};
use super::forms::Form;
use super::node::{Node, Value};
use super::spec::Kind;

/// A value that fits its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Flag(bool),
    Int(i64),
    /// In units of the key's scale.
    Decimal(i128),
    Unlimited,
    Text(String),
    /// The index of the word among the key's words.
    Choice(usize),
    Texts(Vec<String>),
    /// `None` for `auto`.
    Cores(Option<Vec<usize>>),
}

/// Why a value does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) kind: FaultKind,
    pub(super) wrong: String,
    pub(super) remedy: String,
}

fn out_of_range(wrong: String, remedy: &str) -> Misfit {
    Misfit { kind: FaultKind::OutOfRange, wrong, remedy: remedy.to_owned() }
}

fn wrong_type(value: &Value, remedy: &str) -> Misfit {
    Misfit {
        kind: FaultKind::WrongType,
        wrong: format!("{} does not fit here", value.type_name()),
        remedy: remedy.to_owned(),
    }
}

/// Reads a value as a key of this kind takes it. Tables are not values.
pub(super) fn read(kind: &Kind, value: &Value) -> Result<Scalar, Misfit> {
    match kind {
        Kind::Flag => match value {
            Value::Bool(flag) => Ok(Scalar::Flag(*flag)),
            Value::Raw(text) if text == "true" => Ok(Scalar::Flag(true)),
            Value::Raw(text) if text == "false" => Ok(Scalar::Flag(false)),
            other => Err(wrong_type(other, "write true or false, without quotes")),
        },
        Kind::Int { min, max, power_of_two, unlimited, .. } => {
            int(value, (*min, *max), *power_of_two, *unlimited)
        }
        Kind::Decimal { scale, min, unlimited, .. } => match value {
            Value::Text(text) | Value::Raw(text) if *unlimited && text == "unlimited" => {
                Ok(Scalar::Unlimited)
            }
            Value::Text(text) | Value::Raw(text) => {
                let number = parse_scaled(text, scale.decimals()).map_err(|error| {
                    let kind = match error {
                        DecimalError::Syntax => FaultKind::WrongType,
                        DecimalError::TooFine | DecimalError::Range => FaultKind::OutOfRange,
                    };
                    Misfit { kind, wrong: format!("{text:?}: {error}"), remedy: String::new() }
                })?;
                if number > scale.max() {
                    let most = scale.max_text();
                    let wrong = format!("{text:?} is out of range, which ends at {most}");
                    return Err(out_of_range(wrong, "write a smaller one"));
                }
                if number < *min {
                    return Err(out_of_range(format!("{text:?} is out of range"), ""));
                }
                Ok(Scalar::Decimal(number))
            }
            other => Err(wrong_type(other, "write the number in quotes, so that it stays exact")),
        },
        Kind::Text(form) => match value {
            Value::Text(text) | Value::Raw(text) => one_text(*form, text),
            other => Err(wrong_type(other, "write it in quotes")),
        },
        Kind::Choice(words) => match value {
            Value::Text(text) | Value::Raw(text) => {
                words.iter().position(|word| word == text).map(Scalar::Choice).ok_or_else(|| {
                    let remedy = did_you_mean(text, words.iter().copied());
                    out_of_range(format!("{text:?} is none of the words"), &remedy)
                })
            }
            other => Err(wrong_type(other, "write one of the words, in quotes")),
        },
        Kind::Texts(form) => texts(*form, value),
        Kind::Cores => cores(value),
        Kind::Table(_) | Kind::Params => Err(wrong_type(value, "write a table")),
        Kind::Tables { .. } => Err(wrong_type(value, "write a list of tables")),
    }
}

fn int(
    value: &Value,
    (min, max): (i64, i64),
    power_of_two: bool,
    unlimited: bool,
) -> Result<Scalar, Misfit> {
    let number = match value {
        Value::Int(number) => *number,
        Value::Text(text) | Value::Raw(text) if unlimited && text == "unlimited" => {
            return Ok(Scalar::Unlimited);
        }
        Value::Raw(text) => match text.replace('_', "").parse() {
            Ok(number) => number,
            Err(_) => return Err(wrong_type(value, "write a whole number")),
        },
        Value::Text(_) => return Err(wrong_type(value, "write the number without quotes")),
        other => return Err(wrong_type(other, "write a whole number")),
    };
    if number < min || number > max {
        return Err(out_of_range(format!("{number} is out of range"), ""));
    }
    if power_of_two && !number.unsigned_abs().is_power_of_two() {
        let above = number.unsigned_abs().next_power_of_two();
        let remedy = format!("the next one above is {above}");
        return Err(out_of_range(format!("{number} is not a power of two"), &remedy));
    }
    Ok(Scalar::Int(number))
}

fn one_text(form: Form, text: &str) -> Result<Scalar, Misfit> {
    if form.holds(text) {
        return Ok(Scalar::Text(text.to_owned()));
    }
    // A variable's name is not repeated: what stands there by mistake may be the secret itself.
    let wrong = if form == Form::Variable {
        "the text is no name of a variable".to_owned()
    } else {
        format!("{text:?} does not fit")
    };
    Err(out_of_range(wrong, ""))
}

fn texts(form: Form, value: &Value) -> Result<Scalar, Misfit> {
    let Value::List(items) = value else {
        return Err(wrong_type(value, "write a list in [ ]"));
    };
    let mut all = Vec::with_capacity(items.len());
    for Node { value, .. } in items {
        let (Value::Text(text) | Value::Raw(text)) = value else {
            return Err(wrong_type(value, "write each element in quotes"));
        };
        one_text(form, text)?;
        if all.contains(text) {
            return Err(out_of_range(format!("{text:?} stands there twice"), "write it once"));
        }
        all.push(text.clone());
    }
    if all.is_empty() {
        return Err(out_of_range("the list is empty".to_owned(), "name at least one"));
    }
    Ok(Scalar::Texts(all))
}

fn cores(value: &Value) -> Result<Scalar, Misfit> {
    let items = match value {
        Value::Text(text) | Value::Raw(text) if text == "auto" => return Ok(Scalar::Cores(None)),
        Value::List(items) => items,
        other => return Err(wrong_type(other, "write \"auto\" or a list as [0, 1]")),
    };
    let mut all = Vec::with_capacity(items.len());
    for Node { value, .. } in items {
        let core = match int(value, (0, 1023), false, false)? {
            Scalar::Int(core) => usize::try_from(core).unwrap_or(0),
            _ => return Err(wrong_type(value, "write a whole number")),
        };
        if all.contains(&core) {
            return Err(out_of_range(format!("core {core} stands there twice"), "write it once"));
        }
        all.push(core);
    }
    if all.is_empty() {
        return Err(out_of_range("the list is empty".to_owned(), "name at least one"));
    }
    Ok(Scalar::Cores(Some(all)))
}

/// The value as TOML, in the type that the key takes whatever layer it came from.
pub(super) fn to_toml(kind: &Kind, scalar: &Scalar, written: &Value) -> toml::Value {
    match scalar {
        Scalar::Flag(flag) => toml::Value::Boolean(*flag),
        Scalar::Int(number) => toml::Value::Integer(*number),
        Scalar::Unlimited => toml::Value::String("unlimited".to_owned()),
        Scalar::Text(text) => toml::Value::String(text.clone()),
        Scalar::Decimal(_) => match written {
            Value::Text(text) | Value::Raw(text) => toml::Value::String(text.clone()),
            _ => toml::Value::String(String::new()),
        },
        Scalar::Choice(index) => match kind {
            Kind::Choice(words) => {
                toml::Value::String(words.get(*index).copied().unwrap_or_default().to_owned())
            }
            _ => toml::Value::String(String::new()),
        },
        Scalar::Texts(texts) => {
            toml::Value::Array(texts.iter().cloned().map(toml::Value::String).collect())
        }
        Scalar::Cores(None) => toml::Value::String("auto".to_owned()),
        Scalar::Cores(Some(cores)) => toml::Value::Array(
            cores
                .iter()
                .map(|core| toml::Value::Integer(i64::try_from(*core).unwrap_or(0)))
                .collect(),
        ),
    }
}
