//! Limit sets in a file of their own: the same `[[limits]]` tables, read, checked and reported as
//! in the configuration that they are loaded over.

use super::build;
use super::check;
use super::context::{Context, Step};
use super::fault::{Fault, FaultKind, Origin, Report};
use super::keys;
use super::load::{Loaded, Sources, insert};
use super::node::{Node, Value, parse_file};
use super::reader::Reader;
use std::rc::Rc;

/// The one key of such a file.
const LIMITS: &str = "limits";

impl Sources {
    /// Loads this configuration with the `[[limits]]` of `text` in place of its own. `file` names
    /// that text in faults.
    ///
    /// # Errors
    /// The report of every fault: of a configuration that loads by itself, those of the limits.
    pub fn load_with_limits(&self, file: &str, text: &str) -> Result<Loaded, Report> {
        let cx = Context::default();
        let mut faults = Vec::new();
        let mut root = parse_file(&self.file, &self.text, &mut faults);
        let tables = parse_file(file, text, &mut faults);
        if faults.is_empty() {
            replace(&mut root, tables, file, &mut faults);
        }
        if !faults.is_empty() {
            return Err(Report { faults }.sorted());
        }
        let config = build::config(&Reader::root(&cx, &root, &keys::ROOT));
        check::check(&cx, &config);
        Loaded::of(cx, config)
    }
}

/// Puts the limits of one tree into another.
fn replace(root: &mut Node, tables: Node, file: &str, faults: &mut Vec<Fault>) {
    let (Value::Table(members), Value::Table(tables)) = (&mut root.value, tables.value) else {
        return;
    };
    let fault = |kind, origin, key: String, wrong: &str, remedy: &str| Fault {
        kind,
        origin,
        key,
        wrong: wrong.to_owned(),
        allowed: "[[limits]]".to_owned(),
        remedy: remedy.to_owned(),
    };
    let (limits, others): (Vec<_>, Vec<_>) = tables.into_iter().partition(|(key, _)| key == LIMITS);
    faults.extend(others.into_iter().map(|(key, node)| {
        let wrong = "a limit set holds limit tables and nothing else";
        fault(FaultKind::UnknownKey, node.origin, key, wrong, "take it out")
    }));
    if limits.is_empty() {
        let origin = Origin::File { file: Rc::from(file), line: 0, column: 0 };
        let remedy = "write every limit; no limit is written \"unlimited\"";
        faults.push(fault(FaultKind::Missing, origin, LIMITS.to_owned(), "missing", remedy));
    }
    members.retain(|(key, _)| key != LIMITS);
    members.extend(limits);
}

impl Loaded {
    /// The `[[limits]]` tables as TOML: what was written, in whatever layer.
    #[must_use]
    pub fn limits_toml(&self) -> String {
        let mut root = toml::Table::new();
        let is_limit = |first: &Step| *first == Step::Key(LIMITS.to_owned());
        for entry in self.entries().iter().filter(|entry| entry.origin != Origin::Default) {
            if entry.steps.first().is_some_and(is_limit) {
                insert(&mut root, &entry.steps, &entry.value);
            }
        }
        root.to_string()
    }
}
