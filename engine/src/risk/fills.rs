//! What executions, their corrections and undoings, and statuses amount to: in the quantities of an
//! order, in positions and in money. The facts decide, not the order in which they came.

use shm::ids::{AccountId, ClOrdId, InstrumentId, StrategyId};
use shm::message::{ExecReport, OrdType, Side};
use shm::record::order as record;
use shm::units::{Price, Qty};

use super::Risk;
use super::report::position_event;
use crate::order::facts::{Fact, FactKind, Standing};
use crate::order::{Event, Order, Place, Signs};
use crate::planted::{self, Bug};
use crate::position::Fill;

/// Marks the number of a correction that the venue gives no execution id of its own.
const IN_PLACE: u64 = 1 << 62;

/// Whose fills they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    /// First id of the order's chain, or what stands for orders that are not ours.
    pub(super) root: ClOrdId,
    pub(super) strategy: StrategyId,
    pub(super) account: AccountId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// The order's latest fact.
    pub(super) latest: u32,
    /// What the position's records name.
    pub(super) cl_ord_id: ClOrdId,
}

impl Owner {
    pub(super) fn of(order: &Order, side: Side) -> Self {
        Self {
            root: order.root,
            strategy: order.root.strategy(),
            account: order.account,
            instrument: order.instrument,
            side,
            latest: order.fact_latest,
            cl_ord_id: order.terms.id,
        }
    }
}

/// What facts changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) cum: i64,
    pub(super) undone: i64,
    pub(super) signs: Signs,
    pub(super) position: Option<record::PositionEvent>,
}

impl Change {
    pub(super) const fn sign(signs: Signs) -> Self {
        Self { cum: 0, undone: 0, signs, position: None }
    }
}

/// An execution of the position, or its undoing.
struct Move {
    px: Price,
    qty: Qty,
    liquidity: u8,
    /// Of an undoing: what the fill did to the cost.
    undoes: Option<i128>,
}

impl Risk {
    /// E6-E10, E22 for an order of ours: the facts, then the order, then what a status had implied.
    pub(super) fn hear_fill(
        &mut self,
        report: &ExecReport,
        place: Place,
        order: &Order,
        side: Side,
        say: fn(&mut Self, &mut Owner, &ExecReport) -> Change,
    ) -> Change {
        if planted::is(Bug::LateFillDropped) && order.base().is_terminal() {
            return Change::sign(Signs::REPEAT);
        }
        let mut owner = Owner::of(order, side);
        let mut change = say(self, &mut owner, report);
        self.table.update(place, |order| order.fact_latest = owner.latest);
        if order.is(Order::TOLD) {
            self.retell(&owner, order, &mut change);
        }
        if change.signs.has(Signs::PROTOCOL) {
            return change;
        }
        let Change { cum, undone, .. } = change;
        let seq = report.venue_seq;
        let signs =
            self.table.apply(place, Event::Filled { id: report.cl_ord_id, cum, undone, seq });
        change.signs = change.signs.with(signs);
        if order.is(Order::TOLD)
            && let Some(after) = self.table.get(place).copied()
        {
            // The terms may be others now, and with them the price of what was inferred.
            let mut again = Change { cum: 0, ..change };
            self.retell(&Owner::of(&after, side), &after, &mut again);
            change.position = again.position;
        }
        if cum > 0 && is_worse(order, side, report.last_px) {
            change.signs = change.signs.with(Signs::WORSE);
        }
        change
    }

    /// E22 after an event that may have changed the terms: an inferred fill without a price of its
    /// own has that of the terms.
    pub(super) fn infer_again(&mut self, place: Place, side: Side, signs: Signs) -> Change {
        let mut change = Change::sign(signs);
        let order = self.table.get(place).copied();
        if let Some(order) = order.filter(|order| order.is(Order::TOLD)) {
            self.retell(&Owner::of(&order, side), &order, &mut change);
        }
        change
    }

    /// An execution.
    pub(super) fn say_executed(&mut self, owner: &mut Owner, report: &ExecReport) -> Change {
        self.say(owner, report, exec_number(report), 0)
    }

    /// E10: a correction, with or without an execution id of its own.
    pub(super) fn say_corrected(&mut self, owner: &mut Owner, report: &ExecReport) -> Change {
        let own = report.venue_ord_id.0;
        let previous = exec_number(report);
        let number =
            if own == 0 || own == previous { IN_PLACE | u64::from(report.venue_seq) } else { own };
        self.say(owner, report, number, previous)
    }

    /// E6, E7, E10: notes what an execution says, once, and what follows from it. Of two contents
    /// under one number that of the earlier report stands.
    fn say(
        &mut self,
        owner: &mut Owner,
        report: &ExecReport,
        number: u64,
        previous: u64,
    ) -> Change {
        let (px, qty, seq) = (report.last_px, report.last_qty, report.venue_seq);
        if qty.0 <= 0 || px.is_none() || number == previous {
            return Change::sign(Signs::PROTOCOL);
        }
        let facts = &mut self.table.facts;
        let (root, liquidity) = (owner.root, report.liquidity);
        let mut signs = Signs::default();
        let known = facts.find(root, FactKind::Fill, number).and_then(|at| facts.get_mut(at));
        match known {
            Some(fact) if fact.is(Fact::SAID) => {
                if fact.px == px && fact.qty == qty {
                    return Change::sign(Signs::REPEAT);
                }
                signs = Signs::CONFLICT;
                if seq >= fact.seq {
                    return Change::sign(signs);
                }
                *fact = Fact { px, qty, seq, liquidity, ..*fact };
            }
            Some(fact) => {
                let marks = fact.marks | Fact::SAID;
                *fact = Fact { px, qty, seq, liquidity, previous, marks, ..*fact };
            }
            None => {
                let kind = FactKind::Fill;
                let marks = Fact::SAID;
                let fact = Fact {
                    root,
                    number,
                    previous,
                    px,
                    qty,
                    seq,
                    kind,
                    marks,
                    liquidity,
                    ..Fact::default()
                };
                facts.insert(fact, &mut owner.latest);
            }
        }
        if previous != 0 {
            self.link(owner, previous, number, seq);
        }
        let mut change = self.stand(owner, number, report.exec_id.0);
        change.signs = change.signs.with(signs);
        change
    }

    /// Notes that an execution is corrected by another; of several the latest counts.
    fn link(&mut self, owner: &mut Owner, previous: u64, number: u64, seq: u32) {
        let (root, kind) = (owner.root, FactKind::Fill);
        let facts = &mut self.table.facts;
        if facts.find(root, kind, previous).is_none() {
            facts.insert(Fact { root, number: previous, ..Fact::default() }, &mut owner.latest);
        }
        let corrected = facts.find(root, kind, previous);
        if let Some(fact) = corrected.and_then(|at| facts.get_mut(at))
            && (fact.next == 0 || seq > fact.next_seq)
        {
            (fact.next, fact.next_seq) = (number, seq);
        }
    }

    /// E9: an undoing. It finds its execution whether it comes before or after it.
    pub(super) fn say_broken(&mut self, owner: &mut Owner, report: &ExecReport) -> Change {
        let (root, number) = (owner.root, exec_number(report));
        let facts = &mut self.table.facts;
        if facts.find(root, FactKind::Fill, number).is_none() {
            facts.insert(Fact { root, number, ..Fact::default() }, &mut owner.latest);
        }
        let found = facts.find(root, FactKind::Fill, number);
        let Some(fact) = found.and_then(|at| facts.get_mut(at)) else {
            return Change::sign(Signs::PROTOCOL);
        };
        if fact.is(Fact::BROKEN) {
            return Change::sign(Signs::REPEAT);
        }
        fact.marks |= Fact::BROKEN | if report.last_qty.0 > 0 { Fact::RETURNS } else { 0 };
        fact.broken_seq = report.venue_seq;
        self.stand(owner, number, report.exec_id.0)
    }

    /// E22: what a status tells adds to what is known, and never takes away. Of all statuses the
    /// one with the highest quantity counts.
    pub(super) fn say_status(&mut self, owner: &mut Owner, report: &ExecReport) -> Change {
        let (root, qty, px, seq) = (owner.root, report.last_qty, report.last_px, report.venue_seq);
        if qty.0 < 0 {
            return Change::sign(Signs::PROTOCOL);
        }
        let facts = &mut self.table.facts;
        let kind = FactKind::Told;
        let known = facts.find(root, kind, 0).and_then(|at| facts.get_mut(at));
        match known {
            Some(told) if (qty, seq) > (told.qty, told.seq) => {
                *told = Fact { qty, px, seq, ..*told };
            }
            Some(_) => return Change::sign(Signs::REPEAT),
            None => {
                let fact = Fact { root, qty, px, seq, kind, marks: Fact::SAID, ..Fact::default() };
                facts.insert(fact, &mut owner.latest);
            }
        }
        Change::default()
    }

    /// Makes order quantities and position agree with what the line of an execution amounts to.
    fn stand(&mut self, owner: &Owner, number: u64, exec_id: u64) -> Change {
        let facts = &self.table.facts;
        let first = facts.find(owner.root, FactKind::Fill, number);
        let first = first.and_then(|at| facts.first_of(at));
        let Some((at, was)) = first.and_then(|at| Some((at, *facts.get(at)?))) else {
            return Change::sign(Signs::PROTOCOL);
        };
        let standing = facts.standing(at, u32::MAX);
        let (cum_before, undone_before) = match (was.is(Fact::LIVE), was.is(Fact::UNDONE)) {
            (true, _) => (was.applied_qty.0, 0),
            (false, true) => (0, was.applied_qty.0),
            (false, false) => (0, 0),
        };
        let mut now = bare(&was);
        let mut change = Change::default();
        let (cum, undone) = match standing {
            Standing::Held => {
                change.signs = Signs::UNKNOWN_EXEC;
                (0, 0)
            }
            Standing::Live { px, qty, liquidity } => {
                now.marks |= Fact::LIVE;
                (now.applied_px, now.applied_qty) = (px, qty);
                now.applied_liquidity = liquidity;
                (qty.0, 0)
            }
            Standing::Undone { qty } => {
                now.marks |= Fact::UNDONE;
                now.applied_qty = qty;
                (0, qty.0)
            }
        };
        change.cum = cum.saturating_sub(cum_before);
        change.undone = undone.saturating_sub(undone_before);
        self.restate(owner, &was, &mut now, exec_id, &mut change);
        if let Some(fact) = self.table.facts.get_mut(at) {
            *fact = now;
        }
        change
    }

    /// E22: the inferred fill is what the status told beyond the executions it could know.
    fn retell(&mut self, owner: &Owner, order: &Order, change: &mut Change) {
        let facts = &self.table.facts;
        let Some(at) = facts.find(owner.root, FactKind::Told, 0) else { return };
        let Some(was) = facts.get(at).copied() else { return };
        let inferred = if was.is(Fact::LIVE) { was.applied_qty } else { Qty::ZERO };
        let real = order.cum_qty.0.saturating_add(change.cum).saturating_sub(inferred.0);
        let known = facts.filled_until(owner.root, owner.latest, was.seq).unwrap_or(Qty(real));
        let qty = Qty(was.qty.0.saturating_sub(known.0).max(0));
        let px = if was.px.is_some() { was.px } else { order.terms.px };
        let mut now = bare(&was);
        if qty > Qty::ZERO {
            now.marks |= Fact::LIVE;
            (now.applied_px, now.applied_qty) = (px, qty);
            change.signs = change.signs.with(Signs::INFERRED);
        }
        change.cum = change.cum.saturating_add(qty.0 - inferred.0);
        self.restate(owner, &was, &mut now, 0, change);
        if let Some(fact) = self.table.facts.get_mut(at) {
            *fact = now;
        }
    }

    /// Takes out of the position what a fact had put there, and puts in what it says now.
    fn restate(
        &mut self,
        owner: &Owner,
        was: &Fact,
        now: &mut Fact,
        exec_id: u64,
        change: &mut Change,
    ) {
        let content = |fact: &Fact| {
            fact.is(Fact::LIVE).then_some((
                fact.applied_px,
                fact.applied_qty,
                fact.applied_liquidity,
            ))
        };
        let (before, after) = (content(was), content(now));
        if before == after {
            now.cost = was.cost;
            return;
        }
        let mut signed = 0_i64;
        let mut last_px = Price::NONE;
        if let Some((px, qty, liquidity)) = before {
            let moved = Move { px, qty, liquidity, undoes: Some(was.cost) };
            self.move_position(owner, &moved);
            signed = signed.saturating_sub(qty.0.saturating_mul(owner.side.sign()));
            last_px = px;
        }
        if let Some((px, qty, liquidity)) = after {
            let moved = Move { px, qty, liquidity, undoes: None };
            now.cost = self.move_position(owner, &moved);
            signed = signed.saturating_add(qty.0.saturating_mul(owner.side.sign()));
            last_px = px;
        }
        if let Some(rows) = self.rows(owner.strategy, owner.instrument) {
            self.watch(rows.places.0.into_iter());
        }
        if let Some(position) = &change.position {
            signed = signed.saturating_add(position.last_qty.0);
        }
        let Some(holding) = self.ledger.get(owner.strategy, owner.instrument) else { return };
        let (strategy, account) = (owner.strategy, owner.account);
        let event = position_event(holding, strategy, account, owner.instrument);
        change.position = Some(record::PositionEvent {
            last_px,
            last_qty: Qty(signed),
            cl_ord_id: owner.cl_ord_id,
            exec_id: shm::ids::ExecId(exec_id),
            ..event
        });
    }

    /// A fill or an undoing, in the position and the sums of all scopes; what it did to the cost.
    fn move_position(&mut self, owner: &Owner, moved: &Move) -> i128 {
        let account = self.accounts.get(owner.account.index()).copied().unwrap_or_default();
        let rates = account.rates;
        let multiplier = self.multiplier(owner.instrument);
        let Some(rows) = self.rows(owner.strategy, owner.instrument) else { return 0 };
        let (strategy, instrument) = (owner.strategy, owner.instrument);
        let Move { px, qty, liquidity, undoes } = *moved;
        let fill = Fill { side: owner.side, px, qty, multiplier };
        let fee = rates.cost(qty, liquidity);
        let before = self.ledger.get(strategy, instrument).copied().unwrap_or_default();
        let cost = match undoes {
            None => self.ledger.apply(strategy, instrument, &fill, fee),
            Some(change) => {
                self.ledger.undo(strategy, instrument, &fill, fee, change);
                0
            }
        };
        let after = self.ledger.get(strategy, instrument).copied().unwrap_or_default();
        self.apply_fill(&rows, owner.account, &fill, &before, &after, undoes.is_some());
        cost
    }

    pub(super) fn multiplier(&self, instrument: InstrumentId) -> i64 {
        self.forms.get(instrument.index()).map_or(1, |form| form.multiplier)
    }

    /// C8: puts a quantity into a position that no execution explains.
    pub(super) fn adjust(&mut self, owner: &Owner, px: Price, qty: Qty) -> Change {
        let mut change = Change::sign(Signs::ADJUSTED);
        let was = Fact::default();
        let mut now =
            Fact { applied_px: px, applied_qty: qty, marks: Fact::LIVE, ..Fact::default() };
        self.restate(owner, &was, &mut now, 0, &mut change);
        change
    }
}

/// A fact with nothing applied.
const fn bare(fact: &Fact) -> Fact {
    Fact {
        marks: fact.marks & !(Fact::LIVE | Fact::UNDONE),
        applied_px: Price(0),
        applied_qty: Qty::ZERO,
        applied_liquidity: 0,
        cost: 0,
        ..*fact
    }
}

/// What names an execution: its id, or, where the venue gives none, its report.
const fn exec_number(report: &ExecReport) -> u64 {
    if report.exec_id.0 == 0 { 1 << 63 | report.venue_seq as u64 } else { report.exec_id.0 }
}

/// Whether a price is worse than every limit that the venue may have known.
fn is_worse(order: &Order, side: Side, px: Price) -> bool {
    if px.is_none() || order.ord_type == OrdType::Market as u8 {
        return false;
    }
    let is_beyond = |limit: Price| match side {
        Side::Buy => px > limit,
        Side::Sell => px < limit,
    };
    let replacing = order.replace.id != ClOrdId::NONE;
    is_beyond(order.terms.px) && (!replacing || is_beyond(order.replace.px))
}
