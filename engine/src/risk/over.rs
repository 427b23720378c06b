//! Working orders against a limit set that came after them.

use shm::ids::{ClOrdId, StrategyId};
use shm::message::Side;
use shm::reason::Reason;
use shm::units::Qty;

use super::Risk;
use super::checks::{Refusal, Verdict, at_most, holds};
use super::exposure::{Change, Exposure};
use super::limits::LimitTable;
use super::watch::Alarm;
use crate::config::limits::Scope;
use crate::order::Order;

/// Rules that a working order is held against, in the order of their ids.
const RULES: [Reason; 5] = [
    Reason::Restricted,
    Reason::OrderQty,
    Reason::OrderValue,
    Reason::Position,
    Reason::OpenOrders,
];

/// Strategies that were told of, a bit each, by rule.
#[derive(Default)]
struct Told([[u64; 4]; RULES.len()]);

impl Told {
    /// Whether it is the first of its strategy and rule.
    fn is_first(&mut self, reason: Reason, strategy: StrategyId) -> bool {
        let rule = RULES.iter().position(|known| *known == reason);
        let row = rule.and_then(|rule| self.0.get_mut(rule));
        let word = row.and_then(|row| row.get_mut(strategy.index() / 64));
        let Some(word) = word else { return false };
        let bit = 1 << (strategy.index() % 64);
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }
}

impl Risk {
    /// Finds the working orders that the limits in force would not let in now: each is held against
    /// R11, R20, R21, R30 and R31 with what of it still works, the oldest first, upon positions and
    /// those before it that passed. One alarm for each strategy and rule, by its oldest order;
    /// every order is given to `found`. How many they are.
    ///
    /// What is held and passes R32 or R36 already makes its scope fall, as a mark would.
    ///
    /// `sums` is room to reckon in, made for the same scopes.
    pub fn find_over(&mut self, sums: &mut Exposure, found: &mut dyn FnMut(ClOrdId)) -> u32 {
        self.watch(0..self.scopes.map.len() as u32);
        let Self { table, limits, exposure, scopes, alarms, .. } = self;
        sums.begin(exposure);
        let (mut told, mut count) = (Told::default(), 0);
        for order in table.working() {
            let Some(side) = order.side else { continue };
            let strategy = order.root.strategy();
            let Err(refusal) = enter_again(order, side, sums, limits) else { continue };
            count += 1;
            found(order.newest());
            if !told.is_first(refusal.reason, strategy) {
                continue;
            }
            let scope = Scope::Strategy(strategy);
            let place = scopes.map.place(scope);
            let Some(state) = place.and_then(|place| scopes.get(place)) else { continue };
            let Refusal { reason, unit, measured, limit } = refusal;
            let (set, tripped, closes_gate) = (state.set, state.tripped, false);
            alarms.push(Alarm { reason, scope, set, tripped, unit, measured, limit, closes_gate });
        }
        count
    }
}

/// Whether an order would be let in with what of it still works; then it is counted.
fn enter_again(order: &Order, side: Side, sums: &mut Exposure, limits: &LimitTable) -> Verdict {
    let (Qty(qty), value) = (order.reserved_qty, order.reserved_value.0);
    let rows = sums.rows(order.account, order.root.strategy(), order.instrument);
    let change = Change { side, qty, value, orders: 1 };
    if let Some(pair) = limits.pair(order.root.strategy(), order.instrument) {
        holds(Reason::Restricted, !pair.restricted)?;
        if let Some(excess) = sums.locate_excess(&rows, &change, limits) {
            return Err(excess.refusal(Reason::Restricted));
        }
        at_most(Reason::OrderQty, qty.into(), pair.qty_max.into())?;
        at_most(Reason::OrderValue, value, pair.value_max)?;
    }
    if let Some(excess) = sums.position_excess(&rows, &change, limits) {
        return Err(excess.refusal(Reason::Position));
    }
    if let Some(excess) = sums.open_excess(&rows, &change, limits) {
        return Err(excess.refusal(Reason::OpenOrders));
    }
    for row in rows.sums {
        sums.apply(row, &change);
    }
    Ok(())
}
