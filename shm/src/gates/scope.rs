//! What gates stand in front of, who closes them, and where their words lie in the file.

use crate::ids::{AccountId, GatewayId, InstrumentId, StrategyId};

/// Words before the rows.
pub(super) const HEAD_WORDS: usize = 32;
/// Rows in all.
const ROWS: usize = 1 + 2 * Trigger::COUNT;

/// What a gate stands in front of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything.
    Global,
    /// All sessions of the venue that a gateway belongs to, by the gateway's index.
    Venue(GatewayId),
    /// One session: one gateway.
    Session(GatewayId),
    /// One account.
    Account(AccountId),
    /// One strategy.
    Strategy(StrategyId),
    /// One instrument.
    Instrument(InstrumentId),
}

/// Who closes. Each has a row of latches of its own (RISK_AND_RECOVERY K2, K5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Trigger {
    /// A person: command or key.
    Operator = 0,
    /// A signal to the process.
    Signal = 1,
    /// A local breaker: loss, rejects, journal, unresolved orders.
    Breaker = 2,
    /// A missed operator heartbeat.
    Heartbeat = 3,
    /// The guard thread: a hot thread stands still.
    Guard = 4,
}

impl Trigger {
    /// Number of triggers.
    pub const COUNT: usize = 5;

    /// All triggers, in the order of their rows.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Operator, Self::Signal, Self::Breaker, Self::Heartbeat, Self::Guard];

    /// As a person reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Signal => "signal",
            Self::Breaker => "breaker",
            Self::Heartbeat => "missed heartbeat",
            Self::Guard => "guard",
        }
    }

    /// Row of its latches.
    pub(super) const fn row(self) -> usize {
        1 + self as usize
    }

    /// Row of its latches as the control thread opened them.
    pub(super) const fn row_opened(self) -> usize {
        1 + Self::COUNT + self as usize
    }
}

/// How many scopes of each kind a gates file has, and what the indexes mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Gateways: venues and sessions. At most 256.
    pub gateways: usize,
    /// Accounts. At most 65,536.
    pub accounts: usize,
    /// Strategies, the operator's (0) included. At most 256.
    pub strategies: usize,
    /// Instruments. At most 2^24.
    pub instruments: usize,
    /// Hash of the names of all of them in order: an index kept over a restart must mean the same.
    pub names_hash: u64,
}

impl Shape {
    /// Instruments a gates file can hold.
    pub const INSTRUMENTS_MAX: usize = 1 << 24;

    /// Whether every number is in its range.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.gateways <= 256
            && self.accounts <= 65_536
            && self.strategies <= 256
            && self.instruments <= Self::INSTRUMENTS_MAX
    }

    /// Scopes in all.
    pub(super) const fn scopes(&self) -> usize {
        1 + 2 * self.gateways + self.accounts + self.strategies + self.instruments
    }

    /// Words of a row.
    pub(super) const fn row_words(&self) -> usize {
        self.scopes().next_multiple_of(16)
    }

    /// Words of the file.
    pub(super) const fn words(&self) -> usize {
        HEAD_WORDS + ROWS * self.row_words()
    }

    /// Where a scope stands in a row; `None` when the file has no such scope.
    #[inline(always)]
    pub(super) const fn place(&self, scope: Scope) -> Option<usize> {
        let (base, index, count) = match scope {
            Scope::Global => (0, 0, 1),
            Scope::Venue(gateway) => (1, gateway.index(), self.gateways),
            Scope::Session(gateway) => (1 + self.gateways, gateway.index(), self.gateways),
            Scope::Account(account) => (1 + 2 * self.gateways, account.index(), self.accounts),
            Scope::Strategy(strategy) => {
                (1 + 2 * self.gateways + self.accounts, strategy.index(), self.strategies)
            }
            Scope::Instrument(instrument) => (
                1 + 2 * self.gateways + self.accounts + self.strategies,
                instrument.index(),
                self.instruments,
            ),
        };
        if index < count { Some(base + index) } else { None }
    }

    /// The scope at a place of a row.
    pub(super) fn scope_at(&self, place: usize) -> Option<Scope> {
        let mut rest = place.checked_sub(1);
        let mut within = |count: usize| {
            let index = rest.filter(|&index| index < count);
            rest = rest.and_then(|rest| rest.checked_sub(count));
            index
        };
        if place == 0 {
            return Some(Scope::Global);
        }
        if let Some(index) = within(self.gateways) {
            return u8::try_from(index).ok().map(|id| Scope::Venue(GatewayId(id)));
        }
        if let Some(index) = within(self.gateways) {
            return u8::try_from(index).ok().map(|id| Scope::Session(GatewayId(id)));
        }
        if let Some(index) = within(self.accounts) {
            return u16::try_from(index).ok().map(|id| Scope::Account(AccountId(id)));
        }
        if let Some(index) = within(self.strategies) {
            return u8::try_from(index).ok().map(|id| Scope::Strategy(StrategyId(id)));
        }
        let index = within(self.instruments)?;
        u32::try_from(index).ok().map(|id| Scope::Instrument(InstrumentId(id)))
    }
}
