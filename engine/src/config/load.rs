//! Loading: file < environment < command line, one report of every fault, origins kept.

use std::path::Path;
use std::rc::Rc;

use feed::instruments::Instruments;

use super::bind::{Bound, read_instruments};
use super::build;
use super::check;
use super::context::{Context, Entry, Step};
use super::fault::{Fault, FaultKind, Known, Origin, Report};
use super::keys::{self, VERSION};
use super::layers;
use super::machine::Machine;
use super::model::Config;
use super::node::{Node, Value, parse_file};
use super::reader::Reader;
use super::ready::{SecretSource, missing_secrets};
use super::text_file::read_text;
use super::topology::{Plan, missing_cores, plan};

/// Longest configuration, bytes.
const FILE_MAX: usize = 4 * 1024 * 1024;

/// What a configuration is made of.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file's name, for faults and for paths relative to it.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// All variables of the process; those that start with
    /// [`super::ENVIRONMENT_PREFIX`] count.
    pub environment: Vec<(String, String)>,
    /// `section.key=value`, in order.
    pub sets: Vec<String>,
    /// `--layout`: replaces `thread` tables of every layer.
    pub layout: Option<String>,
}

/// Where one value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The path of its key.
    pub key: String,
    /// The value, as TOML.
    pub value: String,
    /// The layer that won.
    pub origin: Origin,
}

impl std::fmt::Display for Setting {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} = {}    # {}", self.key, self.value, self.origin)
    }
}

/// A configuration without fault.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    entries: Vec<Entry>,
}

impl Sources {
    /// A file and nothing over it.
    #[must_use]
    pub fn text(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.to_owned(), ..Self::default() }
    }

    /// Reads a file, and takes the process's environment.
    ///
    /// # Errors
    /// The file cannot be read: one fault that says why.
    pub fn read(file: &Path) -> Result<Self, Report> {
        let name = file.display().to_string();
        let text = read_text(file, FILE_MAX).map_err(|error| {
            let fault = Fault {
                kind: FaultKind::Unreadable,
                origin: Origin::CommandLine(Rc::from(name.as_str())),
                key: String::new(),
                wrong: error.to_string(),
                allowed: String::new(),
                remedy: "name another file, or write one with `config init`".to_owned(),
            };
            Report { faults: vec![fault] }
        })?;
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self { file: name, text, environment, ..Self::default() })
    }

    /// Loads and checks. Knows no instrument: [`Loaded::bind`] checks symbols once they are read.
    ///
    /// # Errors
    /// The report of every fault.
    pub fn load(&self) -> Result<Loaded, Report> {
        let cx = Context::default();
        match self.read_all(&cx) {
            Some(config) => Loaded::of(cx, config),
            None => Err(Report { faults: cx.faults.into_inner() }.sorted()),
        }
    }

    /// Loads, reads the instrument file, and binds the two; a wrong configuration and a wrong
    /// instrument file are one report.
    ///
    /// # Errors
    /// The report of every fault.
    pub fn load_and_bind(&self) -> Result<(Loaded, Instruments, Bound), Report> {
        self.gather(|_| Vec::new())
    }

    /// As [`Sources::load_and_bind`], and plans it on a machine with the secrets at hand: all
    /// that a start would refuse before it opens a socket is in one report.
    ///
    /// # Errors
    /// The report of every fault.
    pub fn load_for(
        &self,
        machine: &Machine,
        secret: SecretSource,
    ) -> Result<(Loaded, Instruments, Bound, Plan), Report> {
        let (loaded, instruments, bound) = self.gather(|loaded| {
            let mut faults = missing_cores(loaded, machine);
            faults.extend(missing_secrets(loaded, secret));
            faults
        })?;
        let plan = plan(&loaded, machine)?;
        Ok((loaded, instruments, bound, plan))
    }

    /// Collects the faults of the configuration, of the instruments, of both together, and those
    /// that `more` finds. One that another explains is left out.
    fn gather(
        &self,
        more: impl FnOnce(&Loaded) -> Vec<Fault>,
    ) -> Result<(Loaded, Instruments, Bound), Report> {
        let cx = Context::default();
        let config = self.read_all(&cx);
        let mut faults = cx.faults.into_inner();
        let Some(config) = config else { return Err(Report { faults }.sorted()) };
        let loaded = Loaded { config, entries: cx.entries.into_inner() };
        let known = Known(faults.clone());
        let mut further = more(&loaded);
        further.retain(|fault| !known.touch(&fault.key));
        let path = loaded.config.market.instruments.as_path();
        let instruments = match Some(path).filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => {
                read_instruments(path).map_err(|report| faults.extend(report.faults)).ok()
            }
            None => None,
        };
        let bound = instruments
            .as_ref()
            .map(|known_to_be| loaded.bind_beside(known_to_be, &known, &mut further));
        faults.append(&mut further);
        match (instruments, bound) {
            (Some(instruments), Some(bound)) if faults.is_empty() => {
                Ok((loaded, instruments, bound))
            }
            _ => Err(Report { faults }.sorted()),
        }
    }

    pub(super) fn read_all(&self, cx: &Context) -> Option<Config> {
        let mut faults = Vec::new();
        let mut root = parse_file(&self.file, &self.text, &mut faults);
        layers::lay(&mut root, &self.environment, &self.sets, &mut faults);
        if let Some(layout) = &self.layout {
            layers::replace_threads(&mut root, layout);
        }
        let syntax = faults.iter().any(|fault| fault.kind == FaultKind::Syntax);
        cx.faults.borrow_mut().append(&mut faults);
        if newer(cx, &root) || syntax {
            // Another version's keys, or half a file: more words would only mislead.
            return None;
        }
        let config = build::config(&Reader::root(cx, &root, &keys::ROOT));
        check::check(cx, &config);
        Some(config)
    }
}

/// Checks that there is a version; true if it is a newer one, whose keys this program does not
/// know.
fn newer(cx: &Context, root: &Node) -> bool {
    let (origin, wrong, newer) = match root.get("version") {
        None => (root.origin.clone(), "missing".to_owned(), false),
        Some(Node { value: Value::Int(number), origin }) if *number > VERSION => {
            let wrong = format!("{number} is newer than this program, which reads {VERSION}");
            (origin.clone(), wrong, true)
        }
        Some(_) => return false,
    };
    cx.fault(Fault {
        kind: FaultKind::Version,
        origin,
        key: "version".to_owned(),
        wrong,
        allowed: format!("{VERSION}"),
        remedy: if newer {
            "use a newer program, or a file of this version".to_owned()
        } else {
            format!("write version = {VERSION} at the top")
        },
    });
    newer
}

impl Loaded {
    /// What was read, if it is without fault.
    pub(super) fn of(cx: Context, config: Config) -> Result<Self, Report> {
        let faults = cx.faults.into_inner();
        if faults.is_empty() {
            return Ok(Self { config, entries: cx.entries.into_inner() });
        }
        Err(Report { faults }.sorted())
    }

    /// Every value that was read.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where a path was written, or the nearest table above it.
    pub(crate) fn origin_of(&self, key: &str) -> Origin {
        let found = self.entries.iter().find(|entry| entry.path == key);
        found.map_or(Origin::Default, |entry| entry.origin.clone())
    }

    /// Every value with the layer it came from, in the order of the list of keys.
    #[must_use]
    pub fn origins(&self) -> Vec<Setting> {
        self.entries
            .iter()
            .map(|entry| Setting {
                key: entry.path.clone(),
                value: entry.value.to_string(),
                origin: entry.origin.clone(),
            })
            .collect()
    }

    /// The whole configuration as one TOML text with every layer and default in it: what the
    /// journal keeps. Loading it gives an equal configuration.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut root = toml::Table::new();
        for entry in &self.entries {
            insert(&mut root, &entry.steps, &entry.value);
        }
        root.to_string()
    }
}

pub(super) fn insert(table: &mut toml::Table, steps: &[Step], value: &toml::Value) {
    match steps {
        [Step::Key(key)] => {
            table.insert(key.clone(), value.clone());
        }
        [Step::Key(key), Step::Item(index), rest @ ..] => {
            let list = table.entry(key.clone()).or_insert_with(|| toml::Value::Array(Vec::new()));
            if let toml::Value::Array(items) = list {
                while items.len() <= *index {
                    items.push(toml::Value::Table(toml::Table::new()));
                }
                if let Some(toml::Value::Table(inner)) = items.get_mut(*index) {
                    insert(inner, rest, value);
                }
            }
        }
        [Step::Key(key), rest @ ..] => {
            let inner =
                table.entry(key.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
        _ => {}
    }
}
