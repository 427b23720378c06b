//! The configuration as a tree of values that know where they came from, before anybody has looked
//! at what they mean.

use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, FaultKind, Origin};

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// What a layer wrote.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text of a layer without types (environment, command line, defaults): the key decides.
    Raw(String),
    Text(String),
    Int(i64),
    Bool(bool),
    /// A type no key takes (floating point, date), or a number out of `i64`; with its TOML name.
    Alien(&'static str),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl Value {
    /// The TOML name of the type, as a fault says it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Raw(_) | Self::Text(_) => "text",
            Self::Int(_) => "a whole number",
            Self::Bool(_) => "true or false",
            Self::Alien(name) => name,
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    /// The member of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(members) => {
                members.iter().find(|(name, _)| name == key).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The text of a member that is text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Text(text) | Value::Raw(text)) => Some(text),
            _ => None,
        }
    }
}

/// Turns byte offsets of one text into origins.
struct Places<'a> {
    file: Rc<str>,
    text: &'a str,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&char| char != '\n').count() + 1;
        Origin::File { file: Rc::clone(&self.file), line, column }
    }
}

/// Parses a file. All syntax faults are returned; the tree holds what could be read.
pub(super) fn parse_file(file: &str, text: &str, faults: &mut Vec<Fault>) -> Node {
    let places = Places { file: Rc::from(file), text };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        faults.push(Fault {
            kind: FaultKind::Syntax,
            origin: places.at(error.span().map_or(0, |span| span.start)),
            key: String::new(),
            wrong: format!("not TOML: {}", error.message().replace('\n', ", ")),
            allowed: String::new(),
            remedy: "mend the syntax".to_owned(),
        });
    }
    Node { origin: places.at(0), value: table_of(&places, table.into_inner()) }
}

/// Parses a table or list written in a layer without types; each value in it gets that origin.
pub(super) fn parse_inline(text: &str, origin: &Origin) -> Result<Value, String> {
    let places = Places { file: Rc::from(""), text: "" };
    let value = DeValue::parse(text).map_err(|error| error.message().replace('\n', ", "))?;
    let mut node = node_of(&places, value);
    relabel(&mut node, origin);
    Ok(node.value)
}

fn relabel(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| relabel(item, origin)),
        Value::Table(members) => members.iter_mut().for_each(|(_, member)| relabel(member, origin)),
        _ => {}
    }
}

fn table_of(places: &Places<'_>, table: DeTable<'_>) -> Value {
    let mut members: Vec<(usize, String, Node)> = table
        .into_iter()
        .map(|(key, value)| {
            let at = key.span().start;
            let mut node = node_of(places, value);
            // A key is what a person looks for: the place of a table or list is that of its key,
            // the place of a plain value is the value itself.
            if matches!(node.value, Value::Table(_)) {
                node.origin = places.at(at);
            }
            (at, key.into_inner().into_owned(), node)
        })
        .collect();
    members.sort_by_key(|(at, ..)| *at);
    Value::Table(members.into_iter().map(|(_, key, node)| (key, node)).collect())
}

fn node_of(places: &Places<'_>, value: Spanned<DeValue<'_>>) -> Node {
    let origin = places.at(value.span().start);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => {
            match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Alien("a number beyond 64 bits"),
            }
        }
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Float(_) => Value::Alien("a floating-point number"),
        DeValue::Datetime(_) => Value::Alien("a date"),
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| node_of(places, item)).collect())
        }
        DeValue::Table(table) => table_of(places, table),
    };
    Node { value, origin }
}
