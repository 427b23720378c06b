//! The tables of `docs/risk.md` cannot rot: every id of the specification stands there once, every
//! test that they name is a test, and every key that they name is a key.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine::risk::RULES;

/// A row: its id and its cells.
type Row = (String, Vec<String>);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rows whose first cell is an id.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<String> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let id = cells.first().cloned().unwrap_or_default();
        let number = id.strip_prefix(['R', 'K', 'E']).unwrap_or_default();
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            rows.push((id, cells));
        }
    }
    rows
}

/// What stands between back quotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Names of all functions that stand behind a test attribute.
fn tests_of(folder: &Path, found: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if path.is_dir() && !matches!(name.as_deref(), Some("target" | ".git")) {
            tests_of(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                is_test |= line == "#[test]";
                if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
                    found.extend(rest.split('(').next().map(str::to_owned));
                    is_test = false;
                }
            }
        }
    }
}

/// What is wrong with the tables.
fn faults(text: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let rows = rows(text);
    let mut faults = Vec::new();
    let rules = RULES.iter().map(|rule| format!("R{:02}", rule.id));
    let kills = (1..=6).map(|number| format!("K{number}"));
    let events = (1..=25).map(|number| format!("E{number}"));
    for id in rules.chain(kills).chain(events) {
        match rows.iter().filter(|(known, _)| *known == id).count() {
            1 => {}
            count => faults.push(format!("{id} stands there {count} times")),
        }
    }
    for (id, cells) in &rows {
        let named = cells.last().map(|cell| quoted(cell)).unwrap_or_default();
        if named.is_empty() && id.starts_with(['R', 'E']) {
            faults.push(format!("{id} names no test"));
        }
        let unknown = named.into_iter().filter(|name| !tests.contains(*name));
        faults.extend(unknown.map(|name| format!("{id}: {name} is no test")));
    }
    faults.extend(unknown_keys(&rows));
    faults
}

/// Keys of limits that the configuration does not have.
fn unknown_keys(rows: &[Row]) -> Vec<String> {
    let known: Vec<String> = engine::config::key_list().into_iter().map(|row| row.key).collect();
    let mut faults = Vec::new();
    for (id, cells) in rows.iter().filter(|(id, _)| id.starts_with('R')) {
        let keys = cells.get(2).map(|cell| quoted(cell)).unwrap_or_default();
        for key in keys.into_iter().filter(|key| key.contains('.')) {
            let (table, last) = key.split_once('.').unwrap_or_default();
            let is_known = known.iter().any(|path| {
                let parts: Vec<&str> = path.split('.').filter(|part| *part != "*").collect();
                parts.last() == Some(&last) && parts.iter().rev().nth(1) == Some(&table)
                    || parts.windows(2).any(|pair| pair == [table, last])
            });
            if !is_known {
                faults.push(format!("{id}: {key} is no key"));
            }
        }
    }
    faults
}

fn table() -> String {
    std::fs::read_to_string(root().join("docs/risk.md")).unwrap()
}

// Goal: the tables say what is there. Method: parse them; look every test up in the sources and
// every key in the configuration's list.
#[test]
fn every_rule_names_tests_that_exist() {
    let mut tests = BTreeSet::new();
    tests_of(&root(), &mut tests);
    assert!(tests.contains("every_rule_names_tests_that_exist"), "the sources were not found");
    let faults = faults(&table(), &tests);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

// Goal: a row that rots is seen. Method: a test renamed, a row left out, a row twice, a key that is
// none.
#[test]
fn a_rotten_row_is_found() {
    let mut tests = BTreeSet::new();
    tests_of(&root(), &mut tests);
    let text = table();
    let r33 = text.lines().find(|line| line.starts_with("| R33 ")).unwrap();
    for rotten in [
        text.replacen("t01_r33_net_exposure", "t01_r33_gone", 1),
        text.replacen(r33, "", 1),
        text.replacen(r33, &format!("{r33}\n{r33}"), 1),
        text.replacen("money.net_max", "money.nett_max", 1),
    ] {
        assert_eq!(faults(&rotten, &tests).len(), 1, "{:?}", faults(&rotten, &tests));
    }
}
