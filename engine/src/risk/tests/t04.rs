//! T4: the order state change matrices of FIX.

mod scripts;

use super::*;
use crate::config::limits::Limit;
use crate::order::facts::Fact;
use crate::order::{Event, OrdStatus, ord_status};
use scripts::{MATRICES, MISSING, Matrix};
use std::collections::BTreeMap;

/// Cents in a unit of the scripts' prices, so that all of them are better than the orders' limit.
const UNIT: i64 = 5;

/// What a report says of the order after it.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    status: OrdStatus,
    qtys: Option<[u32; 3]>,
    avg: Option<u32>,
}

/// A run of one script.
struct Run {
    rig: Rig,
    /// By the script's letter: the id, and what it stands for.
    ids: BTreeMap<char, ClOrdId>,
    orders: BTreeMap<char, Intent>,
    /// Letters of cancels.
    cancels: Vec<char>,
    executions: u64,
}

fn status_of(text: &str) -> OrdStatus {
    match text {
        "NEW" => OrdStatus::New,
        "PF" => OrdStatus::PartiallyFilled,
        "FIL" => OrdStatus::Filled,
        "DFD" => OrdStatus::DoneForDay,
        "CXL" => OrdStatus::Canceled,
        "PCX" => OrdStatus::PendingCancel,
        "STP" => OrdStatus::Stopped,
        "REJ" => OrdStatus::Rejected,
        "PRP" => OrdStatus::PendingReplace,
        other => panic!("no status {other}"),
    }
}

fn letter(text: &str) -> char {
    text.chars().next().unwrap()
}

impl Run {
    fn new() -> Self {
        let rig = Rig::with(|row| {
            row.order.qty_max = Limit::Unlimited;
            row.order.value_max = Limit::Unlimited;
            row.repeat.same_max = Limit::Unlimited;
        });
        let (ids, orders) = (BTreeMap::new(), BTreeMap::new());
        Self { rig, ids, orders, cancels: Vec::new(), executions: 0 }
    }

    /// `D X qty`, `F Y<X`, `G Y<X qty`, each maybe with `! CODE`: what risk says to it.
    fn send(&mut self, line: &str) {
        let (line, refusal) = line.split_once(" ! ").map_or((line, None), |(a, b)| (a, Some(b)));
        let words: Vec<&str> = line.split(' ').collect();
        let name = letter(words[1]);
        let of = words[1].split_once('<').map(|(_, of)| letter(of));
        let qty = words.get(2).map_or(Qty::ZERO, |qty| shares(qty.parse().unwrap()));
        let intent = match (words[0], of.and_then(|of| self.orders.get(&of)).copied()) {
            ("D", _) => match self.orders.get(&name) {
                Some(known) => Intent { qty, ..*known },
                None => self.rig.order(Side::Buy, MIDDLE, qty),
            },
            ("F", Some(order)) => {
                self.cancels.push(name);
                self.rig.cancelling(&order)
            }
            ("F", None) => {
                let id = ClOrdId::new(7, StrategyId(1), 20, 99);
                let never = sample::intent(id, Side::Buy, MIDDLE);
                self.rig.cancelling(&never)
            }
            ("G", Some(order)) => {
                // The pool of a strategy gives no id for an order that has ended.
                let next = self.rig.pools[1].replace(order.cl_ord_id);
                let id = next.or_else(|| order.cl_ord_id.successor()).unwrap();
                let kind = Kind::IntentReplace as u8;
                Intent { kind, px: cents(1001), qty, cl_ord_id: id, ..order }
            }
            other => panic!("no request {other:?}"),
        };
        let found = self.rig.reason(&intent).map(Reason::name);
        assert_eq!(found, refusal, "{line}");
        if refusal.is_none() && words[0] != "F" {
            self.ids.insert(name, intent.cl_ord_id);
            self.orders.insert(name, Intent { kind: Kind::IntentNew as u8, ..intent });
        }
    }

    /// `* G Y<X qty`: a request that risk would not let through, put into the table.
    fn force(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let (name, of) = words[1].split_once('<').unwrap();
        let order = self.orders[&letter(of)];
        let id = order.cl_ord_id.successor().unwrap();
        let qty = shares(words[2].parse().unwrap());
        let place = self.rig.risk.table.find(order.cl_ord_id).unwrap();
        self.rig.risk.table.apply(place, Event::AskReplace { id, px: MIDDLE, qty });
        self.ids.insert(letter(name), id);
        self.orders.insert(letter(name), Intent { cl_ord_id: id, ..order });
    }

    fn execution(&mut self, name: Option<&str>) -> u64 {
        self.executions += 1;
        name.map_or(1_000 + self.executions, |name| u64::from(u32::from(letter(name))))
    }

    /// `8 TYPE/STATUS ids qty/cum/leaves +last px P avg A e=K(B)` or `9 STATUS ids`.
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let after = |word: &str| {
            words.iter().position(|found| *found == word).and_then(|at| words.get(at + 1)).copied()
        };
        let name = letter(words[2]);
        let of = words[2].split_once('<').map_or(name, |(_, of)| letter(of));
        let id_of =
            |name: char| self.ids.get(&name).or_else(|| self.ids.get(&of)).copied().unwrap();
        let id = id_of(name);
        if words[0] == "9" {
            let report = if self.cancels.contains(&name) {
                said(Kind::CancelRejected, id_of(of), Price::NONE, Qty::ZERO, 0)
            } else {
                said(Kind::Rejected, id, Price::NONE, Qty::ZERO, 0)
            };
            self.rig.report(ExecReport { liquidity: 0, ..report });
            let shown = Shown { status: status_of(words[1]), qtys: None, avg: None };
            return self.check(line, id_of(of), &shown);
        }
        let (kind, status) = words[1].split_once('/').unwrap();
        let numbers: Vec<u32> = words[3].split('/').map(|number| number.parse().unwrap()).collect();
        let qtys = [numbers[0], numbers[1], numbers[2]];
        let last = words.iter().find_map(|word| word.strip_prefix('+'));
        let last = last.map_or(Qty::ZERO, |last| shares(last.parse().unwrap()));
        let px = after("px").map_or(MIDDLE, |px| cents(px.parse::<i64>().unwrap() * UNIT));
        let named = words.iter().find_map(|word| word.strip_prefix("e="));
        let corrects = named.and_then(|named| named.split_once('('));
        let corrects = corrects.map(|(_, of)| u64::from(u32::from(letter(of))));
        let report = match kind {
            "NEW" => said(Kind::Accepted, id, MIDDLE, shares(qtys[0]), 0),
            "PCX" => said(Kind::CancelPending, id, Price::NONE, Qty::ZERO, 0),
            "PRP" => said(Kind::ReplacePending, id, Price::NONE, Qty::ZERO, 0),
            "CXL" => said(Kind::CanceledAll, id, Price::NONE, Qty::ZERO, 0),
            "DFD" => said(Kind::DoneForDay, id, Price::NONE, Qty::ZERO, 0),
            "STP" => said(Kind::Stopped, id, Price::NONE, Qty::ZERO, 0),
            "RST" => said(Kind::Restated, id, Price::NONE, shares(qtys[0]), 0),
            "REP" => said(Kind::Replaced, id, cents(1001), shares(qtys[2]), 0),
            "STAT" => said(Kind::Status, id, Price::NONE, shares(qtys[1]), 0),
            "REJ" if status == "REJ" => said(Kind::Rejected, id, Price::NONE, Qty::ZERO, 0),
            // The order named lives on: a request was refused, not the order.
            "REJ" => ExecReport {
                liquidity: 0,
                ..said(Kind::CancelRejected, id, Price::NONE, Qty::ZERO, 0)
            },
            "TRD" => said(Kind::Executed, id, px, last, self.execution(named)),
            "BUST" => said(Kind::Broken, id, Price::NONE, shares(qtys[2]), corrects.unwrap()),
            "COR" => ExecReport {
                venue_ord_id: VenueOrdId(self.execution(named)),
                ..said(Kind::Corrected, id, px, last, corrects.unwrap())
            },
            other => panic!("no report {other}"),
        };
        self.rig.report(report);
        let avg = after("avg").map(|avg| avg.parse().unwrap());
        self.check(line, id, &Shown { status: status_of(status), qtys: Some(qtys), avg });
    }

    /// What is shown of the order is what the line says.
    fn check(&self, line: &str, id: ClOrdId, shown: &Shown) {
        let risk = &self.rig.risk;
        let order = risk.order(id).unwrap();
        let whole = |qty: Qty| qty.to_shares().unwrap();
        let qtys = [order.ord_qty(), order.cum_qty, order.leaves_qty()].map(whole);
        let facts = risk.table.facts.iter();
        let live: Vec<_> =
            facts.filter(|fact| fact.root == order.root && fact.is(Fact::LIVE)).collect();
        let paid: i128 = live
            .iter()
            .map(|fact| i128::from(fact.applied_px.0) * i128::from(fact.applied_qty.0))
            .sum();
        let avg = paid.checked_div(i128::from(order.cum_qty.0)).unwrap_or(0);
        let avg = u32::try_from(avg / i128::from(cents(UNIT).0)).unwrap();
        let found = Shown {
            status: ord_status(order),
            qtys: shown.qtys.map(|_| qtys),
            avg: shown.avg.map(|_| avg),
        };
        assert_eq!(found, *shown, "{line}");
    }
}

/// Runs a script; with `refused`, the alternative of that line ends it.
fn run(matrix: &Matrix, refused: Option<usize>) {
    let mut run = Run::new();
    for (at, line) in matrix.lines.iter().enumerate() {
        let (line, other) = line.split_once(" ~ ").map_or((*line, None), |(a, b)| (a, Some(b)));
        if refused == Some(at) {
            return run.hear(other.unwrap());
        }
        match line.split_once(' ').unwrap() {
            (">", request) => run.send(request),
            ("*", request) => run.force(request),
            (_, report) => run.hear(report),
        }
    }
}

/// Goal: statuses and quantities are those of the matrices after each of their rows. Method: each
/// matrix as a script through risk, once as it stands and once for each refusal that it offers;
/// what was sent is decided, what was heard is applied and shown.
#[test]
fn t04_every_fix_matrix_ends_as_listed() {
    assert_eq!(MATRICES.len(), 31);
    let mut runs = 0;
    for matrix in MATRICES {
        println!("{}: {}", matrix.id, matrix.source);
        run(matrix, None);
        let refusals = matrix.lines.iter().enumerate().filter(|(_, line)| line.contains('~'));
        for (at, _) in refusals.clone() {
            run(matrix, Some(at));
        }
        runs += 1 + refusals.count();
    }
    for missing in MISSING {
        println!("missing, no source: {missing}");
    }
    println!("{runs} runs of {} matrices, {} without a source", MATRICES.len(), MISSING.len());
    assert!(runs > MATRICES.len());
}
