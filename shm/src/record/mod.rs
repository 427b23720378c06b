//! Records: what the journal holds. A record is a 32-byte header (see `journal`) and a body of 32
//! or 96 bytes, so that it fills 64 or 128 bytes (a [`parent::Parent`] 160, so 192); three kinds
//! carry raw bytes behind their body.
//!
//! | module | who writes it |
//! |---|---|
//! | [`market`] | feed and gateway: bytes as they came and went |
//! | [`order`] | risk: decisions, order facts, positions |
//! | [`parent`] | risk: parent orders; strategy: what they have latched |
//! | [`status`] | every stage: the order in which it took its inputs; the control thread: the session |

mod cell;
pub mod market;
pub mod order;
pub mod parent;
pub mod status;

use crate::reason::byte_enum;

byte_enum! {
    /// The kind of stage that wrote a record.
    Stage {
        /// The control thread (lane 0).
        Control = 0, "control";
        /// Feed decode and books.
        Feed = 1, "feed";
        /// Strategies.
        Strategy = 2, "strategy";
        /// Pre-trade risk, order table, positions.
        Risk = 3, "risk";
        /// Order gateway.
        Gateway = 4, "gateway";
    }
}

/// One stage of a topology as the byte of a record's header: kind in the upper 3 bits, index of the
/// feed, strategy or gateway in the lower 5.
///
/// # Layout
/// 1 byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub u8);

impl StageId {
    /// Stages of one kind.
    pub const INDEX_MAX: u8 = 31;
    /// The control thread.
    pub const CONTROL: Self = Self::new(Stage::Control, 0);
    /// The one risk stage.
    pub const RISK: Self = Self::new(Stage::Risk, 0);

    /// Packs kind and index; the index is taken modulo 32.
    #[must_use]
    pub const fn new(kind: Stage, index: u8) -> Self {
        Self((kind as u8) << 5 | index & Self::INDEX_MAX)
    }

    /// The kind; `None` for a byte that no stage has.
    #[must_use]
    pub const fn kind(self) -> Option<Stage> {
        Stage::from_u8(self.0 >> 5)
    }

    /// The index within the kind.
    #[must_use]
    pub const fn index(self) -> u8 {
        self.0 & Self::INDEX_MAX
    }
}

byte_enum! {
    /// What a record is. Numbers never change meaning; new ones are added.
    RecordKind {
        /// [`market::RxFeed`] and the datagram.
        RxFeed = 1, "RxFeed";
        /// [`market::RxVenue`] and the bytes read.
        RxVenue = 2, "RxVenue";
        /// [`market::Tx`] and the framed message.
        Tx = 3, "Tx";
        /// [`market::Sent`].
        Sent = 4, "Sent";
        /// [`market::TxVoid`].
        TxVoid = 5, "TxVoid";
        /// [`market::CaptureGap`]: raw capture stopped: no replay is made.
        CaptureGap = 6, "CaptureGap";
        /// [`order::Approved`].
        Approved = 16, "Approved";
        /// [`order::Denied`].
        Denied = 17, "Denied";
        /// [`order::CancelAsked`].
        CancelAsked = 18, "CancelAsked";
        /// [`order::OrderEvent`].
        OrderEvent = 19, "OrderEvent";
        /// [`order::PositionEvent`].
        PositionEvent = 20, "PositionEvent";
        /// [`order::OrderEvent`] that opens a session: an order carried over from the last one.
        CarryOrder = 21, "CarryOrder";
        /// [`order::PositionEvent`] that opens a session: a position carried over.
        CarryPosition = 22, "CarryPosition";
        /// [`market::Tx`] and its bytes, carried over: venue number to order id.
        CarryTx = 23, "CarryTx";
        /// [`market::VenueSession`]: the venue session a gateway is logged on to.
        VenueSession = 24, "VenueSession";
        /// [`order::OrderTerms`]: rare terms of the `Approved` that follows.
        OrderTerms = 25, "OrderTerms";
        /// [`parent::Parent`]: risk took a parent.
        ParentApproved = 26, "ParentApproved";
        /// [`parent::Parent`]: a parent ended.
        ParentDone = 27, "ParentDone";
        /// [`parent::ParentState`]: a parent's strategy stage has latched something.
        ParentState = 28, "ParentState";
        /// [`parent::Parent`] that opens a session: carried over from the last one.
        CarryParent = 29, "CarryParent";
        /// [`parent::ParentState`] of the `CarryParent` before it.
        CarryParentState = 30, "CarryParentState";
        /// [`order::Alarm`].
        Alarm = 31, "Alarm";
        /// [`status::Took`].
        Took = 32, "Took";
        /// [`status::Saw`].
        Saw = 33, "Saw";
        /// [`status::Tick`].
        Tick = 34, "Tick";
        /// [`status::Busy`].
        Busy = 35, "Busy";
        /// [`status::Link`]: a ring became full.
        LinkFull = 36, "LinkFull";
        /// [`status::Link`]: it has room again.
        LinkRoom = 37, "LinkRoom";
        /// [`order::ScopeTotals`] that opens a session: what a scope has counted, carried over.
        CarryScope = 38, "CarryScope";
        /// [`status::HandOrder`].
        HandOrder = 39, "HandOrder";
        /// [`order::Recent`] that opens a session: what a window of a rule holds, carried over.
        CarryRecent = 40, "CarryRecent";
        /// [`status::StrategyDown`] and its words: a strategy was stopped for good.
        StrategyDown = 44, "StrategyDown";
        /// [`status::StrategyDown`] that opens a session: the strategy does not act until a person
        /// enables it.
        CarryStrategy = 45, "CarryStrategy";
        /// [`order::ScopePeak`].
        ScopePeak = 46, "ScopePeak";
        /// [`status::SessionOpen`] and the configuration text.
        SessionOpen = 48, "SessionOpen";
        /// [`status::Text`] and the instrument file.
        Instruments = 49, "Instruments";
        /// [`status::Text`] and the resolved topology.
        Topology = 50, "Topology";
        /// [`status::Anchor`]: engine clock against wall clock.
        Anchor = 51, "Anchor";
        /// [`status::Operator`] and the command's text.
        Operator = 52, "Operator";
        /// [`status::Text`], empty: everything above is complete, trading may begin.
        OpenComplete = 53, "OpenComplete";
        /// [`status::Text`], empty: the session was closed in order.
        SessionClose = 54, "SessionClose";
        /// [`status::LimitSet`] and its text: before `OpenComplete` the set that the session begins
        /// with, later one that was loaded.
        LimitSet = 55, "LimitSet";
    }
}

impl RecordKind {
    /// The kind of a record's header; `None` for one that this build does not know, and for the
    /// journal's own.
    #[must_use]
    pub const fn from_u16(raw: u16) -> Option<Self> {
        if raw > u8::MAX as u16 { None } else { Self::from_u8(raw as u8) }
    }
}

/// Declares a record body of a fixed size.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident: $bytes:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)+ }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, zerocopy::FromBytes, zerocopy::IntoBytes,
            zerocopy::Immutable, zerocopy::KnownLayout,
        )]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)+
        }

        const _: () = assert!(size_of::<$name>() == $bytes);

        impl $name {
            /// Bytes of the body.
            pub const BYTES: usize = $bytes;

            /// Reads the body at the start of a record's bytes behind its header; `None` if
            /// shorter.
            #[must_use]
            pub fn read(body: &[u8]) -> Option<Self> {
                <Self as zerocopy::FromBytes>::read_from_prefix(body).ok().map(|(read, _)| read)
            }

            /// Splits body and trailing bytes; `None` if shorter than the body.
            #[must_use]
            pub fn split(body: &[u8]) -> Option<(Self, &[u8])> {
                <Self as zerocopy::FromBytes>::read_from_prefix(body).ok()
            }

            /// The body as bytes, for an append.
            #[must_use]
            pub fn bytes(&self) -> &[u8] {
                zerocopy::IntoBytes::as_bytes(self)
            }
        }
    };
}
pub(crate) use record;
