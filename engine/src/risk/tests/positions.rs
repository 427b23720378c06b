//! Positions and money against a plain recomputation from the journal's records, which knows
//! nothing of orders: executions, corrections and undoings by their ids, lots as a list.

use super::*;
use crate::position::{COST_UNKNOWN, CostBasis, FeeRates};
use shm::record::order::{OrderEvent, PositionEvent};
use std::collections::BTreeMap;

/// One execution as the journal's readers see it.
#[derive(Clone, Copy, Debug)]
struct Execution {
    side: Side,
    px: i128,
    qty: i128,
    fee: i128,
    /// What it did to the cost.
    change: i128,
}

/// A position, recomputed.
#[derive(Clone, Debug, Default)]
struct Plain {
    /// Oldest first: price (none for an average), quantity with sign.
    lots: Vec<(i128, i128)>,
    qty: i128,
    cost: i128,
    realised: i128,
    fees: i128,
}

impl Plain {
    /// Takes a fill; what it does to the cost.
    fn trade(&mut self, basis: CostBasis, execution: &Execution) -> i128 {
        let sign = i128::from(execution.side.sign());
        let (mut left, px) = (execution.qty, execution.px);
        let cost_before = self.cost;
        while left > 0 && self.qty * sign < 0 {
            let part = match basis {
                CostBasis::Average => left.min(self.qty.abs()),
                CostBasis::Fifo => left.min(self.lots[0].1.abs()),
            };
            let released = match basis {
                CostBasis::Average => self.cost * part / self.qty.abs(),
                CostBasis::Fifo => -sign * self.lots[0].0 * part,
            };
            if basis == CostBasis::Fifo {
                self.lots[0].1 += sign * part;
                self.lots.retain(|lot| lot.1 != 0);
            }
            self.qty += sign * part;
            self.cost -= released;
            // What comes in for the part, less what it had cost.
            self.realised += -sign * px * part - released;
            left -= part;
        }
        if left > 0 {
            self.lots.push((px, sign * left));
            self.qty += sign * left;
            self.cost += sign * px * left;
        }
        self.fees += execution.fee;
        self.cost - cost_before
    }

    fn take_back(&mut self, basis: CostBasis, execution: &Execution) {
        if basis == CostBasis::Fifo || execution.change == COST_UNKNOWN {
            let (side, fee) = (execution.side.opposite(), -execution.fee);
            self.trade(basis, &Execution { side, fee, ..*execution });
            return;
        }
        let sign = i128::from(execution.side.sign());
        self.qty -= sign * execution.qty;
        self.cost -= execution.change;
        self.realised -= execution.change - sign * execution.px * execution.qty;
        self.fees -= execution.fee;
        if self.qty == 0 {
            self.realised -= self.cost;
            self.cost = 0;
        }
    }
}

/// The program: order events in, positions out.
struct Recomputed {
    basis: CostBasis,
    rates: FeeRates,
    positions: BTreeMap<(u8, u32), Plain>,
    executions: BTreeMap<(u8, u32, u64), Execution>,
}

impl Recomputed {
    fn new(basis: CostBasis) -> Self {
        let rates = sample::setup(1).accounts[0].rates;
        Self { basis, rates, positions: BTreeMap::new(), executions: BTreeMap::new() }
    }

    fn take(&mut self, event: &OrderEvent) {
        let external = event.cl_ord_id.as_external().is_some();
        let strategy = if external { 0 } else { event.cl_ord_id.strategy().0 };
        let name = |exec_id| (strategy, event.instrument.0, exec_id);
        let position = self.positions.entry((strategy, event.instrument.0)).or_default();
        let said = |kind| event.event == kind as u8;
        let known = self.executions.get(&name(event.exec_id.0)).copied();
        let same = known.filter(|known| {
            let content = [known.px, known.qty];
            said(Kind::Corrected) && content == [event.last_px.0.into(), event.last_qty.0.into()]
        });
        if let Some(same) = same {
            // The number is another, and nothing else.
            self.executions.insert(name(event.venue_ord_id.0), same);
            return;
        }
        if let Some(known) = known.filter(|_| said(Kind::Broken) || said(Kind::Corrected)) {
            position.take_back(self.basis, &known);
            self.executions.remove(&name(event.exec_id.0));
        }
        let id = match (said(Kind::Executed), said(Kind::Corrected)) {
            (true, _) if known.is_none() => event.exec_id.0,
            (_, true) => event.venue_ord_id.0,
            _ => return,
        };
        let mut execution = Execution {
            side: Side::from_u8(event.side).unwrap(),
            px: event.last_px.0.into(),
            qty: event.last_qty.0.into(),
            fee: self.rates.cost(event.last_qty, event.liquidity).0,
            change: 0,
        };
        execution.change = position.trade(self.basis, &execution);
        self.executions.insert(name(id), execution);
    }

    fn check(&self, event: &PositionEvent, step: usize) {
        let plain = &self.positions[&(event.strategy, event.instrument.0)];
        let found = [value_of(event.cost), value_of(event.realised), value_of(event.fees)];
        let expected = [plain.cost, plain.realised, plain.fees];
        assert_eq!(i128::from(event.position.0), plain.qty, "record {step}");
        assert_eq!(found, expected, "record {step}: cost, realised, fees");
    }
}

/// A random day: orders of two strategies, fills in pieces, repeats, corrections, undoings, and
/// fills of orders that are not ours.
fn day(seed: u64, basis: CostBasis) -> Rig {
    let mut setup = sample::setup(64);
    setup.cost = basis;
    setup.memory.facts = 4_096;
    setup.memory.closed = 4_096;
    let mut rig = Rig::new(&setup);
    let mut dice = Dice::new(seed);
    let mut executed: Vec<ExecReport> = Vec::new();
    for exec_id in 1..1_500 {
        rig.now.0 += 20_000_000;
        let now = rig.now;
        rig.risk.on_market(&sample::live(now));
        let side = if dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let px = cents(995 + dice.roll(10) as i64);
        let qty = shares(1 + dice.roll(200) as u32);
        match dice.roll(8) {
            0..5 => {
                let strategy = 1 + dice.roll(2) as usize;
                let mut intent = sample::intent(rig.pools[strategy].take().unwrap(), side, px);
                intent.qty = qty;
                rig.risk.reduce_only.fill(false);
                if !matches!(rig.decide(&intent), Decision::Approve { .. }) {
                    rig.pools[strategy].free(intent.cl_ord_id);
                    continue;
                }
                let fill = ExecReport {
                    liquidity: if dice.roll(2) == 0 { b'A' } else { b'R' },
                    ..said(Kind::Executed, intent.cl_ord_id, px, qty, exec_id)
                };
                rig.report(fill);
                executed.push(fill);
            }
            5 => {
                let id = ClOrdId::external(InstrumentId(0), side as u8);
                rig.report(said(Kind::Executed, id, px, qty, exec_id));
            }
            6 if !executed.is_empty() => {
                let at = dice.roll(executed.len() as u64) as usize;
                let fill = executed[at];
                rig.report(fill);
                let corrected = ExecReport {
                    kind: Kind::Corrected as u8,
                    venue_ord_id: VenueOrdId(1_000_000 + exec_id),
                    last_px: px,
                    ..fill
                };
                rig.report(corrected);
                executed[at].exec_id = ExecId(1_000_000 + exec_id);
                executed[at].last_px = px;
            }
            7 if !executed.is_empty() && dice.roll(3) == 0 => {
                let fill = executed.swap_remove(dice.roll(executed.len() as u64) as usize);
                let px = Price::NONE;
                rig.report(said(Kind::Broken, fill.cl_ord_id, px, Qty::ZERO, fill.exec_id.0));
            }
            _ => {}
        }
    }
    rig
}

/// Goal: position, cost, realised profit and fees equal a plain recomputation from the records at
/// any time, to the last unit, at average cost and first in, first out; and the same after a
/// restart. Method: random days; after each position record the other program's figures.
#[test]
fn positions_equal_a_recomputation_from_the_journal_at_any_time() {
    for basis in [CostBasis::Average, CostBasis::Fifo] {
        for seed in 0..6 {
            println!("{basis:?} seed {seed}");
            let rig = day(seed, basis);
            let mut plain = Recomputed::new(basis);
            let mut checked = 0;
            for (step, (kind, body, _)) in rig.journal.iter().enumerate() {
                if *kind == RecordKind::OrderEvent {
                    plain.take(&OrderEvent::read(body).unwrap());
                } else if *kind == RecordKind::PositionEvent {
                    plain.check(&PositionEvent::read(body).unwrap(), step);
                    checked += 1;
                }
            }
            assert!(checked > 500, "{checked} positions");
            let mut setup = sample::setup(64);
            setup.cost = basis;
            let mut carried = Risk::new(&setup);
            rig.risk.carry(false, &mut |kind, body| {
                assert_eq!(carried.restore(kind, body, Nanos(0)), Ok(()));
            });
            assert_eq!(carried.state_hash(), rig.risk.state_hash());
        }
    }
}
