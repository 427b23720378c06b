//! One thing that is not as a rule wants it, and where.

use std::fmt;

/// A broken rule at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the workspace root, with `/`.
    pub path: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// Name of the rule.
    pub rule: &'static str,
    /// What is wrong, as a sentence.
    pub text: String,
}

impl Finding {
    /// Makes a finding.
    pub fn new(rule: &'static str, path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, text } = self;
        if *line == 0 {
            write!(out, "{path}: [{rule}] {text}")
        } else {
            write!(out, "{path}:{line}: [{rule}] {text}")
        }
    }
}
