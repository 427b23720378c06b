//! Generated order flow: cancel-heavy, bursty, around a fair price that walks.
//!
//! What it imitates of a real equity feed: nearly every order is cancelled, not executed; a few
//! symbols make most of the messages (Zipf); messages come in bursts, each mostly of one symbol;
//! spreads are one to three ticks; orders crowd near the top and thin out behind it. Trades come
//! about by matching alone: somebody crosses the spread, more often in the direction in which the
//! fair price went.
//!
//! The schedule is a Poisson process whose rate switches between calm and burst. It depends on the
//! seed and on the number of tape messages each step made, on no clock: without orders of clients
//! the same seed gives the same tape, byte for byte.

use super::SymbolSpec;
use crate::matching::{
    CancelReason, EventKind, Market, NewOrder, Output, Owner, Side, Special, Tif,
};
use crate::random::Random;

/// Parts of a tick in which the fair price walks.
const TICK_PARTS: i64 = 256;
/// Shares of the actions; adds and deletes split the rest by how full the book is.
const TRADE_SHARE: f64 = 0.017;
const REPLACE_SHARE: f64 = 0.092;
const REDUCE_SHARE: f64 = 0.013;
const HIDDEN_SHARE: f64 = 0.005;
/// Share of the adds that carry an attribution (`F`).
const ATTRIBUTED_SHARE: f64 = 0.02;
/// Mean lengths of the two states of the schedule, and how much faster a burst is than the mean.
const CALM_MEAN_NS: f64 = 38_000_000.0;
const BURST_MEAN_NS: f64 = 2_000_000.0;
const BURST_FACTOR: f64 = 5.0;
/// Share of a burst's messages that go to its one symbol.
const BURST_FOCUS: f64 = 0.6;
/// Distance of orders of the opening book in time.
const SEED_GAP_NS: u64 = 20_000;
/// How often a random pick of a live order is repeated when it meets a dead one.
const PICKS_MAX: usize = 8;

/// What the generator is told.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorOptions {
    /// Same seed, same flow.
    pub seed: u64,
    /// Tape messages per second on average; 0 makes each step due at once.
    pub rate: u64,
}

/// Generated order flow over the symbols of a market.
#[derive(Debug)]
pub struct Generator {
    random: Random,
    symbols: Vec<SymbolFlow>,
    /// Running sums of the Zipf weights, the last one 1.
    activity: Vec<f64>,
    mean_gap_ns: f64,
    due_ns: u64,
    /// End of the present calm or burst.
    phase_end_ns: u64,
    /// The symbol a burst is about; `None` in a calm.
    burst: Option<usize>,
    seeding: bool,
}

#[derive(Debug)]
struct SymbolFlow {
    spec: SymbolSpec,
    locate: u16,
    /// Fair price in parts of a tick.
    fair: i64,
    /// Half of the wanted spread in parts of a tick.
    half_spread: i64,
    /// Resting orders aimed for.
    depth: usize,
    /// Numbers of resting orders of the flow, with some dead ones among them.
    live: Vec<u64>,
}

impl Generator {
    /// A generator over `symbols`, whose locates are `1..=symbols.len()`.
    #[must_use]
    pub fn new(options: GeneratorOptions, symbols: &[SymbolSpec]) -> Self {
        let mut random = Random::new(options.seed, 0xf10f);
        let total: f64 = (1..=symbols.len()).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let activity = (1..=symbols.len())
            .map(|rank| {
                sum += 1.0 / rank as f64 / total;
                sum
            })
            .collect();
        let symbols = symbols
            .iter()
            .enumerate()
            .map(|(rank, spec)| SymbolFlow {
                spec: *spec,
                locate: (rank + 1) as u16,
                fair: i64::from(spec.prior_close_px / spec.tick_px) * TICK_PARTS,
                half_spread: [0.1, 0.35, 0.6, 0.9].map(|ticks| (ticks * TICK_PARTS as f64) as i64)
                    [random.below(4) as usize],
                depth: 300 + random.below(500) as usize,
                live: Vec::new(),
            })
            .collect();
        Self {
            random,
            symbols,
            activity,
            mean_gap_ns: if options.rate == 0 { 0.0 } else { 1e9 / options.rate as f64 },
            due_ns: 0,
            phase_end_ns: 0,
            burst: None,
            seeding: true,
        }
    }

    /// When the next step is due, nanoseconds after the flow began.
    #[must_use]
    pub fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// Whether the opening book is still being laid.
    #[must_use]
    pub fn is_seeding(&self) -> bool {
        self.seeding
    }

    /// Makes one step: an order, a cancel, a replace or a trade of one symbol.
    pub fn step(&mut self, market: &mut Market, out: &mut Output) {
        let events_before = out.events.len();
        if self.seeding {
            self.seed(market, out);
            self.due_ns += if self.mean_gap_ns == 0.0 { 0 } else { SEED_GAP_NS };
            self.phase_end_ns = self.due_ns;
            return;
        }
        let pick = self.random.unit();
        let at = match self.burst {
            Some(focus) if self.random.chance(BURST_FOCUS) => focus,
            _ => self.activity.partition_point(|&sum| sum < pick).min(self.symbols.len() - 1),
        };
        let symbol = &mut self.symbols[at];
        symbol.walk(&mut self.random);
        symbol.act(&mut self.random, market, out);
        let messages = (out.events.len() - events_before).max(1);
        self.advance(messages);
    }

    /// The opening book: every symbol gets orders in turn until it is two thirds full.
    fn seed(&mut self, market: &mut Market, out: &mut Output) {
        let emptiest = self
            .symbols
            .iter_mut()
            .filter(|symbol| symbol.live.len() < symbol.depth * 2 / 3)
            .min_by_key(|symbol| symbol.live.len());
        match emptiest {
            Some(symbol) => symbol.add(&mut self.random, market, out),
            None => self.seeding = false,
        }
    }

    fn advance(&mut self, messages: usize) {
        if self.mean_gap_ns == 0.0 {
            return;
        }
        while self.due_ns >= self.phase_end_ns {
            let pick = self.random.unit();
            self.burst = match self.burst {
                Some(_) => None,
                None => Some(
                    self.activity.partition_point(|&sum| sum < pick).min(self.symbols.len() - 1),
                ),
            };
            let mean = if self.burst.is_some() { BURST_MEAN_NS } else { CALM_MEAN_NS };
            self.phase_end_ns += self.random.exponential(mean).max(1);
        }
        let burst_share = BURST_MEAN_NS / (BURST_MEAN_NS + CALM_MEAN_NS);
        let factor = match self.burst {
            Some(_) => BURST_FACTOR,
            None => (1.0 - burst_share * BURST_FACTOR) / (1.0 - burst_share),
        };
        self.due_ns += self.random.exponential(self.mean_gap_ns * messages as f64 / factor);
    }
}

impl SymbolFlow {
    /// One step of the fair price: a part of a tick, pulled back softly within 3 % of the close.
    fn walk(&mut self, random: &mut Random) {
        let step = random.between(0, 24) as i64 - 12;
        let home = i64::from(self.spec.prior_close_px / self.spec.tick_px) * TICK_PARTS;
        let away = self.fair - home;
        let pull = if away.abs() * 33 > home { -away.signum() } else { 0 };
        self.fair = (self.fair + step + pull).max(TICK_PARTS * 4);
    }

    fn act(&mut self, random: &mut Random, market: &mut Market, out: &mut Output) {
        if random.chance(0.7)
            && let Some(side) = self.stale_side(market)
        {
            return self.clear_stale(side, random, market, out);
        }
        let pick = random.unit();
        if pick < TRADE_SHARE {
            let side = if random.chance(0.5) { Side::Buy } else { Side::Sell };
            self.cross(side, random, market, out);
        } else if pick < TRADE_SHARE + REPLACE_SHARE {
            self.replace(random, market, out);
        } else if pick < TRADE_SHARE + REPLACE_SHARE + REDUCE_SHARE {
            self.reduce(random, market, out);
        } else if pick < TRADE_SHARE + REPLACE_SHARE + REDUCE_SHARE + HIDDEN_SHARE {
            self.hidden_trade(random, market, out);
        } else {
            let fill = market.book(self.locate).map_or(0, |book| book.order_count()) as f64;
            let lack = (self.depth as f64 - fill) / self.depth as f64;
            if random.chance((0.5 + lack).clamp(0.1, 0.9)) {
                self.add(random, market, out);
            } else {
                self.delete(random, market, out);
            }
        }
    }

    /// The side whose best price the fair price has run over.
    fn stale_side(&self, market: &Market) -> Option<Side> {
        let book = market.book(self.locate)?;
        let fair_px = self.fair * i64::from(self.spec.tick_px) / TICK_PARTS;
        match (book.best_px(Side::Buy), book.best_px(Side::Sell)) {
            (_, Some(ask)) if i64::from(ask) < fair_px => Some(Side::Sell),
            (Some(bid), _) if i64::from(bid) > fair_px => Some(Side::Buy),
            _ => None,
        }
    }

    /// The oldest order of a stale price is hit or pulled.
    fn clear_stale(
        &mut self,
        side: Side,
        random: &mut Random,
        market: &mut Market,
        out: &mut Output,
    ) {
        let Some(front) = market.front(self.locate, side).copied() else { return };
        if front.owner.is_client() || random.chance(0.25) {
            self.cross(side.opposite(), random, market, out);
        } else {
            market.cancel(front.order_ref, CancelReason::User, out);
        }
    }

    /// Somebody takes what is at the best price, or a part of it, or a little more.
    fn cross(&mut self, side: Side, random: &mut Random, market: &mut Market, out: &mut Output) {
        let Some(front) = market.front(self.locate, side.opposite()).copied() else { return };
        let qty = match random.below(10) {
            0..=4 => front.leaves_qty,
            5..=7 => random_qty(random).min(front.leaves_qty),
            _ => front.leaves_qty.saturating_add(random_qty(random)),
        };
        let order = self.order(side, qty, Some(front.px), Tif::Ioc);
        market.enter(&order, out);
    }

    fn add(&mut self, random: &mut Random, market: &mut Market, out: &mut Output) {
        let side = if random.chance(0.5) { Side::Buy } else { Side::Sell };
        let Some(px) = self.passive_px(side, random, market) else { return };
        let mut order = self.order(side, random_qty(random), Some(px), Tif::Day);
        if random.chance(ATTRIBUTED_SHARE) {
            order.mpid = Some([*b"NITE", *b"CDRG", *b"FLTU", *b"VIRT"][random.below(4) as usize]);
        }
        self.live.push(market.enter(&order, out));
    }

    fn delete(&mut self, random: &mut Random, market: &mut Market, out: &mut Output) {
        if let Some(order_ref) = self.pick(random, market) {
            market.cancel(order_ref, CancelReason::User, out);
        }
    }

    fn replace(&mut self, random: &mut Random, market: &mut Market, out: &mut Output) {
        let Some(old_ref) = self.pick(random, market) else { return };
        let Some(old) = market.order(old_ref).copied() else { return };
        let Some(px) = self.passive_px(old.side, random, market) else { return };
        let qty = if random.chance(0.6) { old.leaves_qty } else { random_qty(random) };
        let order = self.order(old.side, qty, Some(px), Tif::Day);
        self.live.extend(market.replace(old_ref, &order, out));
    }

    fn reduce(&mut self, random: &mut Random, market: &mut Market, out: &mut Output) {
        let Some(order_ref) = self.pick(random, market) else { return };
        let Some(order) = market.order(order_ref).copied() else { return };
        if order.leaves_qty > 1 {
            let qty = random.between(1, u64::from(order.leaves_qty) - 1) as u32;
            market.reduce(order_ref, qty, CancelReason::User, out);
        }
    }

    fn hidden_trade(&mut self, random: &mut Random, market: &mut Market, out: &mut Output) {
        let Some(book) = market.book(self.locate) else { return };
        let (Some(bid), Some(ask)) = (book.best_px(Side::Buy), book.best_px(Side::Sell)) else {
            return;
        };
        let qty = random_qty(random);
        let kind =
            EventKind::HiddenTrade { qty, px: bid.midpoint(ask), match_no: market.take_match_no() };
        out.event(self.locate, kind);
    }

    /// A price at or behind the wanted best of `side`, never one that would trade.
    fn passive_px(&self, side: Side, random: &mut Random, market: &Market) -> Option<u32> {
        let behind = match random.below(100) {
            0..=29 => 0,
            30..=51 => 1,
            52..=66 => 2,
            67..=96 => 3 + random.exponential(4.0).min(20) as i64,
            _ => random.between(10, 80) as i64,
        };
        let tick_px = i64::from(self.spec.tick_px);
        let book = market.book(self.locate)?;
        let px = match side {
            Side::Buy => {
                let best = (self.fair - self.half_spread).div_euclid(TICK_PARTS);
                let wanted = (best - behind) * tick_px;
                book.best_px(Side::Sell).map_or(wanted, |ask| wanted.min(i64::from(ask) - tick_px))
            }
            Side::Sell => {
                let best = -(-(self.fair + self.half_spread)).div_euclid(TICK_PARTS);
                let wanted = (best + behind) * tick_px;
                book.best_px(Side::Buy).map_or(wanted, |bid| wanted.max(i64::from(bid) + tick_px))
            }
        };
        // A client's order may rest off the tick: go to the tick that does not trade with it.
        let on_tick = match side {
            Side::Buy => px.div_euclid(tick_px) * tick_px,
            Side::Sell => -(-px).div_euclid(tick_px) * tick_px,
        };
        u32::try_from(on_tick).ok().filter(|&px| px > 0)
    }

    /// A random resting order of the flow.
    fn pick(&mut self, random: &mut Random, market: &Market) -> Option<u64> {
        for _ in 0..PICKS_MAX {
            if self.live.is_empty() {
                return None;
            }
            let at = random.below(self.live.len() as u64) as usize;
            let order_ref = self.live[at];
            if market.order(order_ref).is_some() {
                return Some(order_ref);
            }
            self.live.swap_remove(at);
        }
        None
    }

    fn order(&self, side: Side, qty: u32, limit_px: Option<u32>, tif: Tif) -> NewOrder {
        NewOrder {
            owner: Owner::FLOW,
            tag: 0,
            locate: self.locate,
            side,
            qty,
            limit_px,
            tif,
            post_only: false,
            mpid: None,
            special: Special::default(),
        }
    }
}

/// Mostly one to five round lots, some odd lots, a few large ones.
fn random_qty(random: &mut Random) -> u32 {
    (match random.below(20) {
        0..=1 => random.between(1, 99),
        2..=12 => 100,
        13..=18 => 100 * random.between(2, 5),
        _ => 100 * random.between(6, 40),
    }) as u32
}
