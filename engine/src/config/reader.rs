//! Reads the tree key by key against the list of keys, collecting faults and origins on the way.
//!
//! A reader never stops at a fault: it notes it and hands out a harmless value, so that one load
//! finds everything. No configuration leaves the loader while a fault is noted.

use std::path::{Path, PathBuf};

use super::context::{Context, Entry, Step, element_name, join};
use super::fault::{Fault, FaultKind, Origin, did_you_mean};
use super::limits::Limit;
use super::node::{Node, Value};
use super::scalar::{self, Misfit, Scalar};
use super::spec::{Field, Kind, Need, Table};

/// One table of the tree.
pub(super) struct Reader<'a> {
    cx: &'a Context,
    node: Option<&'a Node>,
    table: &'static Table,
    origin: Origin,
    steps: Vec<Step>,
    path: String,
    /// The whole table is missing, which is a fault already: its keys are not missed one by one.
    silent: bool,
}

impl<'a> Reader<'a> {
    /// The reader of the whole tree.
    pub(super) fn root(cx: &'a Context, node: &'a Node, table: &'static Table) -> Self {
        Self::open(cx, Some(node), table, node.origin.clone(), Vec::new(), String::new())
    }

    fn open(
        cx: &'a Context,
        node: Option<&'a Node>,
        table: &'static Table,
        origin: Origin,
        steps: Vec<Step>,
        path: String,
    ) -> Self {
        cx.origins.borrow_mut().push((path.clone(), origin.clone()));
        let reader = Self { cx, node, table, origin, steps, path, silent: false };
        if let Some(Node { value: Value::Table(members), .. }) = node {
            for (key, member) in members {
                if table.field(key).is_none() {
                    reader.unknown(key, member);
                }
            }
        }
        reader
    }

    fn unknown(&self, key: &str, member: &Node) {
        let lower = key.to_ascii_lowercase();
        let secret = ["password", "passwd", "secret", "token", "api_key", "private_key"]
            .iter()
            .any(|word| lower.contains(word));
        let (kind, wrong, remedy) = if secret {
            (
                FaultKind::Secret,
                "a secret may not stand in the configuration".to_owned(),
                "take it out, change it, put the new one in an environment variable and name that \
                 variable in password_env"
                    .to_owned(),
            )
        } else {
            let keys = self.table.fields.iter().map(|field| field.key);
            (FaultKind::UnknownKey, "no such key".to_owned(), did_you_mean(key, keys))
        };
        let key = join(&self.path, key);
        let allowed = String::new();
        self.cx.fault(Fault { kind, origin: member.origin.clone(), key, wrong, allowed, remedy });
    }

    /// Notes a fault between keys at one key of this table.
    pub(super) fn cross(&self, key: &str, wrong: String, allowed: &str, remedy: String) {
        let written = self.node.and_then(|node| node.get(key));
        self.cx.fault(Fault {
            kind: FaultKind::Cross,
            origin: written.map_or_else(|| self.origin.clone(), |node| node.origin.clone()),
            key: join(&self.path, key),
            wrong,
            allowed: allowed.to_owned(),
            remedy,
        });
    }

    /// Notes that a key is missing which must be written because of another one.
    pub(super) fn missing_because(&self, key: &'static str, because: &str) {
        self.cx.fault(Fault {
            kind: FaultKind::Missing,
            origin: self.origin.clone(),
            key: join(&self.path, key),
            wrong: format!("missing: {because}"),
            allowed: self.field(key).kind.allowed(),
            remedy: "write it".to_owned(),
        });
    }

    /// Whether a key is written in any layer.
    pub(super) fn has(&self, key: &str) -> bool {
        self.node.is_some_and(|node| node.get(key).is_some())
    }

    /// A path: one that a file names is relative to that file, and is noted joined to it.
    pub(super) fn file_path(&self, key: &'static str) -> PathBuf {
        let mut path = PathBuf::from(self.text(key));
        if let Some(Origin::File { file, .. }) =
            self.node.and_then(|node| node.get(key)).map(|node| &node.origin)
            && let Some(folder) = Path::new(&**file).parent()
        {
            path = folder.join(path);
        }
        let mut entries = self.cx.entries.borrow_mut();
        if let Some(entry) = entries.last_mut().filter(|entry| entry.path == join(&self.path, key))
        {
            entry.value = toml::Value::String(path.display().to_string());
        }
        path
    }

    fn field(&self, key: &'static str) -> &'static Field {
        self.cx.asked.borrow_mut().insert(format!("{:p} {key}", self.table));
        // The list of keys is ours: a key that is asked for and not in it is a defect of the
        // loader.
        self.table.field(key).unwrap_or_else(|| unreachable!("{key} is not in the list of keys"))
    }

    fn note(&self, field: &Field, origin: Origin, misfit: Misfit) {
        self.cx.fault(Fault {
            kind: misfit.kind,
            origin,
            key: join(&self.path, field.key),
            wrong: misfit.wrong,
            allowed: field.kind.allowed(),
            remedy: misfit.remedy,
        });
    }

    fn missing(&self, field: &Field) {
        self.cx.fault(Fault {
            kind: FaultKind::Missing,
            origin: self.origin.clone(),
            key: join(&self.path, field.key),
            wrong: "missing".to_owned(),
            allowed: field.kind.allowed(),
            remedy: "it has no default, write it".to_owned(),
        });
    }

    /// The value of a key; `None` when it is absent without default, or does not fit (noted).
    fn scalar(&self, key: &'static str) -> Option<Scalar> {
        let field = self.field(key);
        if self.silent {
            return None;
        }
        let (value, origin) = match self.node.and_then(|node| node.get(key)) {
            Some(node) => (node.value.clone(), node.origin.clone()),
            None => match field.need {
                Need::Default(text) => (Value::Raw(text.to_owned()), Origin::Default),
                Need::May => return None,
                Need::Must => {
                    self.missing(field);
                    return None;
                }
            },
        };
        let path = join(&self.path, key);
        self.cx.origins.borrow_mut().push((path.clone(), origin.clone()));
        match scalar::read(&field.kind, &value) {
            Ok(scalar) => {
                let mut steps = self.steps.clone();
                steps.push(Step::Key(key.to_owned()));
                let value = scalar::to_toml(&field.kind, &scalar, &value);
                self.cx.entries.borrow_mut().push(Entry { steps, path, value, origin });
                Some(scalar)
            }
            Err(misfit) => {
                self.note(field, origin, misfit);
                None
            }
        }
    }

    /// A flag; false on a fault.
    pub(super) fn flag(&self, key: &'static str) -> bool {
        matches!(self.scalar(key), Some(Scalar::Flag(true)))
    }

    /// A whole number that may be absent.
    pub(super) fn int_opt<T: TryFrom<i64>>(&self, key: &'static str) -> Option<T> {
        match self.scalar(key) {
            Some(Scalar::Int(number)) => T::try_from(number).ok(),
            _ => None,
        }
    }

    /// A whole number; zero on a fault.
    pub(super) fn int<T: TryFrom<i64> + Default>(&self, key: &'static str) -> T {
        self.int_opt(key).unwrap_or_default()
    }

    /// A decimal in units of its scale; zero on a fault.
    pub(super) fn decimal<T: TryFrom<i128> + Default>(&self, key: &'static str) -> T {
        match self.scalar(key) {
            Some(Scalar::Decimal(number)) => T::try_from(number).unwrap_or_default(),
            _ => T::default(),
        }
    }

    /// A limit in whole numbers.
    pub(super) fn limit_int<T>(&self, key: &'static str, make: fn(u64) -> T) -> Limit<T> {
        match self.scalar(key) {
            Some(Scalar::Int(number)) => Limit::Max(make(number.unsigned_abs())),
            Some(Scalar::Unlimited) => Limit::Unlimited,
            _ => Limit::Missing,
        }
    }

    /// A limit in units of its scale.
    pub(super) fn limit_decimal<T>(&self, key: &'static str, make: fn(i128) -> T) -> Limit<T> {
        match self.scalar(key) {
            Some(Scalar::Decimal(number)) => Limit::Max(make(number)),
            Some(Scalar::Unlimited) => Limit::Unlimited,
            _ => Limit::Missing,
        }
    }

    /// A text that may be absent.
    pub(super) fn text_opt(&self, key: &'static str) -> Option<String> {
        match self.scalar(key) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text; empty on a fault.
    pub(super) fn text(&self, key: &'static str) -> String {
        self.text_opt(key).unwrap_or_default()
    }

    /// A text that parses by its form.
    pub(super) fn parsed_opt<T: std::str::FromStr>(&self, key: &'static str) -> Option<T> {
        self.text_opt(key).and_then(|text| text.parse().ok())
    }

    /// A word that may be absent, as the value at the same place of `values`.
    pub(super) fn choice_opt<T: Copy>(&self, key: &'static str, values: &[T]) -> Option<T> {
        match self.scalar(key) {
            Some(Scalar::Choice(index)) => values.get(index).copied(),
            _ => None,
        }
    }

    /// A word; the first on a fault.
    pub(super) fn choice<T: Copy + Default>(&self, key: &'static str, values: &[T]) -> T {
        self.choice_opt(key, values).unwrap_or_default()
    }

    /// A list of texts; empty on a fault.
    pub(super) fn texts(&self, key: &'static str) -> Vec<String> {
        match self.scalar(key) {
            Some(Scalar::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }

    /// A list of cores; `None` for `auto` and on a fault.
    pub(super) fn cores(&self, key: &'static str) -> Option<Vec<usize>> {
        match self.scalar(key) {
            Some(Scalar::Cores(cores)) => cores,
            _ => None,
        }
    }

    /// A table that may be absent; an empty one where the default says so.
    pub(super) fn table_opt(&self, key: &'static str) -> Option<Self> {
        let field = self.field(key);
        match field.kind {
            Kind::Table(table) => self.sub_table(field, table),
            _ => unreachable!("{key} is no table in the list of keys"),
        }
    }

    /// A table; an empty one, noted, if it is missing.
    pub(super) fn table(&self, key: &'static str) -> Self {
        let field = self.field(key);
        let Kind::Table(table) = field.kind else {
            unreachable!("{key} is no table in the list of keys")
        };
        self.sub_table(field, table).unwrap_or_else(|| self.empty(key, table))
    }

    /// A table whose keys are not fixed by the list but by `table`.
    pub(super) fn params(&self, key: &'static str, table: &'static Table) -> Self {
        let field = self.field(key);
        self.sub_table(field, table).unwrap_or_else(|| self.empty(key, table))
    }

    fn sub_steps(&self, key: &str) -> Vec<Step> {
        let mut steps = self.steps.clone();
        steps.push(Step::Key(key.to_owned()));
        steps
    }

    /// A table in the place of one that is missing or no table: it reports nothing more, since the
    /// whole of it is already a fault.
    fn empty(&self, key: &str, table: &'static Table) -> Self {
        Self {
            cx: self.cx,
            node: None,
            table,
            origin: self.origin.clone(),
            steps: self.sub_steps(key),
            path: join(&self.path, key),
            silent: true,
        }
    }

    fn sub_table(&self, field: &'static Field, table: &'static Table) -> Option<Self> {
        let key = field.key;
        match self.node.and_then(|node| node.get(key)) {
            Some(node) => {
                if !matches!(node.value, Value::Table(_)) {
                    if let Err(misfit) = scalar::read(&field.kind, &node.value) {
                        self.note(field, node.origin.clone(), misfit);
                    }
                    return None;
                }
                let path = join(&self.path, key);
                let origin = node.origin.clone();
                Some(Self::open(self.cx, Some(node), table, origin, self.sub_steps(key), path))
            }
            None => match field.need {
                Need::Default(_) => {
                    let path = join(&self.path, key);
                    let origin = self.origin.clone();
                    Some(Self::open(self.cx, None, table, origin, self.sub_steps(key), path))
                }
                Need::May => None,
                Need::Must => {
                    if !self.silent {
                        self.missing(field);
                    }
                    None
                }
            },
        }
    }

    /// The tables of a list.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Self> {
        let field = self.field(key);
        let Kind::Tables { table, min, max } = field.kind else {
            unreachable!("{key} is no list of tables in the list of keys")
        };
        let Some(node) = self.node.and_then(|node| node.get(key)) else {
            if field.need == Need::Must && !self.silent {
                self.missing(field);
            }
            return Vec::new();
        };
        let Value::List(items) = &node.value else {
            if let Err(misfit) = scalar::read(&field.kind, &node.value) {
                self.note(field, node.origin.clone(), misfit);
            }
            return Vec::new();
        };
        let path = join(&self.path, key);
        self.cx.origins.borrow_mut().push((path.clone(), node.origin.clone()));
        if items.len() < min || items.len() > max {
            let kind = FaultKind::OutOfRange;
            let wrong = format!("{} tables are out of range", items.len());
            self.note(field, node.origin.clone(), Misfit { kind, wrong, remedy: String::new() });
        }
        let mut readers = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate().take(max) {
            if !matches!(item.value, Value::Table(_)) {
                let kind = FaultKind::WrongType;
                let wrong =
                    format!("element {index}: {} does not fit here", item.value.type_name());
                let remedy = "write a table".to_owned();
                self.note(field, item.origin.clone(), Misfit { kind, wrong, remedy });
                continue;
            }
            let mut steps = self.sub_steps(key);
            steps.push(Step::Item(index));
            let path = join(&path, &element_name(table, item, index));
            let origin = item.origin.clone();
            readers.push(Self::open(self.cx, Some(item), table, origin, steps, path));
        }
        readers
    }
}
