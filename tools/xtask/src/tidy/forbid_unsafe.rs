//! `unsafe` stands in the listed files alone; every other module forbids it, or is under a root that
//! denies it because a listed file below keeps it from forbidding.

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
        } else if !tree.test_only(&source.path)
            && !forbidden(tree, source)
            && !above_unsafe(tree, source)
        {
            let text = "neither this module nor one above it has #![forbid(unsafe_code)]";
            findings.push(Finding::new("unsafe", &source.path, 0, text));
        }
    }
    findings
}

/// Whether the file or one above it forbids unsafe code, or one that cannot forbid it denies it.
fn forbidden(tree: &Tree, source: &Source) -> bool {
    let mut path = Some(source.path.clone());
    while let Some(source) = path.as_deref().and_then(|path| tree.source(path)) {
        let says = |word: &str| inner(source).any(|text| text.starts_with(word));
        if says("forbid(") || (says("deny(") && above_unsafe(tree, source)) {
            return true;
        }
        path = tree.modules.get(&source.path).and_then(|module| module.parent.clone());
    }
    false
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
            ("shm/src/lib.rs", "mod map;\nmod units;"),
            ("shm/src/map.rs", "fn a() { unsafe { b() } }"),
            ("shm/src/units.rs", "#![forbid(unsafe_code)]"),
        ];
        assert_eq!(findings(check, &files)[0].path, "shm/src/map.rs");
        assert!(check(&tree(&files), &Allow::parse(LISTED).unwrap()).is_empty());
    }

    // Goal: a module that needs none says so. Method: one that does not, below a root that cannot.
    #[test]
    fn planted_module_without_the_forbid_is_found() {
        let files = [
            ("shm/Cargo.toml", ""),
            ("shm/src/lib.rs", "mod map;\nmod units;"),
            ("shm/src/map.rs", "fn a() { unsafe { b() } }"),
            ("shm/src/units.rs", "fn a() {}"),
        ];
        let found = check(&tree(&files), &Allow::parse(LISTED).unwrap());
        assert_eq!((found.len(), found[0].path.as_str()), (1, "shm/src/units.rs"));
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
        assert_eq!(findings(check, &good).len(), 2);
    }
}
