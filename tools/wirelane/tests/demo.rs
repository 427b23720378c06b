//! The demonstration end to end: the program as built, a few seconds, and what it leaves.
//!
//! A build without optimization plays a slower flow; the numbers of a whole run are for a release
//! build.

use serde_json::Value;
use services::store::Target;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Pace and seconds that any build keeps up with.
const SPEED: &str = if cfg!(debug_assertions) { "0.1" } else { "0.3" };
const SECONDS: &str = "6";

struct Demo {
    dir: String,
    text: String,
    report: Value,
}

fn wirelane(args: &[&str], at: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wirelane"))
        .args(args)
        .current_dir(at)
        .env_remove("WIRELANE_DIR")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a stop in order leaves in memory, the region, goes to the disk, where the next run replaces
/// it.
fn keep_on_disk(link: &Path, kept: &Path) {
    let hot = std::fs::canonicalize(link).unwrap();
    std::fs::create_dir(kept).unwrap();
    for entry in std::fs::read_dir(&hot).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, kept.join(path.file_name().unwrap())).unwrap();
        }
    }
    std::fs::remove_dir_all(&hot).unwrap();
    std::fs::remove_file(link).unwrap();
    std::os::unix::fs::symlink(kept, link).unwrap();
}

/// One run for all tests of this file.
fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        // A fixed place, so that each run replaces what the one before left.
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
        if base.exists() {
            std::fs::remove_dir_all(&base).unwrap();
        }
        std::fs::create_dir_all(&base).unwrap();
        let args = ["--seconds", SECONDS, "--speed", SPEED, "--dir", "run", "--report", "r.json"];
        let output = wirelane(&args, &base);
        let text = stdout(&output);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}\n{error}");
        keep_on_disk(&base.join("run/hot"), &base.join("kept"));
        let json = std::fs::read_to_string(base.join("r.json")).unwrap();
        let report: Value = serde_json::from_str(&json).unwrap();
        let dir = base.join("run").display().to_string();
        Demo { dir, text, report }
    })
}

/// Goal: a run trades, both sides agree on it, and the report has every field that is promised.
#[test]
fn a_demonstration_trades_and_agrees_with_the_exchange() {
    let demo = demo();
    let report = &demo.report;
    let number =
        |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name}: {}", demo.text));
    for name in
        ["messages", "orders_sent", "acks", "fills", "cancels", "trips_checked", "book_checks"]
    {
        assert!(number(name) > 0, "{name} is 0\n{}", demo.text);
    }
    for name in ["book_mismatches", "trips_not_summing", "messages_lost"] {
        assert_eq!(number(name), 0, "{name}\n{}", demo.text);
    }
    assert_eq!(number("orders_sent"), report["exchange"]["orders"].as_u64().unwrap());
    assert_eq!(report["exchange"]["positions_agree"], true, "{}", demo.text);
    assert_eq!(report["exchange"]["order_stream_agrees"], true, "{}", demo.text);
    let refused = report["refused"].as_object().unwrap();
    assert!(refused.len() >= 4, "{refused:?}");
    assert_eq!(report["order_stream_hash"].as_str().unwrap().len(), 64);
    assert!(["fused", "split2", "split4"].contains(&report["layout"].as_str().unwrap()));
    assert_eq!(report["hot"]["allocations"], 0, "{}", demo.text);
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() >= 10 && checks.iter().all(|check| check["text"].is_string()));
    // Counted or not, and then why: never a zero that nobody counted.
    let hot = &report["hot"];
    assert_eq!(hot["syscalls_other"].is_null(), hot["syscalls_not_counted"].is_string());
    for stage in [
        "arrival_to_send",
        "arrival_to_read",
        "wait_in_datagram",
        "decode",
        "book",
        "strategy",
        "risk",
        "journal",
        "encode",
        "send",
        "hop_feed_strategy",
        "hop_strategy_risk",
        "hop_risk_gateway",
    ] {
        let quantiles = &report["latency_ns"][stage];
        let values = ["p50", "p90", "p99", "p999", "p9999", "max"]
            .map(|name| quantiles[name].as_u64().unwrap_or_else(|| panic!("{stage}.{name}")));
        assert!(values.is_sorted(), "{stage}: {values:?}");
        assert!(quantiles["count"].as_u64().unwrap() > 0, "{stage} was never timed");
    }
}

/// Goal: the commands that a report ends with work as they stand. Method: each that reads the run
/// is run by a shell.
#[test]
fn the_commands_a_report_ends_with_work() {
    let demo = demo();
    let (_, hints) = demo.text.split_once("look further\n").unwrap();
    let commands: Vec<&str> =
        hints.lines().filter_map(|line| line.trim().split("        ").next()).collect();
    assert!(commands.iter().any(|command| command.contains(" trace ")), "{hints}");
    assert!(commands.iter().any(|command| command.contains(" replay ")), "{hints}");
    for command in commands.iter().filter(|command| !command.contains(" top ")) {
        let ran = Command::new("sh").args(["-c", command]).output().unwrap();
        let error = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{command}\n{error}");
    }
}

/// Goal: the log of a run that is over ends with the run, whenever it is written. Method: a log
/// after the run; the time that its intervals cover against the run's own.
#[test]
fn the_log_of_a_run_ends_with_it() {
    let demo = demo();
    let at = Path::new(&demo.dir);
    let log = at.join("after.hlog");
    let asked = ["latency", "--dir", &demo.dir, "--log", &log.display().to_string()];
    let said = wirelane(&asked, at);
    let text = stdout(&said);
    assert!(said.status.success() && text.contains("stopped in order after"), "{text}");
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("#[engine stopped in order after"), "{log}");
    let row = log.lines().find(|line| line.contains("Tag=decode")).unwrap();
    let length: f64 = row.split(',').nth(2).unwrap().parse().unwrap();
    // Logon, market data, trading, and the stop; the machine may be slow at each.
    let most = demo.report["seconds"].as_f64().unwrap() + 10.0;
    assert!(length > 1.0 && length < most, "{length} s of at most {most}");
}

/// Goal: the journal of a run is sound, reads as lines and as JSON, and damage is named with its
/// segment and offset. Method: the run's journal; then a copy with one byte changed.
#[test]
fn the_journal_of_a_run_is_verified_and_read() {
    let demo = demo();
    let at = Path::new(&demo.dir);
    let verified = wirelane(&["journal", "verify", "--dir", &demo.dir], at);
    assert!(verified.status.success(), "{}", stdout(&verified));
    let lines =
        stdout(&wirelane(&["journal", "cat", "--dir", &demo.dir, "--kind", "approved"], at));
    let orders = demo.report["orders_sent"].as_u64().unwrap();
    assert!(lines.lines().count() as u64 >= orders, "{orders} orders");
    let rows = stdout(&wirelane(&["journal", "export", "--dir", &demo.dir, "--kind", "Sent"], at));
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        assert_eq!(row["kind"], "Sent");
    }
    assert!(rows.lines().count() as u64 >= orders);
    let all = stdout(&wirelane(&["journal", "export", "--dir", &demo.dir], at));
    let mut kinds = std::collections::BTreeSet::new();
    for line in all.lines() {
        assert!(!line.contains("\"#"), "a code without a name: {line}");
        let row: Value = serde_json::from_str(line).unwrap();
        kinds.insert(row["kind"].as_str().unwrap().to_owned());
    }
    for kind in ["SessionOpen", "Approved", "Denied", "OrderEvent", "PositionEvent", "Took"] {
        assert!(kinds.contains(kind), "{kind} is not in {kinds:?}");
    }

    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp").args(["-r", &demo.dir]).arg(copy.path()).status().unwrap();
    assert!(status.success());
    let dir = copy.path().join("run");
    // The copy's live segments are the run's own: what is on the disk is all that it has.
    std::fs::remove_file(dir.join("hot")).unwrap();
    let epoch = demo.report["epoch"].as_u64().unwrap();
    let segment = dir.join(format!("journal/epoch-{epoch:05}/lane-1/00000000.seg"));
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[64 + 40] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let damaged = wirelane(&["journal", "verify", "--dir", &dir.display().to_string()], at);
    assert_eq!(damaged.status.code(), Some(1));
    let text = stdout(&damaged);
    assert!(text.contains("CORRUPT in segment 0 at byte 64"), "{text}");
}

/// Goal: a run's orders come out again on every layout.
#[test]
fn a_run_replays_on_every_layout() {
    let demo = demo();
    let hash = demo.report["order_stream_hash"].as_str().unwrap();
    for layout in ["fused", "split2", "split4"] {
        let replayed = wirelane(&["replay", &demo.dir, "--layout", layout], Path::new(&demo.dir));
        let text = stdout(&replayed);
        let error = String::from_utf8_lossy(&replayed.stderr).into_owned();
        assert!(replayed.status.success() && text.contains(hash), "{layout}: {text}\n{error}");
    }
}

/// Goal: one order's time is told in parts that sum to the whole. Method: an order that was sent.
#[test]
fn an_orders_time_is_told_in_parts() {
    let demo = demo();
    let at = Path::new(&demo.dir);
    let sent = stdout(&wirelane(&["journal", "export", "--dir", &demo.dir, "--kind", "Tx"], at));
    let mut rows = sent.lines().rev().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let order = rows.find(|row| row["action"] == "ApprovedNew").unwrap();
    let id = order["cl_ord_id"].as_str().unwrap();
    let traced = wirelane(&["trace", id, "--dir", &demo.dir], at);
    let text = stdout(&traced);
    assert!(traced.status.success(), "{text}");
    let sum = text.lines().find(|line| line.starts_with("sum of the parts")).unwrap();
    let numbers: Vec<&str> = sum.split_whitespace().rev().take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{text}");
    assert!(text.contains("caused by feed:itch sequence"), "{text}");
    let unknown = wirelane(&["trace", "0000000000001", "--dir", &demo.dir], at);
    assert_eq!(unknown.status.code(), Some(4));
}

/// Goal: what only looks at shared memory shows the run after it has ended.
#[test]
fn the_shared_region_is_shown_after_the_run() {
    let demo = demo();
    let at = Path::new(&demo.dir);
    let text = stdout(&wirelane(&["latency", "--dir", &demo.dir], at));
    assert!(text.contains("stopped in order") && text.contains("arrival_to_send"), "{text}");
    let text =
        stdout(&wirelane(&["latency", "--dir", &demo.dir, "--hgrm", "--stage", "decode"], at));
    assert!(text.contains("#[Mean") && text.contains("1.000000000000"), "{text}");
    let text = stdout(&wirelane(&["top", "--dir", &demo.dir, "--once"], at));
    for part in ["threads", "AAPL", "feed:itch.messages", "arrival_to_send", "all open: armed"] {
        assert!(text.contains(part), "{part} is not on\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "too wide\n{text}");
    let text = stdout(&wirelane(&["latency", "--dir", &demo.dir, "--explain"], at));
    assert!(text.contains("wait_in_datagram    the read to the start"), "{text}");
}

/// Goal: what cannot be done is one sentence and its code, and nothing is started.
#[test]
fn wrong_uses_have_their_exit_codes() {
    let temp = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| wirelane(args, temp.path()).status.code();
    assert_eq!(code(&["top", "--dir", "nowhere", "--once"]), Some(4));
    assert_eq!(code(&["status", "--dir", "."]), Some(4));
    assert_eq!(code(&["demo", "--layout", "split9"]), Some(2));
    assert_eq!(code(&["config", "check", "none.toml"]), Some(3));
    std::fs::write(temp.path().join("bad.toml"), "version = 1\nengin = 3\n").unwrap();
    let bad = wirelane(&["config", "check", "bad.toml"], temp.path());
    let text = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert_eq!(bad.status.code(), Some(3));
    assert!(text.contains("bad.toml:2") && text.contains("did you mean `engine`?"), "{text}");
    std::fs::create_dir(temp.path().join("wirelane-demo")).unwrap();
    std::fs::write(temp.path().join("wirelane-demo/mine.txt"), "keep").unwrap();
    assert_eq!(code(&["demo", "--seconds", "2"]), Some(5));
    assert!(temp.path().join("wirelane-demo/mine.txt").exists());
    assert!(wirelane(&["completions", "bash"], temp.path()).status.success());
}

/// Goal: a recording that is over before a warm-up would be is measured whole, and the report says
/// so. Method: a LOBSTER file of 600 orders, played as fast as it goes.
#[test]
fn a_short_recording_is_measured_whole() {
    let temp = tempfile::tempdir().unwrap();
    let row = |at: u32| {
        let (side, px) = if at.is_multiple_of(2) { (1, 5_850_000) } else { (-1, 5_851_000) };
        let px = px - side * (at as i64 % 7) * 100;
        format!("{}.{:06},1,{},100,{px},{side}\n", 34_200 + at / 300, at % 300, 1_000 + at)
    };
    let rows: String = (0..600).map(row).collect();
    std::fs::write(temp.path().join("AAPL_day_message_1.csv"), rows).unwrap();
    let args = ["demo", "--input", "AAPL_day_message_1.csv", "--speed", "max", "--seconds", "6"];
    let args = [&args[..], &["--dir", "run", "--report", "r.json"]].concat();
    let output = wirelane(&args, temp.path());
    let text = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    keep_on_disk(&temp.path().join("run/hot"), &temp.path().join("kept"));
    let json = std::fs::read_to_string(temp.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_str(&json).unwrap();
    assert!(report["messages"].as_u64().unwrap() >= 600, "{text}");
    // Inner stages are timed once in 61 messages: of a recording so short that may be none.
    assert!(report["latency_ns"]["arrival_to_read"]["count"].as_u64().unwrap() > 0, "{text}");
    assert!(text.contains("the recording is short"), "{text}");
}

/// Goal: what was traded is in the database once, whoever asks finds it, the commands tell a sound
/// database from a changed one, and a copy takes its place again. Method: services over the
/// demonstration's journal, twice; the numbers of its report; one row changed by hand.
#[test]
fn the_journal_becomes_a_database() {
    let demo = demo();
    let at = Path::new(&demo.dir).parent().unwrap();
    let (dir, copy) = (demo.dir.as_str(), at.join("copy.db"));
    let copy = copy.to_str().unwrap();
    let ask = |args: &[&str]| wirelane(&[args, &["--dir", dir]].concat(), at);
    let missing = ask(&["store", "check"]);
    assert_eq!(missing.status.code(), Some(4), "{}", stdout(&missing));
    for _ in 0..2 {
        let services = ask(&["services", "--until-closed"]);
        assert!(services.status.success(), "{}", String::from_utf8_lossy(&services.stderr));
    }
    let sound = stdout(&ask(&["store", "check"]));
    assert!(sound.contains("what the journal says"), "{sound}");
    let mut database = Target::parse("sqlite", None, Path::new(dir)).unwrap().open(false).unwrap();
    let mut number = |sql: &str| database.number(sql, Vec::new()).unwrap().unwrap();
    let fills = number("SELECT COUNT(*) FROM fills WHERE symbol IS NOT NULL AND account = 'main'");
    assert_eq!(fills, demo.report["fills"].as_i64().unwrap());
    let refused = demo.report["refused"].as_object().unwrap().values();
    let refused: i64 = refused.map(|count| count.as_i64().unwrap()).sum();
    assert_eq!(number("SELECT COUNT(*) FROM refusals"), refused);
    let new = "accepted_ns IS NOT NULL AND orig_cl_ord_id IS NULL";
    let acks = number(&format!("SELECT COUNT(*) FROM orders WHERE {new}"));
    assert_eq!(acks, demo.report["acks"].as_i64().unwrap());
    assert!(ask(&["store", "backup", copy]).status.success());
    database
        .script("DELETE FROM executions WHERE seq = (SELECT MAX(seq) FROM executions)")
        .unwrap();
    drop(database);
    let changed = ask(&["store", "check"]);
    let words = String::from_utf8_lossy(&changed.stderr).into_owned();
    assert!(changed.status.code() == Some(1) && words.contains("executions"), "{words}");
    assert!(ask(&["store", "restore", copy]).status.success());
    assert!(ask(&["store", "check"]).status.success());
    let migrated = stdout(&ask(&["store", "migrate"]));
    assert!(migrated.contains("this program's schema version"), "{migrated}");
}
