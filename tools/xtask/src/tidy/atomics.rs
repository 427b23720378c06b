//! Raw atomics are imported by `shm/src/atomic.rs` alone, or loom would not see them.

use crate::finding::Finding;

use super::allow::Allow;
use super::source::{Token, matching};
use super::tree::{HOT, Tree};

const HOME: &str = "shm/src/atomic.rs";

/// The rule. Cold crates are free, and so are tests but for models that loom runs.
pub fn check(tree: &Tree, allow: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let hot = HOT.iter().any(|name| source.path.starts_with(&format!("{name}/src/")));
        let test = tree.test_only(&source.path) && !source.path.contains("loom");
        if !hot || test || source.path == HOME {
            continue;
        }
        let tests = source.test_ranges();
        let tokens = source.tokens();
        for index in 0..tokens.len() {
            let at = tokens[index].at;
            if tests.iter().any(|range| range.contains(&at)) {
                continue;
            }
            if raw_atomic(&tokens, index) && !allow.allows_atomics(&source.path) {
                let line = source.line_of(at);
                let text = format!("raw atomics: take them from {HOME}");
                findings.push(Finding::new("atomics", &source.path, line, text));
            }
        }
    }
    findings
}

/// Whether `core::sync::atomic` or `std::sync::atomic` is named from token `index` on.
fn raw_atomic(tokens: &[Token<'_>], index: usize) -> bool {
    let text = |ahead: usize| tokens.get(index + ahead).map_or("", |token| token.text);
    let sync = matches!(text(0), "std" | "core") && text(1) == ":" && text(3) == "sync";
    if !sync || text(4) != ":" {
        return false;
    }
    if text(6) != "{" {
        return text(6) == "atomic";
    }
    let close = matching(tokens, index + 6).unwrap_or(tokens.len());
    tokens[index + 6..close].iter().any(|token| token.text == "atomic")
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    // Goal: loom sees every atomic. Method: each way of importing one, planted in a hot crate.
    #[test]
    fn planted_raw_atomic_is_found() {
        let ways = [
            "use std::sync::atomic::AtomicU64;",
            "use core::sync::{Arc, atomic::{AtomicU8, Ordering}};",
            "static A: std::sync::atomic::AtomicBool = x;",
        ];
        for way in ways {
            assert_eq!(findings(check, &[("engine/src/a.rs", way)]).len(), 1, "{way}");
            assert!(findings(check, &[("services/src/a.rs", way), (HOME, way)]).is_empty());
        }
        let lib = "#[cfg(test)]\nmod tests;\n#[cfg(loom)]\nmod loom_tests;";
        let tree = [
            ("engine/Cargo.toml", ""),
            ("engine/src/lib.rs", lib),
            ("engine/src/tests.rs", ways[0]),
            ("engine/src/loom_tests.rs", ways[0]),
        ];
        assert_eq!(findings(check, &tree)[0].path, "engine/src/loom_tests.rs");
        let fine = "use std::sync::Arc; use crate::atomic::AtomicU64; // std::sync::atomic";
        assert!(findings(check, &[("engine/src/a.rs", fine)]).is_empty());
    }
}
