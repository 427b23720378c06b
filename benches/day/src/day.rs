//! The day: directory, opening orders, a session, an end.

use feed::codec::itch50::{
    AddOrder, AddOrderMpid, Body, CrossTrade, Head, MESSAGE_BYTES_MAX, MwcbLevel, Noii,
    OrderCancel, OrderDelete, OrderExecuted, OrderExecutedPrice, OrderReplace, ParticipantPosition,
    Price4, RegSho, StockDirectory, SystemEvent, Trade, TradingAction, encode,
};
use shm::ids::Symbol;
use shm::message::Side;
use zerocopy::{FromZeros, Immutable, IntoBytes};

use crate::distribution::{Random, Zipf};
use crate::market::{Market, OrderKey, Stock};

/// What day to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Messages in all, the six or seven a symbol of the directory included.
    pub messages: u64,
    /// Symbols, in `1..=65_535`; locates are 1, 2, ...
    pub symbols: u16,
    /// Names the day among those of the same numbers.
    pub seed: u64,
}

/// Nanoseconds since midnight of the first order, the open and the close.
const EARLY: u64 = 4 * 3_600_000_000_000;
const OPEN: u64 = 34_200_000_000_000;
const CLOSE: u64 = 57_600_000_000_000;

/// Of 10,000 messages of the session: A, F, D, U, E, C, X, P, I; the rest is Q.
const MIX: [(u8, u64); 9] = [
    (b'A', 4_346),
    (b'F', 53),
    (b'D', 4_178),
    (b'U', 874),
    (b'E', 251),
    (b'C', 4),
    (b'X', 111),
    (b'P', 52),
    (b'I', 130),
];

/// Of 10,000 messages of the day, those that fill the books before the open.
const OPENING_SHARE: u64 = 375;
/// Messages after the session.
const ENDING: u64 = 3;
/// Orders at most this many ticks from the fair price.
const TICKS_MAX: u32 = 4_000;

/// Makes a day, message by message.
#[derive(Clone, Debug)]
pub struct Day {
    config: Config,
    random: Random,
    zipf: Zipf,
    /// Symbol of each rank of activity.
    ranks: Vec<u32>,
    market: Market,
    made: u64,
    symbol: u32,
    next_ref: u64,
    next_match: u64,
    ts: u64,
    /// Twice the mean time between messages of this part of the day.
    step: u64,
}

impl Day {
    /// The day that `config` names.
    ///
    /// # Panics
    /// Without symbols.
    #[must_use]
    pub fn new(config: Config) -> Self {
        assert!(config.symbols > 0, "a day needs a symbol at least");
        let mut random = Random::new(config.seed);
        let count = u32::from(config.symbols);
        let mut ranks: Vec<u32> = (0..count).collect();
        for at in (1..ranks.len()).rev() {
            ranks.swap(at, random.below(at as u64 + 1) as usize);
        }
        let stocks = (0..count).map(|_| stock(&mut random)).collect();
        let opening = config.messages * OPENING_SHARE / 10_000;
        Self {
            config,
            zipf: Zipf::new(ranks.len()),
            ranks,
            market: Market::new(stocks),
            made: 0,
            symbol: 0,
            next_ref: 1,
            next_match: 1,
            ts: EARLY,
            step: 2 * (OPEN - EARLY) / opening.max(1),
            random,
        }
    }

    /// Appends the next message, its length in front; false when the day is over.
    pub fn next(&mut self, out: &mut Vec<u8>) -> bool {
        let Config { messages, symbols, .. } = self.config;
        let directory = 6 * u64::from(symbols) + 3;
        let opening = directory + messages * OPENING_SHARE / 10_000;
        let at = self.made;
        if at == messages {
            return false;
        }
        self.made += 1;
        if messages - at <= ENDING {
            self.ts = self.ts.max(CLOSE);
            self.system(b"CEM"[(messages - at) as usize - 1], out);
        } else if at < directory {
            self.directory(at, out);
        } else if at < opening {
            self.tick();
            self.choose_symbol();
            self.add(true, b'A', out);
        } else if at == opening {
            self.ts = self.ts.max(OPEN);
            self.step = 2 * (CLOSE - OPEN) / (messages - opening).max(1);
            self.system(b'Q', out);
        } else {
            self.tick();
            self.session(out);
        }
        true
    }

    /// Live orders after what was made so far.
    #[must_use]
    pub const fn live_orders(&self) -> usize {
        self.market.live()
    }

    /// The most live orders at any time so far.
    #[must_use]
    pub const fn live_orders_max(&self) -> usize {
        self.market.live_max
    }

    /// The largest order reference so far.
    #[must_use]
    pub const fn last_ref(&self) -> u64 {
        self.next_ref
    }

    /// The name of a symbol; its locate is `index + 1`.
    #[must_use]
    pub fn symbol_name(index: u16) -> Symbol {
        let letter = |place: u32| b'A' + (u32::from(index) / 26_u32.pow(place) % 26) as u8;
        Symbol([letter(3), letter(2), letter(1), letter(0), b' ', b' ', b' ', b' '])
    }

    /// Symbols in the order of their locates.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> + use<> {
        (0..self.config.symbols).map(Self::symbol_name)
    }

    fn tick(&mut self) {
        self.ts += self.random.below(self.step.clamp(1, 1 << 32));
    }

    fn head<M: Body>(&self) -> Head {
        Head::of::<M>(self.symbol as u16 + 1, 0, self.ts)
    }

    fn name(&self) -> Symbol {
        Self::symbol_name(self.symbol as u16)
    }

    fn fresh_ref(&mut self) -> u64 {
        let skipped = if self.random.once_in(4) { 1 + self.random.below(3) } else { 0 };
        self.next_ref += 1 + skipped;
        self.next_ref
    }

    fn fresh_match(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match
    }

    fn system(&self, event: u8, out: &mut Vec<u8>) {
        push(&SystemEvent { head: Head::of::<SystemEvent>(0, 0, self.ts), event }, out);
    }

    /// Start, then for each symbol directory, state, short sale and three participants, then the
    /// circuit breaker's levels and the start of system hours.
    fn directory(&mut self, at: u64, out: &mut Vec<u8>) {
        let symbols = u64::from(self.config.symbols);
        if at == 0 {
            return self.system(b'O', out);
        }
        if at > 6 * symbols {
            if at == 6 * symbols + 1 {
                let head = Head::of::<MwcbLevel>(0, 0, self.ts);
                return push(&MwcbLevel { head, ..MwcbLevel::new_zeroed() }, out);
            }
            return self.system(b'S', out);
        }
        self.symbol = ((at - 1) % symbols) as u32;
        let stock = self.name();
        match (at - 1) / symbols {
            0 => push(&self.stock_directory(), out),
            1 => {
                let (head, reserved, reason) = (self.head::<TradingAction>(), b' ', *b"    ");
                push(&TradingAction { head, stock, state: b'T', reserved, reason }, out);
            }
            2 => push(&RegSho { head: self.head::<RegSho>(), stock, action: b'0' }, out),
            _ => {
                let participant = ParticipantPosition {
                    head: self.head::<ParticipantPosition>(),
                    mpid: *b"MAKR",
                    stock,
                    primary_maker: b'Y',
                    maker_mode: b'N',
                    state: b'A',
                };
                push(&participant, out);
            }
        }
    }

    fn stock_directory(&self) -> StockDirectory {
        StockDirectory::common_stock(self.head::<StockDirectory>(), self.name())
    }

    /// The last symbol again 35 times in 100, else by activity.
    fn choose_symbol(&mut self) {
        if !self.random.share(3_500) {
            self.symbol = self.ranks[self.zipf.draw(&mut self.random)];
        }
    }

    /// A type byte, by the mix.
    fn kind(&mut self) -> u8 {
        let (drawn, mut sum) = (self.random.below(10_000), 0);
        let found = MIX.iter().find(|(_, share)| {
            sum += share;
            drawn < sum
        });
        found.map_or(b'Q', |(kind, _)| *kind)
    }

    fn session(&mut self, out: &mut Vec<u8>) {
        self.choose_symbol();
        match self.kind() {
            b'D' => self.delete(out),
            b'U' => self.replace(out),
            kind @ (b'E' | b'C') => self.execute(kind, out),
            b'X' => self.cancel(out),
            b'P' => self.hidden(out),
            b'I' => {
                let noii = Noii { head: self.head::<Noii>(), ..FromZeros::new_zeroed() };
                let noii = Noii { stock: self.name(), direction: b'N', cross_type: b'O', ..noii };
                push(&Noii { price_variation: b' ', ..noii }, out);
            }
            b'Q' => {
                let cross = CrossTrade {
                    head: self.head::<CrossTrade>(),
                    shares: (100 * self.random.below(1_000)).into(),
                    stock: self.name(),
                    px: Price4::new(self.stock().fair),
                    match_number: self.fresh_match().into(),
                    cross_type: b'I',
                };
                push(&cross, out);
            }
            kind => self.add(false, kind, out),
        }
    }

    fn stock(&mut self) -> &mut Stock {
        &mut self.market.stocks[self.symbol as usize]
    }

    /// A price on a side, by the distances of this part of the day.
    fn price(&mut self, side: Side, early: bool) -> u32 {
        let away = if early { self.random.wide() } else { self.random.near() };
        let Stock { tick, sparse, fair, .. } = *self.stock();
        let away = match sparse {
            1 => away.min(TICKS_MAX),
            _ => away.min(TICKS_MAX / sparse) * sparse - self.random.below(sparse.into()) as u32,
        };
        match side {
            Side::Buy => fair.saturating_sub((away - 1) * tick).max(tick),
            Side::Sell => fair + away * tick,
        }
    }

    fn shares(&mut self) -> u32 {
        match self.random.below(20) {
            0..10 => 100,
            10..15 => 100 * (1 + self.random.below(9) as u32),
            15..19 => 1 + self.random.below(500) as u32,
            _ => 100 * (10 + self.random.below(90) as u32),
        }
    }

    fn add(&mut self, early: bool, kind: u8, out: &mut Vec<u8>) {
        let side = if self.random.once_in(2) { Side::Buy } else { Side::Sell };
        let (px, shares) = (self.price(side, early), self.shares());
        let order_ref = self.fresh_ref();
        self.market.add(order_ref, self.symbol, side, px, shares);
        let stock = self.name();
        let side = if side == Side::Buy { b'B' } else { b'S' };
        let (order_ref, shares, px) = (order_ref.into(), shares.into(), Price4::new(px));
        if kind == b'A' {
            let head = self.head::<AddOrder>();
            push(&AddOrder { head, order_ref, side, shares, stock, px }, out);
        } else {
            let (head, attribution) = (self.head::<AddOrderMpid>(), *b"MAKR");
            push(&AddOrderMpid { head, order_ref, side, shares, stock, px, attribution }, out);
        }
    }

    /// A recent order of the symbol 72 times in 100, else any order of any symbol, which then is
    /// the symbol of the message.
    fn some_order(&mut self) -> Option<OrderKey> {
        let live = self.market.live() as u64;
        let back = self.random.back(12);
        let recent = self.random.share(7_200).then(|| self.market.recent(self.symbol, back));
        let key = match recent.flatten() {
            Some(key) => key,
            None if live > 0 => self.market.any(self.random.below(live) as usize),
            None => return None,
        };
        self.symbol = self.market.get(key)?.symbol;
        Some(key)
    }

    /// The first order in turn at the touch of the side that is being eaten up. The price moves on
    /// when there is none left.
    fn swept(&mut self) -> Option<OrderKey> {
        let side = self.stock().sweep?;
        let best = self.market.best(self.symbol, side);
        let px = best.and_then(|key| self.market.get(key)).map(|live| live.px);
        let stock = self.stock();
        let touch = match side {
            Side::Buy => stock.fair,
            Side::Sell => stock.fair + stock.tick,
        };
        if px == Some(touch) {
            return best;
        }
        stock.sweep = None;
        stock.fair = match side {
            Side::Buy => stock.fair.saturating_sub(stock.tick).max(stock.tick),
            Side::Sell => stock.fair + stock.tick,
        };
        None
    }

    /// One time in 16 the price begins to move, rather back to where it came from.
    fn maybe_sweep(&mut self) {
        let (begins, back) = (self.random.once_in(16), self.random.share(5_500));
        let stock = self.stock();
        if begins && stock.sweep.is_none() {
            let towards_bids = (stock.fair > stock.home) == back;
            stock.sweep = Some(if towards_bids { Side::Buy } else { Side::Sell });
        }
    }

    fn delete(&mut self, out: &mut Vec<u8>) {
        self.maybe_sweep();
        let Some(key) = self.swept().or_else(|| self.some_order()) else {
            return self.add(false, b'A', out);
        };
        let Some(live) = self.market.get(key).copied() else { return };
        self.market.reduce(key, live.shares);
        push(
            &OrderDelete { head: self.head::<OrderDelete>(), order_ref: live.order_ref.into() },
            out,
        );
    }

    fn replace(&mut self, out: &mut Vec<u8>) {
        let Some(live) = self.some_order().and_then(|key| {
            let live = self.market.get(key).copied()?;
            self.market.reduce(key, live.shares);
            Some(live)
        }) else {
            return self.add(false, b'A', out);
        };
        let (px, shares, new_ref) = (self.price(live.side, false), self.shares(), self.fresh_ref());
        self.market.add(new_ref, self.symbol, live.side, px, shares);
        let replace = OrderReplace {
            head: self.head::<OrderReplace>(),
            order_ref: live.order_ref.into(),
            new_order_ref: new_ref.into(),
            shares: shares.into(),
            px: Price4::new(px),
        };
        push(&replace, out);
    }

    /// The first order in turn at the best price of one side, all or part of it.
    fn execute(&mut self, kind: u8, out: &mut Vec<u8>) {
        let side = if self.random.once_in(2) { Side::Buy } else { Side::Sell };
        let side = self.stock().sweep.unwrap_or(side);
        let Some((key, live)) =
            self.market.best(self.symbol, side).and_then(|key| Some((key, *self.market.get(key)?)))
        else {
            return self.add(false, b'A', out);
        };
        let part = self.random.once_in(2).then(|| 1 + self.random.below(live.shares.into()) as u32);
        let shares = part.unwrap_or(live.shares);
        self.market.reduce(key, shares);
        let (order_ref, match_number) = (live.order_ref.into(), self.fresh_match().into());
        let shares = shares.into();
        if kind == b'E' {
            let head = self.head::<OrderExecuted>();
            push(&OrderExecuted { head, order_ref, shares, match_number }, out);
        } else {
            let (head, px) = (self.head::<OrderExecutedPrice>(), Price4::new(live.px));
            let printable = b'Y';
            let executed =
                OrderExecutedPrice { head, order_ref, shares, match_number, printable, px };
            push(&executed, out);
        }
    }

    fn cancel(&mut self, out: &mut Vec<u8>) {
        let Some((key, live)) =
            self.some_order().and_then(|key| Some((key, *self.market.get(key)?)))
        else {
            return self.add(false, b'A', out);
        };
        let shares = 1 + self.random.below(live.shares.into()) as u32;
        self.market.reduce(key, shares);
        let head = self.head::<OrderCancel>();
        let cancel = OrderCancel { head, order_ref: live.order_ref.into(), shares: shares.into() };
        push(&cancel, out);
    }

    fn hidden(&mut self, out: &mut Vec<u8>) {
        let (px, shares, match_number) = (self.stock().fair, self.shares(), self.fresh_match());
        let trade = Trade {
            head: self.head::<Trade>(),
            order_ref: 0.into(),
            side: b'B',
            shares: shares.into(),
            stock: self.name(),
            px: Price4::new(px),
            match_number: match_number.into(),
        };
        push(&trade, out);
    }
}

/// Most stocks trade between 2 and 500 dollars in cents; 3 in 100 below a dollar in hundredths of
/// a cent; 2 in 100 above a thousand, their orders 20 ticks apart.
fn stock(random: &mut Random) -> Stock {
    match random.below(100) {
        0..3 => Stock::new(1, 1, 2_000 + random.below(7_000) as u32),
        3..5 => Stock::new(100, 20, 100 * (100_000 + random.below(300_000) as u32)),
        _ => {
            let low = 200_u32 << random.below(8);
            Stock::new(100, 1, 100 * (low + random.below(low.into()) as u32))
        }
    }
}

fn push<M: Body + IntoBytes + Immutable>(message: &M, out: &mut Vec<u8>) {
    let mut bytes = [0; MESSAGE_BYTES_MAX];
    let length = encode(message, &mut bytes).expect("room for the longest message");
    out.extend((length as u16).to_be_bytes());
    out.extend(&bytes[..length]);
}
