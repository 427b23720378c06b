//! What is wrong with a configuration, said so that it can be put right: where, which key, what is
//! wrong, what is allowed, what to do. All faults of one load come in one [`Report`].

use std::fmt;
use std::rc::Rc;

/// Where a value came from. Later layers win: default < file < environment < command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody wrote it: the default of the key.
    Default,
    /// A configuration file.
    File {
        /// The file as it was named.
        file: Rc<str>,
        /// From 1; 0 for the file as a whole.
        line: usize,
        /// From 1, in characters; 0 for the line as a whole.
        column: usize,
    },
    /// An environment variable, by its name.
    Environment(Rc<str>),
    /// A `--set` or another option of the command line, as it was written.
    CommandLine(Rc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { file, line: 0, .. } => out.write_str(file),
            Self::File { file, line, column: 0 } => write!(out, "{file}:{line}"),
            Self::File { file, line, column } => write!(out, "{file}:{line}:{column}"),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::CommandLine(text) => write!(out, "command line {text}"),
        }
    }
}

/// The kind of a fault, for programs; people read the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The file cannot be read.
    Unreadable,
    /// Not TOML.
    Syntax,
    /// `version` is missing, or newer than this program.
    Version,
    /// No such key.
    UnknownKey,
    /// Another type than the key takes.
    WrongType,
    /// The right type, but a value that the key does not take.
    OutOfRange,
    /// A key that must be written is not.
    Missing,
    /// A secret stands in the configuration.
    Secret,
    /// Two keys contradict each other, or one names what does not exist.
    Cross,
    /// The instrument file is wrong.
    Instruments,
    /// The machine lacks what the configuration asks for.
    Machine,
    /// The environment of the process lacks what the configuration names.
    Environment,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// Where the value, or for a missing key its table, was written.
    pub origin: Origin,
    /// The path of the key: `gateway.ouch.send.rate`. Elements of a list are named by their `name`
    /// (limits by their `scope`), or counted from 0 if they have none. Empty for the file as a
    /// whole.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What is allowed. Empty where there is nothing to choose from.
    pub allowed: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        out.write_str(&self.wrong)?;
        if !self.allowed.is_empty() {
            write!(out, "; allowed: {}", self.allowed)?;
        }
        if !self.remedy.is_empty() {
            write!(out, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// All faults of a configuration, in the order of the file. Never empty when returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The faults.
    pub faults: Vec<Fault>,
}

impl Report {
    /// The faults in the order a reader of the file meets them: file by line, then environment,
    /// then command line; equal ones once.
    #[must_use]
    pub(super) fn sorted(mut self) -> Self {
        let place = |fault: &Fault| match &fault.origin {
            Origin::File { line, column, .. } => (0, *line, *column),
            Origin::Environment(_) => (1, 0, 0),
            Origin::CommandLine(_) => (2, 0, 0),
            Origin::Default => (3, 0, 0),
        };
        self.faults.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.key.cmp(&b.key)));
        self.faults.dedup();
        self
    }

    /// Whether a fault of this kind and key is in the report.
    #[must_use]
    pub fn has(&self, kind: FaultKind, key: &str) -> bool {
        self.faults.iter().any(|fault| fault.kind == kind && fault.key == key)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        writeln!(out, "{count} fault{} in the configuration", if count == 1 { "" } else { "s" })?;
        for fault in &self.faults {
            writeln!(out, "  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// Faults that are known already, to leave out what only follows from them.
#[derive(Debug, Default)]
pub(super) struct Known(pub(super) Vec<Fault>);

impl Known {
    /// Whether a fault has this key, or one above or below it.
    pub(super) fn touch(&self, key: &str) -> bool {
        let is_above = |above: &str, below: &str| {
            below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.0.iter().any(|fault| is_above(&fault.key, key) || is_above(key, &fault.key))
    }
}

/// `did you mean X?` for the candidate most like `given`, if one is near enough to be meant, or
/// what there is to choose from.
pub(super) fn did_you_mean<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let nearest = candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(given, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None if candidates.is_empty() => "there is none".to_owned(),
        None => format!("there is: {}", candidates.join(", ")),
    }
}
