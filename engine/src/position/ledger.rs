//! Holdings of every strategy in every instrument, and their sums.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::units::{Notional, Price, Qty};

use super::holding::Holding;

/// A sum over holdings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Realised profit before fees.
    pub realised: Notional,
    /// Profit not yet realised, of the positions that have a mark.
    pub unrealised: Notional,
    /// Fees less rebates.
    pub fees: Notional,
    /// Open positions without a mark; their profit is not in the sum.
    pub unmarked: u32,
    /// Sums that left the integer, or holdings that did.
    pub overflows: u32,
}

/// The holdings.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Strategy by strategy, each with all instruments.
    holdings: Box<[Holding]>,
    instruments: usize,
    accounts: Box<[AccountId]>,
}

impl Ledger {
    /// Flat in everything. `accounts` holds the account of each strategy.
    #[must_use]
    pub fn new(accounts: &[AccountId], instruments: usize) -> Self {
        Self {
            holdings: vec![Holding::default(); accounts.len() * instruments].into(),
            instruments,
            accounts: accounts.into(),
        }
    }

    fn at(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<usize> {
        (instrument.index() < self.instruments)
            .then(|| strategy.index() * self.instruments + instrument.index())
    }

    /// The holding of a strategy in an instrument; `None` for ids that the ledger does not have.
    #[must_use]
    #[inline]
    pub fn get(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<&Holding> {
        self.holdings.get(self.at(strategy, instrument)?)
    }

    /// The same, to change.
    pub fn get_mut(
        &mut self,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> Option<&mut Holding> {
        let at = self.at(strategy, instrument)?;
        self.holdings.get_mut(at)
    }

    /// Every holding that was ever touched.
    pub fn iter(&self) -> impl Iterator<Item = (StrategyId, InstrumentId, &Holding)> {
        let instruments = self.instruments.max(1);
        self.holdings.iter().enumerate().filter(|(_, holding)| !holding.is_untouched()).map(
            move |(at, holding)| {
                let strategy = StrategyId((at / instruments) as u8);
                (strategy, InstrumentId((at % instruments) as u32), holding)
            },
        )
    }

    /// The account of a strategy.
    #[must_use]
    pub fn account(&self, strategy: StrategyId) -> Option<AccountId> {
        self.accounts.get(strategy.index()).copied()
    }

    /// Sum over an account, or with `None` over the firm (only where all accounts share a
    /// currency).
    /// `mark` gives the mark and multiplier of an instrument. Cold.
    pub fn total(
        &self,
        account: Option<AccountId>,
        mut mark: impl FnMut(InstrumentId) -> Option<(Price, i64)>,
    ) -> Total {
        let mut total = Total::default();
        for (strategy, instrument, holding) in self.iter() {
            if account.is_some_and(|account| self.account(strategy) != Some(account)) {
                continue;
            }
            let unrealised = match mark(instrument) {
                Some((mark, multiplier)) => holding.unrealised(mark, multiplier),
                None => {
                    total.unmarked += u32::from(holding.qty != Qty::ZERO);
                    Some(Notional::ZERO)
                }
            };
            total.overflows += u32::from(holding.overflows > 0);
            if total.add(holding, unrealised).is_none() {
                total.overflows += 1;
            }
        }
        total
    }
}

impl Total {
    fn add(&mut self, holding: &Holding, unrealised: Option<Notional>) -> Option<()> {
        let realised = self.realised.checked_add(Notional(holding.realised))?;
        let fees = self.fees.checked_add(Notional(holding.fees))?;
        self.unrealised = self.unrealised.checked_add(unrealised?)?;
        (self.realised, self.fees) = (realised, fees);
        Some(())
    }
}
