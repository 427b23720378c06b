//! Bytes to market events: sources, framing, line arbitration, codecs, order books.
//!
//! ```text
//!  source            moldudp64 + arbiter            codec               book
//! ┌───────────┐     ┌─────────────────────┐     ┌────────────┐     ┌───────────────┐
//! │ UDP A, B  ├────►│ whole datagrams     │     │ ITCH 5.0   │     │ by order:     ├─► top changed
//! │ answers   ├────►│ one sequence, each  ├────►│ laid over  ├────►│ strict,       ├─► print
//! │ file      ├──┐  │ message once        │     │ the bytes  │     │ fault = STALE ├─► flags
//! │ memory    │  │  └──────┬──────────────┘     └────────────┘     └───────▲───────┘
//! └───────────┘  └────────►│ request, gap, lost, silent ───────────────────┘
//! ```
//!
//! What holds, and is tested:
//!
//! * **Total over bytes** (F10): no bytes panic, read past their end, or make anything allocate.
//!   What is malformed is dropped whole and counted by kind; unknown types are skipped and counted.
//! * **Nothing out of order** (F1): a book sees each message once, in sequence. From a gap on it is
//!   STALE.
//! * **No clock, no socket in the logic**: time and bytes are arguments; sockets live in [`source`]
//!   alone.
//! * **No allocation after creation**: every capacity is a number of a configuration.
//! * **The same packets and times give the same messages**, in the same order, with the same
//!   events.
//!
//! Cold, before or beside the hot path, and free to allocate: [`instruments`], [`lobster`],
//! [`binaryfile`], [`pcap`], [`recording`], construction.
//!
//! ```
//! use feed::book::{BooksConfig, ItchBooks};
//! use feed::codec::itch50::{Head, SystemEvent, encode};
//! use feed::moldudp64::{Delivery, Event, PacketBuilder, Receiver, ReceiverConfig, Session, Sink};
//! use shm::ids::{InstrumentId, Symbol};
//! use shm::units::Nanos;
//!
//! struct Stage(ItchBooks);
//! impl Sink for Stage {
//!     fn on_message(&mut self, delivery: Delivery, message: &[u8]) {
//!         let applied = self.0.apply(message);
//!         if applied.top || applied.state {
//!             let instrument = applied.instrument;
//!             let _publish = (self.0.top(instrument), self.0.flags(instrument), delivery.t0);
//!         }
//!     }
//!     fn on_event(&mut self, event: Event) {
//!         self.0.on_event(&event);
//!     }
//! }
//!
//! let symbols = [(Symbol::new("AAPL").unwrap(), InstrumentId(0))];
//! let config = BooksConfig { orders_max: 1_000, levels_max: 1_000, market: b'Q' };
//! let mut stage = Stage(ItchBooks::new(config, 1, symbols));
//! let mut receiver = Receiver::new(ReceiverConfig::default());
//!
//! let mut message = [0; 64];
//! let event = SystemEvent { head: Head::of::<SystemEvent>(0, 0, 1), event: b'O' };
//! let length = encode(&event, &mut message).unwrap();
//! let mut packet = [0; 1_400];
//! let mut builder = PacketBuilder::new(&mut packet, Session::new("DAY1").unwrap(), 1).unwrap();
//! assert!(builder.try_push(&message[..length]));
//! let length = builder.finish();
//!
//! let now = Nanos(1_000);
//! let outcome = receiver.on_packet(0, &packet[..length], now, now, &mut stage);
//! assert!(outcome.changed());
//! assert_eq!(receiver.expected(), 2);
//! ```
#![deny(
    unsafe_code,
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

pub mod arbiter;
pub mod binaryfile;
pub mod book;
pub mod codec;
pub mod hash_channel;
pub mod instruments;
pub mod lobster;
pub mod moldudp64;
pub mod pcap;
pub mod recording;
pub mod source;
