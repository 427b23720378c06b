//! Events of the market as ITCH messages.

use crate::listing::Listing;
use crate::matching::{EventKind, MarketEvent, SideRule};
use feed::codec::itch50::{
    AddOrder, AddOrderMpid, Body, BrokenTrade, Head, MESSAGE_BYTES_MAX, OrderCancel, OrderDelete,
    OrderExecuted, OrderExecutedPrice, OrderReplace, Price4, StockDirectory, SystemEvent, Trade,
    TradingAction, encode,
};
use shm::ids::Symbol;
use zerocopy::{Immutable, IntoBytes};

/// One encoded message.
#[derive(Clone, Copy, Debug)]
pub struct Encoded {
    bytes: [u8; MESSAGE_BYTES_MAX],
    length: usize,
}

impl Encoded {
    fn of<M: Body + IntoBytes + Immutable>(message: &M) -> Self {
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        let length = encode(message, &mut bytes).expect("the longest message fits");
        Self { bytes, length }
    }

    /// The message.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The message of `event` at `timestamp` nanoseconds since midnight.
#[must_use]
pub fn encode_event(event: &MarketEvent, listing: &Listing, timestamp: u64) -> Encoded {
    macro_rules! message {
        ($message:ident { $($fields:tt)* }) => {
            Encoded::of(&$message {
                head: Head::of::<$message>(event.locate, event.tracking, timestamp),
                $($fields)*
            })
        };
    }
    let stock = listing.symbol(event.locate);
    match event.kind {
        EventKind::Add { order_ref, side, qty, px, mpid } => {
            let (order_ref, side) = (order_ref.into(), side.letter());
            let (shares, px) = (qty.into(), Price4::new(px));
            match mpid {
                None => message!(AddOrder { order_ref, side, shares, stock, px }),
                Some(attribution) => {
                    message!(AddOrderMpid { order_ref, side, shares, stock, px, attribution })
                }
            }
        }
        EventKind::Executed { order_ref, qty, match_no } => message!(OrderExecuted {
            order_ref: order_ref.into(),
            shares: qty.into(),
            match_number: match_no.into()
        }),
        EventKind::ExecutedAt { order_ref, qty, match_no, printable, px } => {
            message!(OrderExecutedPrice {
                order_ref: order_ref.into(),
                shares: qty.into(),
                match_number: match_no.into(),
                printable: if printable { b'Y' } else { b'N' },
                px: Price4::new(px)
            })
        }
        EventKind::Reduced { order_ref, qty } => {
            message!(OrderCancel { order_ref: order_ref.into(), shares: qty.into() })
        }
        EventKind::Deleted { order_ref } => message!(OrderDelete { order_ref: order_ref.into() }),
        EventKind::Replaced { old_ref, order_ref, qty, px } => message!(OrderReplace {
            order_ref: old_ref.into(),
            new_order_ref: order_ref.into(),
            shares: qty.into(),
            px: Price4::new(px)
        }),
        EventKind::HiddenTrade { qty, px, match_no } => message!(Trade {
            order_ref: 0.into(),
            side: b'B',
            shares: qty.into(),
            stock,
            px: Price4::new(px),
            match_number: match_no.into()
        }),
        EventKind::Broken { match_no } => {
            message!(BrokenTrade { match_number: match_no.into() })
        }
    }
}

/// A system event: `O`, `S`, `Q`, `M`, `E` or `C`.
#[must_use]
pub fn encode_system_event(event: u8, timestamp: u64) -> Encoded {
    Encoded::of(&SystemEvent { head: Head::of::<SystemEvent>(0, 0, timestamp), event })
}

/// The directory entry of a symbol.
#[must_use]
pub fn encode_directory(locate: u16, symbol: Symbol, timestamp: u64) -> Encoded {
    Encoded::of(&StockDirectory::common_stock(
        Head::of::<StockDirectory>(locate, 0, timestamp),
        symbol,
    ))
}

/// A trading action: `H`, `P`, `Q` or `T`.
#[must_use]
pub fn encode_trading_action(locate: u16, symbol: Symbol, state: u8, timestamp: u64) -> Encoded {
    Encoded::of(&TradingAction {
        head: Head::of::<TradingAction>(locate, 0, timestamp),
        stock: symbol,
        state,
        reserved: b' ',
        reason: *b"    ",
    })
}
