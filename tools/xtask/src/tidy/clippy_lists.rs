//! Clippy takes the nearest `clippy.toml` and merges nothing: hot crates repeat the root's bans,
//! alike.

use toml::{Table, Value};

use crate::finding::Finding;

use super::allow::Allow;
use super::tree::{HOT, Tree};

/// The rule.
pub fn check(tree: &Tree, _: &Allow) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(root) = read(tree, "clippy.toml", &mut findings) else { return findings };
    let first_path = format!("{}/clippy.toml", HOT[0]);
    let Some(first) = read(tree, &first_path, &mut findings) else { return findings };
    for name in HOT {
        let path = format!("{name}/clippy.toml");
        let Some(hot) = read(tree, &path, &mut findings) else { continue };
        for (key, value) in &root {
            if !contains(hot.get(key), value) {
                let text = format!("`{key}` lacks what the root's clippy.toml has");
                findings.push(Finding::new("clippy-lists", &path, 0, text));
            }
        }
        if hot != first {
            let text = format!("differs from {first_path}: hot crates have one list");
            findings.push(Finding::new("clippy-lists", &path, 0, text));
        }
    }
    findings
}

fn read(tree: &Tree, path: &str, findings: &mut Vec<Finding>) -> Option<Table> {
    let found = tree.texts.iter().find(|text| text.path == path);
    let parsed = found.map(|text| text.text.parse::<Table>());
    match parsed {
        Some(Ok(table)) => return Some(table),
        Some(Err(error)) => {
            findings.push(Finding::new("clippy-lists", path, 0, error.message()));
        }
        None => findings.push(Finding::new("clippy-lists", path, 0, "is missing")),
    }
    None
}

fn contains(hot: Option<&Value>, root: &Value) -> bool {
    match (hot, root) {
        (Some(Value::Array(hot)), Value::Array(root)) => {
            root.iter().all(|entry| hot.contains(entry))
        }
        (hot, root) => hot == Some(root),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;
    use super::*;

    fn with(root: &str, feed: &str) -> Vec<Finding> {
        let hot = "disallowed-types = [\"A\", \"B\"]";
        let files = [
            ("clippy.toml", root),
            ("shm/clippy.toml", hot),
            ("feed/clippy.toml", feed),
            ("gateway/clippy.toml", hot),
            ("engine/clippy.toml", hot),
        ];
        findings(check, &files)
    }

    // Goal: no ban is lost in a crate. Method: a list that is shorter, longer, absent.
    #[test]
    fn planted_difference_between_lists_is_found() {
        let hot = "disallowed-types = [\"A\", \"B\"]";
        assert!(with("disallowed-types = [\"A\"]", hot).is_empty());
        assert_eq!(with("disallowed-types = [\"A\"]", "disallowed-types = [\"B\"]").len(), 2);
        assert_eq!(with("disallowed-types = [\"A\"]", "").len(), 2);
        assert_eq!(with("disallowed-types = [\"C\"]", hot).len(), 4);
    }
}
