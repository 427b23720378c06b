//! `unsafe` stands in the listed files alone. The root of every crate forbids it, or denies it
//! where a listed file below keeps it from forbidding; that file then allows it in sight.

use crate::finding::Finding;

use super::allow::{Allow, PATH};
use super::source::Source;
use super::tree::Tree;

/// The rule.
pub fn check(tree: &Tree, allow: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let first = source.tokens().into_iter().find(|token| token.text == "unsafe");
        if let Some(token) = first {
            if !allow.allows_unsafe(&source.path) {
                let line = source.line_of(token.at);
                let text = format!("unsafe outside the files listed in {PATH}");
                findings.push(Finding::new("unsafe", &source.path, line, text));
            }
        } else if is_root(tree, source) && !guarded(tree, source) {
            let text =
                "the root of a crate has #![forbid(unsafe_code)], or deny above a listed file";
            findings.push(Finding::new("unsafe", &source.path, 0, text));
        }
    }
    findings
}

/// Whether a file is the root of a target that is not for tests only.
fn is_root(tree: &Tree, source: &Source) -> bool {
    let module = tree.modules.get(&source.path);
    module.is_some_and(|module| module.parent.is_none() && !module.test_only)
}

fn guarded(tree: &Tree, source: &Source) -> bool {
    let says = |word: &str| inner(source).any(|text| text.starts_with(word));
    says("forbid(") || (says("deny(") && above_unsafe(tree, source))
}

/// What stands in the `#![..]` of a file that name unsafe code.
fn inner(source: &Source) -> impl Iterator<Item = String> {
    let flat: String = source.code.chars().filter(|c| !c.is_whitespace()).collect();
    let texts: Vec<String> = flat.split("#![").skip(1).map(str::to_owned).collect();
    let ends = |text: &String| text.find(']').map(|end| text[..end].to_owned());
    texts
        .into_iter()
        .filter_map(move |text| ends(&text))
        .filter(|text| text.contains("unsafe_code"))
}

/// Whether a module below this file holds `unsafe`: then this one cannot forbid it.
fn above_unsafe(tree: &Tree, source: &Source) -> bool {
    tree.sources.iter().any(|other| {
        let mut path = tree.modules.get(&other.path).and_then(|module| module.parent.as_ref());
        let mut below = false;
        while let Some(parent) = path {
            below |= *parent == source.path;
            path = tree.modules.get(parent).and_then(|module| module.parent.as_ref());
        }
        below && other.tokens().iter().any(|token| token.text == "unsafe")
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, tree};
    use super::*;

    const LISTED: &str = "[[unsafe]]\nfile = \"shm/src/map.rs\"\nreason = \"mmap\"";

    // Goal: unsafe stays where it was argued. Method: planted in a listed and in another file.
    #[test]
    fn planted_unsafe_in_an_unlisted_file_is_found() {
        let files = [
            ("shm/Cargo.toml", ""),
            ("shm/src/lib.rs", "#![deny(unsafe_code)]\nmod map;\nmod units;"),
            ("shm/src/map.rs", "fn a() { unsafe { b() } }"),
            ("shm/src/units.rs", "#![forbid(unsafe_code)]"),
        ];
        assert_eq!(findings(check, &files)[0].path, "shm/src/map.rs");
        assert!(check(&tree(&files), &Allow::parse(LISTED).unwrap()).is_empty());
    }

    // Goal: a crate that needs none says so. Method: a root without the line.
    #[test]
    fn planted_root_without_the_forbid_is_found() {
        let files =
            [("feed/Cargo.toml", ""), ("feed/src/lib.rs", "#![deny(unsafe_op_in_unsafe_fn)]")];
        assert_eq!(findings(check, &files).len(), 1);
        let files = [("feed/Cargo.toml", ""), ("feed/src/lib.rs", "#![forbid(unsafe_code)]")];
        assert!(findings(check, &files).is_empty());
    }

    // Goal: a denying root is enough only where forbidding is impossible. Method: with and without
    // unsafe below.
    #[test]
    fn root_denies_only_where_it_cannot_forbid() {
        let root =
            ("shm/src/lib.rs", "#![deny(\n    clippy::panic,\n    unsafe_code\n)]\nmod map;");
        let manifest = ("shm/Cargo.toml", "");
        let bad = [manifest, root, ("shm/src/map.rs", "fn a() { unsafe { b() } }")];
        assert!(check(&tree(&bad), &Allow::parse(LISTED).unwrap()).is_empty());
        let good = [manifest, root, ("shm/src/map.rs", "fn a() {}")];
        assert_eq!(findings(check, &good).len(), 1);
    }
}
