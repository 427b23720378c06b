//! Every `unsafe` block and impl has a `SAFETY:` comment, every `unsafe fn` a `# Safety` section.

use crate::finding::Finding;

use super::allow::Allow;
use super::source::Source;
use super::tree::Tree;

/// How far above the `unsafe` its comment may begin.
const LINES_ABOVE_MAX: usize = 6;

/// The rule.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let tokens = source.tokens();
        for (index, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "unsafe")
        {
            let line = source.line_of(token.at);
            let next = tokens.get(index + 1).map_or("", |token| token.text);
            let before = index.checked_sub(1).map_or("", |at| tokens[at].text);
            let text = match next {
                "{" | "impl" if !commented(source, line) => {
                    format!("unsafe without a SAFETY comment within {LINES_ABOVE_MAX} lines above")
                }
                "fn" | "extern" if before != "=" && !documented(source, line) => {
                    "unsafe fn without a `# Safety` section or SAFETY comment".to_owned()
                }
                _ => continue,
            };
            findings.push(Finding::new("safety", &source.path, line, text));
        }
    }
    findings
}

fn commented(source: &Source, line: usize) -> bool {
    let from = line.saturating_sub(LINES_ABOVE_MAX);
    (from..=line).any(|line| source.comment_of(line).contains("SAFETY:"))
}

/// Looks up through the comments and attributes that stand directly above.
fn documented(source: &Source, line: usize) -> bool {
    if commented(source, line) {
        return true;
    }
    let mut above = line;
    while above > 1 {
        above -= 1;
        let comment = source.comment_of(above);
        if comment.contains("# Safety") {
            return true;
        }
        let code = source.code_of(above).trim();
        let attribute = code.starts_with('#') || code.ends_with(']');
        if comment.trim().is_empty() && !attribute {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    // Goal: no unsafe goes unargued. Method: planted block, impl and fn; then each with its words.
    #[test]
    fn planted_bare_unsafe_is_found() {
        for bare in ["fn a() { unsafe { b() } }", "unsafe impl Send for A {}", "unsafe fn a() {}"] {
            assert_eq!(findings(check, &[("a.rs", bare)]).len(), 1, "{bare}");
        }
        let argued = "// SAFETY: one writer.\nunsafe impl Send for A {}\n\n/// A.\n///\n/// # Safety\n\
                      /// None.\n#[inline]\npub unsafe fn a() {}";
        assert!(findings(check, &[("a.rs", argued)]).is_empty());
        let far = format!("// SAFETY: far.\n{}fn a() {{ unsafe {{ b() }} }}", "\n".repeat(7));
        assert_eq!(findings(check, &[("a.rs", &far)]).len(), 1);
    }
}
