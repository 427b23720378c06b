//! Plants for the rules clippy keeps: a small crate with the head (inner attributes, lints, bans)
//! of a hot crate and one forbidden thing per file. Clippy must refuse each, and nothing when
//! nothing is planted.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::tidy::source::{Source, matching};
use crate::tidy::tree::HOT;
use crate::workspace;

use super::Proof;

/// (hot-path rule, lint that must speak, planted file).
const PLANTS: [(&str, &str, &str); 12] = [
    ("panic-free decode: index", "clippy::indexing_slicing", "pub fn a(b: &[u8]) -> u8 { b[3] }"),
    (
        "panic-free decode: slice",
        "clippy::indexing_slicing",
        "pub fn a(b: &[u8]) -> &[u8] { &b[3..] }",
    ),
    (
        "panic-free decode: unwrap",
        "clippy::unwrap_used",
        "pub fn a(b: Option<u8>) -> u8 { b.unwrap() }",
    ),
    (
        "panic-free decode: expect",
        "clippy::expect_used",
        "pub fn a(b: Option<u8>) -> u8 { b.expect(\"x\") }",
    ),
    ("panic-free decode: panic", "clippy::panic", "pub fn a() { panic!(\"x\") }"),
    ("integers: float", "clippy::float_arithmetic", "pub fn a(b: f64) -> f64 { b * 2.0 }"),
    (
        "lock",
        "clippy::disallowed_types",
        "pub fn a(b: &std::sync::Mutex<u8>) -> bool { b.is_poisoned() }",
    ),
    (
        "lock: shared",
        "clippy::disallowed_types",
        "pub fn a(b: &std::sync::RwLock<u8>) -> bool { b.is_poisoned() }",
    ),
    ("allocation: String", "clippy::disallowed_types", "pub fn a(b: &String) -> usize { b.len() }"),
    (
        "allocation: format",
        "clippy::disallowed_macros",
        "pub fn a() -> usize { format!(\"{}\", 1).len() }",
    ),
    (
        "clock_gettime",
        "clippy::disallowed_methods",
        "pub fn a() -> std::time::Instant { std::time::Instant::now() }",
    ),
    (
        "sleep",
        "clippy::disallowed_methods",
        "pub fn a() { std::thread::sleep(std::time::Duration::ZERO); }",
    ),
];

/// Plants everything in the likeness of each hot crate.
///
/// # Errors
/// The crate cannot be written, or clippy cannot be started.
pub fn prove() -> Result<Vec<Proof>, Box<dyn Error>> {
    let mut proofs = Vec::new();
    for name in HOT {
        let clean = Likeness::new(name, &[])?.clippy()?;
        let escaped =
            (!clean.is_empty()).then(|| format!("refused with nothing planted: {clean:?}"));
        proofs.push(Proof { name: format!("clippy as in {name}: nothing planted"), escaped });
        let said = Likeness::new(name, &PLANTS)?.clippy()?;
        for (index, (rule, lint, _)) in PLANTS.iter().enumerate() {
            let hit = said.contains(&(lint.to_string(), file_name(index)));
            let escaped = (!hit).then(|| format!("{lint} said nothing"));
            proofs.push(Proof { name: format!("{rule} in {name}"), escaped });
        }
    }
    Ok(proofs)
}

fn file_name(index: usize) -> String {
    format!("src/planted_{index}.rs")
}

/// A crate without dependencies that has a hot crate's head.
struct Likeness {
    folder: PathBuf,
}

impl Likeness {
    fn new(name: &str, plants: &[(&str, &str, &str)]) -> Result<Self, Box<dyn Error>> {
        let root = workspace::root();
        let folder = workspace::target().join("gates").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("src"))?;
        fs::copy(root.join(name).join("clippy.toml"), folder.join("clippy.toml"))?;
        fs::write(folder.join("Cargo.toml"), manifest(&root, name)?)?;
        let lib = fs::read_to_string(root.join(name).join("src/lib.rs"))?;
        let mut head = inner_attributes(&Source::new("lib.rs", &lib));
        for (index, (_, _, text)) in plants.iter().enumerate() {
            head.push_str(&format!("mod planted_{index};\n"));
            fs::write(folder.join(file_name(index)), text)?;
        }
        fs::write(folder.join("src/lib.rs"), head)?;
        Ok(Self { folder })
    }

    /// Runs clippy; what it refused as (lint, file).
    fn clippy(&self) -> Result<BTreeSet<(String, String)>, Box<dyn Error>> {
        let mut command = workspace::cargo(&["clippy", "--offline", "--message-format", "json"]);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.folder.join("target"));
        let done = command.output()?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let said: BTreeSet<_> = text.lines().filter_map(refusal).collect();
        if said.is_empty() && !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
        Ok(said)
    }
}

/// The lints of the workspace, and no dependency.
fn manifest(root: &Path, name: &str) -> Result<String, Box<dyn Error>> {
    let table: Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let lints = table.get("workspace").and_then(|workspace| workspace.get("lints"));
    let mut lints = lints.cloned().ok_or("the root manifest has no lints")?;
    // Planted code is not documented, nor used.
    if let Some(rust) = lints.get_mut("rust").and_then(Value::as_table_mut) {
        rust.insert("missing_docs".to_owned(), Value::from("allow"));
        rust.insert("unreachable_pub".to_owned(), Value::from("allow"));
        rust.insert("dead_code".to_owned(), Value::from("allow"));
    }
    let mut out = Table::new();
    let package = [("name", format!("planted-{name}")), ("edition", "2024".to_owned())];
    let package = package.map(|(key, value)| (key.to_owned(), Value::from(value)));
    out.insert("package".to_owned(), Value::from(Table::from_iter(package)));
    out.insert("lints".to_owned(), lints);
    out.insert("workspace".to_owned(), Value::from(Table::new()));
    Ok(out.to_string())
}

/// The `#![..]` of a file, those of documentation left out.
fn inner_attributes(source: &Source) -> String {
    let tokens = source.tokens();
    let mut head = String::new();
    for (index, token) in tokens.iter().enumerate() {
        let inner = token.text == "#" && tokens.get(index + 1).is_some_and(|next| next.text == "!");
        let close = inner.then(|| matching(&tokens, index + 2)).flatten();
        if let Some(close) = close {
            head.push_str(&source.text[token.at..=tokens[close].at]);
            head.push('\n');
        }
    }
    head
}

#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    code: Option<Code>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
}

/// An error of clippy in a line of its JSON. Warnings refuse nothing.
fn refusal(line: &str) -> Option<(String, String)> {
    let message = serde_json::from_str::<Line>(line).ok()?.message?;
    let file = message.spans.into_iter().next()?.file_name;
    (message.level == "error").then_some((message.code?.code, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the likeness has the crate's head and nothing else. Method: a head with both forms and
    // code.
    #[test]
    fn head_is_the_inner_attributes() {
        let text = "//! Doc.\n#![deny(\n    a,\n    b\n)]\n#![forbid(c)]\n#[cfg(x)]\nmod d;";
        let head = inner_attributes(&Source::new("lib.rs", text));
        assert_eq!(head, "#![deny(\n    a,\n    b\n)]\n#![forbid(c)]\n");
    }
}
