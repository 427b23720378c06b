//! The parents of one strategy: events in, children out. Fixed capacity, made before the start.

use super::ask::{Ask, intents};
use super::leg::{End, Stage};
use super::quote::{Market, Quotes};
use super::row::{ParentEvent, Phase, Row};
use super::wants::{Want, Wants, next_slice, wants};
use crate::risk::parents::{LEGS_MAX, PARENTS_MAX, leg_side};
use crate::strategy::desk::{Busy, Order, Port};
use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{
    BookTop, FeedStatus, Kind, Message, OrderTerms, OrderUpdate, ParentKind, ParentStatus,
    ParentUpdate, RiskReject, Trade,
};
use shm::reason::Reason;
use shm::record::parent::{Parent, ParentState};
use shm::units::{Nanos, Price, Qty};

/// Writes what a parent has latched; false when the journal has no room.
pub type Journal<'a> = &'a mut dyn FnMut(&ParentState) -> bool;

/// Whose a slot is: nobody's, a parent's own, or a leg's child.
const PARENT: u8 = LEGS_MAX as u8;
const NOBODY: (u8, u8) = (u8::MAX, 0);

const _: () = assert!(PARENTS_MAX < u8::MAX as usize);

/// A parent of an earlier start.
#[derive(Clone, Debug)]
pub struct Carried {
    /// As risk holds it: sums without the children that still work.
    pub parent: Parent,
    /// What it had latched.
    pub state: Option<ParentState>,
    /// Its children that still work: they are being cancelled.
    pub children: Vec<CarriedChild>,
}

/// A child of an earlier start.
#[derive(Clone, Copy, Debug)]
pub struct CarriedChild {
    /// Which leg it works for.
    pub leg: u8,
    /// Its newest id.
    pub last: ClOrdId,
    /// The id last confirmed.
    pub id: ClOrdId,
    /// Filled of it.
    pub cum_qty: Qty,
    /// What works of it.
    pub leaves_qty: Qty,
}

/// The parents of one strategy.
#[derive(Debug)]
pub struct Parents {
    rows: Box<[Option<Row>]>,
    /// By slot of the strategy's range: row, and leg or [`PARENT`].
    by_slot: Box<[(u8, u8)]>,
    slot_first: u32,
    count: usize,
    quotes: Quotes,
    /// When time alone makes a parent act.
    due: Nanos,
    /// The venue keeps reserve orders itself.
    has_reserve: bool,
}

/// Never.
const NEVER: Nanos = Nanos(u64::MAX);

impl Parents {
    /// For a strategy with `slots` order ids from `slot_first`, over `instruments` instruments.
    #[must_use]
    pub fn new(slot_first: u32, slots: u32, instruments: usize, has_reserve: bool) -> Self {
        Self {
            rows: vec![None; PARENTS_MAX].into_boxed_slice(),
            by_slot: vec![NOBODY; slots as usize].into_boxed_slice(),
            slot_first,
            count: 0,
            quotes: Quotes::new(instruments),
            due: NEVER,
            has_reserve,
        }
    }

    /// How many are open.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Open parents.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }

    fn owner(&self, id: ClOrdId) -> (u8, u8) {
        let at = id.slot().checked_sub(self.slot_first).map(|at| at as usize);
        at.and_then(|at| self.by_slot.get(at)).copied().unwrap_or(NOBODY)
    }

    fn set_owner(&mut self, id: ClOrdId, owner: (u8, u8)) {
        let at = id.slot().checked_sub(self.slot_first).map(|at| at as usize);
        if let Some(place) = at.and_then(|at| self.by_slot.get_mut(at)) {
            *place = owner;
        }
    }

    fn row_mut(&mut self, at: u8) -> Option<&mut Row> {
        self.rows.get_mut(usize::from(at))?.as_mut()
    }

    /// Asks risk for a parent. Its id at once; what becomes of it comes as events.
    ///
    /// # Errors
    /// [`Busy`]: nothing was asked.
    pub(crate) fn ask(&mut self, ask: Ask, port: &mut Port<'_>) -> Result<ClOrdId, Busy> {
        let free = self.rows.iter().position(Option::is_none).ok_or(Busy)?;
        let free = u8::try_from(free).map_err(|_| Busy)?;
        let id = port.take_id()?;
        let parent = ask.at_venue(self.has_reserve).under(id, port.t0);
        let (prices, intent) = intents(&parent);
        let row = Row::new(parent);
        if row.is_none() || port.send_pair(prices.into(), intent.into()).is_err() {
            port.slots.free(id);
            return Err(Busy);
        }
        if self.count == 0 {
            self.quotes.forget();
        }
        if let Some(place) = self.rows.get_mut(usize::from(free)) {
            *place = row;
        }
        self.set_owner(id, (free, PARENT));
        self.count += 1;
        Ok(id)
    }

    /// Ends a parent: its children are cancelled, then it is over. False for one that is not open.
    pub(crate) fn cancel(&mut self, id: ClOrdId, now: Nanos) -> bool {
        let (at, leg) = self.owner(id);
        let Some(row) = self.row_mut(at).filter(|row| leg == PARENT && row.parent.cl_ord_id == id)
        else {
            return false;
        };
        row.end(Reason::None);
        // Whatever event comes next carries it out.
        self.due = self.due.min(now);
        true
    }

    /// Takes over a parent of an earlier start. Cold.
    pub fn restore(&mut self, carried: &Carried) -> bool {
        let Some(free) = self.rows.iter().position(Option::is_none) else { return false };
        let Some(mut row) = Row::carried(carried.parent, carried.state.as_ref()) else {
            return false;
        };
        for child in &carried.children {
            if let Some(leg) = row.legs.get_mut(usize::from(child.leg)) {
                leg.carried(child.last, child.id, child.cum_qty, child.leaves_qty);
                self.set_owner(child.last, (free as u8, child.leg));
            }
        }
        row.infer();
        self.set_owner(carried.parent.cl_ord_id, (free as u8, PARENT));
        if let Some(place) = self.rows.get_mut(free) {
            *place = Some(row);
        }
        self.count += 1;
        self.due = Nanos(0);
        true
    }

    /// Takes a market message; `is_mine` tells whether the strategy trades its instrument. Others
    /// tell the time.
    pub(crate) fn on_market(
        &mut self,
        message: &Message,
        is_mine: bool,
        port: &mut Port<'_>,
        journal: Journal<'_>,
    ) {
        if let Some(status) = message.view::<FeedStatus>() {
            self.quotes.on_status(status);
            self.step_all(None, None, port, journal);
        } else if let Some(top) = message.view::<BookTop>().filter(|_| is_mine) {
            self.quotes.on_top(top);
            self.step_all(Some(top.instrument), None, port, journal);
        } else if let Some(trade) = message.view::<Trade>().filter(|_| is_mine) {
            let px = Quotes::on_trade(trade);
            self.step_all(Some(trade.instrument), px, port, journal);
        } else if port.now >= self.due {
            self.step_all(None, None, port, journal);
        }
    }

    /// Takes an update of an order, if it is a child's: what its parent's strategy hears.
    pub(crate) fn on_update(
        &mut self,
        update: &OrderUpdate,
        port: &mut Port<'_>,
        journal: Journal<'_>,
    ) -> Option<ParentEvent> {
        let (at, leg) = self.owner(update.cl_ord_id);
        let row = self.row_mut(at).filter(|_| leg < PARENT)?;
        let place = row.legs.get_mut(usize::from(leg))?;
        if !place.owns(update.cl_ord_id) {
            return None;
        }
        let before = place.filled();
        let end = place.on_update(update, port.now);
        let last_qty = Qty(place.filled().saturating_sub(before));
        if let Some(end) = end {
            row.on_end(usize::from(leg), end, port.now);
            if row.kind == ParentKind::Twap && end == End::Filled && row.slice.fill() {
                row.reopen_slice();
            }
        }
        let side = leg_side(&row.parent, leg);
        let event = ParentEvent {
            leg: side.map(|side| (leg, side)),
            last_qty,
            last_px: update.last_px,
            ..row.event()
        };
        if end.is_some() {
            self.set_owner(update.cl_ord_id, NOBODY);
        }
        self.step_one(at, None, port, journal);
        Some(event)
    }

    /// Takes a refusal by risk, if it is of a parent or a child: what the strategy hears, if
    /// anything.
    pub(crate) fn on_reject(
        &mut self,
        reject: &RiskReject,
        port: &mut Port<'_>,
        journal: Journal<'_>,
    ) -> Option<Option<ParentEvent>> {
        let (at, leg) = self.owner(reject.cl_ord_id);
        let reason = Reason::from_u8(reject.reason).unwrap_or(Reason::None);
        let row = self.row_mut(at)?;
        if leg == PARENT {
            if row.parent.cl_ord_id != reject.cl_ord_id {
                return None;
            }
            return Some(self.remove(at, reason, port));
        }
        let is_new = reject.intent == Kind::IntentNew as u8;
        let place = row.legs.get_mut(usize::from(leg))?;
        if !place.owns(reject.cl_ord_id) {
            return None;
        }
        if let Some(end) = place.on_reject(reject, is_new) {
            row.on_end(usize::from(leg), end, port.now);
            let lot = port.terms.get(row.parent.instrument.index()).map_or(Qty(1), |row| row.lot);
            if row.kind == ParentKind::Twap && row.slice.refuse(reason, lot) {
                row.reopen_slice();
            }
            self.set_owner(reject.cl_ord_id, NOBODY);
        } else if let Some(row) = self.row_mut(at) {
            // A refused replace is tried again after a pause, with whatever is wanted then.
            row.on_end(usize::from(leg), End::Expected, port.now);
        }
        self.step_one(at, None, port, journal);
        Some(None)
    }

    /// Takes what risk says of a parent: what the strategy hears.
    pub(crate) fn on_parent(
        &mut self,
        update: &ParentUpdate,
        port: &mut Port<'_>,
        journal: Journal<'_>,
    ) -> Option<ParentEvent> {
        let (at, leg) = self.owner(update.cl_ord_id);
        let row = self.row_mut(at)?;
        if leg != PARENT || row.parent.cl_ord_id != update.cl_ord_id {
            return None;
        }
        if update.status == ParentStatus::Ended as u8 {
            let reason = Reason::from_u8(update.reason).unwrap_or(Reason::None);
            return self.remove(at, reason, port);
        }
        if row.phase != Phase::Asked {
            return None;
        }
        row.phase = Phase::Working;
        let event = row.event();
        self.step_one(at, None, port, journal);
        Some(event)
    }

    /// Risk has said that a parent is over: its slot comes free. Children that are still out are no
    /// parent's any more; risk is cancelling them.
    fn remove(&mut self, at: u8, reason: Reason, port: &mut Port<'_>) -> Option<ParentEvent> {
        let row = self.rows.get_mut(usize::from(at))?.take()?;
        for leg in row.legs.iter().filter(|leg| !leg.is_empty()) {
            self.set_owner(leg.child, NOBODY);
        }
        let id = row.parent.cl_ord_id;
        self.set_owner(id, NOBODY);
        port.slots.free(id);
        self.count -= 1;
        Some(ParentEvent { phase: Phase::Over, reason, ..row.event() })
    }

    /// Steps every parent of an instrument, and every one whose time has come.
    fn step_all(
        &mut self,
        instrument: Option<InstrumentId>,
        trade: Option<Price>,
        port: &mut Port<'_>,
        journal: Journal<'_>,
    ) {
        let is_due = port.now >= self.due;
        if is_due {
            self.due = NEVER;
        }
        let mut left = self.count;
        for at in 0..PARENTS_MAX as u8 {
            if left == 0 {
                return;
            }
            let Some(row) = self.row_mut(at) else { continue };
            left -= 1;
            let concerns = instrument == Some(row.parent.instrument);
            if concerns || is_due {
                self.step_one(at, trade.filter(|_| concerns), port, journal);
            }
        }
    }

    /// What one parent wants, and the next step towards it.
    fn step_one(
        &mut self,
        at: u8,
        trade: Option<Price>,
        port: &mut Port<'_>,
        journal: Journal<'_>,
    ) {
        let Self { rows, quotes, .. } = self;
        let Some(row) = rows.get_mut(usize::from(at)).and_then(Option::as_mut) else { return };
        let market = quotes.market(row.parent.instrument, trade);
        let Some(terms) = port.terms.get(row.parent.instrument.index()) else { return };
        let wanted = match row.phase {
            Phase::Asked | Phase::Over => return,
            Phase::Ending => [None; LEGS_MAX],
            Phase::Working => settle(row, &market, terms, port.now),
        };
        if row.latched != row.written {
            // Nothing follows from a latch that a restart would not know of.
            if !journal(&row.state()) {
                self.due = self.due.min(port.now);
                return;
            }
            row.written = row.latched;
        }
        if self.reconcile(at, &wanted, port).is_err() {
            self.due = self.due.min(port.now);
        }
        let Some(row) = self.row_mut(at) else { return };
        if row.phase == Phase::Ending && row.is_idle() && !row.end_asked {
            let asked = port.end_parent(row.parent.cl_ord_id, row.parent.instrument, row.reason);
            row.end_asked = asked.is_ok();
        }
        let due = due_of(row, port.now);
        self.due = self.due.min(due);
    }

    /// One step from what is out to what is wanted, leg by leg.
    fn reconcile(&mut self, at: u8, wanted: &Wants, port: &mut Port<'_>) -> Result<(), Busy> {
        for (leg, want) in wanted.iter().enumerate() {
            let Some(row) = self.row_mut(at) else { break };
            if let Some(id) = step_leg(row, leg, *want, port)? {
                self.set_owner(id, (at, leg as u8));
            }
        }
        Ok(())
    }
}

/// What a working row wants; a row that finds itself done wants nothing.
fn settle(row: &mut Row, market: &Market, terms: &crate::strategy::Terms, now: Nanos) -> Wants {
    let wanted = wants(row, market, terms, now);
    if row.phase == Phase::Working { wanted } else { [None; LEGS_MAX] }
}

/// When time alone makes a row act: the end of a pause, the next slice, a send that was BUSY.
fn due_of(row: &Row, now: Nanos) -> Nanos {
    if row.phase == Phase::Ending && !row.end_asked {
        return now;
    }
    let pauses = row.legs.iter().filter(|leg| leg.rest_until > now);
    let due = pauses.map(|leg| leg.rest_until).min().unwrap_or(NEVER);
    if row.kind != ParentKind::Twap {
        return due;
    }
    let Parent { start, end, slices, .. } = row.parent;
    due.min(next_slice(start, end, slices, row.latched.step).unwrap_or(NEVER))
}

/// One step of one leg. The id of a new child.
fn step_leg(
    row: &mut Row,
    at: usize,
    want: Option<Want>,
    port: &mut Port<'_>,
) -> Result<Option<ClOrdId>, Busy> {
    let parent = row.parent;
    let Some(side) = leg_side(&parent, at as u8) else { return Ok(None) };
    let Some(leg) = row.legs.get_mut(at) else { return Ok(None) };
    let instrument = parent.instrument;
    let rare = OrderTerms {
        parent: parent.cl_ord_id,
        leg: at as u8,
        display_qty: want.map_or(Qty::ZERO, |want| want.display_qty),
        ..OrderTerms::NONE
    };
    if port.now < leg.rest_until {
        return Ok(None);
    }
    match (leg.stage, want) {
        (Stage::Empty, Some(want)) => {
            let (tif, ord_type) = want.form();
            let qty = Qty(want.qty);
            let order = Order { instrument, side, px: want.px, qty, form: (tif, ord_type) };
            let id = port.enter(order, rare)?;
            leg.asked(id, want.px, qty, tif);
            match row.kind {
                ParentKind::Twap => {
                    row.sent_step = row.latched.step;
                    row.slice.ask(row.sent_step, want.qty);
                }
                ParentKind::Bracket if at == 0 => row.sent_step = 1,
                _ => {}
            }
            return Ok(Some(id));
        }
        (Stage::Asked | Stage::Live, None) if !leg.is_canceling() => {
            port.cancel(leg.child, instrument, side)?;
            leg.canceling();
        }
        (Stage::Live, Some(want)) if differs(leg, &want) => {
            let qty = Qty(leg.cum().0.saturating_add(want.qty));
            let order = Order { instrument, side, px: want.px, qty, form: want.form() };
            let next = port.replace(leg.child, order, rare)?;
            leg.replacing(next, want.px, qty);
        }
        _ => {}
    }
    Ok(None)
}

/// Whether a live child is not what is wanted.
fn differs(leg: &super::leg::Leg, want: &Want) -> bool {
    !want.is_immediate && (leg.px != want.px || leg.leaves().0 != want.qty)
}
