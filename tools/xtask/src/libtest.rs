//! Reads the merged output of `cargo test -- --show-output` and counts.
//!
//! Counts come from each binary's `test result:` line. A test that passed but printed a line
//! starting with `NOT RUN:` did not test what its name says, so it moves from passed to skipped. A
//! binary that printed no result line died, and counts as one failure.

use std::collections::BTreeMap;

use crate::tally::Tally;

/// What has been read so far.
#[derive(Debug, Default)]
pub struct Report {
    passed: usize,
    failed: usize,
    ignored: usize,
    /// Binary now running, as cargo names it.
    target: String,
    /// Whether that binary still owes its result line.
    open: bool,
    /// Inside the outputs of passed tests, which are read but not shown.
    in_successes: bool,
    section: String,
    failures: Vec<String>,
    ignores: Vec<String>,
    dead: Vec<String>,
    /// Test, or `target: line` where no test can be told -> first `NOT RUN` line.
    not_run: BTreeMap<String, String>,
    loose: usize,
    deep: Vec<(String, u64, u64)>,
}

impl Report {
    /// Takes one line; says whether it is worth showing.
    pub fn line(&mut self, line: &str) -> bool {
        if let Some(target) = running(line) {
            self.close();
            self.target = target.to_owned();
            self.open = true;
            return true;
        }
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.result(rest);
            return true;
        }
        if line == "successes:" {
            self.in_successes = true;
        } else if line == "failures:" {
            self.in_successes = false;
        }
        self.section_line(line);
        self.deep_line(line);
        if !self.in_successes {
            self.test_line(line);
        }
        !self.in_successes
    }

    fn result(&mut self, rest: &str) {
        self.passed += count_before(rest, " passed");
        self.failed += count_before(rest, " failed");
        self.ignored += count_before(rest, " ignored");
        self.open = false;
        self.in_successes = false;
        self.section.clear();
    }

    fn section_line(&mut self, line: &str) {
        let head = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        if let Some(name) = head {
            name.clone_into(&mut self.section);
        } else if line.starts_with("NOT RUN:") {
            let known = self.in_successes && !self.section.is_empty();
            let name = if known { &self.section } else { line };
            let key = format!("{}: {name}", self.target);
            if !self.not_run.contains_key(&key) {
                self.loose += usize::from(!known);
                self.not_run.insert(key, line.to_owned());
            }
        }
    }

    /// Rows that tests gave by printing `DEEP: name achieved/target`.
    pub fn deep(&self) -> &[(String, u64, u64)] {
        &self.deep
    }

    fn deep_line(&mut self, line: &str) {
        let row = line.strip_prefix("DEEP: ").and_then(|rest| rest.rsplit_once(' '));
        let Some((name, numbers)) = row else { return };
        let Some((reached, target)) = numbers.split_once('/') else { return };
        if let (Ok(reached), Ok(target)) = (reached.parse(), target.parse()) {
            self.deep.push((name.to_owned(), reached, target));
        }
    }

    fn test_line(&mut self, line: &str) {
        let Some((name, verdict)) =
            line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        else {
            return;
        };
        if verdict == "FAILED" {
            self.failures.push(format!("{}: {name}", self.target));
        } else if verdict.starts_with("ignored") {
            self.ignores.push(format!("{}: {name}: {verdict}", self.target));
        }
    }

    fn close(&mut self) {
        if self.open {
            self.dead.push(format!("{}: ended without a result", self.target));
        }
        self.open = false;
        self.in_successes = false;
    }

    /// Ends the reading. `success` is the exit status of cargo itself: a failure it reports and no
    /// line explains (a build that broke, a binary with a harness of its own) counts as one.
    pub fn finish(&mut self, success: bool) {
        self.close();
        // A binary with a harness of its own prints no result line; it died only if cargo failed
        // too.
        if success {
            self.passed += self.dead.len();
            self.dead.clear();
        } else if self.failed == 0 && self.dead.is_empty() {
            self.dead.push("cargo test failed before or outside a test (see above)".to_owned());
        }
    }

    /// The counts read so far.
    pub fn tally(&self) -> Tally {
        let known = self.not_run.len() - self.loose;
        let mut failures = self.failures.clone();
        failures.extend(self.dead.iter().cloned());
        let mut skips: Vec<String> =
            self.not_run.iter().map(|(test, line)| format!("{test}: {line}")).collect();
        skips.extend(self.ignores.iter().cloned());
        Tally {
            passed: self.passed.saturating_sub(known),
            failed: self.failed + self.dead.len(),
            skipped: self.ignored + known + self.loose,
            failures,
            skips,
        }
    }
}

/// The target of cargo's `Running ..` and `Doc-tests ..` lines.
fn running(line: &str) -> Option<&str> {
    let text = line.trim_start();
    if let Some(rest) = text.strip_prefix("Running ") {
        let (name, file) = rest.rsplit_once(" (")?;
        let binary = file.rsplit('/').next()?.trim_end_matches(')');
        let package = binary.rsplit_once('-').map_or(binary, |(package, _)| package);
        return Some(if name.starts_with("unittests") { package } else { name });
    }
    text.starts_with("Doc-tests ").then_some(text)
}

fn count_before(text: &str, word: &str) -> usize {
    text.split(word)
        .next()
        .and_then(|head| head.rsplit([' ', ';']).next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, success: bool) -> Tally {
        let mut report = Report::default();
        for line in text.lines() {
            report.line(line);
        }
        report.finish(success);
        report.tally()
    }

    // Goal: counts of several binaries add up. Method: the text cargo prints for two of them.
    #[test]
    fn counts_of_all_binaries_are_summed() {
        let text = "\
     Running unittests src/lib.rs (target/checked/deps/shm-0a1b)
running 3 tests
test units::a ... ok
test units::b ... ignored, slow
test units::c ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running tests/abi.rs (target/checked/deps/abi-0a1b)
test sizes ... FAILED
test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        let tally = read(text, false);
        assert_eq!((tally.passed, tally.failed, tally.skipped), (6, 1, 1));
        assert_eq!(tally.failures, ["tests/abi.rs: sizes"]);
    }

    // Goal: a test that did not find its data is never counted as passed. Method: two such outputs,
    // one doubled.
    #[test]
    fn passed_test_that_says_not_run_is_skipped() {
        let text = "\
     Running tests/real.rs (target/checked/deps/real-0a1b)
test itch ... ok
test lobster ... ok
test other ... ok
successes:
---- itch stdout ----
NOT RUN: no data
NOT RUN: no data, second file
---- lobster stdout ----
NOT RUN: no data
---- other stdout ----
seed 7
successes:
    itch
    lobster
    other
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        let tally = read(text, true);
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 0, 2));
        assert_eq!(tally.skips.len(), 2);
    }

    // Goal: long tests say how far they came. Method: one row, and a line that only looks like one.
    #[test]
    fn rows_of_long_tests_are_read() {
        let mut report = Report::default();
        for line in ["successes:", "DEEP: crash: kills 37/500", "DEEP: many/x words"] {
            report.line(line);
        }
        assert_eq!(report.deep(), [("crash: kills".to_owned(), 37, 500)]);
    }

    // Goal: a binary killed in the middle is a failure. Method: the next one starts before a result
    // line.
    #[test]
    fn binary_without_a_result_is_a_failure() {
        let text = "\
     Running tests/crash.rs (target/checked/deps/crash-0a1b)
test one ... ok
     Running tests/abi.rs (target/checked/deps/abi-0a1b)
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        let tally = read(text, false);
        assert_eq!((tally.passed, tally.failed), (4, 1));
        assert!(tally.failures[0].starts_with("tests/crash.rs"));
    }

    // Goal: a build that breaks is not zero failures. Method: cargo fails, no test line at all.
    #[test]
    fn broken_build_is_a_failure() {
        assert_eq!(read("error: could not compile `shm`", false).failed, 1);
        assert_eq!(read("", true).failed, 0);
    }
}
