//! Orders to bytes, bytes to execution reports.
//!
//! ```text
//!             ┌──────────────── Ouch (venue adapter) ────────────────┐
//!             │  wire_table: order id <-> venue number, what is open │
//!             │                                                      │
//! Approved ─► │  template ─► codec::ouch50::encode ─► frame ─────────┼─► journal ─► link::send
//! ExecReport ◄┼─ codec::ouch50::decode ◄── session::soupbintcp ◄─────┼──────────── link::recv_into
//!             └──────────────────────────────────────────────────────┘
//! throttle: how many messages per window     paper: the same orders and reports, without a wire
//! ```
//!
//! What is not here: no clock (times are arguments), no thread, no journal, no decision. After the
//! start no module allocates, locks or waits; the only system calls are a socket's receive, send
//! and shutdown, in `link::tcp`. No bytes from the wire can panic, and no report is dropped: one of
//! an order that is not ours is handed on as external.
//!
//! An order, from approval to packet to report:
//!
//! ```
//! use gateway::codec::ouch50::{CapacityCode, DisplayCode, Inbound};
//! use gateway::ouch::{Ouch, OuchConfig};
//! use gateway::wire_table::WireTableConfig;
//! use shm::ids::{ClOrdId, InstrumentId, StrategyId, Symbol};
//! use shm::message::{Approved, Kind, OrdType, Side, Tif};
//! use shm::units::{Price, Qty};
//!
//! let mut venue = Ouch::new(OuchConfig {
//!     symbols: Box::new([Symbol::new("AAPL").unwrap()]),
//!     firm: None,
//!     capacity: CapacityCode::PRINCIPAL,
//!     display: DisplayCode::VISIBLE,
//!     table: WireTableConfig { slots: 1024, urns: 4096 },
//! });
//! let order = Approved {
//!     kind: Kind::ApprovedNew as u8,
//!     side: Side::Buy as u8,
//!     tif: Tif::Day as u8,
//!     ord_type: OrdType::Limit as u8,
//!     instrument: InstrumentId(0),
//!     px: Price::from_price4(1_893_500),
//!     qty: Qty::from_shares(100),
//!     cl_ord_id: ClOrdId::new(1, StrategyId(1), 0, 0),
//!     ..Approved::default()
//! };
//! let mut packet = [0; 128];
//! let sent = venue.encode(&order, &mut packet).unwrap();
//! let message = Inbound::decode(&packet[3..sent.bytes]).unwrap();
//! assert!(matches!(message, Inbound::Enter(view) if view.fields.qty.get() == 100));
//! assert_eq!(venue.table().open_count(), 1);
//! ```
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::disallowed_macros,
        clippy::disallowed_types,
        clippy::disallowed_methods
    )
)]

pub mod codec;
pub mod link;
pub mod ouch;
pub mod paper;
pub mod session;
pub mod throttle;
pub mod wire_table;
