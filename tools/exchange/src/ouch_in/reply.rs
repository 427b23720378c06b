//! Reports of the market as OUCH messages in the owner's stream.

use super::account::Account;
use super::order::ClientOrder;
use crate::matching::{CancelReason, Liquidity, Report, ReportKind};
use gateway::codec::ouch50::{
    Accepted, AiqCanceled, Appendage, AppendageBuf, Broken, BrokenReasonCode, CancelReasonCode,
    Canceled, Executed, LiquidityCode, Message, OrderStateCode, RejectReason, Rejected, Replaced,
    RestateReasonCode, Restated, SideCode, Tag, WirePx, encode,
};
use shm::message::Side;

/// The strategy letter put on a cancel of self-match prevention: the incoming order is cancelled.
const AIQ_CANCEL_INCOMING: u8 = b'N';
/// Room for the longest message with its options.
const MESSAGE_BYTES_MAX: usize = 256;

impl Account {
    /// Appends a message to the stream.
    pub fn tell<M: Message>(&mut self, message: &M, appendage: Appendage<'_>) {
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, appendage, &mut bytes).expect("the longest message fits");
        let is_answer = matches!(bytes[0], b'A' | b'U' | b'C' | b'D' | b'J');
        self.mischief.tell(&bytes[..length], is_answer, &mut self.stream);
    }

    /// Tells of a reject.
    pub fn reject(
        &mut self,
        user_ref_num: u32,
        reason: RejectReason,
        cl_ord_id: [u8; 14],
        timestamp: u64,
    ) {
        self.counts.rejects += 1;
        let rejected = Rejected {
            timestamp: timestamp.into(),
            user_ref_num: user_ref_num.into(),
            reason,
            cl_ord_id,
        };
        self.tell(&rejected, Appendage::ABSENT);
    }

    /// Tells of a broken trade and takes it out of the position.
    pub fn break_trade(&mut self, trade: &ClientTrade, timestamp: u64) {
        self.counts.broken += 1;
        let position = self.positions.entry(trade.locate).or_default();
        position.trade(trade.is_buy, trade.qty, trade.px, -1);
        let broken = Broken {
            timestamp: timestamp.into(),
            user_ref_num: trade.user_ref_num.into(),
            match_number: trade.match_no.into(),
            reason: BrokenReasonCode::ERRONEOUS,
            cl_ord_id: trade.cl_ord_id,
        };
        self.tell(&broken, Appendage::ABSENT);
    }

    /// Tells what a reserve order shows now.
    fn refresh(&mut self, user_ref_num: u32, order_ref: u64, qty: u32, timestamp: u64) {
        let restated = Restated {
            timestamp: timestamp.into(),
            user_ref_num: user_ref_num.into(),
            reason: RestateReasonCode::REFRESH,
        };
        let mut shown = AppendageBuf::default();
        shown.push(Tag::DisplayQty(qty)).expect("room for two options");
        shown.push(Tag::SecondaryOrdRefNum(order_ref)).expect("room for two options");
        self.tell(&restated, shown.view());
    }

    /// A trade that no book has made: told and booked.
    fn phantom(&mut self, trade: &ClientTrade, liquidity: Liquidity, timestamp: u64) {
        self.counts.fills += 1;
        let position = self.positions.entry(trade.locate).or_default();
        position.trade(trade.is_buy, trade.qty, trade.px, 1);
        self.tell(&executed(trade, liquidity, timestamp), Appendage::ABSENT);
    }

    /// Tells of a trade, and whatever else the faults make of it. Returns the trade that stands.
    fn tell_trade(
        &mut self,
        done: &ClientTrade,
        is_last: bool,
        liquidity: Liquidity,
        timestamp: u64,
    ) -> ClientTrade {
        self.tell(&executed(done, liquidity, timestamp), Appendage::ABSENT);
        if self.mischief.contradicts() {
            let other = ClientTrade { qty: done.qty + 1, ..*done };
            self.tell(&executed(&other, liquidity, timestamp), Appendage::ABSENT);
            let canceled = Canceled {
                timestamp: timestamp.into(),
                user_ref_num: done.user_ref_num.into(),
                qty: done.qty.into(),
                reason: CancelReasonCode(CancelReason::User.letter()),
            };
            if is_last {
                self.tell(&canceled, Appendage::ABSENT);
            }
        }
        let mut stands = *done;
        if let Some(px) = self.mischief.corrected_px(done.px) {
            self.break_trade(done, timestamp);
            stands = ClientTrade { px, match_no: self.mischief.phantom_match(), ..*done };
            self.phantom(&stands, liquidity, timestamp);
        }
        let more = if is_last { self.mischief.overfill() } else { 0 };
        if more > 0 {
            let match_no = self.mischief.phantom_match();
            self.phantom(&ClientTrade { qty: more, match_no, ..*done }, liquidity, timestamp);
        }
        stands
    }

    /// An order that the user has not sent appears like one of its own, and trades at once. Its
    /// acceptance is told as it is: nothing else says what it is of.
    pub fn appear(
        &mut self,
        number: u32,
        is_buy: bool,
        qty: u32,
        like: &ClientOrder,
        timestamp: u64,
    ) {
        let order = ClientOrder {
            order_ref: u64::from(number),
            leaves_qty: qty,
            side: if is_buy { SideCode::BUY } else { SideCode::SELL },
            cl_ord_id: *b"BY PHONE      ",
            ..*like
        };
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        let told = accepted(number, &order, timestamp);
        let length = encode(&told, echo(&order), &mut bytes).expect("the longest message fits");
        self.mischief.release(&mut self.stream);
        self.stream.push(&bytes[..length]);
        let trade = ClientTrade {
            match_no: self.mischief.phantom_match(),
            user_ref_num: number,
            cl_ord_id: order.cl_ord_id,
            locate: order.locate,
            is_buy,
            qty,
            px: order.px.0.get() as u32,
        };
        self.phantom(&trade, Liquidity::Removed, timestamp);
    }

    /// Tells of a report and brings order and position up to date. Returns the trade of an
    /// execution.
    pub fn on_report(&mut self, report: &Report, timestamp: u64) -> Option<ClientTrade> {
        let number = report.tag;
        let order = self.orders.get_mut(&number)?;
        let mut trade = None;
        match report.kind {
            ReportKind::Accepted { order_ref } => {
                order.order_ref = order_ref;
                let order = *order;
                self.counts.acks += 1;
                self.tell(&accepted(number, &order, timestamp), echo(&order));
                if self.mischief.contradicts() {
                    self.reject(number, RejectReason::OTHER, order.cl_ord_id, timestamp);
                }
            }
            ReportKind::Replaced { old_tag, order_ref } => {
                order.order_ref = order_ref;
                let order = *order;
                self.counts.replaces += 1;
                self.tell(&replaced(old_tag, number, &order, timestamp), echo(&order));
            }
            ReportKind::Refreshed { order_ref, qty } => {
                order.order_ref = order_ref;
                self.refresh(number, order_ref, qty, timestamp);
            }
            ReportKind::Executed { qty, px, liquidity, match_no } => {
                order.leaves_qty -= qty;
                order.chain_cum_qty += qty;
                let done = ClientTrade {
                    match_no,
                    user_ref_num: number,
                    cl_ord_id: order.cl_ord_id,
                    locate: order.locate,
                    is_buy: order.side.side() == Some(Side::Buy),
                    qty,
                    px,
                };
                self.counts.fills += 1;
                self.positions.entry(done.locate).or_default().trade(done.is_buy, qty, px, 1);
                let is_last = order.leaves_qty == 0;
                trade = Some(self.tell_trade(&done, is_last, liquidity, timestamp));
            }
            ReportKind::Canceled { qty, reason } => {
                order.leaves_qty -= qty;
                self.counts.cancels += 1;
                let canceled = canceled(number, qty, reason.letter(), timestamp);
                self.tell(&canceled, Appendage::ABSENT);
            }
            ReportKind::SelfMatch { qty, prevented_qty, px } => {
                order.leaves_qty -= qty;
                self.counts.cancels += 1;
                let canceled = self_matched(number, qty, prevented_qty, px, timestamp);
                self.tell(&canceled, Appendage::ABSENT);
            }
        }
        if self.orders.get(&number).is_some_and(|order| order.leaves_qty == 0) {
            self.orders.remove(&number);
        }
        trade
    }
}

/// A client's side of a trade, kept for a while so that it can be broken.
#[derive(Clone, Copy, Debug)]
pub struct ClientTrade {
    /// Number of the match.
    pub match_no: u64,
    /// The owner's number of the order.
    pub user_ref_num: u32,
    /// The owner's text of the order.
    pub cl_ord_id: [u8; 14],
    /// Locate of the symbol.
    pub locate: u16,
    /// Whether the owner bought.
    pub is_buy: bool,
    /// Shares.
    pub qty: u32,
    /// Price4.
    pub px: u32,
}

fn echo(order: &ClientOrder) -> Appendage<'_> {
    order.options.view()
}

fn executed(trade: &ClientTrade, liquidity: Liquidity, timestamp: u64) -> Executed {
    Executed {
        timestamp: timestamp.into(),
        user_ref_num: trade.user_ref_num.into(),
        qty: trade.qty.into(),
        px: WirePx(u64::from(trade.px).into()),
        liquidity: match liquidity {
            Liquidity::Added => LiquidityCode::ADDED,
            Liquidity::AddedHidden => LiquidityCode::ADDED_HIDDEN,
            Liquidity::Removed => LiquidityCode::REMOVED,
        },
        match_number: trade.match_no.into(),
    }
}

fn canceled(user_ref_num: u32, qty: u32, reason: u8, timestamp: u64) -> Canceled {
    Canceled {
        timestamp: timestamp.into(),
        user_ref_num: user_ref_num.into(),
        qty: qty.into(),
        reason: CancelReasonCode(reason),
    }
}

fn self_matched(
    user_ref_num: u32,
    qty: u32,
    prevented_qty: u32,
    px: u32,
    timestamp: u64,
) -> AiqCanceled {
    AiqCanceled {
        timestamp: timestamp.into(),
        user_ref_num: user_ref_num.into(),
        qty: qty.into(),
        reason: CancelReasonCode::SELF_MATCH,
        qty_prevented: prevented_qty.into(),
        px: WirePx(u64::from(px).into()),
        liquidity: LiquidityCode::REMOVED,
        aiq_strategy: AIQ_CANCEL_INCOMING,
    }
}

fn accepted(user_ref_num: u32, order: &ClientOrder, timestamp: u64) -> Accepted {
    Accepted {
        timestamp: timestamp.into(),
        user_ref_num: user_ref_num.into(),
        side: order.side,
        qty: order.leaves_qty.into(),
        symbol: order.symbol,
        px: order.px,
        tif: order.tif,
        display: order.display,
        order_ref: order.order_ref.into(),
        capacity: order.capacity,
        iso: order.iso,
        cross_type: order.cross_type,
        state: OrderStateCode::LIVE,
        cl_ord_id: order.cl_ord_id,
    }
}

fn replaced(old: u32, user_ref_num: u32, order: &ClientOrder, timestamp: u64) -> Replaced {
    Replaced {
        timestamp: timestamp.into(),
        orig_user_ref_num: old.into(),
        user_ref_num: user_ref_num.into(),
        side: order.side,
        qty: order.leaves_qty.into(),
        symbol: order.symbol,
        px: order.px,
        tif: order.tif,
        display: order.display,
        order_ref: order.order_ref.into(),
        capacity: order.capacity,
        iso: order.iso,
        cross_type: order.cross_type,
        state: OrderStateCode::LIVE,
        cl_ord_id: order.cl_ord_id,
    }
}
