//! Every atomic ordering in a hot crate has an `ORDERING:` comment above it: reason and pair.

use crate::finding::Finding;

use super::allow::Allow;
use super::source::Source;
use super::tree::Tree;

const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// Lines of code that may stand between the comment and the last ordering it speaks for.
const CODE_LINES_MAX: usize = 6;

/// The rule. The file that picks the atomics, and tests, are left out.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.hot_sources().filter(|source| source.path != "shm/src/atomic.rs") {
        let tests = source.test_ranges();
        let mut last = 0;
        for at in uses(source) {
            let line = source.line_of(at);
            let in_test = tests.iter().any(|range| range.contains(&at));
            if line != last && !in_test && !argued(source, line) {
                last = line;
                let text = "atomic ordering without an ORDERING comment above it";
                findings.push(Finding::new("ordering", &source.path, line, text));
            }
        }
    }
    findings
}

/// Offsets of orderings given as arguments: after `(` or `,`, alone or with a path.
fn uses(source: &Source) -> Vec<usize> {
    let tokens = source.tokens();
    let mut found = Vec::new();
    let mut imports_until = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.text == "use" {
            let end = tokens[index..].iter().find(|token| token.text == ";");
            imports_until = end.map_or(usize::MAX, |token| token.at);
        }
        if token.at < imports_until || !ORDERINGS.contains(&token.text) {
            continue;
        }
        let before = |steps: usize| index.checked_sub(steps).map_or("", |at| tokens[at].text);
        let path = before(1) == ":" && before(3) == "Ordering";
        let next = tokens.get(index + 1).map_or("", |token| token.text);
        let argument = matches!(before(1), "(" | ",") && matches!(next, ")" | ",");
        if path || argument {
            found.push(token.at);
        }
    }
    found
}

fn argued(source: &Source, line: usize) -> bool {
    let mut code_lines = 0;
    for above in (1..=line).rev() {
        if source.comment_of(above).contains("ORDERING:") {
            return true;
        }
        let code = source.code_of(above).trim();
        code_lines += usize::from(!code.is_empty() && above != line);
        // Rustfmt breaks long calls: closing lines and arguments belong to the same statement.
        let starts_function = code.contains("fn ") && code.ends_with('{');
        if starts_function || code_lines > CODE_LINES_MAX {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    const MANIFEST: (&str, &str) = ("shm/Cargo.toml", "");

    // Goal: no ordering goes unargued on a hot path. Method: planted with and without its comment.
    #[test]
    fn planted_bare_ordering_is_found() {
        let bare = "use crate::atomic::Ordering::Relaxed;\nfn a() {\n    b.store(1, Relaxed);\n}";
        let found = findings(check, &[MANIFEST, ("shm/src/lib.rs", bare)]);
        assert_eq!((found.len(), found[0].line), (1, 3));
        let path = "fn a() {\n    b.load(Ordering::SeqCst);\n}";
        assert_eq!(findings(check, &[MANIFEST, ("shm/src/lib.rs", path)]).len(), 1);
        let argued = "fn a() {\n    // ORDERING: Relaxed: a count.\n    b.store(1, Relaxed);\n}";
        assert!(findings(check, &[MANIFEST, ("shm/src/lib.rs", argued)]).is_empty());
        let other = "fn a() {\n    // ORDERING: x.\n    b();\n}\nfn c() {\n    b.load(Acquire);\n}";
        assert_eq!(findings(check, &[MANIFEST, ("shm/src/lib.rs", other)]).len(), 1);
    }

    // Goal: the rule stays where it belongs. Method: a test, a cold crate, a comparison.
    #[test]
    fn tests_and_cold_crates_are_free() {
        let text = "#[cfg(test)]\nmod tests {\n fn a() { b.load(Relaxed); }\n}";
        let cold = ("services/src/lib.rs", "fn a() { b.load(Relaxed); }");
        let other = ("shm/src/x.rs", "fn a() { match b { Release => 1, Less => 2 } }");
        let files = [MANIFEST, ("shm/src/lib.rs", text), ("services/Cargo.toml", ""), cold, other];
        assert!(findings(check, &files).is_empty());
    }
}
