//! Rows of text out of looks: values, and rates since the look before.

use super::view::Look;
use crate::liveness::Liveness;
use crate::meters::{Meter, Meters};
use crate::number::{grouped, money, span};
use crate::stage_latency::Quantiles;
use shm::message::flags;
use shm::record::order::value_of;
use std::collections::BTreeMap;

/// Counters that are shown elsewhere, or are no loss.
const LOSSES: [&str; 13] = [
    "gaps",
    "lost",
    "duplicates",
    "malformed",
    "unknown",
    "conflated",
    "trades_dropped",
    "book_faults",
    "book_mismatches",
    "stamps_refused",
    "capture_gaps",
    "busy",
    "would_block",
];

/// One table of the screen. What a column counts stands in its head or in the cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    pub(crate) name: &'static str,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Panel {
    fn new(name: &'static str, head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { name, head: head.iter().map(|text| (*text).to_owned()).collect(), rows }
    }
}

/// What a screen shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) title: String,
    /// Whether trading is possible: the engine lives and no gate is closed.
    pub(crate) good: bool,
    pub(crate) panels: Vec<Panel>,
    last: Option<Look>,
}

/// Values of two looks and the time between them.
struct Rates<'a> {
    now: &'a Meters,
    before: Option<&'a Meters>,
    ns: u64,
}

impl Rates<'_> {
    /// Rise of a counter per second since the look before.
    fn of(&self, meter: &Meter) -> u64 {
        let same = |other: &&Meter| other.thread == meter.thread && other.label == meter.label;
        let before = self.before.and_then(|meters| meters.0.iter().find(same));
        let rise = before.map_or(0, |before| meter.value.saturating_sub(before.value));
        let scaled = u128::from(rise) * 1_000_000_000 / u128::from(self.ns.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
}

impl Model {
    /// Takes a look.
    pub(crate) fn look(&mut self, look: &Look) {
        let last = self.last.take();
        let rates = Rates {
            now: &look.meters,
            before: last.as_ref().map(|last| &last.meters),
            ns: last.as_ref().map_or(0, |last| look.at.0.saturating_sub(last.at.0)),
        };
        self.title = title(look);
        let open = look.gates.as_ref().is_some_and(Vec::is_empty);
        self.good = open && look.life == Liveness::Running;
        let books = look.tops.iter().map(book).collect();
        let latency_head = ["latency", "count", "p50", "p90", "p99", "p99.9", "max"];
        self.panels = vec![
            Panel::new("threads", &THREAD_HEAD, threads(&rates)),
            Panel::new("gates", &["gate", "closed by"], gates(look)),
            Panel::new("books", &["symbol", "bid qty", "bid", "ask", "ask qty", "state"], books),
            positions(look),
            Panel::new("orders", &["orders", "count", "per s"], orders(&rates)),
            Panel::new("latency", &latency_head, latency(look)),
            Panel::new(
                "rings and counters",
                &["counter", "value", "unit", "per s"],
                counters(&rates),
            ),
        ];
        self.last = Some(look.clone());
    }
}

fn title(look: &Look) -> String {
    format!("wirelane  epoch {}  {}", look.epoch, look.life.words(look.started, look.at))
}

const THREAD_HEAD: [&str; 9] = [
    "thread",
    "core",
    "polls/s",
    "busy %",
    "yields",
    "free segments",
    "page faults",
    "switches",
    "allocations",
];

fn threads(rates: &Rates<'_>) -> Vec<Vec<String>> {
    let row = |name: String| {
        let of = |counter| rates.now.of_thread(&name, counter);
        let polls = of("polls");
        let meter =
            rates.now.0.iter().find(|meter| meter.thread == name && meter.name() == "polls");
        let busy =
            (u128::from(of("busy_polls")) * 1_000).checked_div(u128::from(polls)).unwrap_or(0);
        vec![
            name.clone(),
            of("core").checked_sub(1).map_or("-".to_owned(), |core| core.to_string()),
            grouped(meter.map_or(0, |meter| rates.of(meter))),
            format!("{}.{}", busy / 10, busy % 10),
            grouped(of("yields")),
            of("free_segments").to_string(),
            of("page_faults").to_string(),
            of("voluntary_switches").to_string(),
            of("allocations").to_string(),
        ]
    };
    rates.now.hot_threads().into_iter().map(row).collect()
}

/// Flow through the stages, then everything that was lost or refused on a ring and is above 0.
fn counters(rates: &Rates<'_>) -> Vec<Vec<String>> {
    let flow =
        ["packets", "messages", "tops", "trades", "market", "intents", "bytes", "lag_bytes", "lag"];
    let shown = |meter: &&Meter| {
        let name = meter.name();
        flow.contains(&name) || LOSSES.contains(&name) && meter.value > 0
    };
    let row = |meter: &Meter| {
        vec![
            meter.label.clone(),
            grouped(meter.value),
            meter.unit.clone(),
            grouped(rates.of(meter)),
        ]
    };
    rates.now.0.iter().filter(shown).map(row).collect()
}

fn book((symbol, top): &(String, shm::message::BookTop)) -> Vec<String> {
    let names = [
        (flags::STALE, "STALE"),
        (flags::CROSSED, "CROSSED"),
        (flags::LOCKED, "LOCKED"),
        (flags::HALT, "HALT"),
    ];
    let set: Vec<&str> =
        names.iter().filter(|(bit, _)| top.flags & bit != 0).map(|(_, name)| *name).collect();
    vec![
        symbol.clone(),
        top.bid_qty.to_string(),
        top.bid_px.to_string(),
        top.ask_px.to_string(),
        top.ask_qty.to_string(),
        set.join(" "),
    ]
}

/// Positions by strategy and symbol. The currency stands in the head, or beside each amount where
/// accounts have several.
fn positions(look: &Look) -> Panel {
    let mut currencies: Vec<&str> =
        look.positions.iter().map(|(_, currency, _)| currency.as_str()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let (in_head, in_cells) = match currencies.as_slice() {
        [] | [""] => ("", false),
        [one] => (*one, false),
        _ => ("", true),
    };
    let titled = |name: &str| format!("{name} {in_head}").trim_end().to_owned();
    let head = [
        "strategy/symbol".to_owned(),
        "position".to_owned(),
        titled("realised"),
        titled("fees"),
        titled("last price"),
    ];
    let row = |(name, currency, row): &(String, String, shm::record::order::PositionEvent)| {
        let amount = |value: [u64; 2]| {
            let amount = money(value_of(value));
            if in_cells { format!("{amount} {currency}") } else { amount }
        };
        let (realised, fees) = (amount(row.realised), amount(row.fees));
        vec![name.clone(), row.position.to_string(), realised, fees, row.last_px.to_string()]
    };
    Panel { name: "positions", head: head.into(), rows: look.positions.iter().map(row).collect() }
}

fn orders(rates: &Rates<'_>) -> Vec<Vec<String>> {
    let wanted = [
        ("risk", "working"),
        ("risk", "approved"),
        ("risk", "denied"),
        ("gateway", "sent_new"),
        ("gateway", "sent_replace"),
        ("gateway", "sent_cancel"),
        ("gateway", "acks"),
        ("gateway", "fills"),
        ("gateway", "canceled"),
        ("gateway", "replaced"),
        ("gateway", "rejected"),
        ("gateway", "voided"),
        ("gateway", "resent"),
        ("gateway", "session_up"),
    ];
    let rate = |kind: &str, name: &str| -> u64 {
        let own =
            |meter: &&Meter| meter.name() == name && meter.stage().split(':').next() == Some(kind);
        rates.now.0.iter().filter(own).map(|meter| rates.of(meter)).sum()
    };
    let mut rows: Vec<Vec<String>> = wanted
        .iter()
        .map(|(kind, name)| {
            vec![(*name).to_owned(), grouped(rates.now.sum(kind, name)), grouped(rate(kind, name))]
        })
        .collect();
    let denied: BTreeMap<String, u64> = rates.now.with_prefix("denied.").into_iter().collect();
    rows.extend(denied.into_iter().map(|(code, count)| vec![code, grouped(count), String::new()]));
    rows
}

fn latency(look: &Look) -> Vec<Vec<String>> {
    let row = |name: &str| {
        let q = Quantiles::of(look.latency.0.get(name)?);
        let shown = |ns: u64| if q.count == 0 { "-".to_owned() } else { span(ns) };
        let spans = [q.p50, q.p90, q.p99, q.p999, q.max].map(shown);
        Some([vec![name.to_owned(), grouped(q.count)], spans.to_vec()].concat())
    };
    look.latency.names().into_iter().filter_map(row).collect()
}

fn gates(look: &Look) -> Vec<Vec<String>> {
    match &look.gates {
        None => vec![vec!["no gates file".to_owned(), String::new()]],
        Some(closed) if closed.is_empty() => {
            vec![vec!["all open: armed".to_owned(), String::new()]]
        }
        Some(closed) => {
            let row = |(scope, by): &(String, Vec<shm::gates::Trigger>)| {
                let by: Vec<String> = by.iter().map(|trigger| format!("{trigger:?}")).collect();
                vec![format!("CLOSED {scope}"), by.join(" ").to_lowercase()]
            };
            closed.iter().map(row).collect()
        }
    }
}
