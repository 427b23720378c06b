//! Plants for what a running test keeps: one build with the feature `planted`, run with
//! `WIRELANE_PLANT` naming a violation or a bug it then has. A test must fail, for the reason
//! planted, and none may fail where nothing is planted.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::{process, workspace};

use super::Proof;
use super::planted_bugs::BUGS;

/// A program of tests: a package, and the name of its test binary; no name is the library's own.
pub type Binary = (&'static str, Option<&'static str>);

/// What can be planted, and who must notice.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// The rule or the bug, by the name people know it by.
    pub rule: &'static str,
    /// Which program of tests is run.
    pub binary: Binary,
    /// The tests that are run: those whose name holds this, at least one.
    pub filter: &'static str,
    /// Value of `WIRELANE_PLANT`.
    pub plant: &'static str,
    /// What must be said when they fail, the name of a test among it: another failure is no proof.
    pub says: &'static str,
    /// Another variable, for a short form of the test.
    pub with: Option<(&'static str, &'static str)>,
}

/// For building the tests with plants in them.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// For one run of tests.
const LIMIT: Duration = Duration::from_secs(120);

/// A violation on every turn of a hot thread.
const fn hot(rule: &'static str, plant: &'static str, says: &'static str) -> Planted {
    Planted {
        rule,
        binary: ("wirelane-tests", Some("hot_path")),
        filter: "fused_thread_keeps_every_rule",
        plant,
        says,
        with: None,
    }
}

/// Violations of the hot path's rules; the bugs are in [`BUGS`].
const RULES: [Planted; 8] = [
    Planted {
        rule: "panic-free decode",
        binary: ("wirelane-tests", Some("fuzz")),
        filter: "decoder_that_trusts_a_length_is_caught",
        plant: "decode_panic",
        says: "planted: seed 0x",
        with: None,
    },
    hot("allocation", "alloc", ": allocations: "),
    hot("page fault", "fault", ": page faults: "),
    hot("lock", "lock", ": system call futex: "),
    hot("clock_gettime", "clock", ": system call clock_gettime: "),
    hot("epoll_wait", "epoll", ": system call epoll_"),
    hot("sleep", "sleep", ": system call clock_nanosleep: "),
    hot("formatting", "write", ": system call write: "),
];

/// Builds the tests, and runs each with what is planted for it, of what is called by a name that
/// holds `name`.
///
/// # Errors
/// Cargo cannot be started, what it builds does not compile, or nothing is called so.
pub fn prove(name: &str) -> Result<Vec<Proof>, Box<dyn Error>> {
    let is_meant = |planted: &Planted| planted.plant.contains(name);
    let bugs: Vec<Planted> = BUGS.into_iter().filter(is_meant).collect();
    let all: Vec<Planted> =
        RULES.into_iter().filter(is_meant).chain(bugs.iter().copied()).collect();
    if all.is_empty() {
        let names: Vec<&str> = RULES.iter().chain(&BUGS).map(|planted| planted.plant).collect();
        return Err(
            format!("nothing to plant is called {name}; there is: {}", names.join(" ")).into()
        );
    }
    let programs = build(&all.iter().map(|planted| planted.binary).collect())?;
    let mut proofs = Vec::new();
    // A test that fails anyway proves nothing. Those of the hot path are run without a plant by the
    // workspace's own run, and take longest.
    let sound: BTreeSet<_> = bugs.iter().map(|bug| (bug.binary, bug.filter, bug.with)).collect();
    for (binary, filter, with) in sound {
        let run = run(&programs, binary, filter, None, with)?;
        let escaped = (!run.held).then(|| format!("it fails with nothing planted:\n{}", run.text));
        proofs.push(Proof { name: format!("nothing planted: {}", title(binary, filter)), escaped });
    }
    for planted in &all {
        proofs.push(one(&programs, planted)?);
    }
    Ok(proofs)
}

fn title((package, name): Binary, filter: &str) -> String {
    format!("{package}/{}: {filter}", name.unwrap_or("lib"))
}

#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

type Programs = BTreeMap<Binary, (PathBuf, PathBuf)>;

/// Builds all of them at once; the program of each, and the folder it is to run in.
fn build(binaries: &BTreeSet<Binary>) -> Result<Programs, Box<dyn Error>> {
    let args = ["test", "--no-run", "--profile", "checked", "--locked"];
    let mut command = workspace::cargo(&args);
    command.args(["--message-format", "json-render-diagnostics", "--lib"]);
    let packages: BTreeSet<&str> = binaries.iter().map(|(package, _)| *package).collect();
    for package in packages {
        command.args(["--package", package, "--features", &format!("{package}/planted")]);
    }
    for name in binaries.iter().filter_map(|(_, name)| *name) {
        command.args(["--test", name]);
    }
    let mut text = String::new();
    let ended = process::stream(command, BUILD_LIMIT, &mut |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    if !ended.success() {
        return Err(format!("the tests with plants do not build:\n{text}").into());
    }
    let made: Vec<Artifact> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    binaries.iter().map(|binary| Ok((*binary, program(&made, *binary)?))).collect()
}

fn program(made: &[Artifact], (package, name): Binary) -> Result<(PathBuf, PathBuf), String> {
    let fits = |artifact: &&Artifact| {
        let kind = if name.is_some() { "test" } else { "lib" };
        let is_ours = artifact.package_id.contains(&format!("#{package}@"))
            || artifact.package_id.contains(&format!("/{package}#"));
        is_ours
            && artifact.target.kind.iter().any(|of| of == kind)
            && name.is_none_or(|name| artifact.target.name == name)
    };
    let found = made.iter().filter(fits).find_map(|artifact| {
        let folder = artifact.package_id.split("file://").nth(1)?.split('#').next()?;
        Some((artifact.executable.clone()?, PathBuf::from(folder)))
    });
    found.ok_or_else(|| format!("cargo built no tests {package}/{}", name.unwrap_or("lib")))
}

/// How a run of tests ended.
struct Run {
    held: bool,
    text: String,
}

fn run(
    programs: &Programs,
    binary: Binary,
    filter: &str,
    plant: Option<&str>,
    with: Option<(&str, &str)>,
) -> Result<Run, Box<dyn Error>> {
    let (program, folder) = programs.get(&binary).ok_or("not built")?;
    let mut command = Command::new(program);
    command.arg(filter).current_dir(folder).env_remove("WIRELANE_PLANT").envs(plant_env(plant));
    command.envs(with).envs(workspace::data().map(|data| ("WIRELANE_DATA", data)));
    let mut text = String::new();
    let ended = process::stream(command, LIMIT, &mut |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    // With a filter that nobody has, no test is run and none fails.
    let held = ended.success() && !text.contains("running 0 tests\n");
    Ok(Run { held, text })
}

fn plant_env(plant: Option<&str>) -> Option<(&str, &str)> {
    plant.map(|plant| ("WIRELANE_PLANT", plant))
}

fn one(programs: &Programs, planted: &Planted) -> Result<Proof, Box<dyn Error>> {
    let Planted { rule, binary, filter, plant, says, with } = *planted;
    let run = run(programs, binary, filter, Some(plant), with)?;
    let failed: Vec<&str> = run.text.lines().filter_map(failure).collect();
    let escaped = if run.held {
        Some("the tests passed".to_owned())
    } else if failed.is_empty() {
        Some(format!("no test of that name ran to an end:\n{}", run.text))
    } else if !run.text.contains(says) {
        Some(format!("it failed for another reason:\n{}", run.text))
    } else {
        None
    };
    let by = failed.first().map_or_else(|| title(binary, filter), |test| (*test).to_owned());
    Ok(Proof { name: format!("{rule}: {plant} by {by}"), escaped })
}

/// The name of a test that a line says has failed.
fn failure(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a failed test is known by its name. Method: lines of such a run.
    #[test]
    fn failed_tests_are_named() {
        assert_eq!(failure("test a::b ... FAILED"), Some("a::b"));
        assert_eq!(failure("test a::b ... ok"), None);
        assert_eq!(failure("test a::b - should panic ... FAILED"), Some("a::b - should panic"));
    }

    // Goal: a program is found by package and target. Method: lines as cargo writes them, where a
    // package's name is left out if its folder has it.
    #[test]
    fn programs_are_found_in_cargos_words() {
        let artifact = |id: &str, name: &str, kind: &str| Artifact {
            package_id: id.to_owned(),
            target: Target { name: name.to_owned(), kind: vec![kind.to_owned()] },
            executable: Some(PathBuf::from(name)),
        };
        let made = [
            artifact("path+file:///w/engine#0.1.0", "engine", "lib"),
            artifact("path+file:///w/tests#wirelane-tests@0.1.0", "crash", "test"),
        ];
        let (program_of, folder) = program(&made, ("engine", None)).unwrap();
        assert_eq!((program_of, folder), (PathBuf::from("engine"), PathBuf::from("/w/engine")));
        let (_, folder) = program(&made, ("wirelane-tests", Some("crash"))).unwrap();
        assert_eq!(folder, PathBuf::from("/w/tests"));
        assert!(program(&made, ("wirelane-tests", Some("fuzz"))).is_err());
    }
}
