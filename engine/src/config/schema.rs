//! The JSON schema of the configuration, for editors; made from the list of keys.

use schemars::Schema;
use serde_json::{Map, Value, json};

use super::forms::Form;
use super::keys::{self, KINDS};
use super::spec::{Field, Kind, Need, Scale, Table};

/// The schema (draft 2020-12). A file that it accepts may still have faults between keys; a file
/// that it refuses, the loader refuses too.
#[must_use]
pub fn schema() -> Schema {
    let mut root = table(&keys::ROOT);
    root.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".into(), json!("Wirelane configuration"));
    Schema::from(root)
}

fn table(table: &Table) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in table.fields {
        properties.insert(field.key.to_owned(), Value::Object(property(field)));
        if field.need == Need::Must {
            required.push(json!(field.key));
        }
    }
    let mut map = Map::new();
    map.insert("type".into(), json!("object"));
    map.insert("properties".into(), Value::Object(properties));
    map.insert("additionalProperties".into(), json!(false));
    if !required.is_empty() {
        map.insert("required".into(), Value::Array(required));
    }
    if table.field("wiring").is_some() {
        map.insert("allOf".into(), Value::Array(KINDS.iter().map(|kind| params(kind)).collect()));
    }
    map
}

/// If the kind is this one, the parameters are these.
fn params(kind: &str) -> Value {
    json!({
        "if": {"properties": {"wiring": {"properties": {"kind": {"const": kind}}}}},
        "then": {"properties": {"params": table(keys::params_of(kind))}}
    })
}

fn property(field: &Field) -> Map<String, Value> {
    let mut map = kind(&field.kind);
    map.insert("description".into(), json!(field.doc));
    if let Need::Default(text) = field.need
        && let Some(default) = default(&field.kind, text)
    {
        map.insert("default".into(), default);
    }
    map
}

fn default(kind: &Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Flag => Some(json!(text == "true")),
        Kind::Int { .. } => text.parse::<i64>().ok().map(Value::from),
        Kind::Table(_) | Kind::Tables { .. } | Kind::Params => None,
        _ => Some(json!(text)),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn kind(kind: &Kind) -> Map<String, Value> {
    match kind {
        Kind::Flag => object(json!({"type": "boolean"})),
        Kind::Int { min, max, power_of_two, unlimited, .. } => {
            let number = if *power_of_two {
                let powers: Vec<i64> =
                    (0..63).map(|bit| 1_i64 << bit).filter(|n| n >= min && n <= max).collect();
                json!({"enum": powers})
            } else {
                json!({"type": "integer", "minimum": min, "maximum": max})
            };
            object(if *unlimited { json!({"anyOf": [number, unlimited_word()]}) } else { number })
        }
        Kind::Decimal { scale, unlimited, .. } => {
            let text = json!({"type": "string", "pattern": decimal_pattern(*scale)});
            object(if *unlimited { json!({"anyOf": [text, unlimited_word()]}) } else { text })
        }
        Kind::Text(form) => text(*form),
        Kind::Choice(words) => object(json!({"enum": words})),
        Kind::Texts(form) => object(
            json!({"type": "array", "items": text(*form), "minItems": 1, "uniqueItems": true}),
        ),
        Kind::Cores => object(json!({"anyOf": [
            {"const": "auto"},
            {"type": "array", "minItems": 1, "uniqueItems": true,
             "items": {"type": "integer", "minimum": 0, "maximum": 1023}}
        ]})),
        Kind::Table(inner) => table(inner),
        Kind::Tables { table: inner, min, max } => object(
            json!({"type": "array", "items": table(inner), "minItems": min, "maxItems": max}),
        ),
        Kind::Params => object(json!({"type": "object"})),
    }
}

fn unlimited_word() -> Value {
    json!({"const": "unlimited"})
}

fn decimal_pattern(scale: Scale) -> String {
    format!("^\\+?([0-9]+(\\.[0-9]{{0,{0}}}0*)?|\\.[0-9]{{1,{0}}}0*)$", scale.decimals())
}

/// The form as far as a pattern can say it.
fn text(form: Form) -> Map<String, Value> {
    let name = "[a-z][a-z0-9_-]{0,31}";
    let pattern = match form {
        Form::Name => format!("^{name}$"),
        Form::Currency => "^[A-Z0-9]{3,8}$".to_owned(),
        Form::Path | Form::PathOrAuto | Form::Zone => "^.+$".to_owned(),
        Form::Address => "^.+:[0-9]{1,5}$".to_owned(),
        Form::Date => "^(auto|[0-9]{4}-[0-9]{2}-[0-9]{2})$".to_owned(),
        Form::Variable => "^[A-Za-z_][A-Za-z0-9_]*$".to_owned(),
        Form::User => "^[A-Za-z0-9]{1,6}$".to_owned(),
        Form::Venue | Form::SymbolOrAll => "^[!-~]{1,8}$".to_owned(),
        Form::Stage => format!("^(feed|strategy|risk|gateway|(feed|strategy|gateway):{name})$"),
        Form::Scope => format!("^(firm|(account|strategy):{name}|instrument:[!-~]{{1,8}})$"),
        Form::Hours => "^(always|[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])$".to_owned(),
        Form::Speed => "^(max|\\+?[0-9]*\\.?[0-9]*)$".to_owned(),
    };
    let mut map = object(json!({"type": "string", "pattern": pattern}));
    map.insert("$comment".into(), json!(form.describe()));
    map
}
