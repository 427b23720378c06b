//! Runs `hot_engine` against an exchange and reads what it says.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

use clap::Parser;
use exchange::{Args, Exchange};

/// One run at a time: the machine's cores are what is measured on.
static ONE: Mutex<()> = Mutex::new(());

const PASSWORD: &str = "loopback";

/// What to run.
pub(crate) struct Wanted {
    pub(crate) layout: &'static str,
    /// Length of the measured window.
    pub(crate) seconds: f64,
    /// Count every system call by name.
    pub(crate) every: bool,
}

/// How often a thread made a system call.
pub(crate) struct Call {
    pub(crate) name: String,
    /// Before the window, in it, and after it.
    pub(crate) before: u64,
    pub(crate) inside: u64,
    pub(crate) after: u64,
}

/// What a hot thread did in its window.
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) window_ns: u64,
    pub(crate) polls: u64,
    pub(crate) busy: u64,
    pub(crate) yields: u64,
    pub(crate) allocations: u64,
    pub(crate) page_faults: u64,
    pub(crate) voluntary_switches: u64,
    pub(crate) involuntary_switches: u64,
    pub(crate) gap_max_ns: u64,
    pub(crate) watched: bool,
    pub(crate) edges: u64,
    pub(crate) calls: Vec<Call>,
}

impl Thread {
    /// Calls of this name in the window.
    pub(crate) fn inside(&self, call: &str) -> u64 {
        self.calls.iter().find(|known| known.name == call).map_or(0, |known| known.inside)
    }
}

/// What a run said.
pub(crate) struct Run {
    pub(crate) threads: Vec<Thread>,
    numbers: BTreeMap<String, u64>,
    notes: Vec<String>,
}

/// Whether a violation is to be committed.
pub(crate) fn is_planted() -> bool {
    env::var_os("WIRELANE_PLANT").is_some_and(|plant| !plant.is_empty())
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// Runs once.
pub(crate) fn run(wanted: &Wanted) -> Run {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let words = "exchange --itch-a 127.0.0.1:0 --itch-b 127.0.0.1:0 --request 127.0.0.1:0 \
                 --ouch 127.0.0.1:0 --hash 127.0.0.1:0 --start on-login --seed 7";
    println!("{words} (seed 7)");
    let args = Cli::parse_from(words.split_whitespace()).args;
    let mut exchange = Exchange::bind(args.options().unwrap()).unwrap();
    let at = exchange.addresses();
    let dir = tempfile::tempdir().unwrap();
    // Live segments outlive a process; these go with the test.
    let hot_dir = wirelane_tests::memory::folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hot_engine"));
    command
        .arg(dir.path().join("engine"))
        .args([wanted.layout, &wanted.seconds.to_string()])
        .arg(if wanted.every { "every" } else { "others" })
        .arg(format!("engine.hot_dir={}", hot_dir.path().display()))
        .arg(format!("feed.itch.a={}", at.itch_a))
        .arg(format!("feed.itch.b={}", at.itch_b))
        .arg(format!("feed.itch.request={}", at.request))
        .arg(format!("feed.itch.hash_channel={}", at.hash.unwrap()))
        .arg(format!("gateway.ouch.session.soup={}", at.ouch))
        .env("WIRELANE_OUCH_PASSWORD", PASSWORD)
        .stdin(Stdio::null());
    let stop = AtomicBool::new(false);
    let output = thread::scope(|scope| {
        let exchange = scope.spawn(|| exchange.run(&stop).unwrap());
        let output = command.output();
        stop.store(true, Ordering::Relaxed);
        exchange.join().unwrap();
        output.unwrap()
    });
    Run::read(&output)
}

type Fields<'a> = BTreeMap<&'a str, &'a str>;

fn number(fields: &Fields<'_>, key: &str) -> u64 {
    let text = fields.get(key).unwrap_or_else(|| panic!("no {key} in {fields:?}"));
    text.parse().unwrap_or_else(|_| panic!("{key}={text}"))
}

impl Run {
    fn read(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let whole = output.status.success() && text.ends_with("done\n");
        assert!(whole, "hot_engine: {}\n{text}{errors}", output.status);
        let mut run = Self { threads: Vec::new(), numbers: BTreeMap::new(), notes: Vec::new() };
        for line in text.lines() {
            let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
            let fields: Fields<'_> =
                rest.split(' ').filter_map(|field| field.split_once('=')).collect();
            run.take(kind, rest, &fields);
        }
        run
    }

    fn take(&mut self, kind: &str, rest: &str, fields: &Fields<'_>) {
        let named = |thread: &&mut Thread| Some(&thread.name.as_str()) == fields.get("name");
        match kind {
            "engine" => {
                let each = fields.keys().map(|key| ((*key).to_owned(), number(fields, key)));
                self.numbers = each.collect();
            }
            "note" => self.notes.push(rest.to_owned()),
            "thread" => self.threads.push(Thread {
                name: fields["name"].to_owned(),
                window_ns: number(fields, "window"),
                polls: number(fields, "polls"),
                busy: number(fields, "busy"),
                yields: number(fields, "yields"),
                allocations: number(fields, "allocations"),
                page_faults: number(fields, "page_faults"),
                voluntary_switches: number(fields, "voluntary"),
                involuntary_switches: number(fields, "involuntary"),
                gap_max_ns: number(fields, "gap_max"),
                watched: false,
                edges: 0,
                calls: Vec::new(),
            }),
            "watched" => {
                let thread = self.threads.iter_mut().find(named).unwrap();
                thread.watched = true;
                thread.edges = number(fields, "edges");
            }
            "call" => {
                let thread = self.threads.iter_mut().find(named).unwrap();
                thread.calls.push(Call {
                    name: fields["call"].to_owned(),
                    before: number(fields, "before"),
                    inside: number(fields, "inside"),
                    after: number(fields, "after"),
                });
            }
            _ => assert_eq!(kind, "done", "an unknown line"),
        }
    }

    /// A number the engine gave about the whole run.
    pub(crate) fn number(&self, key: &str) -> u64 {
        self.numbers[key]
    }

    /// Says what was measured.
    pub(crate) fn print(&self) {
        println!("run: {:?}", self.numbers);
        for note in &self.notes {
            println!("note: {note}");
        }
        for thread in &self.threads {
            let per_1000 = |count: u64| count as f64 * 1e3 / thread.polls.max(1) as f64;
            println!(
                "hot-{}: window {:.3} s, {} polls ({} with work), per 1,000 polls {:.1} \
                 sched_yield; allocations {}, page faults {}, voluntary switches {}, involuntary {}; \
                 longest gap {} us",
                thread.name,
                thread.window_ns as f64 / 1e9,
                thread.polls,
                thread.busy,
                per_1000(thread.yields),
                thread.allocations,
                thread.page_faults,
                thread.voluntary_switches,
                thread.involuntary_switches,
                thread.gap_max_ns / 1_000,
            );
            for call in &thread.calls {
                println!(
                    "  {:<14} before {:>8}, in the window {:>8} ({:.2} per 1,000 polls), after {:>6}",
                    call.name,
                    call.before,
                    call.inside,
                    per_1000(call.inside),
                    call.after
                );
            }
        }
    }
}
