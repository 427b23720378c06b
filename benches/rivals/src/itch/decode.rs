//! Decoding: every field that a book needs, and the time, folded into one number.

use super::{Done, Made, Way, way};
use feed::codec::itch50::{self, Decoder, Head, Listener};
use std::ops::ControlFlow;
use wirelane_day::messages;

pub fn ways() -> Vec<Way> {
    vec![way("wirelane", ours), way("itch5", itch5), way("itchy", itchy)]
}

/// Folds fields, so that no load is left out.
#[derive(Default)]
struct Fold(u64);

impl Fold {
    #[inline(always)]
    fn head(&mut self, locate: u16, ts: u64) {
        self.0 = self.0.rotate_left(1) ^ ts ^ u64::from(locate);
    }

    #[inline(always)]
    fn order(&mut self, order_ref: u64, shares: u32, px: u32) {
        self.0 ^= order_ref ^ (u64::from(shares) << 32 | u64::from(px));
    }

    #[inline(always)]
    fn side(&mut self, buy: bool) {
        self.0 ^= u64::from(buy) << 63;
    }
}

impl Fold {
    #[inline(always)]
    fn our_head(&mut self, head: &Head) {
        self.head(head.stock_locate.get(), head.timestamp.get());
    }
}

impl Listener for Fold {
    #[inline]
    fn on_add(&mut self, m: &itch50::AddOrder) {
        self.our_head(&m.head);
        self.order(m.order_ref.get(), m.shares.get(), m.px.get());
        self.side(m.side == b'B');
    }

    #[inline]
    fn on_add_mpid(&mut self, m: &itch50::AddOrderMpid) {
        self.our_head(&m.head);
        self.order(m.order_ref.get(), m.shares.get(), m.px.get());
        self.side(m.side == b'B');
    }

    #[inline]
    fn on_executed(&mut self, m: &itch50::OrderExecuted) {
        self.our_head(&m.head);
        self.order(m.order_ref.get() ^ m.match_number.get(), m.shares.get(), 0);
    }

    #[inline]
    fn on_executed_price(&mut self, m: &itch50::OrderExecutedPrice) {
        self.our_head(&m.head);
        self.order(m.order_ref.get() ^ m.match_number.get(), m.shares.get(), m.px.get());
    }

    #[inline]
    fn on_cancel(&mut self, m: &itch50::OrderCancel) {
        self.our_head(&m.head);
        self.order(m.order_ref.get(), m.shares.get(), 0);
    }

    #[inline]
    fn on_delete(&mut self, m: &itch50::OrderDelete) {
        self.our_head(&m.head);
        self.order(m.order_ref.get(), 0, 0);
    }

    #[inline]
    fn on_replace(&mut self, m: &itch50::OrderReplace) {
        self.our_head(&m.head);
        self.order(m.order_ref.get() ^ m.new_order_ref.get(), m.shares.get(), m.px.get());
    }

    #[inline]
    fn on_trade(&mut self, m: &itch50::Trade) {
        self.our_head(&m.head);
        self.order(m.match_number.get(), m.shares.get(), m.px.get());
    }
}

/// Ours counts every message by its type besides, which the others do not.
fn ours(made: &Made) -> Done {
    Done::timed(made, || {
        let (mut decoder, mut fold, mut good) = (Decoder::new(), Fold::default(), true);
        for message in messages(&made.bytes) {
            good &= decoder.decode(message, &mut fold).is_ok();
        }
        assert!(good && decoder.counts().total() == made.messages, "all of a sound day");
        fold.0
    })
}

type Flow = ControlFlow<()>;

impl Fold {
    #[inline(always)]
    fn their(&mut self, locate: u16, ts: &itch5::messages::Timestamp) {
        self.head(locate, ts.to_u64());
    }
}

const fn is_buy(side: &itch5::messages::BuySellIndicator) -> bool {
    matches!(side, itch5::messages::BuySellIndicator::Buy)
}

impl itch5::MessageHandler for Fold {
    #[inline]
    fn on_add_order_no_mpid_attribution(
        &mut self,
        m: &itch5::messages::AddOrderNoMPIDAttribution,
    ) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        self.order(m.order_reference_number(), m.shares(), m.price().into_u32());
        self.side(is_buy(&m.buy_sell_indicator()));
        Flow::Continue(())
    }

    #[inline]
    fn on_add_order_with_mpid_attribution(
        &mut self,
        m: &itch5::messages::AddOrderWithMPIDAttribution,
    ) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        self.order(m.order_reference_number(), m.shares(), m.price().into_u32());
        self.side(is_buy(&m.buy_sell_indicator()));
        Flow::Continue(())
    }

    #[inline]
    fn on_order_executed(&mut self, m: &itch5::messages::OrderExecuted) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        self.order(m.order_reference_number() ^ m.match_number(), m.executed_shares(), 0);
        Flow::Continue(())
    }

    #[inline]
    fn on_order_executed_with_price(
        &mut self,
        m: &itch5::messages::OrderExecutedWithPrice,
    ) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        let px = m.execution_price().into_u32();
        self.order(m.order_reference_number() ^ m.match_number(), m.executed_shares(), px);
        Flow::Continue(())
    }

    #[inline]
    fn on_order_cancel(&mut self, m: &itch5::messages::OrderCancel) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        self.order(m.order_reference_number(), m.cancelled_shares(), 0);
        Flow::Continue(())
    }

    #[inline]
    fn on_order_delete(&mut self, m: &itch5::messages::OrderDelete) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        self.order(m.order_reference_number(), 0, 0);
        Flow::Continue(())
    }

    #[inline]
    fn on_order_replace(&mut self, m: &itch5::messages::OrderReplace) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        let refs = m.original_order_reference_number() ^ m.new_order_reference_number();
        self.order(refs, m.shares(), m.price().into_u32());
        Flow::Continue(())
    }

    #[inline]
    fn on_trade(&mut self, m: &itch5::messages::Trade) -> Flow {
        self.their(m.stock_locate(), m.timestamp());
        self.order(m.match_number(), m.shares(), m.price().into_u32());
        Flow::Continue(())
    }
}

fn itch5(made: &Made) -> Done {
    Done::timed(made, || {
        let mut fold = Fold::default();
        itch5::Parser::new(&made.bytes).parse_stream(&mut fold).expect("a sound day");
        fold.0
    })
}

fn itchy(made: &Made) -> Done {
    Done::timed(made, || {
        use itchy::Body;
        let mut fold = Fold::default();
        for message in itchy::MessageStream::from_reader(&made.bytes[..]) {
            let message = message.expect("a sound day");
            let (locate, ts) = (message.stock_locate, message.timestamp);
            match message.body {
                Body::AddOrder(m) => {
                    fold.head(locate, ts);
                    fold.order(m.reference, m.shares, m.price.raw());
                    fold.side(m.side == itchy::Side::Buy);
                }
                Body::OrderExecuted { reference, executed, match_number } => {
                    fold.head(locate, ts);
                    fold.order(reference ^ match_number, executed, 0);
                }
                Body::OrderExecutedWithPrice {
                    reference, executed, match_number, price, ..
                } => {
                    fold.head(locate, ts);
                    fold.order(reference ^ match_number, executed, price.raw());
                }
                Body::OrderCancelled { reference, cancelled } => {
                    fold.head(locate, ts);
                    fold.order(reference, cancelled, 0);
                }
                Body::DeleteOrder { reference } => {
                    fold.head(locate, ts);
                    fold.order(reference, 0, 0);
                }
                Body::ReplaceOrder(m) => {
                    fold.head(locate, ts);
                    fold.order(m.old_reference ^ m.new_reference, m.shares, m.price.raw());
                }
                Body::NonCrossTrade(m) => {
                    fold.head(locate, ts);
                    fold.order(m.match_number, m.shares, m.price.raw());
                }
                _ => {}
            }
        }
        fold.0
    })
}
