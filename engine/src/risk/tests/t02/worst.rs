//! The property behind the sums: after an approval no limit on positions can be passed, whichever
//! of the working orders are filled, in whatever order and under old or new terms.

use super::super::*;
use super::model::{Kept, Model};
use super::walk::{Step, Walk};

/// Working orders of a scope up to which every outcome is tried: three to this power.
const TRIED_MAX: usize = 6;

/// What of an order may be filled: nothing, or all of it by old or by new terms.
fn outcomes(order: &Kept) -> [i128; 3] {
    let sign = i128::from(order.side.sign());
    let new = order.replace.map_or(0, |next| (next.qty - order.cum()).max(0));
    [0, sign * order.leaves(), sign * new]
}

/// By trying every set of fills of the orders of a scope, where they are few.
pub(super) fn never_over(model: &Model, intent: &Intent) -> Step {
    let (strategy, instrument) = (intent.cl_ord_id.strategy(), intent.instrument);
    let rows = model.limits.covering(model.account(strategy), strategy, instrument);
    for row in rows {
        let orders: Vec<&Kept> = model
            .orders
            .iter()
            .filter(|order| order.works() && order.instrument == instrument)
            .filter(|order| model.covers(row.scope, order.strategy, order.instrument))
            .collect();
        if orders.len() > TRIED_MAX {
            continue;
        }
        let held = model.sums(row.scope).rows[instrument.index()].position;
        let mut reached = vec![held];
        for order in &orders {
            reached = reached
                .iter()
                .flat_map(|position| outcomes(order).map(|more| position + more))
                .collect();
        }
        for position in reached {
            within(row, intent.side, position)?;
        }
    }
    Ok(())
}

/// A position on the side of the order that was approved.
fn within(row: &LimitRow, side: u8, position: i128) -> Step {
    let (measured, limit) = if side == Side::Buy as u8 {
        (position, row.total.long_max)
    } else {
        (-position, row.total.short_max)
    };
    match limit.number().map(|limit| i128::from(limit.0)) {
        Some(limit) if measured > limit => {
            Err(format!("{:?}: {measured} after fills, limit {limit}", row.scope))
        }
        _ => Ok(()),
    }
}

/// By playing fills of all working orders into a copy of the engine, in random order: positions
/// and what parents have given stay within their bounds all the way.
pub(super) fn never_over_played(walk: &mut Walk, intent: &Intent) -> Step {
    let mut risk = walk.rig.risk.clone();
    let mut left: Vec<Kept> = walk.model.orders.iter().filter(|row| row.works()).cloned().collect();
    let (strategy, instrument) = (intent.cl_ord_id.strategy(), intent.instrument);
    let account = walk.model.account(strategy);
    let used: Vec<[i64; 3]> =
        risk.open_parents().map(|parent| parent.used.map(|qty| qty.0)).collect();
    let mut number = u64::MAX / 4;
    while !left.is_empty() {
        let order = left.swap_remove(walk.dice.roll(left.len() as u64) as usize);
        let next = order.replace.filter(|_| walk.dice.roll(2) == 0);
        let (id, px, open) = match next {
            Some(next) => (next.id, next.px, next.qty - order.cum()),
            None => (order.id, order.px, order.leaves()),
        };
        if open <= 0 {
            continue;
        }
        let part = 1 + walk.dice.roll((open / i128::from(Qty::SCALE)) as u64) as i64;
        let all = walk.dice.roll(3) > 0;
        let qty = if all { Qty(open as i64) } else { Qty(part * Qty::SCALE) };
        number += 1;
        let report = said(Kind::Executed, id, Price(px as i64), qty, number);
        let gateway = walk.model.setup.strategies[order.strategy.index()].gateway;
        risk.on_report(&ExecReport { venue_seq: walk.rig.seq + 1, ..report }, gateway);
        let [firm, of_account, own] = risk.sums(strategy, instrument).ok_or("no sums")?;
        for row in walk.model.limits.covering(account, strategy, instrument) {
            let sums = match row.scope {
                Scope::Firm | Scope::Instrument(_) => &firm,
                Scope::Account(_) => &of_account,
                Scope::Strategy(_) => &own,
            };
            within(row, intent.side, sums.position.0.into())?;
        }
    }
    // What a venue has filled beyond its order is beyond the parent too: such a leg says nothing.
    for (parent, before) in risk.open_parents().zip(&used) {
        for (filled, before) in parent.filled.iter().zip(before) {
            if *before <= parent.qty.0 && filled.0 > parent.qty.0 {
                return Err(format!("a leg of {:?} has {}", parent.cl_ord_id, filled.0));
            }
        }
    }
    Ok(())
}
