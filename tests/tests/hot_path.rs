//! What a hot thread may not do, measured: allocate, fault a page in, wait, or call the kernel for
//! anything but its sockets and, where configured, `sched_yield`.
//!
//! The engine runs as a process of its own (`hot_engine`) against an exchange in this one, over
//! loopback sockets, with the demo's configuration. Its system calls are counted by the kernel's
//! seccomp filter; its clock would be one of them, because the process runs without a vDSO. The
//! hot loop marks the edges of the window itself.
//!
//! `WIRELANE_PLANT=alloc|fault|lock|clock|epoll|sleep|write`, with `--features planted`, commits a
//! violation on every turn of every hot thread: `cargo xtask gates` shows that the first test then
//! fails.
#![forbid(unsafe_code)]

mod hot_path_kit;

use hot_path_kit::{Call, Run, Thread, Wanted};

/// Calls that a hot thread may make.
const ALLOWED: [&str; 5] = ["recvfrom", "recvmsg", "sendto", "sendmsg", "sched_yield"];

/// Everything a thread did in its window that no hot thread may do.
fn violations(thread: &Thread) -> Vec<String> {
    let name = &thread.name;
    let mut found = Vec::new();
    let counts = [
        ("allocations", thread.allocations),
        ("page faults", thread.page_faults),
        ("voluntary switches", thread.voluntary_switches),
    ];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        found.push(format!("hot-{name}: {what}: {count}"));
    }
    for call in thread.calls.iter().filter(|call| !ALLOWED.contains(&call.name.as_str())) {
        if call.inside > 0 {
            found.push(format!("hot-{name}: system call {}: {}", call.name, call.inside));
        }
    }
    found
}

/// What every run must show for its counts to mean anything.
fn assert_it_traded(run: &Run, wanted: &Wanted) {
    let seconds = wanted.seconds;
    for thread in &run.threads {
        let name = &thread.name;
        assert!(thread.watched, "hot-{name} was not under watch");
        assert_eq!(thread.edges, 2, "hot-{name}: the edges of its window");
        let window = thread.window_ns as f64 / 1e9;
        // A busy machine may let it see the first edge late.
        assert!(window >= 0.9 * seconds, "hot-{name}: a window of {window} s");
        assert!(thread.polls > 1_000, "hot-{name} turned {} times", thread.polls);
    }
    assert_eq!(run.number("session_up"), 1, "the session was up before the window began");
    assert!(run.number("orders") > 100, "{} orders", run.number("orders"));
    assert!(run.number("fills") > 0, "no fill");
    assert!(run.number("messages") > 10_000, "{} messages", run.number("messages"));
}

fn keeps_every_rule(wanted: &Wanted) {
    let run = hot_path_kit::run(wanted);
    run.print();
    let found: Vec<String> = run.threads.iter().flat_map(violations).collect();
    assert!(found.is_empty(), "on hot threads, in the window:\n{}", found.join("\n"));
    assert_it_traded(&run, wanted);
}

// Goal: after a warm-up of 2 s, in 15 s of trading, the hot thread allocates nothing, faults in no
// page, never waits, and calls nothing but its sockets and sched_yield. Method: all stages on one
// thread; every other call is held by the kernel and counted.
#[test]
fn fused_thread_keeps_every_rule() {
    let seconds = if hot_path_kit::is_planted() { 2.0 } else { 15.0 };
    keeps_every_rule(&Wanted { layout: "fused", seconds, every: false });
}

// Goal: the rings between hot threads need no call either. Method: as above, two threads, 5 s.
#[test]
fn split_threads_keep_every_rule() {
    keeps_every_rule(&Wanted { layout: "split2", seconds: 5.0, every: false });
}

// Goal: the allowed calls are made, in the numbers printed: the count above counts what it should.
// Method: every call is held and counted by name, which makes the engine slow.
#[test]
fn the_sockets_calls_are_the_only_ones_made() {
    let run = hot_path_kit::run(&Wanted { layout: "fused", seconds: 3.0, every: true });
    run.print();
    for thread in &run.threads {
        assert!(thread.watched && thread.edges == 2, "hot-{} was not under watch", thread.name);
        let made = |call: &str| thread.inside(call);
        let received = made("recvmsg") + made("recvfrom");
        assert!(received > 0, "a feed that reads nothing");
        // The loop's own count of yields is taken a moment later at either edge.
        let apart = made("sched_yield").abs_diff(thread.yields);
        assert!(apart <= thread.yields / 10 + 100, "{} yields counted by the loop", thread.yields);
        // A held call is a wait, so switches are not judged here.
        let is_other = |call: &&Call| !ALLOWED.contains(&call.name.as_str()) && call.inside > 0;
        let others: Vec<&str> =
            thread.calls.iter().filter(is_other).map(|call| call.name.as_str()).collect();
        assert!(others.is_empty(), "hot-{}: {others:?}", thread.name);
    }
}
