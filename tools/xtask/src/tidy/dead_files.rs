//! Every Rust file belongs to a target: one that no `mod` reaches is neither built nor tested.

use crate::finding::Finding;

use super::allow::Allow;
use super::tree::Tree;

/// The rule.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let lost = tree.sources.iter().filter(|source| !tree.modules.contains_key(&source.path));
    lost.map(|source| Finding::new("dead-file", &source.path, 0, "no `mod` reaches this file"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    // Goal: no file rots unbuilt. Method: a file beside the crate's own that nothing names.
    #[test]
    fn planted_file_without_a_mod_is_found() {
        let files = [
            ("shm/Cargo.toml", ""),
            ("shm/src/lib.rs", "mod a; // mod b;"),
            ("shm/src/a.rs", ""),
            ("shm/src/b.rs", ""),
        ];
        let found = findings(check, &files);
        assert_eq!((found.len(), found[0].path.as_str()), (1, "shm/src/b.rs"));
    }
}
