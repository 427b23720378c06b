//! What must not appear in the project: paths of one machine, and packages from elsewhere than
//! crates.io.

use crate::finding::Finding;

use super::allow::Allow;
use super::tree::Tree;

/// Split, so that this file does not hold what it looks for.
const WORDS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("sub", "agent")];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The rule.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rust = tree.sources.iter().map(|source| (&source.path, &source.text));
    for (path, text) in rust.chain(tree.texts.iter().map(|text| (&text.path, &text.text))) {
        for (index, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            for word in WORDS.iter().filter(|word| holds(&lower, word)) {
                let text = format!("`{word}` does not belong in the project");
                findings.push(Finding::new("words", path, index + 1, text));
            }
            if let Some(source) = foreign_source(path, line) {
                let text = format!("a package from `{source}`: only crates.io and this workspace");
                findings.push(Finding::new("words", path, index + 1, text));
            }
        }
    }
    findings
}

/// Whether a word stands in a line other than as the end of a longer name.
fn holds(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}'))
    })
}

fn foreign_source<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    let source = line.strip_prefix("source = \"")?.trim_end_matches('"');
    (path.ends_with("Cargo.lock") && source != CRATES_IO).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    // Goal: the project speaks of itself alone. Method: each word planted; longer names stay free.
    #[test]
    fn planted_word_is_found() {
        for word in WORDS {
            let text = format!("# see {word}x");
            assert_eq!(findings(check, &[("README.md", &text)]).len(), 1, "{word}");
        }
        let free = "frame/work/x target/ho\u{6d}e/y ../ro\u{6f}t/z";
        assert!(findings(check, &[("README.md", free)]).is_empty());
    }

    // Goal: what is built comes from crates.io. Method: another source planted in the lock file.
    #[test]
    fn planted_foreign_package_is_found() {
        let own = format!("source = \"{CRATES_IO}\"");
        let other = "source = \"git+https://example.com/x\"";
        assert!(findings(check, &[("Cargo.lock", &own)]).is_empty());
        assert_eq!(findings(check, &[("Cargo.lock", other)]).len(), 1);
    }
}
