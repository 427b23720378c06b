//! What a number was measured on. Numbers without the machine are not quoted.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread;

use crate::{process, workspace};

/// One line per fact.
pub fn facts() -> String {
    let mut text = String::new();
    for (name, value) in rows() {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "   {name:16} {value}");
    }
    text
}

/// The facts by name.
pub fn map() -> BTreeMap<String, String> {
    rows().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn rows() -> Vec<(&'static str, String)> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_owned()
    };
    let virtual_machine = field("flags").split(' ').any(|flag| flag == "hypervisor");
    let cores = thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("date", said("date", &["-u", "+%F %R UTC"])),
        ("commit", commit()),
        ("compiler", said("rustc", &["--version"])),
        ("cpu", field("model name")),
        ("cores usable", cores.to_string()),
        ("kernel", file("/proc/sys/kernel/osrelease")),
        ("governor", file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        ("isolated", file("/sys/devices/system/cpu/isolated")),
        ("nohz_full", file("/sys/devices/system/cpu/nohz_full")),
        ("smt", file("/sys/devices/system/cpu/smt/control")),
        ("clock source", file("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        ("huge pages", file("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("virtual machine", if virtual_machine { "yes" } else { "no" }.to_owned()),
        ("load", file("/proc/loadavg")),
    ]
}

/// What was measured: the commit, and whether the tree has changed since.
fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changes = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changes == "none" { commit } else { commit + ", changed since" }
}

/// What a program says in the workspace, in one line.
fn said(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    match process::output(command.args(args).current_dir(workspace::root())) {
        Ok(text) if text.trim().is_empty() => "none".to_owned(),
        Ok(text) => text.trim().to_owned(),
        Err(_) => "not told".to_owned(),
    }
}

/// A one-line file of the kernel; what is absent or empty is said.
fn file(path: &str) -> String {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => "none".to_owned(),
        Ok(text) => text.trim().to_owned(),
        Err(_) => "not told".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: every fact has a value, told or not. Method: no line ends after its name.
    #[test]
    fn every_fact_has_a_value() {
        let text = facts();
        assert_eq!(text.lines().count(), 14);
        assert!(text.lines().all(|line| line.len() > 20), "{text}");
    }
}
