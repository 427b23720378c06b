//! What is said over the control socket.

use serde::{Deserialize, Serialize};

/// A scope as a person writes it: `global`, `strategy:mm`, `account:main`, `gateway:ouch`,
/// `session:ouch`, `instrument:AAPL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeName(pub String);

impl Default for ScopeName {
    fn default() -> Self {
        Self("global".to_owned())
    }
}

/// One request: a line of JSON with the key `do`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Close a gate and cancel what it covers.
    Kill {
        /// What.
        #[serde(default)]
        scope: ScopeName,
        /// Why, for the journal.
        #[serde(default)]
        reason: String,
    },
    /// Open a gate.
    Arm {
        /// What.
        #[serde(default)]
        scope: ScopeName,
        /// Why, for the journal.
        #[serde(default)]
        reason: String,
    },
    /// Let a strategy act.
    Enable {
        /// Its name.
        strategy: String,
    },
    /// Stop a strategy and cancel its orders.
    Disable {
        /// Its name.
        strategy: String,
    },
    /// Set a parameter of a strategy.
    Set {
        /// Its name.
        strategy: String,
        /// The parameter.
        param: String,
        /// The value, as in the configuration.
        value: String,
    },
    /// Place an order by hand.
    OrderNew {
        /// The strategy of kind `exec` that works it; empty where there is only one.
        #[serde(default)]
        strategy: String,
        /// SYMBOL, or VENUE/SYMBOL.
        instrument: String,
        /// limit, market, post-only, stop, stop-limit, trailing, oco, bracket, iceberg, twap.
        #[serde(rename = "type")]
        kind: String,
        /// buy or sell.
        side: String,
        /// Quantity.
        qty: String,
        /// The rest, each `key=value`.
        #[serde(default)]
        terms: Vec<String>,
    },
    /// Replace an order by hand.
    OrderReplace {
        /// As above.
        #[serde(default)]
        strategy: String,
        /// Its number, or its id.
        order: String,
        /// `px=...`, `qty=...` (of the whole order, executions counted).
        terms: Vec<String>,
    },
    /// Cancel an order or a parent by hand.
    OrderCancel {
        /// As above.
        #[serde(default)]
        strategy: String,
        /// Its number, or its id.
        order: String,
    },
    /// Let an instrument trade again that is held after a contradiction in the reports.
    Release {
        /// VENUE/SYMBOL.
        instrument: String,
        /// Why, for the journal.
        reason: String,
    },
    /// Load a limit set in place of the one in force.
    LimitsLoad {
        /// Name of the file, for faults.
        file: String,
        /// Its `[[limits]]` tables.
        text: String,
        /// Why, for the journal.
        reason: String,
    },
    /// The limit set in force.
    LimitsShow,
    /// Set the trading mode of a scope.
    Mode {
        /// What: not a gateway or session.
        scope: ScopeName,
        /// active, reduce-only, cancel-only, halted.
        mode: String,
        /// Why, for the journal.
        reason: String,
    },
    /// The operator is there.
    Heartbeat,
    /// Say how things are.
    Status,
    /// Stop the engine in order.
    Stop,
}

/// Longest reason, bytes.
pub const REASON_MAX: usize = 1_000;

impl Request {
    /// Whether it only asks: nothing is other than before, whether it was heard or not.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        matches!(self, Self::Status | Self::LimitsShow)
    }

    /// Why it is asked for, where it says so.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Kill { reason, .. }
            | Self::Arm { reason, .. }
            | Self::Release { reason, .. }
            | Self::LimitsLoad { reason, .. }
            | Self::Mode { reason, .. } => Some(reason),
            Self::Enable { .. }
            | Self::Disable { .. }
            | Self::Set { .. }
            | Self::OrderNew { .. }
            | Self::OrderReplace { .. }
            | Self::OrderCancel { .. }
            | Self::LimitsShow
            | Self::Heartbeat
            | Self::Status
            | Self::Stop => None,
        }
    }
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The engine refused it, as things stand.
    #[default]
    Refused,
    /// It is written wrongly: a word, a key or a value that there is not, or one too few.
    Usage,
    /// What it holds is wrong: a file's contents.
    Wrong,
    /// It names what is not there.
    NotThere,
    /// It acts, or may act yet, and is not confirmed: the text says how far it has come.
    NotConfirmed,
}

/// One reply: a line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it was done.
    pub ok: bool,
    /// What was done, or why not.
    pub text: String,
    /// Of which kind that is; of no meaning where it was done.
    #[serde(default)]
    pub why: Why,
    /// Of an order by hand: by what the journal tells what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
}

/// An order, replace or cancel by hand that was given to its strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The strategy.
    pub strategy: u8,
    /// The operator's number of the order, 0 for one named by its id.
    pub number: i64,
    /// When it was given, engine ns: `t0` of the `HandOrder` that tells what became of it.
    pub at: u64,
}

impl Reply {
    /// Done.
    #[must_use]
    pub fn ok(text: &str) -> Self {
        Self { ok: true, text: text.to_owned(), why: Why::Refused, given: None }
    }

    /// Whether it holds: confirmed, or not yet (a disk that is behind, a stage that has not run).
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.ok || self.why == Why::NotConfirmed
    }

    /// Not done.
    #[must_use]
    pub fn error(text: &str) -> Self {
        Self { ok: false, ..Self::ok(text) }
    }

    /// Not done, or not confirmed, of another kind than refused.
    #[must_use]
    pub fn not(why: Why, text: &str) -> Self {
        Self { why, ..Self::error(text) }
    }
}
