//! The obvious books, random changes of both, and a market whose prices walk.

use super::*;

/// A small generator, so that a seed names a run.
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// The obvious book: a map of orders; everything else is computed from it.
#[derive(Default)]
pub(super) struct Model(pub(super) BTreeMap<u64, Order>);

impl Model {
    pub(super) fn levels(&self, instrument: InstrumentId, side: Side) -> Vec<Level> {
        let mut sums: BTreeMap<Price, (i64, u32)> = BTreeMap::new();
        for order in self.0.values() {
            if order.instrument == instrument && order.side == side {
                let sum = sums.entry(order.px).or_default();
                *sum = (sum.0 + order.qty.0, sum.1 + 1);
            }
        }
        let level = |(px, (qty, orders)): (Price, (i64, u32))| Level { px, qty: Qty(qty), orders };
        match side {
            Side::Buy => sums.into_iter().rev().map(level).collect(),
            Side::Sell => sums.into_iter().map(level).collect(),
        }
    }

    pub(super) fn top(&self, instrument: InstrumentId) -> Top {
        let best = |side| self.levels(instrument, side).first().map(|level| (level.px, level.qty));
        let (bid_px, bid_qty) = best(Side::Buy).unwrap_or((Price::NONE, Qty::ZERO));
        let (ask_px, ask_qty) = best(Side::Sell).unwrap_or((Price::NONE, Qty::ZERO));
        Top { bid_px, bid_qty, ask_px, ask_qty }
    }
}

/// The same of a reference in the venue's units.
pub(super) fn order(instrument: InstrumentId, side: Side, px: u32, shares: u32) -> Order {
    Order { instrument, side, px: Price::from_price4(px), qty: Qty::from_shares(shares) }
}

/// One random change of the books and of the model; both must say the same of the top.
pub(super) fn change(
    random: &mut Seeded,
    books: &mut OrderBooks,
    model: &mut Model,
    next_ref: &mut u64,
    price: &mut dyn FnMut(&mut Seeded, Side) -> u32,
) {
    let some_ref = |random: &mut Seeded, model: &Model| {
        let at = random.below(model.0.len() as u64) as usize;
        model.0.iter().nth(at).map(|(order_ref, order)| (*order_ref, *order)).unwrap()
    };
    let kind = if model.0.len() < 30 { 0 } else { random.below(10) };
    let instrument = InstrumentId(random.below(3) as u32);
    let changed = match kind {
        0..=3 => {
            let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
            let (px, shares) = (price(random, side), 1 + random.below(500) as u32);
            let upper = u64::from(*next_ref >> 40 < 7 && random.below(200) == 0);
            *next_ref += 1 + random.below(3) + (upper << 40);
            let before = model.top(instrument);
            let changed = books.add(instrument, *next_ref, side, px, shares).unwrap();
            model.0.insert(*next_ref, order(instrument, side, px, shares));
            (instrument, before, changed)
        }
        4..=6 => {
            let (order_ref, order) = some_ref(random, model);
            let shares = 1 + random.below(order.qty.to_shares().unwrap().into()) as u32;
            let before = model.top(order.instrument);
            let (was, changed) = books.reduce(order.instrument, order_ref, shares).unwrap();
            assert_eq!(was, order);
            model.0.remove(&order_ref);
            let qty = order.qty.checked_sub(Qty::from_shares(shares)).unwrap();
            if qty.0 > 0 {
                model.0.insert(order_ref, Order { qty, ..order });
            }
            (order.instrument, before, changed)
        }
        7 => {
            let (order_ref, order) = some_ref(random, model);
            let before = model.top(order.instrument);
            let (was, changed) = books.remove(order.instrument, order_ref).unwrap();
            assert_eq!(was, order);
            model.0.remove(&order_ref);
            (order.instrument, before, changed)
        }
        _ => {
            let (order_ref, old) = some_ref(random, model);
            let (px, shares) = (price(random, old.side), 1 + random.below(500) as u32);
            *next_ref += 1;
            let before = model.top(old.instrument);
            let changed = books.replace(old.instrument, order_ref, *next_ref, px, shares).unwrap();
            model.0.remove(&order_ref);
            model.0.insert(*next_ref, order(old.instrument, old.side, px, shares));
            (old.instrument, before, changed)
        }
    };
    let (instrument, before, changed) = changed;
    assert_eq!(books.top(instrument), model.top(instrument));
    assert_eq!(changed, before != model.top(instrument));
}

pub(super) fn same_levels(books: &OrderBooks, model: &Model, instrument: InstrumentId) {
    for side in [Side::Buy, Side::Sell] {
        let levels: Vec<Level> = books.levels(instrument, side).collect();
        assert_eq!(levels, model.levels(instrument, side));
        assert_eq!(levels.len(), books.level_count(instrument, side) as usize);
    }
}

/// Prices of a walking market, in ten-thousandths: mostly near the touch, at times far, between
/// ticks, below a dollar, or leaping; the two sides overlap a little.
pub(super) struct Walk {
    pub(super) middle: u32,
    pub(super) cents: bool,
}

impl Walk {
    pub(super) fn price(&mut self, random: &mut Seeded, side: Side) -> u32 {
        match random.below(400) {
            0 => self.middle = 50_000 + 100 * random.below(40_000) as u32,
            1 => self.cents = !self.cents,
            2 => self.middle = 2_000 + random.below(9_000) as u32,
            3 => return u32::MAX - random.below(300) as u32,
            4 => return random.below(3) as u32,
            5..20 => self.middle = (self.middle + 3_000).saturating_sub(random.below(6_000) as u32),
            _ => {}
        }
        let tick = if self.cents { 100 } else { 1 };
        let reach = match random.below(16) {
            0 => 4_000,
            1..4 => 900,
            _ => 40,
        };
        let away = tick * random.below(reach) as u32;
        let between = if random.below(50) == 0 { random.below(100) as u32 } else { 0 };
        let middle = self.middle / tick * tick;
        match side {
            Side::Buy => (middle + 5 * tick).saturating_sub(away + between),
            Side::Sell => middle + away + between,
        }
    }
}
