//! A recorded tape as flow: the orders of another day rest in the book that clients trade in.
//!
//! What a recording says of its own orders is done to them, under these rules:
//!
//! 1. Recorded orders never trade among themselves: their trades are the recorded ones.
//! 2. A recorded add (or replace) that reaches a client's order trades with it first, at the
//!    client's price, best price and oldest first; what is left rests.
//! 3. A recorded execution first fills clients' orders that stand before the recorded one (better
//!    price, or older at the same); the rest executes the recorded order.
//! 4. A recorded order never keeps more shares than the recording says. Shares that rule 3 kept
//!    from executing leave by `X` or `D`; shares that a client took earlier are missing from later
//!    executions and cancels, which are cut (counted as clipped) or left out.
//! 5. A replace brings the recorded shares back, whatever clients took from the old order; if they
//!    took all of it, the new one appears as an add.
//! 6. Messages that name no order (directory, states, trades of hidden orders, crosses, ...) pass
//!    through unchanged, but for a time earlier than one already shown. A message about an order
//!    that the recording never added is left out and counted.
//!
//! Without orders of clients the tape is the recording, byte for byte (but for what 6 leaves out).

use super::FlowStep;
use super::recording::Recording;
use crate::error::Error;
use crate::flow::TICK_CENT;
use crate::listing::Listing;
use crate::matching::{CancelReason, Market, NewOrder, Output, Owner, Side, Special, Tif};
use crate::options::Speed;
use feed::codec::itch50::{Message, OrderReplace};
use std::collections::HashMap;
use std::path::Path;

/// Number of the first order of a client: above any recorded one.
pub(super) const FIRST_REF: u64 = 1 << 48;
/// Number of the first match with a client: above any recorded one.
const FIRST_MATCH_NO: u64 = 1 << 40;

/// Flow from a recording.
#[derive(Debug)]
pub struct RecordedFlow {
    recording: Recording,
    speed: Speed,
    /// The next message, if any is left.
    next: Vec<u8>,
    has_next: bool,
    /// The message being played.
    current: Vec<u8>,
    first_itch_ns: u64,
    due_ns: u64,
    /// What the recording says of its live orders.
    orders: HashMap<u64, Recorded>,
    clipped: u64,
    error: Option<Error>,
}

#[derive(Clone, Copy, Debug)]
struct Recorded {
    locate: u16,
    side: Side,
    leaves_qty: u32,
    mpid: Option<[u8; 4]>,
}

impl RecordedFlow {
    /// Opens a recording and reads its first message.
    ///
    /// # Errors
    /// [`Error::Input`]: the file cannot be read, or holds no message.
    pub fn open(path: &Path, speed: Speed) -> Result<Self, Error> {
        let mut recording = Recording::open(path)?;
        let mut next = Vec::new();
        if !recording.read(&mut next)? {
            let what = "it holds no message".to_owned();
            return Err(Error::Input { path: path.to_owned(), what });
        }
        Ok(Self {
            first_itch_ns: itch_ns_of(&next),
            recording,
            speed,
            next,
            has_next: true,
            current: Vec::new(),
            due_ns: 0,
            orders: HashMap::new(),
            clipped: 0,
            error: None,
        })
    }

    /// Time of day of the first message.
    #[must_use]
    pub fn first_itch_ns(&self) -> u64 {
        self.first_itch_ns
    }

    /// The pace.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Recorded messages that were cut or left out.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Why the recording ended early, once.
    pub fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// When the next message is due, nanoseconds after the start; `None` at the end.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.has_next.then_some(self.due_ns)
    }

    /// Plays the next message.
    pub fn step(
        &mut self,
        market: &mut Market,
        listing: &mut Listing,
        out: &mut Output,
    ) -> FlowStep<'_> {
        market.raise_match_no(FIRST_MATCH_NO);
        std::mem::swap(&mut self.current, &mut self.next);
        let itch_ns = itch_ns_of(&self.current);
        self.advance();
        let message = std::mem::take(&mut self.current);
        let passes = self.play(&message, market, listing, out);
        out.tracking = 0;
        self.current = message;
        FlowStep { itch_ns, raw: passes.then_some(&self.current[..]) }
    }

    /// Reads the next message and when it is due.
    fn advance(&mut self) {
        match self.recording.read(&mut self.next) {
            Ok(has_next) => self.has_next = has_next,
            Err(error) => {
                self.has_next = false;
                self.error = Some(error);
            }
        }
        if let (true, Speed::Times(times)) = (self.has_next, self.speed) {
            let after_ns = itch_ns_of(&self.next).saturating_sub(self.first_itch_ns);
            self.due_ns = self.due_ns.max((after_ns as f64 / times) as u64);
        }
    }

    /// Does what a message says. Whether it passes through unchanged.
    fn play(
        &mut self,
        bytes: &[u8],
        market: &mut Market,
        listing: &mut Listing,
        out: &mut Output,
    ) -> bool {
        let Ok(Some(message)) = Message::decode(bytes) else { return true };
        let head = message.head();
        let locate = head.stock_locate.get();
        out.tracking = head.tracking_number.get();
        match message {
            Message::StockDirectory(directory) => {
                listing.list(locate, directory.stock, TICK_CENT);
                market.list(locate);
                true
            }
            Message::TradingAction(action) => {
                listing.set_state(locate, action.state);
                true
            }
            Message::AddOrder(add) => {
                let Some(side) = add.side() else { return true };
                listing.list_unnamed(locate, add.stock);
                let order = flow_order(locate, side, add.shares.get(), add.px.get(), None);
                self.add(add.order_ref.get(), &order, market, out)
            }
            Message::AddOrderMpid(add) => {
                let Some(side) = add.side() else { return true };
                listing.list_unnamed(locate, add.stock);
                let mpid = Some(add.attribution);
                let order = flow_order(locate, side, add.shares.get(), add.px.get(), mpid);
                self.add(add.order_ref.get(), &order, market, out)
            }
            Message::OrderExecuted(executed) => {
                let (order_ref, qty) = (executed.order_ref.get(), executed.shares.get());
                self.execute(order_ref, qty, executed.match_number.get(), None, market, out);
                false
            }
            Message::OrderExecutedPrice(executed) => {
                let (order_ref, qty) = (executed.order_ref.get(), executed.shares.get());
                let at = Some((executed.px.get(), executed.printable == b'Y'));
                self.execute(order_ref, qty, executed.match_number.get(), at, market, out);
                false
            }
            Message::OrderCancel(cancel) => {
                self.cancel(cancel.order_ref.get(), cancel.shares.get(), market, out);
                false
            }
            Message::OrderDelete(delete) => {
                self.cancel(delete.order_ref.get(), u32::MAX, market, out);
                false
            }
            Message::OrderReplace(message) => {
                self.replace(message, market, out);
                false
            }
            _ => true,
        }
    }

    /// False: the recorded message itself does not pass through.
    fn add(
        &mut self,
        order_ref: u64,
        order: &NewOrder,
        market: &mut Market,
        out: &mut Output,
    ) -> bool {
        let recorded = Recorded {
            locate: order.locate,
            side: order.side,
            leaves_qty: order.qty,
            mpid: order.mpid,
        };
        if order.qty == 0 || self.orders.insert(order_ref, recorded).is_some() {
            self.clipped += 1;
            return false;
        }
        market.list(order.locate);
        market.enter_recorded(order, order_ref, out);
        false
    }

    fn execute(
        &mut self,
        order_ref: u64,
        qty: u32,
        match_no: u64,
        at: Option<(u32, bool)>,
        market: &mut Market,
        out: &mut Output,
    ) {
        let Some(known) = self.take(order_ref, qty) else { return };
        // A print that does not count is an auction's: it does not meet the continuous book.
        let meets_clients = at.is_none_or(|(_, printable)| printable);
        let taken = if meets_clients { market.fill_clients_before(order_ref, qty, out) } else { 0 };
        let executed = market.execute_recorded(order_ref, qty - taken, match_no, at, out);
        self.clipped += u64::from(taken + executed < qty);
        cut_to(order_ref, known, market, out);
    }

    fn replace(&mut self, message: &OrderReplace, market: &mut Market, out: &mut Output) {
        let (old_ref, order_ref) = (message.order_ref.get(), message.new_order_ref.get());
        let Some(old) = self.orders.remove(&old_ref) else {
            self.clipped += 1;
            return;
        };
        let (qty, px) = (message.shares.get(), message.px.get());
        let order = flow_order(old.locate, old.side, qty, px, old.mpid);
        self.orders.insert(order_ref, Recorded { leaves_qty: qty, ..old });
        market.replace_recorded(old_ref, &order, order_ref, out);
    }

    fn cancel(&mut self, order_ref: u64, qty: u32, market: &mut Market, out: &mut Output) {
        let before = market.order(order_ref).map_or(0, |order| order.leaves_qty);
        let Some(known) = self.take(order_ref, qty) else { return };
        self.clipped += u64::from(before == 0 || (qty < before && known >= before));
        cut_to(order_ref, known, market, out);
    }

    /// Takes shares off what the recording says of an order. What is left of it; `None`, counted,
    /// for an order that the recording never added.
    fn take(&mut self, order_ref: u64, qty: u32) -> Option<u32> {
        let Some(recorded) = self.orders.get_mut(&order_ref) else {
            self.clipped += 1;
            return None;
        };
        recorded.leaves_qty = recorded.leaves_qty.saturating_sub(qty);
        let leaves_qty = recorded.leaves_qty;
        if leaves_qty == 0 {
            self.orders.remove(&order_ref);
        }
        Some(leaves_qty)
    }
}

/// Takes what the order has above `known_qty` off the book (rule 4).
fn cut_to(order_ref: u64, known_qty: u32, market: &mut Market, out: &mut Output) {
    let leaves_qty = market.order(order_ref).map_or(0, |order| order.leaves_qty);
    market.reduce(order_ref, leaves_qty.saturating_sub(known_qty), CancelReason::User, out);
}

fn flow_order(locate: u16, side: Side, qty: u32, px: u32, mpid: Option<[u8; 4]>) -> NewOrder {
    NewOrder {
        owner: Owner::FLOW,
        tag: 0,
        locate,
        side,
        qty,
        limit_px: Some(px),
        tif: Tif::Day,
        post_only: false,
        mpid,
        special: Special::default(),
    }
}

/// Time of day of a message; 0 for one too short to have it.
fn itch_ns_of(message: &[u8]) -> u64 {
    let Some(bytes) = message.get(5..11) else { return 0 };
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}
