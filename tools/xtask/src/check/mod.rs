//! `cargo xtask check`: is the text as STYLE.md wants it? Every step runs, then all that failed is
//! named.

pub mod dependencies;
pub mod layers;
pub mod licence;

use std::error::Error;
use std::process::Command;
use std::time::Instant;

use crate::finding::Finding;
use crate::{process, tidy, workspace};

type Step = (&'static str, fn() -> Result<bool, Box<dyn Error>>);

const STEPS: [Step; 7] = [
    ("tidy", tidy_step),
    ("layers", layers_step),
    ("fmt", fmt),
    ("clippy", clippy),
    ("docs", docs),
    ("dependencies", dependencies_step),
    ("cargo deny", deny),
];

/// Runs the steps named, or all; says whether all held.
///
/// # Errors
/// A name is not that of a step.
pub fn run(only: &[String]) -> Result<bool, Box<dyn Error>> {
    if let Some(name) = only.iter().find(|name| STEPS.iter().all(|(step, _)| step != name)) {
        let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        return Err(format!("no step `{name}`; there are: {}", names.join(", ")).into());
    }
    let mut broken = Vec::new();
    for (name, step) in STEPS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("== {name}");
        let begin = Instant::now();
        match step() {
            Ok(true) => println!("   holds ({} s)", begin.elapsed().as_secs()),
            Ok(false) => broken.push(name),
            Err(error) => {
                println!("   cannot be checked: {error}");
                broken.push(name);
            }
        }
    }
    if broken.is_empty() {
        println!("check: everything holds");
    } else {
        println!("check: broken: {}", broken.join(", "));
    }
    Ok(broken.is_empty())
}

fn report(findings: &[Finding]) -> bool {
    for finding in findings {
        println!("   {finding}");
    }
    findings.is_empty()
}

fn tidy_step() -> Result<bool, Box<dyn Error>> {
    Ok(report(&tidy::check(&workspace::root())?))
}

fn layers_step() -> Result<bool, Box<dyn Error>> {
    let manifests = layers::read(&workspace::root())?;
    Ok(report(&layers::check(&manifests)))
}

fn fmt() -> Result<bool, Box<dyn Error>> {
    component("fmt", "rustfmt");
    runs(&mut workspace::cargo(&["fmt", "--all", "--check", "--", "--color", "never"]))
}

fn clippy() -> Result<bool, Box<dyn Error>> {
    component("clippy", "clippy");
    let args = ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--"];
    runs(workspace::cargo(&args).args(["-D", "warnings"]))
}

fn docs() -> Result<bool, Box<dyn Error>> {
    let args = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    runs(workspace::cargo(&args).env("RUSTDOCFLAGS", "-D warnings"))
}

fn dependencies_step() -> Result<bool, Box<dyn Error>> {
    Ok(report(&dependencies::check()?))
}

/// The same again, and more, where the tool is installed.
fn deny() -> Result<bool, Box<dyn Error>> {
    if process::works("cargo-deny", &["--version"]) {
        // Advisories need the network, so `deep` asks for them; what is here depends on the tree
        // alone.
        println!("   NOT CHECKED: advisories, which need the network: cargo deny check advisories");
        return runs(&mut workspace::cargo(&["deny", "check", "bans", "licenses", "sources"]));
    }
    println!(
        "   NOT RUN: cargo-deny is absent (cargo install cargo-deny --locked); bans, licences \
         and sources were checked by the step before\n   NOT CHECKED: advisories of RustSec, versions \
         that were withdrawn, targets other than this machine's"
    );
    Ok(true)
}

/// A toolchain of the minimal profile lacks components; rustup can bring them.
fn component(subcommand: &str, name: &str) {
    if workspace::cargo(&[subcommand, "--version"]).output().is_ok_and(|done| done.status.success())
    {
        return;
    }
    println!("   {name} is absent: rustup component add {name}");
    if let Err(error) = Command::new("rustup").args(["component", "add", name]).status() {
        println!("   cannot start rustup: {error}");
    }
}

fn runs(command: &mut Command) -> Result<bool, Box<dyn Error>> {
    Ok(command.stdin(std::process::Stdio::null()).status()?.success())
}
