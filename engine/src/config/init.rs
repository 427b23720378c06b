//! The commented default configuration, and the list of keys for people.

use super::keys::{self, KINDS};
use super::spec::{Kind, Need, Table};

/// A key, as a person asks about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// Its path; `*` stands for the name of an element.
    pub key: String,
    /// What it takes.
    pub allowed: String,
    /// `required`, `optional`, or the default.
    pub default: String,
    /// The part of the engine that reads it.
    pub reader: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// A commented configuration that loads as it is, with every key in it: what `config init` writes.
#[must_use]
pub const fn init() -> &'static str {
    include_str!("init.toml")
}

/// Every key, in the order of the file.
#[must_use]
pub fn key_list() -> Vec<KeyDoc> {
    let mut list = Vec::new();
    collect(&keys::ROOT, "", &mut list);
    list
}

fn collect(table: &Table, path: &str, list: &mut Vec<KeyDoc>) {
    for field in table.fields {
        let key = super::context::join(path, field.key);
        match field.kind {
            Kind::Table(inner) => collect(inner, &key, list),
            Kind::Tables { table: inner, .. } => collect(inner, &format!("{key}.*"), list),
            Kind::Params => {
                for kind in KINDS {
                    collect(keys::params_of(kind), &format!("{key}({kind})"), list);
                }
            }
            kind => list.push(KeyDoc {
                key,
                allowed: kind.allowed(),
                default: match field.need {
                    Need::Must => "required".to_owned(),
                    Need::May => "optional".to_owned(),
                    Need::Default(text) => text.to_owned(),
                },
                reader: field.reader,
                doc: field.doc,
            }),
        }
    }
}
