//! Style as a test: one rule per file, each with a planted violation among its own tests.

pub mod allow;
pub mod atomics;
pub mod clippy_lists;
pub mod dead_files;
pub mod forbid_unsafe;
pub mod lengths;
pub mod lib_docs;
pub mod open_ends;
pub mod orderings;
pub mod safety;
pub mod source;
pub mod tree;
pub mod words;

use std::fs;
use std::path::Path;

use crate::finding::Finding;

use self::allow::Allow;
use self::tree::Tree;

type Rule = fn(&Tree, &Allow) -> Vec<Finding>;

/// Every rule, in the order of its findings.
const RULES: [Rule; 10] = [
    lengths::check,
    safety::check,
    orderings::check,
    atomics::check,
    forbid_unsafe::check,
    clippy_lists::check,
    open_ends::check,
    lib_docs::check,
    dead_files::check,
    words::check,
];

/// Applies every rule to the workspace at `root`.
///
/// # Errors
/// A file cannot be read, or the file of exceptions is not of its form.
pub fn check(root: &Path) -> Result<Vec<Finding>, Box<dyn std::error::Error>> {
    let tree = Tree::read(root)?;
    let allow = Allow::parse(&fs::read_to_string(root.join(allow::PATH))?)?;
    Ok(apply(&tree, &allow))
}

/// Applies every rule to a tree.
pub fn apply(tree: &Tree, allow: &Allow) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree, allow)).collect();
    findings.extend(allow.stale());
    findings.sort();
    findings.dedup();
    findings
}

#[cfg(test)]
mod testing {
    //! What the tests of the rules share: a tree made of a few files.

    use super::*;

    /// Findings of one rule over (path, text), with no exceptions.
    pub(crate) fn findings(rule: Rule, files: &[(&str, &str)]) -> Vec<Finding> {
        rule(&tree(files), &Allow::default())
    }

    pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
        Tree::new(files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
    }
}
