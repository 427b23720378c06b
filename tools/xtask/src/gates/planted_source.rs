//! Plants for the rule that the layout does not move by the way: `shm` copied, a line or two of it
//! changed, and `tests/tests/abi.rs` built against the copy. It must hold on the copy as it is, and
//! fail on each change with the words of its own.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use crate::{process, workspace};

use super::Proof;

/// (name, file of `shm`, replacements in their order; `@` stands in while two texts swap).
type Change = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CHANGES: [Change; 4] = [
    (
        "fields of a record swapped",
        "src/record/market.rs",
        &[("d_gateway: u32", "@"), ("d_encoded: u32", "d_gateway: u32"), ("@", "d_encoded: u32")],
    ),
    (
        "fields of a message swapped",
        "src/message.rs",
        &[("bid_px: Price", "@"), ("ask_px: Price", "bid_px: Price"), ("@", "ask_px: Price")],
    ),
    ("a kind of record renumbered", "src/record/mod.rs", &[("TxVoid = 5,", "TxVoid = 250,")]),
    ("the region's layout edited", "src/region.rs", &[("magic@0,version@8", "version@0,magic@8")]),
];

/// What the test says when it fails for the reason planted.
const SAYS: &str = "the layout changed";

const LIMIT: Duration = Duration::from_secs(300);

const MANIFEST: &str = "\
[package]
name = \"planted\"
version = \"0.0.0\"
edition = \"2024\"

[dependencies]
shm.workspace = true
";

/// Plants each.
///
/// # Errors
/// The copy cannot be made, a text to change is not there, or cargo cannot be started.
pub fn prove() -> Result<Vec<Proof>, Box<dyn Error>> {
    let place = workspace::target().join("gates/layout");
    copy(&place)?;
    let mut proofs = Vec::new();
    let (held, text) = abi(&place)?;
    let escaped = (!held).then(|| format!("it fails with nothing planted:\n{text}"));
    proofs.push(Proof { name: "layout hash: nothing planted".to_owned(), escaped });
    for (name, file, edits) in CHANGES {
        let path = place.join("shm").join(file);
        let whole = fs::read_to_string(&path)?;
        let mut changed = whole.clone();
        for (from, to) in edits {
            if !changed.contains(from) {
                return Err(format!("layout hash: {name}: `{from}` is not in shm/{file}").into());
            }
            changed = changed.replacen(from, to, 1);
        }
        fs::write(&path, changed)?;
        let (held, text) = abi(&place)?;
        fs::write(&path, whole)?;
        let escaped = match (held, text.contains(SAYS)) {
            (true, _) => Some("the test passed".to_owned()),
            (false, true) => None,
            (false, false) => Some(format!("it failed for another reason:\n{text}")),
        };
        proofs.push(Proof { name: format!("layout hash: {name}"), escaped });
    }
    Ok(proofs)
}

/// Runs the test against the copy: whether it held, and what it said.
fn abi(place: &Path) -> Result<(bool, String), Box<dyn Error>> {
    let args = ["test", "--offline", "--package", "planted", "--test", "abi"];
    let mut command = workspace::cargo(&args);
    command.current_dir(place).env("CARGO_TARGET_DIR", place.join("target"));
    let mut text = String::new();
    let ended = process::stream(command, LIMIT, &mut |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    Ok((ended.success(), text))
}

/// A workspace of two: `shm`, and a package that holds the test alone.
fn copy(place: &Path) -> Result<(), Box<dyn Error>> {
    let root = workspace::root();
    for name in ["shm", "planted"] {
        if place.join(name).exists() {
            fs::remove_dir_all(place.join(name))?;
        }
    }
    copy_folder(&root.join("shm"), &place.join("shm"))?;
    copy_folder(&root.join("tests/tests/abi"), &place.join("planted/tests/abi"))?;
    fs::copy(root.join("tests/tests/abi.rs"), place.join("planted/tests/abi.rs"))?;
    fs::create_dir_all(place.join("planted/src"))?;
    fs::write(place.join("planted/src/lib.rs"), "")?;
    fs::write(place.join("planted/Cargo.toml"), MANIFEST)?;
    fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock"))?;
    let mut table: Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let head = table.get_mut("workspace").and_then(Value::as_table_mut);
    let head = head.ok_or("the root manifest has no workspace")?;
    head.remove("default-members");
    head.remove("exclude");
    head.insert("members".to_owned(), Value::from(vec!["shm", "planted"]));
    fs::write(place.join("Cargo.toml"), table.to_string())?;
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
