//! R47 for parents, against an adversary: children that nobody's algorithm would send, reports in
//! any order, late, repeated and undone.

use super::*;
use crate::order::Order;
use crate::risk::family::{ParentDecision, child_terms};
use crate::risk::parents::leg_side;
use shm::message::{OrderTerms, ParentIntent, ParentKind, ParentPrices, parent_flags};
use shm::record::parent::Parent;
use std::collections::BTreeMap;

const LEGS: usize = 3;

fn parent_of(id: ClOrdId, kind: ParentKind, qty: Qty) -> (ParentIntent, ParentPrices) {
    let intent = ParentIntent {
        kind: Kind::IntentParent as u8,
        parent: kind as u8,
        side: Side::Buy as u8,
        cl_ord_id: id,
        qty,
        end: Nanos(u64::MAX),
        slices: 4,
        offset: 5,
        ..ParentIntent::default()
    };
    let prices = ParentPrices {
        kind: Kind::IntentParentPrices as u8,
        side_other: Side::Sell as u8,
        px: [cents(1_000), cents(1_001), cents(998)],
        stop_px: [cents(999), cents(1_004)],
        clip_qty: shares(100),
        ..ParentPrices::default()
    };
    (intent, prices)
}

impl Rig {
    fn parent(&mut self, kind: ParentKind, qty: u32, flags: u8) -> Option<ClOrdId> {
        let id = self.id();
        let (intent, prices) = parent_of(id, kind, shares(qty));
        let prices = ParentPrices { flags, ..prices };
        let context = self.context();
        match self.risk.decide_parent(&intent, &prices, &context) {
            ParentDecision::Approve { record, .. } => {
                self.keep(RecordKind::ParentApproved, record.bytes());
                Some(id)
            }
            ParentDecision::Deny(_) => None,
        }
    }

    /// A child as asked by whoever likes to; `None` when it passed.
    fn child(&mut self, intent: &Intent, terms: &OrderTerms) -> Option<Reason> {
        let context = self.context();
        match self.risk.decide_with(intent, terms, &context) {
            Decision::Approve { record, .. } => {
                self.keep(RecordKind::Approved, record.bytes());
                None
            }
            Decision::Deny { record, .. } => Reason::from_u8(record.reason),
            Decision::Cancel { .. } => panic!("not a cancel"),
        }
    }
}

/// Goal: a child needs an open parent of its own strategy and instrument, and the side of its leg.
/// Method: one wrong thing each, and the right one.
#[test]
fn r47_a_child_is_of_its_parent() {
    let mut rig = Rig::sample();
    let parent = rig.parent(ParentKind::Bracket, 500, 0).unwrap();
    let buy = rig.buy();
    let sell = rig.order(Side::Sell, MIDDLE, shares(1));
    let other = Intent { cl_ord_id: rig.pools[2].take().unwrap(), ..buy };
    let elsewhere = Intent { instrument: InstrumentId(1), ..buy };
    let unknown = Some(Reason::Unapproved);
    let entry = child_terms(parent, 0);
    rig.risk.on_market(&sample::top(1, MIDDLE, cents(1_001), 0, rig.now));
    assert_eq!(rig.child(&sell, &entry), unknown, "the other side");
    assert_eq!(rig.child(&buy, &child_terms(parent, 1)), unknown, "another leg's side");
    assert_eq!(rig.child(&buy, &child_terms(parent, 3)), unknown, "no such leg");
    assert_eq!(rig.child(&other, &entry), unknown, "another strategy");
    assert_eq!(rig.child(&elsewhere, &entry), unknown, "another instrument");
    let none = parent.successor().unwrap();
    assert_eq!(rig.child(&buy, &child_terms(none, 0)), unknown, "no such parent");
    assert_eq!(rig.child(&sell, &child_terms(parent, 1)), unknown, "an exit before the entry");
    assert_eq!(rig.child(&buy, &entry), None);
    let used_as_order = Intent { cl_ord_id: parent, ..rig.buy() };
    assert_eq!(rig.reason(&used_as_order), Some(Reason::DupId), "a parent's id is no order's");
    rig.risk.end_parent(parent, 0, 0).unwrap();
    let late = rig.buy();
    assert_eq!(rig.child(&late, &entry), unknown, "an ended parent");
}

/// Goal: the bound to the share: one below, at, one above; a replace counted as the worse of old
/// and new; a cancel gives back what did not fill, a bust nothing.
#[test]
fn r47_what_children_use_ends_at_the_parent() {
    let mut rig = Rig::sample();
    let parent = rig.parent(ParentKind::StopLimit, 250, 0).unwrap();
    let terms = child_terms(parent, 0);
    let unapproved = Some(Reason::Unapproved);
    let first = rig.buy();
    assert_eq!(rig.child(&first, &terms), None);
    let wide = rig.order(Side::Buy, MIDDLE, shares(151));
    assert_eq!(rig.child(&wide, &terms), unapproved);
    let exact = rig.order(Side::Buy, MIDDLE, shares(149));
    assert_eq!(rig.child(&exact, &terms), None);
    rig.accept(&first);
    rig.accept(&exact);
    let over = rig.replacing(&first, MIDDLE, shares(102));
    assert_eq!(rig.child(&over, &OrderTerms::NONE), unapproved, "it is a child, named or not");
    let full = rig.replacing(&first, MIDDLE, shares(101));
    assert_eq!(rig.child(&full, &OrderTerms::NONE), None);
    let one = rig.order(Side::Buy, MIDDLE, shares(1));
    assert_eq!(rig.child(&one, &terms), unapproved);
    rig.report(said(Kind::Rejected, full.cl_ord_id, Price::NONE, Qty::ZERO, 0));
    let one = Intent { cl_ord_id: rig.id(), ..one };
    assert_eq!(rig.child(&one, &terms), None, "the refused replace gave back what it held");
    rig.accept(&one);
    rig.fill(&exact, shares(100), 7);
    rig.report(said(Kind::Broken, exact.cl_ord_id, MIDDLE, Qty::ZERO, 7));
    let again = rig.order(Side::Buy, MIDDLE, shares(1));
    assert_eq!(rig.child(&again, &terms), unapproved, "an undone fill does not come back");
    rig.report(said(Kind::Canceled, exact.cl_ord_id, Price::NONE, shares(49), 0));
    let back = rig.order(Side::Buy, MIDDLE, shares(49));
    assert_eq!(rig.child(&back, &terms), None, "what was cancelled does");
    assert_eq!(rig.risk.parent(parent).unwrap().used[0], shares(250));
}

/// Fails if legs that share a bound use more than it. An entry that is undone later leaves exits
/// that were right when they passed: those of a bracket are compared with the most it ever had.
fn assert_within(parent: &Parent, entry_most: i64, used: [i64; LEGS], seed: u64) {
    let [first, second, third] = used;
    let most = parent.qty.0;
    let holds = match ParentKind::from_u8(parent.parent).unwrap() {
        ParentKind::Oco if parent.flags & parent_flags::SHARED != 0 => first + second <= most,
        ParentKind::Oco => first <= most && second <= most,
        ParentKind::Bracket => first <= most && second + third <= entry_most.min(most),
        _ => first <= most && second == 0 && third == 0,
    };
    assert!(holds, "seed {seed}: {used:?} of {parent:?}");
}

/// An order as it stands at the venue, whatever has been heard of it.
#[derive(Clone, Copy)]
struct Truth {
    id: ClOrdId,
    px: Price,
    qty: i64,
    cum: i64,
    leaves: i64,
    /// The venue has it; before that the gateway may still refuse it.
    is_live: bool,
    is_over: bool,
    /// A replace that the venue has not looked at.
    replace: Option<(ClOrdId, i64)>,
}

/// Children that nobody's algorithm would send, and a venue that tells the truth: late, in any
/// order, more than once.
struct Adversary {
    rig: Rig,
    dice: Dice,
    seed: u64,
    parents: Vec<ClOrdId>,
    orders: Vec<ClOrdId>,
    truths: BTreeMap<ClOrdId, Truth>,
    /// The most that the entry of a bracket ever had.
    entries: BTreeMap<ClOrdId, i64>,
    execs: Vec<(ClOrdId, u64)>,
    reports: Vec<ExecReport>,
    told: Vec<ExecReport>,
    seq: u32,
    passed: u64,
    refused: u64,
}

impl Adversary {
    fn setup() -> Setup {
        let mut setup = sample::setup(512);
        setup.memory.closed = 4096;
        setup.memory.facts = 1 << 16;
        setup.gateways[0].rate = 1_000_000;
        setup.limits.rows[0].repeat.same_max = crate::config::limits::Limit::Unlimited;
        setup
    }

    fn new(seed: u64) -> Self {
        Self {
            rig: Rig::new(&Self::setup()),
            dice: Dice::new(seed),
            seed,
            parents: Vec::new(),
            orders: Vec::new(),
            truths: BTreeMap::new(),
            entries: BTreeMap::new(),
            execs: Vec::new(),
            reports: Vec::new(),
            told: Vec::new(),
            seq: 0,
            passed: 0,
            refused: 0,
        }
    }

    fn pick<T: Copy>(dice: &mut Dice, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[dice.roll(of.len() as u64) as usize]) }
    }

    fn new_parent(&mut self) {
        if self.parents.len() >= 12 {
            let at = self.dice.roll(12) as usize;
            let id = self.parents.swap_remove(at);
            let (record, _) = self.rig.risk.end_parent(id, 0, 0).unwrap();
            self.rig.keep(RecordKind::ParentDone, record.bytes());
            self.rig.pools[1].free(id);
        }
        let kinds = ParentKind::ALL;
        let kind = kinds[self.dice.roll(kinds.len() as u64) as usize];
        let flags = if self.dice.roll(2) == 0 { parent_flags::SHARED } else { 0 };
        let qty = 10 + self.dice.roll(400) as u32;
        // None where the order of the slot came back to life: that slot is left alone.
        self.parents.extend(self.rig.parent(kind, qty, flags));
    }

    fn new_child(&mut self) {
        let Some(id) = Self::pick(&mut self.dice, &self.parents) else { return };
        let parent = *self.rig.risk.parent(id).unwrap();
        let leg = self.dice.roll(LEGS as u64) as u8;
        let side = leg_side(&parent, leg).unwrap_or(Side::Buy);
        let qty = shares(1 + self.dice.roll(200) as u32);
        let Some(own) = self.rig.pools[1].take() else { return };
        let mut intent = sample::intent(own, side, MIDDLE);
        intent.qty = qty;
        match self.rig.child(&intent, &child_terms(id, leg)) {
            None => {
                self.passed += 1;
                self.orders.push(own);
                let truth = Truth {
                    id: own,
                    px: MIDDLE,
                    qty: qty.0,
                    cum: 0,
                    leaves: qty.0,
                    is_live: false,
                    is_over: false,
                    replace: None,
                };
                self.truths.insert(own, truth);
            }
            Some(reason) => {
                // A slot whose order came back to life is refused as well, by its id.
                let is_known = matches!(reason, Reason::Unapproved | Reason::DupId);
                assert!(is_known, "seed {}: {reason}", self.seed);
                self.refused += u64::from(reason == Reason::Unapproved);
                self.rig.pools[1].free(own);
            }
        }
    }

    fn replace(&mut self) {
        let Some(root) = Self::pick(&mut self.dice, &self.orders) else { return };
        let Some(order) = self.rig.risk.order(root).copied() else { return };
        if !order.is_working() {
            return;
        }
        let Some(next) = self.rig.pools[1].replace(order.last) else { return };
        let qty = Qty(order.cum_qty.0 + shares(1 + self.dice.roll(250) as u32).0);
        let base = sample::intent(next, order.side.unwrap(), MIDDLE);
        let intent = Intent { kind: Kind::IntentReplace as u8, qty, ..base };
        if self.rig.child(&intent, &OrderTerms::NONE).is_none()
            && let Some(truth) = self.truths.get_mut(&root)
        {
            truth.replace = Some((next, qty.0));
        }
    }

    fn say(&mut self, report: ExecReport) {
        self.seq += 1;
        self.reports.push(ExecReport { venue_seq: self.seq, ..report });
    }

    /// Something happens to an order at the venue; what is said of it waits.
    fn venue(&mut self) {
        let Some(root) = Self::pick(&mut self.dice, &self.orders) else { return };
        let mut truth = self.truths[&root];
        let none = Price::NONE;
        match (truth.is_over, truth.is_live, self.dice.roll(10)) {
            (true, ..) => {}
            (_, false, 0) => {
                truth.is_over = true;
                self.say(said(Kind::GateReject, truth.id, none, Qty(truth.qty), 0));
            }
            (_, false, _) => {
                truth.is_live = true;
                self.say(said(Kind::Accepted, truth.id, truth.px, Qty(truth.qty), 0));
            }
            (_, true, 0..=4) => {
                let part = shares(1 + self.dice.roll(80) as u32).0.min(truth.leaves);
                let exec = u64::from(self.seq) + 1;
                truth.cum += part;
                truth.leaves -= part;
                truth.is_over = truth.leaves == 0;
                self.execs.push((truth.id, exec));
                self.say(said(Kind::Executed, truth.id, MIDDLE, Qty(part), exec));
            }
            (_, true, 5 | 6) => match truth.replace.take() {
                Some((id, qty)) if qty > truth.cum && self.dice.roll(4) > 0 => {
                    (truth.id, truth.qty, truth.leaves) = (id, qty, qty - truth.cum);
                    self.say(said(Kind::Replaced, id, MIDDLE, Qty(truth.leaves), 0));
                }
                Some((id, _)) => self.say(said(Kind::Rejected, id, none, Qty::ZERO, 0)),
                None => {}
            },
            (_, true, 7) => {
                truth.is_over = true;
                self.say(said(Kind::Canceled, truth.id, none, Qty(truth.leaves), 0));
                truth.leaves = 0;
            }
            (_, true, 8) if self.dice.roll(4) == 0 => {
                if let Some((id, exec)) = Self::pick(&mut self.dice, &self.execs) {
                    self.say(said(Kind::Broken, id, MIDDLE, Qty::ZERO, exec));
                }
            }
            _ => {}
        }
        self.truths.insert(root, truth);
    }

    /// One thing that was said arrives: any of them, or one that was heard before.
    fn hear(&mut self) {
        let repeat = self.dice.roll(8) == 0;
        let report = match Self::pick(&mut self.dice, &self.told) {
            Some(report) if repeat => report,
            _ if self.reports.is_empty() => return,
            _ => {
                let at = self.dice.roll(self.reports.len().min(6) as u64) as usize;
                self.reports.remove(at)
            }
        };
        if self.told.len() < 64 {
            self.told.push(report);
        } else {
            let at = self.dice.roll(64) as usize;
            self.told[at] = report;
        }
        self.rig.report_as_is(report);
    }

    fn step(&mut self) {
        self.rig.now = Nanos(self.rig.now.0 + 1_000_000);
        // A truth that arrives in another order looks like a contradiction here and there.
        self.rig.risk.held.fill(false);
        match self.dice.roll(100) {
            0..=2 => self.new_parent(),
            3..=27 => self.new_child(),
            28..=34 => self.replace(),
            35 => {
                self.rig.risk.on_market(&sample::live(self.rig.now));
                self.orders.retain(|id| {
                    self.rig.risk.order(*id).is_some_and(|order| order.root == *id)
                        && !(self.truths[id].is_over && self.dice.roll(2) == 0)
                });
            }
            36..=65 => self.venue(),
            _ => self.hear(),
        }
        if self.dice.roll(8) == 0 {
            self.check();
        }
    }

    /// Every open parent is within its bounds, and risk's running sums are those of a slow look at
    /// every order.
    fn check(&mut self) {
        let Self { rig, parents, entries, seed, .. } = self;
        let mut slow: BTreeMap<ClOrdId, [i64; LEGS]> = BTreeMap::new();
        for order in rig.risk.table.all().filter(|order| order.parent != ClOrdId::NONE) {
            let legs = slow.entry(order.parent).or_default();
            legs[usize::from(order.leg)] += uses(order);
        }
        for id in parents {
            let parent = rig.risk.parent(*id).unwrap();
            let used = slow.get(id).copied().unwrap_or_default();
            assert_eq!(parent.used.map(|qty| qty.0), used, "seed {seed}: running sums");
            let most = entries.entry(*id).or_default();
            *most = (*most).max(parent.filled[0].0);
            assert_within(parent, *most, used, *seed);
        }
    }
}

/// What one order has filled or may still fill, by the worse of its terms.
fn uses(order: &Order) -> i64 {
    let settled = order.cum_qty.0 + order.busted_qty.0;
    if !order.is_working() {
        return settled;
    }
    let new = if order.replace.id == ClOrdId::NONE { 0 } else { order.replace.qty.0 - settled };
    settled + order.leaves_qty().0.max(new)
}

/// Goal: children's open + filled never pass their parent, in any order of approvals, fills,
/// replaces, cancels, busts, repeats and late reports; and risk's running sums are those of a slow
/// look at every order. Method: an adversary that asks for anything, 1e5 steps over ten seeds.
#[test]
fn r47_children_stay_within_their_parent_in_any_order() {
    let (mut passed, mut refused) = (0, 0);
    for seed in 1..=10 {
        let mut adversary = Adversary::new(seed);
        for _ in 0..10_000 {
            adversary.step();
        }
        passed += adversary.passed;
        refused += adversary.refused;
    }
    assert!(passed > 1_000 && refused > 1_000, "{passed} passed, {refused} refused");
}

/// Goal: the journal alone gives the same sums, and what is carried into the next start as well; a
/// new day carries no parent. Method: a run of the adversary restored from its records.
#[test]
fn r47_the_journal_gives_the_same_sums() {
    let mut adversary = Adversary::new(77);
    for _ in 0..3_000 {
        adversary.step();
    }
    let Adversary { rig, parents, .. } = adversary;
    let mut again = Risk::new(&Adversary::setup());
    for (kind, body, ts) in &rig.journal {
        again.restore(*kind, body, *ts).unwrap();
    }
    let mut records = Vec::new();
    again.carry(false, &mut |kind, body| records.push((kind, body.to_vec())));
    let mut carried = Risk::new(&Adversary::setup());
    for (kind, body) in &records {
        carried.restore(*kind, body, Nanos(0)).unwrap();
    }
    for id in parents {
        let parent = rig.risk.parent(id).unwrap();
        assert_eq!(again.parent(id), Some(parent), "restored");
        let kept = carried.parent(id).unwrap();
        assert_eq!((kept.used, kept.filled), (parent.used, parent.filled), "carried");
    }
    let mut new_day = Vec::new();
    again.carry(true, &mut |kind, _| new_day.push(kind));
    assert!(!new_day.contains(&RecordKind::CarryParent), "a parent lives for its session date");
}
