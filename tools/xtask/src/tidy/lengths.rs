//! No line over 100 columns, no file over 600 lines, no function over 60.

use crate::finding::Finding;

use super::allow::Allow;
use super::source::{Source, Token, matching};
use super::tree::Tree;

const COLUMNS_MAX: usize = 100;
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 60;

/// The rule.
pub fn check(tree: &Tree, allow: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        lines(source, &mut findings);
        let count = source.line_count();
        if count > FILE_LINES_MAX {
            let text = format!("{count} lines, at most {FILE_LINES_MAX}: split it by nouns");
            findings.push(Finding::new("file-length", &source.path, 0, text));
        }
        functions(source, allow, &mut findings);
    }
    findings
}

/// A line may be long for the sake of a literal, a link or a row of a table, which do not wrap.
fn lines(source: &Source, findings: &mut Vec<Finding>) {
    for (index, line) in source.text.lines().enumerate() {
        let columns = line.chars().count();
        let link = line.contains("http://") || line.contains("https://");
        let row = line.trim_start().trim_start_matches(['/', '!']).trim_start().starts_with("| ");
        if columns > COLUMNS_MAX && !link && !row && !has_long_literal(source, index + 1, line) {
            let text = format!("{columns} columns, at most {COLUMNS_MAX}");
            findings.push(Finding::new("line-length", &source.path, index + 1, text));
        }
    }
}

/// Whether much of a line is the inside of a literal, which the formatter leaves alone.
fn has_long_literal(source: &Source, number: usize, line: &str) -> bool {
    let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let outside = solid(source.code_of(number)) + solid(source.comment_of(number));
    outside + COLUMNS_MAX / 5 < solid(line)
}

fn functions(source: &Source, allow: &Allow, findings: &mut Vec<Finding>) {
    let tokens = source.tokens();
    for (index, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(index + 1).filter(|_| token.text == "fn") else { continue };
        let Some(open) = body(&tokens, index + 2) else { continue };
        let Some(close) = matching(&tokens, open) else { continue };
        let lines = source.line_of(tokens[close].at) - source.line_of(token.at) + 1;
        if lines <= FUNCTION_LINES_MAX {
            continue;
        }
        let limit = allow.function(&source.path, name.text).unwrap_or(FUNCTION_LINES_MAX);
        if lines > limit {
            let text = format!("fn {} has {lines} lines, at most {limit}", name.text);
            let line = source.line_of(token.at);
            findings.push(Finding::new("function-length", &source.path, line, text));
        }
    }
}

/// The `{` of a function whose name ended before `from`; `None` for a declaration or a type.
fn body(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    let mut index = from;
    loop {
        match tokens.get(index)?.text {
            "{" => return Some(index),
            ";" | "}" | ")" => return None,
            "(" | "[" => index = matching(tokens, index)?,
            _ => {}
        }
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, tree};
    use super::*;

    // Goal: each of the three limits bites one past its value and not at it. Method: planted at
    // both.
    #[test]
    fn planted_long_line_file_and_function_are_found() {
        let long = format!("fn a() {{ {} }}", "x + ".repeat(30));
        assert_eq!(findings(check, &[("a.rs", &long)])[0].rule, "line-length");
        let literal = format!("const A: &str = \"{}\";", "x".repeat(120));
        let link = format!("// https://example.com/{}", "x".repeat(120));
        let row = format!("//! | {} |", "x".repeat(120));
        assert!(findings(check, &[("a.rs", &literal), ("b.rs", &link), ("c.rs", &row)]).is_empty());
        let comment = format!("// {}", "word ".repeat(30));
        assert_eq!(findings(check, &[("a.rs", &comment)]).len(), 1);

        assert!(findings(check, &[("a.rs", &"\n".repeat(600))]).is_empty());
        assert_eq!(findings(check, &[("a.rs", &"\n".repeat(601))])[0].rule, "file-length");

        let function = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
        assert!(findings(check, &[("a.rs", &function(60))]).is_empty());
        let found = findings(check, &[("a.rs", &function(61))]);
        assert_eq!(found[0].rule, "function-length");
    }

    // Goal: an exception is a number, not a pardon. Method: one line above it.
    #[test]
    fn excused_function_still_has_a_limit() {
        let text =
            "[[function]]\nfile = \"a.rs\"\nname = \"a\"\nlines_max = 70\nreason = \"table\"";
        let allow = Allow::parse(text).unwrap();
        let function = |lines: usize| format!("fn a() {{{}}}", "\n".repeat(lines - 1));
        assert!(check(&tree(&[("a.rs", &function(70))]), &allow).is_empty());
        assert_eq!(check(&tree(&[("a.rs", &function(71))]), &allow).len(), 1);
    }
}
