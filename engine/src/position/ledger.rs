//! Holdings of every strategy in every instrument, and their sums.

use shm::ids::{AccountId, InstrumentId, StrategyId};
use shm::units::{Notional, Price, Qty};

use super::holding::{Fill, Holding};
use super::lots::{Lot, Lots};

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

/// Which part of what a position cost a reduction of it releases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostBasis {
    /// Its share of the whole.
    #[default]
    Average,
    /// What the oldest part of the position cost.
    Fifo,
}

/// The change of cost of a fill that is not known; its undoing is a fill of the other side at the
/// same price.
pub const COST_UNKNOWN: i128 = i128::MIN;

/// Lots beyond the first of each holding that are kept apart.
const LOTS: usize = 65_536;

/// The holdings.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// With [`CostBasis::Fifo`].
    lots: Option<Lots>,
    /// Strategy by strategy, each with all instruments.
    holdings: Box<[Holding]>,
    instruments: usize,
    accounts: Box<[AccountId]>,
}

impl Ledger {
    /// Flat in everything. `accounts` holds the account of each strategy.
    #[must_use]
    pub fn new(accounts: &[AccountId], instruments: usize, basis: CostBasis) -> Self {
        let holdings = accounts.len() * instruments;
        Self {
            lots: match basis {
                CostBasis::Average => None,
                CostBasis::Fifo => Some(Lots::new(holdings, LOTS)),
            },
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

    /// Takes a fill and its fee; what it did to the cost of the position, for [`Ledger::undo`].
    pub fn apply(
        &mut self,
        strategy: StrategyId,
        instrument: InstrumentId,
        fill: &Fill,
        fee: Notional,
    ) -> i128 {
        let Some(at) = self.at(strategy, instrument) else { return 0 };
        let Some(holding) = self.holdings.get_mut(at) else { return 0 };
        let Some(lots) = &mut self.lots else { return holding.apply(fill, fee) };
        let old = holding.qty.0;
        let change = holding.apply_releasing(fill, fee, |qty| lots.release(at, qty));
        let signed = fill.signed_qty();
        let opens = if old == 0 || (old > 0) == (signed > 0) {
            signed
        } else if signed.unsigned_abs() > old.unsigned_abs() {
            // Through zero: every lot goes, the rest opens at the price of the fill.
            lots.clear(at);
            holding.qty.0
        } else {
            0
        };
        if opens != 0 {
            let value = fill.px.notional(Qty(opens), fill.multiplier);
            let cost = value.map_or(0, |value| value.0);
            lots.push(at, Lot { px: fill.px, qty: opens.unsigned_abs(), cost });
        }
        change
    }

    /// Takes a fill back (E9), which did `change` to the cost. At average cost that is what it
    /// undoes; with lots, and where the change is not known, it is a fill of the other side at the
    /// same price.
    pub fn undo(
        &mut self,
        strategy: StrategyId,
        instrument: InstrumentId,
        fill: &Fill,
        fee: Notional,
        change: i128,
    ) {
        if self.lots.is_some() || change == COST_UNKNOWN {
            self.apply(strategy, instrument, &fill.opposite(), Notional(-fee.0));
            return;
        }
        let at = self.at(strategy, instrument);
        if let Some(holding) = at.and_then(|at| self.holdings.get_mut(at)) {
            holding.undo(fill, fee, change);
        }
    }

    /// Puts a position of an earlier session in place of what is there; its lots follow. What was
    /// there; `None` for ids that the ledger does not have, or a difference that overflows.
    pub fn carry(
        &mut self,
        strategy: StrategyId,
        instrument: InstrumentId,
        carried: Holding,
    ) -> Option<Holding> {
        let at = self.at(strategy, instrument)?;
        let holding = self.holdings.get_mut(at)?;
        carried.qty.checked_sub(holding.qty)?;
        let before = core::mem::replace(holding, carried);
        if let Some(lots) = &mut self.lots {
            lots.clear(at);
            let qty = carried.qty.0.unsigned_abs();
            if qty != 0 {
                lots.push(at, Lot { px: Price::NONE, qty, cost: carried.cost });
            }
        }
        Some(before)
    }

    /// Takes a lot of a position of an earlier session, the oldest first; `is_first` for the first
    /// one of a holding.
    pub fn carry_lot(
        &mut self,
        strategy: StrategyId,
        instrument: InstrumentId,
        lot: Lot,
        is_first: bool,
    ) {
        let at = self.at(strategy, instrument);
        let (Some(at), Some(lots)) = (at, &mut self.lots) else { return };
        if is_first {
            lots.clear(at);
        }
        lots.push(at, lot);
    }

    /// The lots of a position, oldest first; none at average cost.
    pub fn lots(
        &self,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> impl Iterator<Item = &Lot> {
        let at = self.at(strategy, instrument);
        let lots = self.lots.as_ref().zip(at).map(|(lots, at)| lots.of(at));
        lots.into_iter().flatten()
    }

    /// Lots that had to join others since no more could be kept apart.
    #[must_use]
    pub fn merged_lots(&self) -> u64 {
        self.lots.as_ref().map_or(0, Lots::merged)
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
