//! Switches of the limit set on the hot thread: a thousand instruments, every rule on with a number
//! in each, and as many working orders as there are events (at most a thousand), each held against
//! the new set.

use std::hint::black_box;
use std::time::Instant;

use engine::risk::cost::{ORDERS, Round, setup};
use engine::risk::exposure::Exposure;
use engine::risk::limits::LimitTable;
use engine::risk::scope::ScopeMap;

/// Switches that are counted.
const SWITCHES: usize = 100;

pub(crate) fn run(working: usize) -> u64 {
    let setup = setup();
    let mut round = Round::new();
    round.orders.truncate(working.min(ORDERS));
    let approved = round.decide();
    assert_eq!(approved as usize, round.orders.len(), "every order passes");
    let accounts: Vec<_> = setup.strategies.iter().map(|row| row.account).collect();
    let map = ScopeMap::new(setup.accounts.len(), accounts.len(), setup.instruments.len());
    let mut table = LimitTable::compile(&setup.limits, &accounts, map);
    let mut sums = Exposure::new(map);
    let mut times = Vec::with_capacity(SWITCHES);
    for _ in 0..SWITCHES {
        let begin = Instant::now();
        let over;
        (table, over) = wirelane_measured_limits(&mut round, table, &mut sums);
        times.push(begin.elapsed().as_nanos());
        assert_eq!(over, 0, "the same limits again");
    }
    times.sort_unstable();
    let p50 = times.get(SWITCHES / 2).copied().unwrap_or(0);
    eprintln!("limits: {} working orders, p50 {p50} ns a switch", round.orders.len());
    SWITCHES as u64
}

#[inline(never)]
fn wirelane_measured_limits(
    round: &mut Round,
    table: LimitTable,
    sums: &mut Exposure,
) -> (LimitTable, u32) {
    let old = round.risk.switch_limits(table);
    let Ok(old) = old else { unreachable!("compiled for the same scopes") };
    let over = round.risk.find_over(sums, &mut |id| {
        black_box(id);
    });
    (old, over)
}
