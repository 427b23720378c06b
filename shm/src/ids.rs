//! Identities: instruments, orders, strategies, accounts, sequences.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes,
            Immutable, KnownLayout,
        )]
        #[repr(transparent)]
        pub struct $name(pub $raw);

        impl $name {
            /// The id as an index into a table that holds one row per id.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// Dense index of an instrument, in (venue, symbol) order of the instrument file; valid for the
    /// session that records it. In `0..instruments`.
    InstrumentId(u32)
);
id!(
    /// Index of a strategy. 0 is the operator: orders placed by hand go through risk like any
    /// other.
    StrategyId(u8)
);
id!(
    /// Index of an account in the configuration's order.
    AccountId(u16)
);
id!(
    /// Index of a gateway (one venue session) in the configuration's order.
    GatewayId(u8)
);
id!(
    /// Index of a feed in the configuration's order.
    FeedId(u8)
);
id!(
    /// The venue's own number of an order (OUCH order reference number, ITCH order reference).
    VenueOrdId(u64)
);
id!(
    /// The venue's number of an execution (OUCH and ITCH match number).
    ExecId(u64)
);

impl InstrumentId {
    /// No instrument: messages that concern a whole feed or session.
    pub const NONE: Self = Self(u32::MAX);
}

impl StrategyId {
    /// The operator: manual orders.
    pub const OPERATOR: Self = Self(0);
}

/// Our order id: `epoch:16 | strategy:8 | slot:20 | use:20`, most significant first. The tracker
/// finds an order by `slot`, not by hashing; `use` counts the uses of a slot, so that no id ever
/// comes back (C2). A replace keeps the slot and takes the next use. Zero is no order.
///
/// # Layout
/// 8 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct ClOrdId(pub u64);

impl ClOrdId {
    /// No order.
    pub const NONE: Self = Self(0);
    /// Slots an engine can address.
    pub const SLOTS_MAX: u32 = 1 << 20;
    /// Uses of one slot in one epoch; then the slot is retired.
    pub const USES_MAX: u32 = 1 << 20;
    /// Characters of the venue form: 13 base-32 digits hold 64 bits.
    pub const TEXT_BYTES: usize = 13;

    /// Packs the parts; slot and use are taken modulo 2^20.
    #[must_use]
    pub const fn new(epoch: u16, strategy: StrategyId, slot: u32, uses: u32) -> Self {
        Self(
            (epoch as u64) << 48
                | (strategy.0 as u64) << 40
                | ((slot & (Self::SLOTS_MAX - 1)) as u64) << 20
                | (uses & (Self::USES_MAX - 1)) as u64,
        )
    }

    /// Stands for the orders of one side of an instrument that are not ours (E23): epoch 0, the
    /// side (1 buys, 2 sells, 0 none) in place of the strategy, then the instrument, 1 more.
    #[must_use]
    pub const fn external(instrument: InstrumentId, side: u8) -> Self {
        Self((side as u64) << 40 | (instrument.0 as u64 + 1))
    }

    /// Instrument and side of an id made by [`ClOrdId::external`]; `None` for any other.
    #[must_use]
    pub const fn as_external(self) -> Option<(InstrumentId, u8)> {
        let number = self.0 & ((1 << 40) - 1);
        if self.epoch() != 0 || number == 0 || number > u32::MAX as u64 {
            return None;
        }
        Some((InstrumentId((number - 1) as u32), (self.0 >> 40) as u8))
    }

    /// The engine start that made the id. 0 never occurs in a real id.
    #[must_use]
    pub const fn epoch(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// The strategy that owns the order.
    #[must_use]
    pub const fn strategy(self) -> StrategyId {
        StrategyId((self.0 >> 40) as u8)
    }

    /// The row of the order table, in `0..SLOTS_MAX`.
    #[must_use]
    pub const fn slot(self) -> u32 {
        (self.0 >> 20) as u32 & (Self::SLOTS_MAX - 1)
    }

    /// How often the slot had been used before, in `0..USES_MAX`.
    #[must_use]
    pub const fn uses(self) -> u32 {
        self.0 as u32 & (Self::USES_MAX - 1)
    }

    /// The id of a replace of this order: same slot, next use; `None` when the slot is spent.
    #[must_use]
    pub const fn successor(self) -> Option<Self> {
        if self.uses() == Self::USES_MAX - 1 { None } else { Some(Self(self.0 + 1)) }
    }

    /// The venue form: 13 digits of base 32 (`0-9A-V`), most significant first.
    #[must_use]
    #[inline]
    pub const fn to_text(self) -> [u8; Self::TEXT_BYTES] {
        let [_, _, _, a, b, c, d, e] = digits(self.0 >> 40).to_be_bytes();
        let [f, g, h, i, j, k, l, m] = digits(self.0).to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m]
    }

    /// Reads the venue form back; `None` unless it is exactly 13 digits that fit 64 bits.
    #[must_use]
    pub const fn from_text(text: &[u8]) -> Option<Self> {
        if text.len() != Self::TEXT_BYTES {
            return None;
        }
        let mut value: u64 = 0;
        let mut rest = text;
        while let [byte, tail @ ..] = rest {
            let digit = match byte {
                b'0'..=b'9' => *byte - b'0',
                b'A'..=b'V' => *byte - b'A' + 10,
                _ => return None,
            };
            if value >> 59 != 0 {
                return None;
            }
            value = value << 5 | digit as u64;
            rest = tail;
        }
        Some(Self(value))
    }
}

/// The low 40 bits as eight digits of base 32, a byte each, the least significant in the lowest
/// byte.
#[inline(always)]
const fn digits(number: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Halves of 20 bits, quarters of 10, digits of 5, each spread over twice its width.
    let halves = number & 0xF_FFFF | (number & 0xFF_FFF0_0000) << 12;
    let quarters = halves & 0x3FF_0000_03FF | (halves & 0xF_FC00_000F_FC00) << 6;
    let digits = quarters & 0x1F_001F_001F_001F | (quarters & 0x3E0_03E0_03E0_03E0) << 3;
    // A digit above 9 is 7 further on, behind the characters between `9` and `A`.
    let letters = (digits + 0x76 * EACH) >> 7 & EACH;
    digits + b'0' as u64 * EACH + letters * 7
}

impl fmt::Display for ClOrdId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_text();
        out.write_str(core::str::from_utf8(&text).unwrap_or("?"))
    }
}

impl fmt::Debug for ClOrdId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{self}(epoch {} strategy {} slot {} use {})",
            self.epoch(),
            self.strategy().0,
            self.slot(),
            self.uses()
        )
    }
}

/// What caused an order: `source:8 | feed_seq:56`. The feed and the sequence number, within its
/// session, of the message that made the strategy act. Zero is "no market event" (timer, operator).
///
/// # Layout
/// 8 bytes, native endian.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Cause(pub u64);

impl Cause {
    /// No market event.
    pub const NONE: Self = Self(0);
    /// A sweep: the operator (or a kill) cancels every order of a scope.
    pub const SWEEP: Self = Self(u64::MAX);
    /// A resting order is cancelled because an own order would have met it (R45).
    pub const SELF_TRADE: Self = Self(u64::MAX - 1);
    /// A working order is cancelled because a limit set that came after it would not let it in.
    pub const OVER_LIMIT: Self = Self(u64::MAX - 2);

    /// Packs a feed and a sequence number (taken modulo 2^56).
    #[must_use]
    pub const fn new(feed: FeedId, feed_seq: u64) -> Self {
        Self((feed.0 as u64) << 56 | feed_seq & ((1 << 56) - 1))
    }

    /// The feed.
    #[must_use]
    pub const fn feed(self) -> FeedId {
        FeedId((self.0 >> 56) as u8)
    }

    /// The sequence number within the feed's session.
    #[must_use]
    pub const fn feed_seq(self) -> u64 {
        self.0 & ((1 << 56) - 1)
    }
}

/// A venue symbol: up to 8 ASCII bytes, left-justified, space padded. Used at the edges only.
///
/// # Layout
/// 8 bytes.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Symbol(pub [u8; 8]);

impl Symbol {
    /// Pads a text to 8 bytes; `None` when it is empty, longer than 8, or not printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut padded = [b' '; 8];
        padded.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self(padded))
    }

    /// The text without its padding; `"?"` when the wire held something that is not ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
        self.0.get(..end).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or("?")
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: parts of an id come back, and text survives the venue. Method: random parts.
    #[test]
    fn ids_keep_their_parts_and_their_text() {
        const SLOTS: u32 = ClOrdId::SLOTS_MAX;
        const USES: u32 = ClOrdId::USES_MAX;
        proptest::proptest!(|(epoch: u16, strategy: u8, slot in 0..SLOTS, uses in 0..USES)| {
            let id = ClOrdId::new(epoch, StrategyId(strategy), slot, uses);
            let parts = (id.epoch(), id.strategy().0, id.slot(), id.uses());
            proptest::prop_assert_eq!(parts, (epoch, strategy, slot, uses));
            proptest::prop_assert_eq!(ClOrdId::from_text(&id.to_text()), Some(id));
            if let Some(next) = id.successor() {
                proptest::prop_assert_eq!((next.slot(), next.uses()), (slot, uses + 1));
            }
        });
    }

    /// Goal: what is not an id is refused.
    #[test]
    fn bad_id_texts_are_refused() {
        for text in [&b""[..], b"0", b"00000000000000", b"000000000000W", b"G000000000000"] {
            assert_eq!(ClOrdId::from_text(text), None);
        }
        assert_eq!(ClOrdId::from_text(b"FVVVVVVVVVVVV"), Some(ClOrdId(u64::MAX)));
    }

    /// Goal: symbols pad, print and refuse.
    #[test]
    fn symbols_pad_and_refuse() {
        assert_eq!(Symbol::new("AAPL").map(|symbol| symbol.0), Some(*b"AAPL    "));
        assert_eq!(Symbol::new("AAPL").unwrap().as_str(), "AAPL");
        assert_eq!(Symbol::new("123456789"), None);
        assert_eq!(Symbol::new(""), None);
        assert_eq!(Symbol::new("A B"), None);
        assert_eq!(Symbol([0xFF; 8]).as_str(), "?");
    }
}
