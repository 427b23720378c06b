//! What a load collects on its way through the tree: faults, values, and where each was written.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::fault::{Fault, FaultKind, Origin};
use super::node::Node;
use super::spec::Table;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// A value that was read: where it stands, what it is, who said so.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) steps: Vec<Step>,
    pub(super) path: String,
    pub(super) value: toml::Value,
    pub(super) origin: Origin,
}

/// What a load collects.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) faults: RefCell<Vec<Fault>>,
    pub(super) entries: RefCell<Vec<Entry>>,
    /// Origins of tables and of values, by path, for faults found later.
    pub(super) origins: RefCell<Vec<(String, Origin)>>,
    /// Keys that somebody asked for, as `table key`: the test that no key goes unread.
    pub(super) asked: RefCell<BTreeSet<String>>,
}

impl Context {
    pub(super) fn fault(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    /// The origin of a path, or of the nearest table above it.
    pub(super) fn origin_of(&self, path: &str) -> Origin {
        let origins = self.origins.borrow();
        let mut path = path;
        loop {
            if let Some((_, origin)) = origins.iter().find(|(known, _)| known == path) {
                return origin.clone();
            }
            match path.rfind('.') {
                Some(end) => path = path.get(..end).unwrap_or(""),
                None => return Origin::Default,
            }
        }
    }

    /// Notes a fault between keys, at the origin of one of them.
    pub(super) fn cross(&self, path: &str, wrong: String, allowed: &str, remedy: String) {
        self.fault(Fault {
            kind: FaultKind::Cross,
            origin: self.origin_of(path),
            key: path.to_owned(),
            wrong,
            allowed: allowed.to_owned(),
            remedy,
        });
    }
}

impl Context {
    /// Notes that no scope states a limit.
    pub(super) fn missing_limit(&self, key: &str, wrong: &str) {
        let (group, last) = key.split_once('.').unwrap_or(("", key));
        let kind = super::keys::limit_kind(group, last);
        self.fault(Fault {
            kind: FaultKind::Missing,
            origin: self.origin_of("limits"),
            key: format!("limits.{key}"),
            wrong: format!("missing: {wrong}"),
            allowed: kind.map(|kind| kind.allowed()).unwrap_or_default(),
            remedy: "write it in one of them, or in a new one; no limit is written \"unlimited\""
                .to_owned(),
        });
    }
}

/// What an element of a list is called in paths: its name, else its number from 0.
pub(super) fn element_name(table: &Table, item: &Node, index: usize) -> String {
    table
        .named_by
        .and_then(|key| item.text(key))
        .filter(|name| !name.is_empty() && !name.contains('.'))
        .map_or_else(|| index.to_string(), str::to_owned)
}

/// A path and one more key.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
