//! The opening records of a session: what the last one left behind, as facts that
//! [`Risk::restore`](super::Risk::restore) takes.
//!
//! A `CarryOrder` is an `OrderEvent` body whose `event` says what it carries:
//!
//! | `event` | carries | fields that mean other than in an `OrderEvent` |
//! |---|---|---|
//! | `Accepted` | a working order | `exec_id` highest id of the chain; `venue_seq` use count of its first id; `last_qty` canceled, `position` undone under the terms in force; `reason` fact bits of [`Order`]; `liquidity` tif, and order type times 16; `flags` phase times 16, 64 if the venue does not know it |
//! | `ApprovedReplace` | its replace on the way | `px`, `qty` the new terms; `last_qty` canceled under them |
//! | `Executed` | one of its executions; the order's sums hold it already | `venue_ord_id` the one it corrects; `cum_qty` the one that corrects it; `leaves_qty` sequences of its undoing and, times 2^32, of its correction; `px`, `qty` what the position has; `reason` marks of [`Fact`], and that liquidity times 256 |
//! | `Canceled` | one of its cancels | none |
//! | `Status` | what a status told of it | `px`, `qty` the inferred fill; `reason` marks |
//! | `IntentParent` | the parent it is a child of | `exec_id` the parent, `liquidity` the leg |
//!
//! Open parents come before the orders, as `CarryParent`: their sums without what working children
//! use, which those bring back themselves.
//!
//! A `CarryPosition` with an `exec_id` is a lot of the position before it (`position.cost =
//! "fifo"`): its number from 1, the oldest first, with `cost`, `last_px` and `last_qty` of its own.
//!
//! Ended orders are not carried: a bust of their fills is then a report of an unknown order.

use shm::ids::{ClOrdId, ExecId, StrategyId, VenueOrdId};
use shm::message::{Kind, Side};
use shm::record::RecordKind;
use shm::record::order::{OrderEvent, PositionEvent, words_of};
use shm::record::parent::Parent;
use shm::units::{Notional, Price, Qty};

use super::report::position_event;
use super::restore::RestoreError;
use super::{Permit, Risk};
use crate::order::facts::{Fact, FactKind};
use crate::order::state::Terms;
use crate::order::{Order, Phase};
use crate::position::COST_UNKNOWN;

/// Facts that a next session finds out anew.
const OF_THE_SESSION: u16 = Order::COUNTED | Order::DATED | Order::NOT_HELD;
/// Where `flags` of a carried order hold its phase.
const PHASE_SHIFT: u8 = 4;
/// In `flags` of a carried order: the venue does not know it.
const GONE: u8 = 1 << 6;

impl Risk {
    /// Writes positions and working orders as records. With `new_day` the session's profit and fees
    /// begin at zero. Cold.
    pub fn carry(&self, new_day: bool, emit: &mut dyn FnMut(RecordKind, &[u8])) {
        for (strategy, instrument, holding) in self.ledger.iter() {
            let account = self.ledger.account(strategy).unwrap_or_default();
            let mut event = position_event(holding, strategy, account, instrument);
            if new_day {
                (event.realised, event.fees) = (words_of(0), words_of(0));
            }
            emit(RecordKind::CarryPosition, event.bytes());
            // Its lots: which of them in place of an execution, each with its cost.
            for (number, lot) in (1..).zip(self.ledger.lots(strategy, instrument)) {
                let qty = i64::try_from(lot.qty).unwrap_or(i64::MAX);
                let event = PositionEvent {
                    cost: words_of(lot.cost),
                    last_px: lot.px,
                    last_qty: Qty(qty),
                    exec_id: ExecId(number),
                    ..event
                };
                emit(RecordKind::CarryPosition, event.bytes());
            }
        }
        for parent in self.parents.iter().filter(|_| !new_day) {
            emit(RecordKind::CarryParent, self.carried_parent(parent).bytes());
        }
        self.carry_scopes(new_day, emit);
        for order in self.table.working() {
            emit(RecordKind::CarryOrder, self.carried(order).bytes());
            if order.parent != ClOrdId::NONE {
                let event = OrderEvent {
                    event: Kind::IntentParent as u8,
                    exec_id: ExecId(order.parent.0),
                    liquidity: order.leg,
                    ..self.carried(order)
                };
                emit(RecordKind::CarryOrder, event.bytes());
            }
            if order.replace.id != ClOrdId::NONE {
                let event = OrderEvent {
                    cl_ord_id: order.replace.id,
                    event: Kind::ApprovedReplace as u8,
                    px: order.replace.px,
                    qty: order.replace.qty,
                    last_qty: order.replace.canceled_qty,
                    ..self.carried(order)
                };
                emit(RecordKind::CarryOrder, event.bytes());
            }
        }
        for fact in self.table.facts.iter() {
            let order = self.table.find(fact.root).and_then(|place| self.table.get(place));
            let order = order.filter(|order| order.root == fact.root && order.is_working());
            if let Some(order) = order {
                emit(RecordKind::CarryOrder, self.carried_fact(order, fact).bytes());
            }
        }
    }

    fn carried_parent(&self, parent: &Parent) -> Parent {
        let mut carried = *parent;
        let children = self.table.working().filter(|order| order.parent == parent.cl_ord_id);
        for child in children {
            let leg = usize::from(child.leg);
            if let (Some(used), Some(filled)) =
                (carried.used.get_mut(leg), carried.filled.get_mut(leg))
            {
                *used = Qty(used.0.saturating_sub(child.used_qty.0));
                *filled = Qty(filled.0.saturating_sub(child.used_cum_qty.0));
            }
        }
        carried
    }

    fn carried(&self, order: &Order) -> OrderEvent {
        OrderEvent {
            cl_ord_id: order.terms.id,
            venue_ord_id: order.venue_ord_id,
            exec_id: ExecId(order.last.0),
            last_px: Price::NONE,
            last_qty: order.terms.canceled_qty,
            cum_qty: order.cum_qty,
            leaves_qty: order.leaves_qty(),
            px: order.terms.px,
            qty: order.terms.qty,
            position: order.busted_qty,
            instrument: order.instrument,
            venue_seq: order.root.uses(),
            event: Kind::Accepted as u8,
            base: order.base() as u8,
            flags: order.pending()
                | (order.phase_in_force() as u8) << PHASE_SHIFT
                | if order.is_gone() { GONE } else { 0 },
            liquidity: order.tif | order.ord_type << 4,
            reason: order.facts,
            gateway: order.gateway.0,
            side: order.side.map_or(0, |side| side as u8),
        }
    }

    fn carried_fact(&self, order: &Order, fact: &Fact) -> OrderEvent {
        let (event, exec_id, venue_seq) = match fact.kind {
            FactKind::Fill => (Kind::Executed, fact.number, fact.seq),
            FactKind::Cancel => (Kind::Canceled, 0, fact.number as u32),
            FactKind::Told => (Kind::Status, 0, fact.seq),
        };
        OrderEvent {
            exec_id: ExecId(exec_id),
            venue_ord_id: VenueOrdId(fact.previous),
            last_px: fact.px,
            last_qty: fact.qty,
            cum_qty: Qty(fact.next as i64),
            leaves_qty: Qty((u64::from(fact.next_seq) << 32 | u64::from(fact.broken_seq)) as i64),
            px: fact.applied_px,
            qty: fact.applied_qty,
            venue_seq,
            event: event as u8,
            liquidity: fact.liquidity,
            reason: u16::from(fact.marks) | u16::from(fact.applied_liquidity) << 8,
            ..self.carried(order)
        }
    }

    pub(super) fn take_carried_order(&mut self, event: &OrderEvent) -> Result<(), RestoreError> {
        match Kind::from_u8(event.event) {
            Some(Kind::Accepted) => self.take_carried_row(event),
            Some(Kind::ApprovedReplace) => {
                let terms = Terms {
                    id: event.cl_ord_id,
                    px: event.px,
                    qty: event.qty,
                    canceled_qty: event.last_qty,
                    ..Terms::default()
                };
                let place = self.table.find(event.cl_ord_id).ok_or(RestoreError::Differs)?;
                self.table.update(place, |order| order.replace = terms);
                let side = Side::from_u8(event.side).ok_or(RestoreError::NotInSetup)?;
                self.settle(place, side);
                Ok(())
            }
            Some(Kind::IntentParent) => {
                let place = self.table.find(event.cl_ord_id).ok_or(RestoreError::Differs)?;
                self.table.update(place, |order| {
                    (order.parent, order.leg) = (ClOrdId(event.exec_id.0), event.liquidity);
                });
                self.settle_child(place);
                Ok(())
            }
            Some(Kind::Executed | Kind::Canceled | Kind::Status) => self.take_carried_fact(event),
            Some(_) | None => Err(RestoreError::Differs),
        }
    }

    fn take_carried_row(&mut self, event: &OrderEvent) -> Result<(), RestoreError> {
        let id = event.cl_ord_id;
        let strategy: StrategyId = id.strategy();
        let permit: &Permit = self.permits.get(strategy.index()).ok_or(RestoreError::NotInSetup)?;
        let side = Side::from_u8(event.side).ok_or(RestoreError::NotInSetup)?;
        let at = id.slot().checked_sub(permit.slot_first);
        let is_known = at.is_some_and(|at| at < permit.slot_count)
            && self.forms.get(event.instrument.index()).is_some()
            && event.gateway == permit.gateway.0;
        if !is_known {
            return Err(RestoreError::NotInSetup);
        }
        let order = Order {
            root: ClOrdId::new(id.epoch(), strategy, id.slot(), event.venue_seq),
            last: ClOrdId(event.exec_id.0),
            terms: Terms {
                id,
                px: event.px,
                qty: event.qty,
                canceled_qty: event.last_qty,
                ..Terms::default()
            },
            venue_ord_id: event.venue_ord_id,
            cum_qty: event.cum_qty,
            busted_qty: event.position,
            reserved_qty: Qty::ZERO,
            reserved_value: Notional::ZERO,
            instrument: event.instrument,
            account: permit.account,
            gateway: permit.gateway,
            side: Some(side),
            tif: event.liquidity & 15,
            ord_type: event.liquidity >> 4,
            facts: event.reason & !OF_THE_SESSION,
            phase: Phase::from_bits(event.flags >> PHASE_SHIFT & 3),
            gone_seq: u32::from(event.flags & GONE != 0),
            ..Order::default()
        };
        if order.base() as u8 != event.base || !self.table.adopt(order) {
            return Err(RestoreError::Differs);
        }
        let place = self.table.find(id).ok_or(RestoreError::Differs)?;
        self.settle(place, side);
        Ok(())
    }

    fn take_carried_fact(&mut self, event: &OrderEvent) -> Result<(), RestoreError> {
        let place = self.table.find(event.cl_ord_id).ok_or(RestoreError::Differs)?;
        let order = self.table.get(place).ok_or(RestoreError::Differs)?;
        let (root, mut latest) = (order.root, order.fact_latest);
        let (kind, number) = match Kind::from_u8(event.event) {
            Some(Kind::Executed) => (FactKind::Fill, event.exec_id.0),
            Some(Kind::Canceled) => (FactKind::Cancel, u64::from(event.venue_seq)),
            Some(_) | None => (FactKind::Told, 0),
        };
        let [marks, applied_liquidity] = event.reason.to_le_bytes();
        let seqs = event.leaves_qty.0 as u64;
        let fact = Fact {
            root,
            number,
            previous: event.venue_ord_id.0,
            next: event.cum_qty.0 as u64,
            px: event.last_px,
            qty: event.last_qty,
            applied_px: event.px,
            applied_qty: event.qty,
            cost: COST_UNKNOWN,
            seq: if kind == FactKind::Cancel { 0 } else { event.venue_seq },
            broken_seq: seqs as u32,
            next_seq: (seqs >> 32) as u32,
            before: 0,
            kind,
            marks,
            liquidity: event.liquidity,
            applied_liquidity,
        };
        self.table.facts.insert(fact, &mut latest);
        self.table.update(place, |order| order.fact_latest = latest);
        Ok(())
    }
}

/// See [`Risk::state_hash`]: a sum over parts, so that no order of the parts shows.
pub(super) fn digest(risk: &Risk) -> u64 {
    let mut sum = 0_u64;
    for order in risk.table.working() {
        let state = u64::from(order.facts & !OF_THE_SESSION) << 32
            | u64::from(order.is_gone()) << 24
            | (order.phase_in_force() as u64) << 16
            | u64::from(order.base() as u8) << 8
            | u64::from(order.side.map_or(0, |side| side as u8));
        let mut part = mix(1, order.root.0);
        for word in [order.last.0, order.venue_ord_id.0, state, u64::from(order.instrument.0)] {
            part = mix(part, word);
        }
        for terms in [&order.terms, &order.replace] {
            part = mix(part, terms.id.0);
            part = mix(part, terms.px.0 as u64);
            part = mix(part, terms.qty.0 as u64);
            part = mix(part, terms.canceled_qty.0 as u64);
        }
        part = mix(part, order.cum_qty.0 as u64);
        part = mix(part, order.busted_qty.0 as u64);
        part = mix(part, order.reserved_qty.0 as u64);
        sum = sum.wrapping_add(mix_wide(part, order.reserved_value.0));
    }
    for (strategy, instrument, holding) in risk.ledger.iter() {
        let mut part = mix(2, u64::from(strategy.0) << 32 | u64::from(instrument.0));
        part = mix(part, holding.qty.0 as u64);
        part = mix_wide(part, holding.cost);
        part = mix_wide(part, holding.realised);
        for lot in risk.ledger.lots(strategy, instrument) {
            part = mix_wide(mix(mix(part, lot.px.0 as u64), lot.qty), lot.cost);
        }
        sum = sum.wrapping_add(mix_wide(part, holding.fees));
    }
    for parent in risk.parents.iter() {
        let mut part = mix(4, parent.cl_ord_id.0);
        for qty in parent.used.into_iter().chain(parent.filled) {
            part = mix(part, qty.0 as u64);
        }
        sum = sum.wrapping_add(part);
    }
    for (at, sums) in risk.exposure.iter().enumerate() {
        let mut part = mix(3, at as u64);
        part = mix(part, sums.position.0 as u64);
        part = mix(part, sums.open_buy.0 as u64);
        part = mix(part, sums.open_sell.0 as u64);
        part = mix(part, u64::from(sums.open_orders));
        sum = sum.wrapping_add(mix_wide(part, sums.open_value.0));
    }
    digest_scopes(risk, sum)
}

/// The counts of scopes that follow from records alone, not from marks.
fn digest_scopes(risk: &Risk, mut sum: u64) -> u64 {
    for (place, state) in risk.scopes.iter() {
        let mut part = mix(4, place.into());
        for value in [state.debits, state.earned, state.entered_value, state.entered_qty] {
            part = mix_wide(part, value);
        }
        part = mix_wide(part, state.traded_value);
        part = mix_wide(part, state.traded_qty);
        for word in [state.orders, state.trades, state.executions.into(), state.unknown.into()] {
            part = mix(part, word);
        }
        sum = sum.wrapping_add(part);
    }
    sum
}

fn mix_wide(hash: u64, value: i128) -> u64 {
    let [low, high] = words_of(value);
    mix(mix(hash, low), high)
}

const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash.rotate_left(25) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 29
}
