//! `exec`: works what is asked of it. By hand (`wirelane order`), order by order: plain orders and
//! parents of every type. With `every` above 0 also by itself: a parent of the next type in each of
//! so many changes of the top, cancelled after a while; a demonstration of parents.

mod chain;
pub(crate) mod staged;
#[cfg(test)]
mod tests;

use super::desk::{Busy, Desk};
use super::{Answer, Strategy};
use crate::config::params::{ExecParams, Params};
use crate::parent::row::Phase;
use crate::parent::{Ask, OcoLeg, Offset, ParentEvent};
use crate::risk::sense::Fault;
use chain::{Chain, is_same};
use shm::ids::{ClOrdId, InstrumentId};
use shm::message::{
    BookTop, Command, CommandOp, Kind, OrderField, OrderUpdate, RiskReject, Side, flags,
};
use shm::record::order::Base;
use shm::record::status::HandOutcome;
use shm::units::{Nanos, Price, Qty};
use staged::{Asked, Staged};

/// Orders and parents that it has at one time.
const ENTRIES_MAX: usize = 128;
/// Parents that it asks for by itself and has open at one time.
const OWN_MAX: usize = 12;
/// How long such a parent lives.
const LIFE: Nanos = Nanos(3_000_000_000);
/// Over how long a TWAP of its own is spread.
const SPAN: Nanos = Nanos(1_000_000_000);

/// One order or parent that is open.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// What the operator calls it; 0 for one of its own.
    number: i64,
    what: What,
    /// When it was asked for.
    at: Nanos,
}

/// What an entry is.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a fixed table, made before the start")]
enum What {
    /// An order.
    Order(Chain),
    /// A parent.
    Parent(ClOrdId),
}

impl What {
    const fn id(&self) -> ClOrdId {
        match self {
            Self::Order(chain) => chain.id(),
            Self::Parent(id) => *id,
        }
    }
}

impl Entry {
    fn owns(&self, id: ClOrdId) -> bool {
        match &self.what {
            What::Order(chain) => chain.owns(id),
            What::Parent(parent) => is_same(*parent, id),
        }
    }
}

/// The strategy.
#[derive(Debug)]
pub struct Exec {
    params: ExecParams,
    staged: Staged,
    entries: Box<[Option<Entry>]>,
    tops: u32,
    turn: u32,
}

impl Exec {
    /// With nothing open.
    #[must_use]
    pub fn new(params: ExecParams) -> Self {
        Self {
            params,
            staged: Staged::default(),
            entries: vec![None; ENTRIES_MAX].into_boxed_slice(),
            tops: 0,
            turn: 0,
        }
    }

    fn keep(&mut self, entry: Entry) {
        if let Some(place) = self.entries.iter_mut().find(|place| place.is_none()) {
            *place = Some(entry);
        }
    }

    fn has_room(&self) -> bool {
        self.entries.iter().any(Option::is_none)
    }

    /// The entry an operator means: by id if one was given, else by number.
    fn named(&self, number: i64, id: ClOrdId) -> Option<usize> {
        self.entries.iter().position(|entry| {
            entry.is_some_and(|entry| match id {
                ClOrdId::NONE => entry.number == number,
                id => entry.owns(id),
            })
        })
    }

    /// Places what was given term by term.
    fn place(&mut self, command: &Command, desk: &mut Desk<'_>) -> Answer {
        let asked = self.staged.take(command.instrument, desk.now());
        if !self.has_room() {
            return Answer::no(HandOutcome::Full);
        }
        let what = match asked {
            Some(Asked::Parent(ask)) => desk.ask(ask).map(What::Parent),
            Some(Asked::Order(order, rare)) if rare.display_qty > order.qty => {
                let fault = Fault::ShowsMore as u8;
                return Answer { fault, ..Answer::no(HandOutcome::NoOrder) };
            }
            Some(Asked::Order(order, rare)) => {
                desk.enter_with(order, rare).map(|id| What::Order(Chain::new(id, order, rare)))
            }
            None => return Answer::no(HandOutcome::NoOrder),
        };
        let Ok(what) = what else { return Answer::no(HandOutcome::Busy) };
        self.keep(Entry { number: command.value, what, at: desk.now() });
        Answer::asked(what.id())
    }

    /// Replaces an order of its own: the price and quantity that were given, else those it has.
    fn replace(&mut self, command: &Command, desk: &mut Desk<'_>) -> Answer {
        let id = self.staged.id();
        let (px, qty) = (self.staged.get(OrderField::Px), self.staged.get(OrderField::Qty));
        self.staged = Staged::default();
        let at = self.named(command.value, id);
        let Some(Some(entry)) = at.and_then(|at| self.entries.get_mut(at)) else {
            return Answer::no(HandOutcome::Unknown);
        };
        let What::Order(chain) = &mut entry.what else {
            return Answer { outcome: HandOutcome::Parent, ..Answer::asked(entry.what.id()) };
        };
        let Ok((order, rare)) = chain.replaced_by(px.map(Price), qty.map(Qty)) else {
            return Answer { outcome: HandOutcome::Pending, ..Answer::asked(chain.id()) };
        };
        let Ok(next) = desk.replace_with(chain.id(), order, rare) else {
            return Answer { outcome: HandOutcome::Busy, ..Answer::asked(chain.id()) };
        };
        chain.ask(next, &order);
        Answer::asked(next)
    }

    /// Cancels an order or a parent. One that it has no entry of (a parent of an earlier start, an
    /// order that works again after its end) is found by its id.
    fn cancel(&mut self, command: &Command, desk: &mut Desk<'_>) -> Answer {
        let id = self.staged.id();
        self.staged = Staged::default();
        let known = self.named(command.value, id).and_then(|at| self.entries.get(at));
        let what = known.copied().flatten().map(|entry| entry.what);
        let (id, instrument, side) = match what {
            Some(What::Order(chain)) => {
                let (order, _) = chain.order();
                (chain.id(), order.instrument, order.side)
            }
            Some(What::Parent(id)) => (id, InstrumentId::NONE, Side::Buy),
            None => (id, InstrumentId::NONE, Side::Buy),
        };
        if desk.cancel_parent(id) {
            return Answer::asked(id);
        }
        if !desk.holds(id) {
            return Answer { outcome: HandOutcome::Unknown, ..Answer::asked(id) };
        }
        match desk.cancel(id, instrument, side) {
            Ok(()) => Answer::asked(id),
            Err(Busy) => Answer { outcome: HandOutcome::Busy, ..Answer::asked(id) },
        }
    }

    /// Asks for the next parent of its own.
    fn demonstrate(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        let ExecParams { qty, distance_ticks, .. } = self.params;
        let Some(tick) = desk.tick(top.instrument, top.ask_px) else { return };
        let Some(ask) = self.next(top, tick, qty, distance_ticks, desk.now()) else { return };
        self.turn = self.turn.wrapping_add(1);
        if let Ok(id) = desk.ask(ask) {
            self.keep(Entry { number: 0, what: What::Parent(id), at: desk.now() });
        }
    }

    /// The next type in turn, buying and selling by turns; `None` off the scale of prices.
    fn next(&self, top: &BookTop, tick: Price, qty: Qty, ticks: u32, now: Nanos) -> Option<Ask> {
        let stock = top.instrument;
        let round = self.turn / 7;
        let side = if round.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let (near, far) = match side {
            Side::Buy => (top.bid_px, top.ask_px),
            Side::Sell => (top.ask_px, top.bid_px),
        };
        // Away from us in our direction: up for a buy.
        let beyond = |px: Price, times: i64| {
            let distance = tick.checked_mul(i64::from(ticks) * times * side.sign())?;
            px.checked_add(distance)
        };
        let leg = |side, px, stop_px| OcoLeg { side, px, stop_px };
        Some(match self.turn % 7 {
            0 => Ask::stop(stock, side, qty, beyond(far, 1)?),
            1 => Ask::stop_limit(stock, side, qty, beyond(far, 1)?, beyond(far, 2)?),
            2 => Ask::trailing(stock, side, qty, Offset::Ticks(ticks)),
            3 => {
                let dip = leg(side, beyond(near, -1)?, Price::NONE);
                let breakout = leg(side, Price::NONE, beyond(far, 1)?);
                let oco = Ask::oco(stock, qty, dip, breakout);
                if (round / 2).is_multiple_of(2) { oco } else { oco.shared() }
            }
            4 => Ask::bracket(stock, side, qty, far, beyond(far, 1)?, beyond(near, -1)?),
            5 => Ask::iceberg(stock, side, Qty(qty.0.checked_mul(4)?), near, qty),
            _ => {
                let end = Nanos(now.0.checked_add(SPAN.0)?);
                let whole = Qty(qty.0.checked_mul(4)?);
                Ask::twap(stock, side, whole, beyond(far, 1)?, (now, end), 4)
            }
        })
    }

    /// Ends parents of its own that have lived long enough. How many are open.
    fn retire(&mut self, desk: &mut Desk<'_>) -> usize {
        let mut open = 0;
        for entry in self.entries.iter_mut().flatten().filter(|entry| entry.number == 0) {
            open += 1;
            let What::Parent(id) = entry.what else { continue };
            if desk.now().saturating_since(entry.at) >= LIFE {
                desk.cancel_parent(id);
                // Not again at every event.
                entry.at = Nanos(u64::MAX);
            }
        }
        open
    }

    /// The order that an id is of.
    fn chain(&mut self, id: ClOrdId) -> Option<&mut Chain> {
        self.entries.iter_mut().flatten().find_map(|entry| match &mut entry.what {
            What::Order(chain) if chain.owns(id) => Some(chain),
            What::Order(_) | What::Parent(_) => None,
        })
    }

    fn drop_entry(&mut self, id: ClOrdId) {
        for entry in &mut self.entries {
            if entry.is_some_and(|entry| entry.owns(id)) {
                *entry = None;
            }
        }
    }
}

impl Strategy for Exec {
    fn configure(&mut self, params: &Params) {
        if let Params::Exec(params) = params {
            self.params = *params;
        }
    }

    fn on_top(&mut self, top: &BookTop, desk: &mut Desk<'_>) {
        let open = self.retire(desk);
        let bad = flags::STALE | flags::CROSSED | flags::LOCKED | flags::HALT;
        let is_usable = top.flags & bad == 0 && top.bid_px.is_some() && top.ask_px.is_some();
        if self.params.every == 0 || !is_usable {
            return;
        }
        self.tops = self.tops.wrapping_add(1);
        if self.tops.is_multiple_of(self.params.every) && open < OWN_MAX && self.has_room() {
            self.demonstrate(top, desk);
        }
    }

    fn on_update(&mut self, update: &OrderUpdate, _desk: &mut Desk<'_>) {
        if Base::from_u8(update.base).is_some_and(Base::is_terminal) {
            self.drop_entry(update.cl_ord_id);
        } else if let Some(chain) = self.chain(update.cl_ord_id) {
            chain.on_update(update);
        }
    }

    fn on_parent(&mut self, event: &ParentEvent, _desk: &mut Desk<'_>) {
        if event.phase == Phase::Over {
            self.drop_entry(event.id);
        }
    }

    fn on_command(&mut self, command: &Command, desk: &mut Desk<'_>) -> Option<Answer> {
        match CommandOp::from_u8(command.op)? {
            CommandOp::OrderTerm => {
                self.staged.give(command.param, command.value);
                None
            }
            CommandOp::OrderPlace => Some(self.place(command, desk)),
            CommandOp::OrderReplace => Some(self.replace(command, desk)),
            CommandOp::OrderCancel => Some(self.cancel(command, desk)),
            _ => None,
        }
    }

    fn on_reject(&mut self, reject: &RiskReject, _desk: &mut Desk<'_>) {
        if reject.intent == Kind::IntentReplace as u8 {
            if let Some(chain) = self.chain(reject.cl_ord_id) {
                chain.on_reject(reject.cl_ord_id);
            }
        } else if reject.intent == Kind::IntentNew as u8 {
            self.drop_entry(reject.cl_ord_id);
        }
    }
}
