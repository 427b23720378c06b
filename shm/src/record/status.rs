//! The order in which stages took their inputs, and what opens and closes a session.

use super::record;
use crate::ids::ClOrdId;
use crate::reason::byte_enum;
use crate::units::Nanos;

byte_enum! {
    /// Where a stage took an input from, besides its primary port.
    Port {
        /// Updates from risk to a strategy thread.
        Updates = 1, "updates";
        /// Commands from the control thread.
        Commands = 2, "commands";
        /// Intents from a strategy thread.
        Intents = 3, "intents";
        /// Reports from a gateway.
        Reports = 4, "reports";
        /// A feed other than the primary one.
        Feed = 5, "feed";
    }
}

record! {
    /// The stage took `count` messages of a port that is not its primary one.
    Took: 32 {
        /// [`Port`].
        port: u8,
        /// Index within the port (which feed, which strategy thread, which gateway).
        index: u8,
        /// Zero.
        _reserved: [u8; 2],
        /// How many, at least 1.
        count: u32,
        /// Zero.
        _reserved_words: [u64; 3],
    }
}

byte_enum! {
    /// A word shared with other threads whose change is an input.
    SharedWord {
        /// Summary of the kill gates.
        Gates = 1, "gates";
        /// Free segments of the lane.
        Free = 2, "free";
        /// Health of the archiver.
        Archive = 3, "archive";
    }
}

record! {
    /// A shared word had changed when the stage looked.
    Saw: 32 {
        /// [`SharedWord`].
        word: u8,
        /// Zero.
        _reserved: [u8; 7],
        /// Its value.
        value: u64,
        /// Zero.
        _reserved_words: [u64; 2],
    }
}

record! {
    /// Time alone made the stage act; the time is in the record's header.
    Tick: 32 {
        /// What acted, of the stage's own numbering.
        what: u8,
        /// Index of the feed or gateway.
        index: u8,
        /// Zero.
        _reserved: [u8; 6],
        /// Zero.
        _reserved_words: [u64; 3],
    }
}

record! {
    /// A send of a strategy returned BUSY.
    Busy: 32 {
        /// Which of the strategy thread's sends it was, counted from 1.
        ordinal: u64,
        /// Strategy.
        strategy: u8,
        /// Zero.
        _reserved: [u8; 7],
        /// Zero.
        _reserved_words: [u64; 2],
    }
}

byte_enum! {
    /// Why a strategy may not act.
    DownCause {
        /// A person disabled it.
        Operator = 1, "disabled by hand";
        /// It panicked.
        Panic = 2, "panicked";
        /// It held its thread for too long.
        Overrun = 3, "held its thread for too long";
    }
}

record! {
    /// A strategy may not act any more; the words of its panic follow.
    StrategyDown: 32 {
        /// Which of the calls of the strategy it was, counted from 1; 0 if carried over.
        ordinal: u64,
        /// Bytes that follow.
        len: u32,
        /// Strategy.
        strategy: u8,
        /// [`DownCause`].
        cause: u8,
        /// Zero.
        _reserved: [u8; 2],
        /// Zero.
        _reserved_words: [u64; 2],
    }
}

record! {
    /// A ring became full, or some of what was held back was sent.
    Link: 32 {
        /// Index of the link in the stage's own order.
        link: u16,
        /// Zero.
        _reserved: [u8; 2],
        /// `LinkRoom`: how many latest states were sent in this step.
        flushed: u32,
        /// `LinkFull`: which of the stage's sends on the link it was, counted from 1.
        ordinal: u64,
        /// Zero.
        _reserved_words: [u64; 2],
    }
}

record! {
    /// Opens a session; the configuration text follows.
    SessionOpen: 32 {
        /// Wall clock at start, ns since the Unix epoch; the engine's clock begins here.
        wall: Nanos,
        /// Layout hash of the shared memory.
        layout: u64,
        /// Session date as days since the Unix epoch.
        date: u32,
        /// Process id.
        pid: u32,
        /// Bytes that follow.
        len: u32,
        /// Epoch of the order ids.
        epoch: u16,
        /// Hot lanes.
        lanes: u8,
        /// Zero.
        _reserved: u8,
    }
}

record! {
    /// A text of the session; it follows.
    Text: 32 {
        /// Bytes that follow.
        len: u32,
        /// Zero.
        _reserved: [u8; 4],
        /// Zero.
        _reserved_words: [u64; 3],
    }
}

record! {
    /// A point of the engine's clock tied to the wall clock.
    Anchor: 32 {
        /// Engine clock.
        engine: Nanos,
        /// Wall clock at the same moment.
        wall: Nanos,
        /// Raw time stamp counter at the same moment.
        tsc: u64,
        /// Half the width of the bracket it was taken in, ns.
        uncertainty: u64,
    }
}

record! {
    /// An operator's command; its text follows.
    Operator: 32 {
        /// [`crate::message::CommandOp`], or 100 kill, 101 arm, 102 self-test, 103 killed, 104
        /// guard.
        op: u8,
        /// Strategy it is for.
        strategy: u8,
        /// Index of the parameter.
        param: u8,
        /// 0 accepted, else why not.
        refused: u8,
        /// Bytes that follow.
        len: u32,
        /// The value.
        value: i64,
        /// User id of the caller.
        uid: u32,
        /// Process id of the caller.
        pid: u32,
        /// Instrument it is for, or `u32::MAX`.
        instrument: u32,
        /// The stage it was given to, as in a header.
        stage: u8,
        /// Zero.
        _reserved: [u8; 3],
    }
}

impl Operator {
    /// A kill gate was closed.
    pub const KILL: u8 = 100;
    /// A kill gate was opened.
    pub const ARM: u8 = 101;
    /// Every rule of risk was shown an order that breaks it; value 1 if each refused.
    pub const SELF_TEST: u8 = 102;
    /// What became of the orders behind a closed gate: value is how many were cancelled, param 1
    /// while some of them are not confirmed.
    pub const KILLED: u8 = 103;
    /// The guard acted: it closed a gate, or cancelled in the place of a gateway that stood still.
    pub const GUARD: u8 = 104;
}

byte_enum! {
    /// What a strategy made of an order, replace or cancel by hand.
    HandOutcome {
        /// It asked risk, or its own parents, for what was wanted.
        Asked = 1, "asked";
        /// Its ring to risk is full, or its order ids or parents are used up.
        Busy = 2, "BUSY";
        /// As many orders by hand are open as there may be.
        Full = 3, "FULL";
        /// There is no such order, or it has ended.
        Unknown = 4, "UNKNOWN_ORDER";
        /// A replace of the order is unanswered: what is not given is not known.
        Pending = 5, "REPLACE_PENDING";
        /// The terms make no order.
        NoOrder = 6, "NO_ORDER";
        /// It may not act.
        Disabled = 7, "DISABLED";
        /// A parent cannot be replaced.
        Parent = 8, "PARENT";
    }
}

record! {
    /// What became of an order, replace or cancel by hand at the strategy that works it.
    HandOrder: 32 {
        /// The operator's number of the order; 0 for one named by its id.
        number: i64,
        /// The order or parent; of a replace the id that was asked for.
        cl_ord_id: ClOrdId,
        /// When the control thread gave the command, engine ns.
        t0: Nanos,
        /// [`crate::message::CommandOp`].
        op: u8,
        /// [`HandOutcome`].
        outcome: u8,
        /// What makes the terms no order, as the engine numbers it; 0 if they are one.
        fault: u8,
        /// Zero.
        _reserved: [u8; 5],
    }
}

byte_enum! {
    /// Where a limit set came from.
    LimitSource {
        /// The tables of the configuration.
        Configuration = 1, "configuration";
        /// A file that a person had loaded.
        Loaded = 2, "loaded";
    }
}

record! {
    /// A limit set. Text and reason of one that was loaded follow; that of a configuration stands
    /// in `SessionOpen`.
    LimitSet: 96 {
        /// SHA-256 of the text.
        digest: [u8; 32],
        /// SHA-256 of the configuration's own tables at that time: while they stay as they are, a
        /// restart goes on with the set that was loaded.
        base: [u8; 32],
        /// Wall clock when it was loaded, ns since the Unix epoch.
        wall: Nanos,
        /// Rises with every set of a directory, from 1.
        version: u32,
        /// Bytes of the text.
        len: u32,
        /// Bytes of the reason, behind the text.
        reason_len: u32,
        /// User id of whoever loaded it.
        uid: u32,
        /// Process id of the same.
        pid: u32,
        /// [`LimitSource`].
        source: u8,
        /// Zero.
        _reserved: [u8; 3],
    }
}
