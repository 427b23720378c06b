//! Who may depend on whom, read from the manifests: our crates among each other, and what a hot
//! crate may take from outside.

use std::fs;
use std::io;
use std::path::Path;

use toml::{Table, Value};

use crate::finding::Finding;

/// A manifest: its path from the root, and its text.
pub type Manifest = (String, String);

/// The crates of the data path and the crates of ours each may know. All else of ours may know all.
const LAYERS: [(&str, &[&str]); 5] = [
    ("shm", &[]),
    ("feed", &["shm"]),
    ("gateway", &["shm"]),
    ("engine", &["shm", "feed", "gateway"]),
    ("services", &["shm"]),
];

/// Crates the data path is made of, whatever else depends on them.
const OURS: [&str; 8] =
    ["shm", "feed", "gateway", "engine", "services", "exchange", "wirelane", "xtask"];

/// What a hot crate may take from outside: the hot path table.
const HOT_PARTS: [&str; 19] = [
    "core_affinity",
    "crc32c",
    "crossbeam-utils",
    "disruptor",
    "foldhash",
    "hashbrown",
    "io-uring",
    "itoa",
    "libc",
    "loom",
    "memchr",
    "memmap2",
    "mio",
    "quanta",
    "rtrb",
    "rustix",
    "rustls",
    "socket2",
    "zerocopy",
];

/// What cold modules of a hot crate may take besides.
const COLD_PARTS: [(&str, &[&str]); 2] = [
    ("feed", &["flate2", "zstd"]),
    (
        "engine",
        &[
            "config",
            "garde",
            "jiff",
            "rust_decimal",
            "schemars",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "sha2",
            "strsim",
            "thiserror",
            "toml",
        ],
    ),
];

/// Reads the manifests of all members.
///
/// # Errors
/// A manifest cannot be read.
pub fn read(root: &Path) -> io::Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    let mut folders = vec![String::new(), "tools/".to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(root.join(&below))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let path = format!("{below}{name}/Cargo.toml");
            if root.join(&path).is_file() {
                manifests.push((path.clone(), fs::read_to_string(root.join(&path))?));
            }
        }
    }
    manifests.sort();
    Ok(manifests)
}

/// The rule.
pub fn check(manifests: &[Manifest]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in manifests {
        match text.parse::<Table>() {
            Ok(table) => manifest(path, &table, &mut findings),
            Err(error) => findings.push(Finding::new("layers", path, 0, error.message())),
        }
    }
    for (name, _) in LAYERS {
        if !manifests.iter().any(|(path, _)| *path == format!("{name}/Cargo.toml")) {
            findings.push(Finding::new("layers", name, 0, "this layer has no manifest"));
        }
    }
    findings
}

fn manifest(path: &str, table: &Table, findings: &mut Vec<Finding>) {
    let name = table.get("package").and_then(|package| package.get("name"));
    let name = name.and_then(Value::as_str).unwrap_or("");
    let Some((_, below)) = LAYERS.iter().find(|(layer, _)| *layer == name) else { return };
    for (part, in_tests) in parts(table) {
        let part = part.as_str();
        let ours = OURS.contains(&part) || part.starts_with("wirelane");
        if ours {
            if !below.contains(&part) {
                let known = if below.is_empty() { "none of ours".into() } else { below.join(", ") };
                let text = format!("{name} must not know {part}; it may know {known}");
                findings.push(Finding::new("layers", path, 0, text));
            }
        } else if !in_tests && name != "services" && !taken(name, part) {
            let text = format!("{part} is not in the hot path table, which is all {name} may take");
            findings.push(Finding::new("layers", path, 0, text));
        }
    }
}

fn taken(name: &str, part: &str) -> bool {
    let cold = COLD_PARTS.iter().find(|(layer, _)| *layer == name);
    HOT_PARTS.contains(&part) || cold.is_some_and(|(_, parts)| parts.contains(&part))
}

/// Every dependency of a manifest by package name, and whether for tests only.
fn parts(table: &Table) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let targets = table.get("target").and_then(Value::as_table);
    let per_target = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    for place in std::iter::once(table).chain(per_target) {
        for (key, in_tests) in
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let Some(entries) = place.get(key).and_then(Value::as_table) else { continue };
            for (name, entry) in entries {
                // A renamed dependency is known by the package it means.
                let package = entry.get("package").and_then(Value::as_str).unwrap_or(name);
                found.push((package.to_owned(), in_tests));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, lines: &str) -> Vec<Finding> {
        let mut manifests: Vec<Manifest> = LAYERS
            .iter()
            .map(|(layer, _)| {
                (format!("{layer}/Cargo.toml"), format!("[package]\nname = \"{layer}\"\n"))
            })
            .collect();
        for (path, text) in &mut manifests {
            if *path == format!("{name}/Cargo.toml") {
                text.push_str(lines);
            }
        }
        check(&manifests)
    }

    // Goal: arrows run one way. Method: every pair of layers planted as a dependency, against the
    // table.
    #[test]
    fn planted_edge_between_layers_is_found_unless_listed() {
        for (from, below) in LAYERS {
            for (to, _) in LAYERS.iter().filter(|(to, _)| *to != from) {
                let found = with(from, &format!("[dependencies]\n{to}.workspace = true\n"));
                assert_eq!(found.is_empty(), below.contains(to), "{from} -> {to}");
            }
        }
    }

    // Goal: no way around. Method: the same edge renamed, for one target, for builds, for tests.
    #[test]
    fn planted_edge_in_disguise_is_found() {
        for lines in [
            "[dependencies]\nx = { package = \"engine\", path = \"../engine\" }",
            "[target.\"cfg(unix)\".dependencies]\nengine.workspace = true",
            "[build-dependencies]\nengine.workspace = true",
            "[dev-dependencies]\nengine.workspace = true",
        ] {
            assert_eq!(with("services", lines).len(), 1, "{lines}");
        }
    }

    // Goal: a hot crate stays light. Method: a runtime planted in each; a config crate where it may
    // be.
    #[test]
    fn planted_heavy_part_in_a_hot_crate_is_found() {
        for name in ["shm", "feed", "gateway", "engine"] {
            assert_eq!(with(name, "[dependencies]\ntokio = \"1\"").len(), 1);
        }
        assert!(with("engine", "[dependencies]\ntoml = \"1\"").is_empty());
        assert_eq!(with("shm", "[dependencies]\ntoml = \"1\"").len(), 1);
        assert!(with("services", "[dependencies]\ntokio = \"1\"").is_empty());
    }

    // Goal: a layer cannot vanish from the check. Method: one manifest left out.
    #[test]
    fn missing_layer_is_found() {
        assert_eq!(check(&[]).len(), LAYERS.len());
    }
}
