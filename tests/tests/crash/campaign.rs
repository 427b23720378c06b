//! One directory, one exchange, kills one after another, and the last restart that is let finish.

use crate::control::Caller;
use crate::figures::Figures;
use crate::journal::Ledger;
use crate::plan::{Moment, draw_layout};
use crate::process::Victim;
use crate::venue::Venue;
use engine::control::Request;
use exchange::order_log::OrderLogEntry;
use shm::ids::ClOrdId;
use shm::units::Qty;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wirelane_tests::random::Random;

/// Symbols in the order of their ids: by name.
const SYMBOLS: [(&str, &str); 8] = [
    ("AAPL", "185.00"),
    ("AMZN", "178.00"),
    ("GOOGL", "165.00"),
    ("INTC", "31.00"),
    ("META", "500.00"),
    ("MSFT", "410.00"),
    ("NVDA", "122.00"),
    ("TSLA", "210.00"),
];
/// Strategies of the victim.
const STRATEGIES: [&str; 6] = ["near", "far", "farther", "farthest", "mm", "wide"];
/// Longest wait for what a healthy engine does at once.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for the first order of a run that is to trade: books are rebuilt before.
const FIRST_ORDER_MAX: Duration = Duration::from_secs(60);

/// A campaign.
pub(crate) struct Campaign {
    folder: TempDir,
    hot: TempDir,
    dir: PathBuf,
    venue: Venue,
    ledger: Ledger,
    random: Random,
    /// Shares by symbol that came of sessions of the exchange that are over.
    held: BTreeMap<String, i64>,
    /// Ids that the exchange has judged.
    judged: HashSet<ClOrdId>,
    log_at: u64,
}

impl Campaign {
    /// Opens the exchange and writes the victim's configuration.
    pub(crate) fn open(seed: u64, number: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("wirelane-crash-").tempdir().unwrap();
        // The engine's own choice is a folder of the same file system, named after its directory.
        let hot = wirelane_tests::memory::folder();
        let dir = folder.path().join("engine");
        let mut random = Random::new(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9)));
        let venue = Venue::open(folder.path(), random.bits() >> 1);
        let campaign = Self {
            ledger: Ledger::new(&dir),
            folder,
            hot,
            dir,
            venue,
            random,
            held: BTreeMap::new(),
            judged: HashSet::new(),
            log_at: 0,
        };
        campaign.write_config();
        campaign
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("engine.toml")
    }

    fn write_config(&self) {
        let head =
            "venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks";
        let mut csv = format!("{head}\n");
        for (symbol, close) in SYMBOLS {
            csv.push_str(&format!(
                "NASDAQ,{symbol},USD,1,1,1,1000000,0.0001,199999.99,{close},0:0.0001|1:0.01\n"
            ));
        }
        std::fs::write(self.folder.path().join("instruments.csv"), csv).unwrap();
        let at = &self.venue.addresses;
        let text = include_str!("engine.toml")
            .replace("{dir}", &self.dir.display().to_string())
            .replace("{hot_dir}", &self.hot.path().display().to_string())
            .replace("{a}", &at.itch_a.to_string())
            .replace("{b}", &at.itch_b.to_string())
            .replace("{request}", &at.request.to_string())
            .replace("{ouch}", &at.ouch.to_string())
            .replace("{user}", crate::venue::USER);
        std::fs::write(self.config(), text).unwrap();
    }

    /// Kills so often, then lets one run come to rest, and compares with what the exchange says.
    pub(crate) fn run(mut self, kills: u64, figures: &mut Figures) {
        for kill in 0..kills {
            self.kill_once(kill == 0, figures);
            if figures.is_unsound() {
                return self.keep();
            }
        }
        self.come_to_rest(figures);
    }

    fn start(&mut self) -> Victim {
        let layout = draw_layout(&mut self.random);
        Victim::start(&self.config(), layout, &self.folder.path().join("stderr"))
    }

    /// A new day at the exchange: another session, empty books, numbers from 1. What the old one
    /// did after the engine's last word from it is lost to the engine.
    pub(crate) fn change_session(&mut self) {
        let seed = self.random.bits() >> 1;
        let old = std::mem::replace(&mut self.venue, Venue::open(self.folder.path(), seed));
        for (symbol, shares) in old.held() {
            *self.held.entry(symbol.clone()).or_insert(0) += shares;
        }
        old.close();
        self.log_at = 0;
        self.ledger.change_session();
        self.write_config();
    }

    /// Kills a run while it trades.
    pub(crate) fn kill_trading(&mut self, figures: &mut Figures) {
        self.kill_at(Moment::Trading(Duration::from_millis(100)), figures);
    }

    /// Where the directory of a failed campaign is kept.
    fn keep(self) {
        println!("kept: {} {}", self.folder.keep().display(), self.hot.keep().display());
    }

    fn kill_once(&mut self, is_first: bool, figures: &mut Figures) {
        let moment = Moment::draw(&mut self.random, is_first);
        self.kill_at(moment, figures);
    }

    fn kill_at(&mut self, moment: Moment, figures: &mut Figures) {
        let mut victim = self.start();
        match moment {
            Moment::StartUp(after) => victim.run_for(after),
            Moment::Recovery(after) => {
                figures.restarts.push(victim.wait_ready());
                victim.run_for(after);
            }
            Moment::Trading(after) => {
                figures.restarts.push(victim.wait_ready());
                Caller::connect(&self.dir).arm();
                figures.first_orders.push(self.wait_for_orders(&mut victim));
                victim.run_for(after);
            }
        }
        victim.kill();
        self.ledger.read_on();
        figures.kill(moment.name(), self.ledger.in_flight());
        if let (Moment::Trading(_), Some((orders, time))) = (moment, self.ledger.pace) {
            let rate = u128::from(orders) * 1_000_000_000 / u128::from(time.0.max(1));
            figures.rates.push(rate as u64);
        }
        self.compare(figures);
    }

    /// Waits until the exchange has judged an order of this run.
    fn wait_for_orders(&mut self, victim: &mut Victim) -> Duration {
        let since = Instant::now();
        while self.venue.log_bytes() == self.log_at {
            victim.run_for(Duration::from_millis(1));
            assert!(since.elapsed() < FIRST_ORDER_MAX, "the victim does not trade");
        }
        since.elapsed()
    }

    /// Everything that must hold while no engine runs.
    fn compare(&mut self, figures: &mut Figures) {
        self.venue.read_stream(self.ledger.venue_seq);
        for entry in self.venue.read_log() {
            figures.orders += 1;
            self.compare_order(&entry, figures);
        }
        self.log_at = self.venue.log_bytes();
        for text in self.ledger.reused.drain(..) {
            figures.reused += 1;
            println!("REUSED: {text}");
        }
        for seq in self.venue.passed_over(&std::mem::take(&mut self.ledger.applied)) {
            figures.passed_over += 1;
            println!("PASSED OVER: message {seq} of the venue");
        }
        let seq = self.ledger.venue_seq;
        let theirs = self.venue.positions_at(seq);
        compare_positions(&format!("at message {seq}"), &self.ledger, &self.held, theirs, figures);
    }

    /// C1 and C2 of one order that the exchange judged.
    fn compare_order(&mut self, entry: &OrderLogEntry, figures: &mut Figures) {
        let id = ClOrdId::from_text(entry.cl_ord_id.as_bytes());
        let Some(id) = id else {
            figures.missing += 1;
            return println!("MISSING: not an id of ours: {entry:?}");
        };
        let sent = self.ledger.sent(id);
        if sent.is_none() || !self.ledger.is_approved(id) {
            figures.missing += 1;
            let approved = self.ledger.is_approved(id);
            return println!("MISSING: {id:?}, approved {approved}, sent {sent:?}: {entry:?}");
        }
        let is_same = sent.is_some_and(|sent| {
            (sent.urn, sent.qty, sent.px) == (entry.user_ref_num, entry.qty, entry.px)
        });
        if !is_same || !self.judged.insert(id) {
            figures.reused += 1;
            println!("REUSED: {id:?} is {sent:?} and at the exchange {entry:?}");
        }
    }

    /// The last restart: it reconciles, stops trading, cancels all that works, and ends in order.
    pub(crate) fn come_to_rest(mut self, figures: &mut Figures) {
        let mut victim = self.start();
        figures.restarts.push(victim.wait_ready());
        let mut caller = Caller::connect(&self.dir);
        for strategy in STRATEGIES {
            let reply = caller.ask(&Request::Disable { strategy: strategy.to_owned() });
            assert!(reply.ok, "{}", reply.text);
        }
        let since = Instant::now();
        let mut quiet = 0;
        // Zero may be a moment between two orders: it must stay.
        while quiet < 20 {
            quiet = if caller.working() == 0 { quiet + 1 } else { 0 };
            victim.run_for(Duration::from_millis(5));
            let working = caller.working();
            assert!(since.elapsed() < PATIENCE, "{working} orders still work");
        }
        assert!(caller.ask(&Request::Stop).ok);
        drop(caller);
        victim.wait_end();
        self.ledger.read_on();
        self.compare(figures);
        for id in self.ledger.unanswered() {
            figures.unanswered += 1;
            let (sent, judged) = (self.ledger.sent(id), self.judged.contains(&id));
            println!("UNANSWERED: {id:?}: {sent:?}, judged {judged}");
        }
        if figures.is_unsound() {
            return self.keep();
        }
        figures.resent.0 += self.ledger.resent;
        let Self { venue, ledger, held, folder, hot, .. } = self;
        let summary = venue.close();
        let user = summary.users.first().unwrap();
        assert_eq!(user.open_orders, 0, "orders live at the exchange that no engine knows");
        figures.fills += user.counts.fills;
        figures.resent.1 += user.counts.repeats;
        let theirs = user.positions.iter();
        let theirs = theirs.map(|(symbol, position)| (symbol.clone(), position.qty)).collect();
        compare_positions("at rest", &ledger, &held, theirs, figures);
        drop((folder, hot));
    }
}

/// Compares the positions of the journal with those that sessions of the exchange gave: of those
/// that are over, and of the one that is not.
fn compare_positions(
    when: &str,
    ledger: &Ledger,
    held: &BTreeMap<String, i64>,
    mut theirs: BTreeMap<String, i64>,
    figures: &mut Figures,
) {
    for (symbol, shares) in held {
        *theirs.entry(symbol.clone()).or_insert(0) += shares;
    }
    theirs.retain(|_, shares| *shares != 0);
    figures.positions_compared += 1;
    let ours = by_symbol(ledger);
    if ours != theirs {
        figures.position_differences += 1;
        println!("POSITIONS {when}: journal {ours:?}, exchange {theirs:?}");
    }
}

/// Shares by symbol, as the journal has them.
fn by_symbol(ledger: &Ledger) -> BTreeMap<String, i64> {
    let share = Qty::from_shares(1).0;
    let positions = ledger.positions().into_iter();
    positions.map(|(id, units)| (SYMBOLS[id as usize].0.to_owned(), units / share)).collect()
}
