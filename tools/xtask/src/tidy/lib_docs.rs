//! `lib.rs` says what the crate is and holds `mod` and `use`, no code.

use crate::finding::Finding;

use super::allow::Allow;
use super::source::{Source, Token, matching};
use super::tree::Tree;

/// Shorter than this is no description.
const DOC_CHARS_MIN: usize = 40;

/// The rule.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| source.path.ends_with("src/lib.rs")) {
        let doc: usize = source
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.trim().len())
            .sum();
        if doc < DOC_CHARS_MIN {
            let text = "a crate opens with what it is: one sentence, a picture, the invariants";
            findings.push(Finding::new("lib-doc", &source.path, 1, text));
        }
        if let Some(token) = first_code(source) {
            let line = source.line_of(token.at);
            let text = format!("code in a lib.rs, which holds `mod` and `use`: `{}`", token.text);
            findings.push(Finding::new("lib-code", &source.path, line, text));
        }
    }
    findings
}

/// The first token that begins something else than an attribute, a `mod x;` or a `use ..;`.
fn first_code(source: &Source) -> Option<Token<'_>> {
    let tokens = source.tokens();
    let mut index = 0;
    let mut start = 0;
    while let Some(token) = tokens.get(index).copied() {
        match token.text {
            "#" => {
                let bracket =
                    if tokens.get(index + 1)?.text == "!" { index + 2 } else { index + 1 };
                index = matching(&tokens, bracket)? + 1;
                start = index;
                continue;
            }
            "pub" => {
                let open = tokens.get(index + 1).is_some_and(|token| token.text == "(");
                index = if open { matching(&tokens, index + 1)? + 1 } else { index + 1 };
                continue;
            }
            "mod" | "use" | "extern" => {
                let block = |token: &Token<'_>| token.text == "{" && tokens[index].text != "use";
                let rest = &tokens[index..];
                let end = rest.iter().position(|token| token.text == ";" || block(token))?;
                if block(&rest[end]) {
                    return Some(token);
                }
                index += end + 1;
                start = index;
            }
            _ => return tokens.get(start).copied().or(Some(token)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    const DOC: &str = "//! What this crate is, in one sentence of some length.\n";

    // Goal: lib.rs is a table of contents. Method: each kind of item planted after good lines.
    #[test]
    fn planted_code_in_lib_is_found() {
        let good = format!(
            "{DOC}#![forbid(unsafe_code)]\n#[cfg(loom)]\nmod a;\npub(crate) mod b;\n\
                            pub use a::{{C, d::{{E}}}};\nextern crate alloc;\n"
        );
        assert!(findings(check, &[("shm/src/lib.rs", &good)]).is_empty());
        for bad in
            ["fn a() {}", "const A: u8 = 1;", "mod a { }", "pub struct A;", "macro_rules! a {}"]
        {
            let found = findings(check, &[("shm/src/lib.rs", &format!("{good}{bad}"))]);
            assert_eq!(found.len(), 1, "{bad}");
        }
    }

    // Goal: every crate says what it is. Method: no words, and too few.
    #[test]
    fn planted_lib_without_a_doc_is_found() {
        for bad in ["mod a;", "//! Short.\nmod a;"] {
            assert_eq!(findings(check, &[("shm/src/lib.rs", bad)])[0].rule, "lib-doc");
        }
    }
}
