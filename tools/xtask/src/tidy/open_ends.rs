//! A note about work to come names its issue: `(#12)` or `issue 12`.

use crate::finding::Finding;

use super::allow::Allow;
use super::tree::Tree;

/// Split, so that this file does not hold what it looks for.
const NOTES: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

/// The rule: comments of Rust files, all of the others.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let rust = tree.sources.iter().map(|source| (&source.path, &source.comments));
    let rest = tree.texts.iter().filter(|text| !text.path.ends_with(".lock"));
    let mut findings = Vec::new();
    for (path, text) in rust.chain(rest.map(|text| (&text.path, &text.text))) {
        for (index, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let Some(note) = words.find(|word| NOTES.contains(word)) else { continue };
            if !names_issue(line) {
                let text = format!("{note} without an issue");
                findings.push(Finding::new("open-end", path, index + 1, text));
            }
        }
    }
    findings
}

fn names_issue(line: &str) -> bool {
    ["#", "issue "].iter().any(|mark| {
        line.split(mark).skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    // Goal: nothing is left for later unnamed. Method: planted in a comment, a manifest; a word of
    // code is free.
    #[test]
    fn planted_note_without_an_issue_is_found() {
        let note = NOTES[0];
        let comment = format!("// {note}: later\nlet a = \"{note}\";");
        assert_eq!(findings(check, &[("a.rs", &comment)]).len(), 1);
        assert_eq!(findings(check, &[("a.toml", &format!("# {note} later"))]).len(), 1);
        assert!(findings(check, &[("a.rs", &format!("// {note} (#12): later"))]).is_empty());
        assert!(findings(check, &[("a.rs", &format!("// {note}S are many"))]).is_empty());
    }
}
