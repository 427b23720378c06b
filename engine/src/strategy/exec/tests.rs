//! Orders by hand, with the real risk behind them.

use super::{Exec, What};
use crate::clock::Clock;
use crate::config::params::ExecParams;
use crate::link::{self, Input};
use crate::order::Order;
use crate::order::slots::SlotPool;
use crate::parent::Parents;
use crate::risk::sample::{self, DOLLAR};
use crate::risk::{Decision, Risk};
use crate::strategy::Strategy;
use crate::strategy::desk::{Desk, Outlet, Port, Terms};
use shm::ids::{Cause, ClOrdId, ExecId, GatewayId, InstrumentId, StrategyId, VenueOrdId};
use shm::message::{
    Command, CommandOp, ExecReport, Intent, Kind, Message, OrderField, OrderUpdate, RiskReject,
    Side,
};
use shm::record::order::Base;
use shm::units::{Nanos, Price, Qty};
use std::collections::{BTreeMap, VecDeque};

/// Cents as a price.
fn cents(cents: i64) -> i64 {
    cents * DOLLAR / 100
}

/// What a replace by hand names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Given {
    px: Option<i64>,
    qty: Option<i64>,
}

/// The strategy, its ring to risk, risk, and what waits to be heard.
struct Rig {
    exec: Exec,
    outlet: Outlet,
    intents: Input,
    slots: SlotPool,
    parents: Parents,
    terms: Vec<Terms>,
    clock: Clock,
    now: Nanos,
    risk: Risk,
    /// Updates and refusals on their way to the strategy.
    heard: VecDeque<Message>,
    seq: u32,
    exec_id: u64,
    /// The slow model: price and quantity of every id ever asked for.
    asked: BTreeMap<ClOrdId, (i64, i64)>,
    /// The id in force, and what is filled and works, as the strategy has heard last.
    last: Option<(ClOrdId, i64, i64)>,
    /// The one order.
    root: ClOrdId,
    /// Cancels of an order that worked, refused.
    lost_cancels: u32,
}

impl Rig {
    fn new() -> Self {
        let mut setup = sample::setup(64);
        setup.limits.rows[0].repeat.same_max = crate::config::limits::Limit::Unlimited;
        let row = &setup.strategies[1];
        let (first, count) = (row.slot_first, row.slot_count);
        let (output, intents) = link::ring(256);
        let none = (Price(0), Price(0));
        let bands = [(Price(0), Price(cents(1))), none, none, none];
        let params = ExecParams { every: 0, qty: Qty::from_shares(1), distance_ticks: 1 };
        let mut rig = Self {
            exec: Exec::new(params),
            outlet: Outlet::live(output),
            intents,
            slots: SlotPool::new(StrategyId(1), setup.epoch, first, count),
            parents: Parents::new(first, count, 2, true),
            terms: vec![Terms { bands, lot: Qty::from_shares(1) }; 2],
            clock: Clock::given(Nanos(0)),
            now: Nanos::SECOND,
            risk: Risk::new(&setup),
            heard: VecDeque::new(),
            seq: 0,
            exec_id: u64::from(setup.epoch) << 32,
            asked: BTreeMap::new(),
            last: None,
            root: ClOrdId::NONE,
            lost_cancels: 0,
        };
        rig.risk.on_market(&sample::live(rig.now));
        let (bid, ask) = (Price(cents(999)), Price(cents(1_001)));
        rig.risk.on_market(&sample::top(0, bid, ask, 0, rig.now));
        rig.risk.on_report(&sample::session(true), GatewayId(0));
        rig
    }

    fn act(&mut self, act: impl FnOnce(&mut Exec, &mut Desk<'_>)) {
        let port = Port {
            now: self.now,
            cause: Cause::NONE,
            t0: self.now,
            d_publish: 0,
            d_begin: 0,
            clock: &self.clock,
            terms: &self.terms,
            slots: &mut self.slots,
            outlet: &mut self.outlet,
        };
        act(&mut self.exec, &mut Desk { port, parents: &mut self.parents });
        self.outlet.met = 0;
    }

    fn command(&mut self, op: CommandOp, param: u8, value: i64) {
        let command = Command {
            kind: Kind::Command as u8,
            op: op as u8,
            strategy: 1,
            param,
            instrument: InstrumentId(0),
            value,
            ..Command::default()
        };
        self.act(|exec, desk| {
            exec.on_command(&command, desk);
        });
    }

    fn give(&mut self, terms: &[(OrderField, Option<i64>)], op: CommandOp) {
        self.command(CommandOp::OrderTerm, 0, 0);
        for (field, value) in terms {
            if let Some(value) = value {
                self.command(CommandOp::OrderTerm, *field as u8, *value);
            }
        }
        self.command(op, 0, 1);
    }

    fn place(&mut self, px: i64, qty: i64) {
        let side = Some(Side::Buy as i64);
        let terms =
            [(OrderField::Side, side), (OrderField::Px, Some(px)), (OrderField::Qty, Some(qty))];
        self.give(&terms, CommandOp::OrderPlace);
        let id = self.sent().last().expect("an order was asked for").cl_ord_id;
        (self.root, self.last) = (id, None);
        self.asked = BTreeMap::from([(id, (px, qty))]);
    }

    /// What the strategy has asked and risk has not looked at.
    fn sent(&mut self) -> Vec<Intent> {
        let mut all = Vec::new();
        self.intents.drain(usize::MAX, |message| all.extend(message.view::<Intent>().copied()));
        let (output, intents) = link::ring(256);
        (self.outlet.intents, self.intents) = (output, intents);
        for intent in &all {
            self.outlet.intents.try_push((*intent).into(), self.now).unwrap();
        }
        all
    }

    /// The replace that was asked for, or `None`; the model notes its terms.
    fn replace(&mut self, given: Given) -> Option<Intent> {
        let before = self.sent().len();
        let terms = [(OrderField::Px, given.px), (OrderField::Qty, given.qty)];
        self.give(&terms, CommandOp::OrderReplace);
        let intent = self.sent().get(before).copied()?;
        assert_eq!(intent.kind, Kind::IntentReplace as u8);
        self.asked.insert(intent.cl_ord_id, (intent.px.0, intent.qty.0));
        Some(intent)
    }

    /// Price and quantity of the whole chain in force, as the strategy can know them.
    fn known(&self) -> (i64, i64) {
        let (id, cum, leaves) = self.last.unwrap_or((self.root, 0, 0));
        let (px, qty) = self.asked[&id];
        (px, if leaves > 0 { cum + leaves } else { qty })
    }

    fn order(&self) -> Option<Order> {
        self.risk.order(self.root).copied()
    }

    fn works(&self) -> bool {
        self.order().is_some_and(|order| order.is_working())
    }

    /// Risk takes the next intent.
    fn decide(&mut self) -> bool {
        let Some(message) = self.intents.pop() else { return false };
        let Some(intent) = message.view::<Intent>().copied() else { return true };
        self.now = Nanos(self.now.0 + 1_000);
        let works = self.works();
        match self.risk.decide(&intent, &sample::open(self.now)) {
            Decision::Deny { message, .. } => {
                self.lost_cancels += u32::from(works && intent.kind == Kind::IntentCancel as u8);
                self.heard.push_back(message.into());
            }
            Decision::Approve { .. } | Decision::Cancel { .. } => {}
        }
        true
    }

    /// The strategy hears what comes next.
    fn hear(&mut self) -> bool {
        let Some(message) = self.heard.pop_front() else { return false };
        if let Some(update) = message.view::<OrderUpdate>().copied() {
            self.last = Some((update.cl_ord_id, update.cum_qty.0, update.leaves_qty.0));
            self.act(|exec, desk| exec.on_update(&update, desk));
            self.slots.on_update(&update);
        } else if let Some(reject) = message.view::<RiskReject>().copied() {
            self.act(|exec, desk| exec.on_reject(&reject, desk));
            if reject.intent == Kind::IntentNew as u8 {
                self.slots.free(reject.cl_ord_id);
            }
        }
        true
    }

    fn report(&mut self, kind: Kind, id: ClOrdId, px: Price, qty: Qty) {
        self.seq += 1;
        self.exec_id += 1;
        let report = ExecReport {
            kind: kind as u8,
            liquidity: if kind == Kind::CancelRejected { 1 } else { b'A' },
            venue_seq: self.seq,
            cl_ord_id: id,
            venue_ord_id: VenueOrdId(1),
            exec_id: ExecId(self.exec_id),
            last_px: px,
            last_qty: qty,
            ..ExecReport::default()
        };
        let applied = self.risk.on_report(&report, GatewayId(0));
        self.heard.extend(applied.update.map(Message::from));
    }

    /// The venue says one thing that it may say now.
    fn venue(&mut self, word: u64, random: &mut Random) {
        let Some(order) = self.order().filter(Order::is_working) else { return };
        let id = order.terms.id;
        if order.is_in_flight() {
            match word % 4 {
                0 => self.report(Kind::Rejected, id, Price::NONE, Qty::ZERO),
                _ => self.report(Kind::Accepted, id, order.terms.px, order.terms.qty),
            }
            return;
        }
        match word % 6 {
            0 | 1 if order.is_replacing() => {
                let exposed = Qty(order.replace.qty.0 - order.cum_qty.0);
                self.report(Kind::Replaced, order.replace.id, order.replace.px, exposed);
            }
            2 if order.is_replacing() => {
                self.report(Kind::Rejected, order.replace.id, Price::NONE, Qty::ZERO);
            }
            3 if order.is_canceling() => match random.below(2) {
                0 => self.report(Kind::CancelRejected, id, Price::NONE, Qty::ZERO),
                _ => self.report(Kind::Canceled, id, Price::NONE, order.leaves_qty()),
            },
            4 => {
                let most = order.leaves_qty().0 / Qty::SCALE;
                if most > 0 {
                    let qty = Qty((1 + random.below(most as u64) as i64) * Qty::SCALE);
                    self.report(Kind::Executed, id, order.terms.px, qty);
                }
            }
            // A part is taken away from outside.
            5 if random.below(8) == 0 && order.leaves_qty().0 > Qty::SCALE => {
                self.report(Kind::Canceled, id, Price::NONE, Qty(Qty::SCALE));
            }
            _ => {}
        }
    }

    /// Everything on its way arrives.
    fn settle(&mut self) {
        while self.decide() {}
        while self.hear() {}
    }

    fn has_entry(&self) -> bool {
        self.exec.entries.iter().any(Option::is_some)
    }

    /// How many replaces are unanswered, as far as the strategy knows.
    fn unanswered(&self) -> usize {
        let entry = self.exec.entries.iter().flatten().next();
        entry.map_or(0, |entry| match &entry.what {
            What::Order(chain) => chain.unanswered(),
            What::Parent(_) => 0,
        })
    }
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }
}

/// Goal: two replaces at once that are both refused leave an order that can be cancelled by hand,
/// and the next replace builds on what is in force. Method: two quantities beyond the limit, then a
/// price alone, then a cancel.
#[test]
fn refused_replaces_leave_the_order_in_reach_and_no_trace() {
    let mut rig = Rig::new();
    rig.place(cents(990), 100 * Qty::SCALE);
    rig.settle();
    rig.report(Kind::Accepted, rig.root, Price(cents(990)), Qty(100 * Qty::SCALE));
    rig.settle();
    for qty in [5_000, 6_000] {
        let given = Given { px: Some(cents(990)), qty: Some(qty * Qty::SCALE) };
        assert!(rig.replace(given).is_some());
    }
    rig.settle();
    let next = rig.replace(Given { px: Some(cents(991)), qty: None }).unwrap();
    assert_eq!((next.px.0, next.qty.0), (cents(991), 100 * Qty::SCALE), "E16");
    rig.settle();
    rig.give(&[], CommandOp::OrderCancel);
    rig.settle();
    assert!(rig.order().unwrap().is_canceling() && rig.lost_cancels == 0);
}

/// Goal: whatever is asked, refused, confirmed and filled, and in whatever order it is heard: a
/// cancel by hand of an order that works is never refused, a term that is not given is the one in
/// force and never one that was refused, and once all is quiet the strategy has the terms that risk
/// has. Method: random sequences with up to 4 replaces unanswered, against the terms of every id
/// ever asked.
#[test]
fn replaces_by_hand_equal_the_slow_model() {
    let mut four = 0;
    for seed in 1..=400_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut rig = Rig::new();
        for step in 0..200 {
            let what = format!("seed {seed} step {step}");
            let word = random.next() >> 8;
            match random.below(10) {
                0 | 1 if !rig.works() => {
                    rig.settle();
                    if !rig.has_entry() {
                        rig.place(cents(985 + random.below(10) as i64), 100 * Qty::SCALE);
                    }
                }
                0 | 1 => {
                    let px = random.below(3) > 0;
                    let px = px.then(|| cents(985 + random.below(10) as i64));
                    let whole = if random.below(4) == 0 { 1_001 } else { 40 };
                    let qty = (random.below(3) > 0 || px.is_none())
                        .then(|| (whole + random.below(100) as i64) * Qty::SCALE);
                    let (known, open) = (rig.known(), rig.unanswered());
                    let has_entry = rig.has_entry();
                    let given = Given { px, qty };
                    let sent = rig.replace(given);
                    if let Some(sent) = sent {
                        let expected = (px.unwrap_or(known.0), qty.unwrap_or(known.1));
                        assert_eq!((sent.px.0, sent.qty.0), expected, "{what}: {given:?}");
                    }
                    let may = has_entry && (open == 0 || open < 4 && px.is_some() && qty.is_some());
                    assert_eq!(sent.is_some(), may, "{what}: {open} unanswered, {given:?}");
                    four += usize::from(rig.unanswered() == 4);
                }
                2 if rig.has_entry() => rig.give(&[], CommandOp::OrderCancel),
                3..=5 => {
                    rig.decide();
                }
                6 | 7 => {
                    rig.hear();
                }
                _ => rig.venue(word, &mut random),
            }
            assert_eq!(rig.lost_cancels, 0, "{what}: a cancel of a working order was refused");
        }
        rig.settle();
        if rig.works() && rig.order().unwrap().base() != Base::Approved {
            let order = rig.order().unwrap();
            let (px, qty) = rig.known();
            assert_eq!((px, qty), (order.terms.px.0, order.cum_qty.0 + order.leaves_qty().0));
            assert!(rig.has_entry(), "seed {seed}");
        }
    }
    assert!(four > 100, "four replaces at once came up {four} times");
}
