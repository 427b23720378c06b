//! Plants for the rules that read text: the real workspace with one file or manifest line added.

use std::error::Error;
use std::fs;

use crate::check::layers;
use crate::finding::Finding;
use crate::tidy::allow::{self, Allow};
use crate::tidy::tree::Tree;
use crate::{tidy, workspace};

use super::Proof;

/// (rule, file planted, its text). The text is put at the end of a file that exists.
const TEXTS: [(&str, &str, &str); 10] = [
    ("line-length", "engine/src/planted.rs", "LONG"),
    ("function-length", "engine/src/planted.rs", "TALL"),
    ("file-length", "engine/src/planted.rs", "ENDLESS"),
    ("safety", "shm/src/planted.rs", "pub fn a(p: *const u8) -> u8 { unsafe { *p } }"),
    ("unsafe", "feed/src/planted.rs", "// SAFETY: none.\nfn a() { unsafe { b() } }"),
    ("ordering", "shm/src/planted.rs", "fn a(b: &AtomicU64) -> u64 { b.load(Relaxed) }"),
    ("atomics", "gateway/src/planted.rs", "use std::sync::atomic::AtomicU64;"),
    ("dead-file", "feed/src/planted.rs", ""),
    ("lib-code", "feed/src/lib.rs", "pub fn a() {}"),
    ("clippy-lists", "feed/clippy.toml", "disallowed-names = [\"x\"]"),
];

/// (manifest, line planted below `[dependencies]`, word of the finding).
const EDGES: [(&str, &str, &str); 5] = [
    ("services/Cargo.toml", "engine.workspace = true", "must not know engine"),
    ("feed/Cargo.toml", "gateway.workspace = true", "must not know gateway"),
    ("gateway/Cargo.toml", "feed.workspace = true", "must not know feed"),
    ("shm/Cargo.toml", "engine.workspace = true", "must not know engine"),
    ("engine/Cargo.toml", "tokio = \"1\"", "not in the hot path table"),
];

/// Plants each and asks the rule.
///
/// # Errors
/// The workspace cannot be read.
pub fn prove() -> Result<Vec<Proof>, Box<dyn Error>> {
    let root = workspace::root();
    let mut proofs = Vec::new();
    for (rule, path, text) in TEXTS {
        let tree = Tree::read(&root)?.with(path, &grown(text));
        let allow = Allow::parse(&fs::read_to_string(root.join(allow::PATH))?)?;
        let findings = tidy::apply(&tree, &allow);
        let hit = |finding: &Finding| finding.rule == rule && finding.path == path;
        let escaped = (!findings.iter().any(hit)).then(|| "tidy said nothing".to_owned());
        proofs.push(Proof { name: format!("tidy {rule} in {path}"), escaped });
    }
    for (path, line, words) in EDGES {
        let mut manifests = layers::read(&root)?;
        let found = manifests.iter_mut().find(|(manifest, _)| manifest == path);
        let (_, text) = found.ok_or_else(|| format!("{path} is missing"))?;
        *text = text.replacen("[dependencies]", &format!("[dependencies]\n{line}"), 1);
        let findings = layers::check(&manifests);
        let hit = findings.iter().any(|found| found.path == path && found.text.contains(words));
        let escaped = (!hit).then(|| "layers said nothing".to_owned());
        proofs.push(Proof { name: format!("layering: `{line}` in {path}"), escaped });
    }
    Ok(proofs)
}

/// The texts that are too long to write down.
fn grown(text: &str) -> String {
    match text {
        "LONG" => format!("// {}", "word ".repeat(30)),
        "TALL" => format!("fn a() {{{}}}", "\n".repeat(61)),
        "ENDLESS" => "\n".repeat(601),
        text => text.to_owned(),
    }
}
