//! What is built: no banned crate, no licence off the list, nothing heavy under a hot crate.

use std::error::Error;

use serde::Deserialize;

use crate::finding::Finding;
use crate::{process, workspace};

use super::licence;

/// Never, whatever depends on it, on any feature: one provider of cryptography, and no system
/// library.
const BANNED: [&str; 5] = ["ring", "native-tls", "openssl-sys", "openssl", "rusqlite"];

/// Not below a hot crate.
const BANNED_HOT: [&str; 8] =
    ["tokio", "axum", "sqlx", "reqwest", "hyper", "tracing", "log4rs", "async-std"];

/// Where every package that is not ours comes from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages whose licence expression is not on the list and that were looked at: (name, why).
const LOOKED_AT: [(&str, &str); 0] = [];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// The rules, for the tree of all features on this machine's target.
///
/// # Errors
/// Cargo cannot tell the tree.
pub fn check() -> Result<Vec<Finding>, Box<dyn Error>> {
    let mut findings = banned("workspace", &tree(&["--workspace", "--all-features"])?, &BANNED);
    for name in crate::tidy::tree::HOT {
        let below = tree(&["--package", name, "--all-features"])?;
        findings.extend(banned(name, &below, &BANNED_HOT));
    }
    let host = process::output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or("");
    let args = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let text = process::output(workspace::cargo(&args).args(["--filter-platform", host]))?;
    let metadata: Metadata = serde_json::from_str(&text)?;
    findings.extend(metadata.packages.iter().filter_map(licence_finding));
    findings.extend(metadata.packages.iter().filter_map(source_finding));
    Ok(findings)
}

/// Names of the packages below, without those of tests.
fn tree(of: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    let args =
        ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let text = process::output(workspace::cargo(&args).args(of))?;
    let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
    Ok(text.lines().filter_map(name).collect())
}

fn banned(of: &str, below: &[String], list: &[&str]) -> Vec<Finding> {
    let hit = |name: &&&str| below.iter().any(|below| below == **name);
    let hits = list.iter().filter(hit);
    hits.map(|name| {
        let text = format!("`{name}` is banned below {of} (cargo tree -i {name})");
        Finding::new("bans", "Cargo.lock", 0, text)
    })
    .collect()
}

fn licence_finding(package: &Package) -> Option<Finding> {
    let Package { name, version, license, source } = package;
    let expression = license.as_deref().unwrap_or("");
    let looked_at = LOOKED_AT.iter().any(|(known, _)| known == name);
    if source.is_none() || licence::allowed(expression) || looked_at {
        return None;
    }
    let text = format!("{name} {version} has licence `{expression}`, which is not on the list");
    Some(Finding::new("licences", "Cargo.lock", 0, text))
}

/// Everything that is not ours comes from the one registry.
fn source_finding(package: &Package) -> Option<Finding> {
    let Package { name, version, source, .. } = package;
    let source = source.as_deref().filter(|source| *source != REGISTRY)?;
    let text = format!("{name} {version} comes from {source}, not from the registry");
    Some(Finding::new("sources", "Cargo.lock", 0, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a banned crate is found wherever it hangs. Method: planted among the names of a tree.
    #[test]
    fn planted_banned_crate_is_found() {
        let below = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(banned("x", &below(&["libc", "ring"]), &BANNED).len(), 1);
        assert!(banned("x", &below(&["libc", "ring-buffer"]), &BANNED).is_empty());
    }

    // Goal: no package without a known licence. Method: none, a foreign one, and one of ours.
    #[test]
    fn planted_licence_is_found() {
        let package = |license: Option<&str>, source: Option<&str>| Package {
            name: "x".into(),
            version: "1.0.0".into(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        assert!(licence_finding(&package(None, Some("registry"))).is_some());
        assert!(licence_finding(&package(Some("GPL-3.0"), Some("registry"))).is_some());
        assert!(licence_finding(&package(Some("MIT"), Some("registry"))).is_none());
        assert!(licence_finding(&package(None, None)).is_none());
    }

    // Goal: no code from elsewhere. Method: the registry, another one, a repository, ourselves.
    #[test]
    fn planted_source_is_found() {
        let package = |source: Option<&str>| Package {
            name: "x".into(),
            version: "1.0.0".into(),
            license: Some("MIT".into()),
            source: source.map(str::to_owned),
        };
        assert!(source_finding(&package(Some("git+https://example.org/x"))).is_some());
        assert!(source_finding(&package(Some("registry+https://example.org/index"))).is_some());
        assert!(source_finding(&package(Some(REGISTRY))).is_none());
        assert!(source_finding(&package(None)).is_none());
    }
}
