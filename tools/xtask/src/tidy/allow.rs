//! The exceptions to tidy's rules, all in one file with a reason each: `tools/xtask/tidy.toml`.
//!
//! An exception that excuses nothing any more is itself a finding.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::finding::Finding;

/// Where the exceptions stand.
pub const PATH: &str = "tools/xtask/tidy.toml";

/// A function that may be longer than the limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The file.
    pub file: String,
    /// Its name.
    pub name: String,
    /// Lines it may have, above the limit.
    pub lines_max: usize,
    /// Why it stays in one piece.
    pub reason: String,
}

/// A file excused from a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The file, or a folder with a `/` at its end.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// All exceptions, and which of them were needed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allow {
    function: Vec<Function>,
    /// Files that may hold `unsafe`.
    #[serde(rename = "unsafe")]
    unsafe_code: Vec<File>,
    /// Files that may import raw atomics.
    atomics: Vec<File>,
    #[serde(skip)]
    used: RefCell<BTreeSet<String>>,
}

impl Allow {
    /// Reads the exceptions.
    ///
    /// # Errors
    /// The text is not TOML of this form; the parser's words are the error.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Lines a function may have.
    pub fn function(&self, file: &str, name: &str) -> Option<usize> {
        let found = self.function.iter().find(|entry| entry.file == file && entry.name == name)?;
        self.used.borrow_mut().insert(format!("function {file} {name}"));
        Some(found.lines_max)
    }

    /// Whether a file may hold `unsafe`.
    pub fn allows_unsafe(&self, file: &str) -> bool {
        self.covers("unsafe", &self.unsafe_code, file)
    }

    /// Whether a file may import raw atomics.
    pub fn allows_atomics(&self, file: &str) -> bool {
        self.covers("atomics", &self.atomics, file)
    }

    /// Files listed as holding `unsafe`.
    pub fn unsafe_files(&self) -> impl Iterator<Item = &str> {
        self.unsafe_code.iter().map(|entry| entry.file.as_str())
    }

    fn covers(&self, kind: &str, entries: &[File], file: &str) -> bool {
        let hit = entries.iter().find(|entry| {
            entry.file == file || (entry.file.ends_with('/') && file.starts_with(&entry.file))
        });
        if let Some(entry) = hit {
            self.used.borrow_mut().insert(format!("{kind} {}", entry.file));
        }
        hit.is_some()
    }

    /// Exceptions nothing needed, or without a reason. To be asked after all rules.
    pub fn stale(&self) -> Vec<Finding> {
        let used = self.used.borrow();
        let mut entries: Vec<(String, &str)> = Vec::new();
        for entry in &self.function {
            entries.push((format!("function {} {}", entry.file, entry.name), &entry.reason));
        }
        for (kind, files) in [("unsafe", &self.unsafe_code), ("atomics", &self.atomics)] {
            for entry in files {
                entries.push((format!("{kind} {}", entry.file), &entry.reason));
            }
        }
        let mut findings = Vec::new();
        for (key, reason) in entries {
            if !used.contains(&key) {
                findings.push(Finding::new("allow", PATH, 0, format!("needed by nothing: {key}")));
            }
            if reason.trim().is_empty() {
                findings.push(Finding::new("allow", PATH, 0, format!("without a reason: {key}")));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: exceptions do not outlive their cause. Method: two entries, one asked for.
    #[test]
    fn exception_nobody_needs_is_a_finding() {
        let text =
            "[[unsafe]]\nfile = \"a.rs\"\nreason = \"x\"\n[[unsafe]]\nfile = \"b/\"\nreason = \"\"";
        let allow = Allow::parse(text).unwrap();
        assert!(allow.allows_unsafe("b/c.rs") && !allow.allows_unsafe("c.rs"));
        let texts: Vec<String> = allow.stale().into_iter().map(|finding| finding.text).collect();
        assert_eq!(texts, ["needed by nothing: unsafe a.rs", "without a reason: unsafe b/"]);
    }
}
