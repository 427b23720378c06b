//! A journal as an engine writes it, with what must be in a database afterwards.

use shm::ids::{Cause, ClOrdId, ExecId, InstrumentId, StrategyId, VenueOrdId};
use shm::journal::{Archiver, Lane, LaneSpec, LaneWriter, link_hot};
use shm::message::{Kind, OrdType, Side, Tif};
use shm::reason::{Reason, Unit};
use shm::record::order::{
    Approved, Base, CancelAsked, Denied, OrderEvent, PositionEvent, words_of,
};
use shm::record::status::{LimitSet, LimitSource, Operator, SessionOpen, Text};
use shm::record::{RecordKind, Stage, StageId};
use shm::units::{Nanos, Price, Qty};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) const CONFIG: &str = r#"
[[account]]
name = "main"
currency = "USD"
[[gateway]]
name = "ouch"
[[strategy]]
name = "mm"
wiring = { kind = "maker", account = "main", gateway = "ouch" }
[[strategy]]
name = "take"
wiring = { kind = "taker", account = "main", gateway = "ouch" }
"#;

pub(crate) const INSTRUMENTS: &str =
    "# two\nvenue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks
NASDAQ,MSFT,USD,1,1,1,1000,0.01,1000,400.00,0:0.01
NASDAQ,AAPL,USD,1,1,1,1000,0.01,1000,185.00,0:0.01
";

/// 2026-11-20.
pub(crate) const DAY: u32 = 20_777;

/// What the records add up to, added as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) orders: i64,
    pub(crate) order_qty: i128,
    pub(crate) executions: i64,
    pub(crate) execution_qty: i128,
    /// Price times quantity, without a scale.
    pub(crate) traded: i128,
    pub(crate) refusals: i64,
    pub(crate) refused_qty: i128,
    pub(crate) cum: i128,
    pub(crate) records: u64,
    /// By strategy and instrument: position and realised profit.
    pub(crate) positions: BTreeMap<(u8, u32), (i64, i128)>,
}

/// Where random numbers come from: the same from the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end
    }
}

/// An engine without stages: control lane, risk lane, a feed's lane of noise.
pub(crate) struct Engine {
    lanes: Vec<LaneWriter>,
    archiver: Archiver,
    now: u64,
    epoch: u16,
    uses: u32,
    random: Random,
    pub(crate) sums: Sums,
}

const RISK: usize = 1;
const FEED: usize = 2;

impl Engine {
    /// Opens a session in `base/dir` on the given date.
    pub(crate) fn start(base: &Path, epoch: u16, seed: u64, date: u32) -> Self {
        let (hot, dir) = (base.join("hot-files"), dir(base));
        std::fs::create_dir_all(&hot).unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        link_hot(&dir, &hot).unwrap();
        let (mut lanes, mut tails) = (Vec::new(), Vec::new());
        for lane in 0..3 {
            let segment_bytes = 256 << 10;
            let spec = LaneSpec { lane, epoch, segment_bytes, segments: 4, layout_hash: 1 };
            let made = Lane::create(&hot, spec).unwrap();
            lanes.push(made.writer);
            tails.push(made.tail);
        }
        let archiver = Archiver::create(&dir, epoch, tails).unwrap();
        let now = u64::from(date) * 86_400_000_000_000;
        let random = Random(seed);
        let mut engine =
            Self { lanes, archiver, now, epoch, uses: 0, random, sums: Sums::default() };
        engine.open(date);
        engine
    }

    fn put(&mut self, lane: usize, kind: RecordKind, body: &[u8]) {
        let stage = match lane {
            RISK => StageId::RISK,
            FEED => StageId::new(Stage::Feed, 0),
            _ => StageId::CONTROL,
        };
        self.now += 1_000;
        // Full: what is there goes to the disk first, as the archiver of an engine does.
        while self.lanes[lane].append(kind as u16, stage.0, 0, Nanos(self.now), body).is_err() {
            self.archive();
        }
        self.sums.records += 1;
    }

    pub(crate) fn archive(&mut self) {
        self.archiver.turn(Nanos(self.now), Nanos(0)).unwrap();
    }

    fn open(&mut self, date: u32) {
        let with = |head: &[u8], text: &str| [head, text.as_bytes()].concat();
        let len = |text: &str| text.len() as u32;
        let wall = Nanos(self.now);
        let open = SessionOpen {
            wall,
            date,
            len: len(CONFIG),
            epoch: self.epoch,
            ..SessionOpen::default()
        };
        self.put(0, RecordKind::SessionOpen, &with(open.bytes(), CONFIG));
        for (kind, text) in
            [(RecordKind::Instruments, INSTRUMENTS), (RecordKind::Topology, "fused")]
        {
            let head = Text { len: len(text), ..Text::default() };
            self.put(0, kind, &with(head.bytes(), text));
        }
        let limits = LimitSet {
            version: 1,
            len: 5,
            reason_len: 3,
            wall,
            source: LimitSource::Loaded as u8,
            ..LimitSet::default()
        };
        self.put(0, RecordKind::LimitSet, &with(limits.bytes(), "[[l]]why"));
        self.put(0, RecordKind::OpenComplete, Text::default().bytes());
    }

    /// A command of a person.
    pub(crate) fn command(&mut self, op: u8, text: &str) {
        let given = Operator {
            op,
            len: text.len() as u32,
            instrument: u32::MAX,
            uid: 1000,
            ..Operator::default()
        };
        self.put(0, RecordKind::Operator, &[given.bytes(), text.as_bytes()].concat());
    }

    /// One order with what follows of it: 2 to 8 records.
    pub(crate) fn order(&mut self) {
        let strategy = StrategyId(1 + self.random.below(2) as u8);
        let instrument = InstrumentId(self.random.below(2) as u32);
        let id = ClOrdId::new(self.epoch, strategy, self.uses % 4096, self.uses / 4096);
        self.uses += 1;
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let px = Price(100_000_000_000 + self.random.below(1_000) as i64 * 10_000_000);
        let qty = Qty((1 + self.random.below(9) as i64) * 100 * Qty::SCALE);
        self.put(FEED, RecordKind::RxFeed, &[0; 64]);
        if self.random.below(5) == 0 {
            self.refuse(id, instrument, side, (px, qty));
            return;
        }
        let order = Approved {
            px,
            qty,
            cl_ord_id: id,
            t0: Nanos(self.now),
            cause: Cause::NONE,
            limit_version: 1,
            instrument,
            side: side as u8,
            tif: Tif::Day as u8,
            ord_type: OrdType::Limit as u8,
            action: Kind::IntentNew as u8,
            ..Approved::default()
        };
        self.put(RISK, RecordKind::Approved, order.bytes());
        self.sums.orders += 1;
        self.sums.order_qty += i128::from(qty.0);
        self.report(&order, Kind::Accepted, Base::New, (Qty(0), Qty(0)));
        match self.random.below(3) {
            0 => self.fill(&order, side),
            1 => {
                let asked = CancelAsked { cl_ord_id: id, ..CancelAsked::default() };
                self.put(RISK, RecordKind::CancelAsked, asked.bytes());
                // What a gateway journals when a kill cancels a scope: it names no order.
                self.put(RISK, RecordKind::CancelAsked, CancelAsked::default().bytes());
                self.report(&order, Kind::Canceled, Base::Canceled, (qty, Qty(0)));
            }
            _ => {}
        }
    }

    fn refuse(
        &mut self,
        id: ClOrdId,
        instrument: InstrumentId,
        side: Side,
        (px, qty): (Price, Qty),
    ) {
        let denied = Denied {
            measured: words_of(i128::MAX / 3),
            limit: words_of(-7),
            px,
            qty,
            cl_ord_id: id,
            instrument,
            side: side as u8,
            tif: Tif::Day as u8,
            ord_type: OrdType::Limit as u8,
            reason: Reason::Collar as u8,
            unit: Unit::Price as u8,
            ..Denied::default()
        };
        self.put(RISK, RecordKind::Denied, denied.bytes());
        self.sums.refusals += 1;
        self.sums.refused_qty += i128::from(qty.0);
    }

    fn report(&mut self, order: &Approved, kind: Kind, base: Base, (last, cum): (Qty, Qty)) {
        let leaves = if base.is_terminal() { Qty(0) } else { Qty(order.qty.0 - cum.0) };
        let event = OrderEvent {
            cl_ord_id: order.cl_ord_id,
            venue_ord_id: VenueOrdId(u64::MAX - u64::from(self.uses)),
            last_px: order.px,
            last_qty: last,
            cum_qty: cum,
            leaves_qty: leaves,
            px: order.px,
            qty: order.qty,
            instrument: order.instrument,
            venue_seq: self.uses,
            event: kind as u8,
            base: base as u8,
            liquidity: if kind == Kind::Executed { b'A' } else { 0 },
            side: order.side,
            ..OrderEvent::default()
        };
        self.put(RISK, RecordKind::OrderEvent, event.bytes());
    }

    /// Two executions, each with its report before it.
    fn fill(&mut self, order: &Approved, side: Side) {
        let first = Qty(100 * Qty::SCALE);
        let rest = Qty(order.qty.0 - first.0);
        let mut cum = Qty(0);
        for part in [first, rest] {
            if part.0 == 0 {
                continue;
            }
            cum = Qty(cum.0 + part.0);
            let base = if cum == order.qty { Base::Filled } else { Base::PartiallyFilled };
            self.report(order, Kind::Executed, base, (part, cum));
            let strategy = order.cl_ord_id.strategy();
            let signed = part.0 * side.sign();
            let held = self.sums.positions.entry((strategy.0, order.instrument.0)).or_default();
            held.0 += signed;
            // Not a multiple of a millionth, so that nothing may be rounded.
            held.1 += i128::from(signed) * 1_000_003;
            let event = PositionEvent {
                cost: words_of(i128::from(held.0) * i128::from(order.px.0)),
                realised: words_of(held.1),
                fees: words_of(-1),
                position: Qty(held.0),
                last_px: order.px,
                last_qty: Qty(signed),
                cl_ord_id: order.cl_ord_id,
                exec_id: ExecId(u64::from(self.uses) << 8 | self.sums.executions as u64 & 1),
                instrument: order.instrument,
                strategy: strategy.0,
                ..PositionEvent::default()
            };
            self.put(RISK, RecordKind::PositionEvent, event.bytes());
            self.sums.executions += 1;
            self.sums.execution_qty += i128::from(signed);
            self.sums.traded += i128::from(signed) * i128::from(order.px.0);
        }
        self.sums.cum += i128::from(cum.0);
    }

    /// Carries the positions of another session into this one, as a start does.
    pub(crate) fn carry(&mut self, from: &Sums) {
        for (&(strategy, instrument), &(position, realised)) in &from.positions {
            let event = PositionEvent {
                realised: words_of(realised),
                position: Qty(position),
                instrument: InstrumentId(instrument),
                strategy,
                ..PositionEvent::default()
            };
            self.put(RISK, RecordKind::CarryPosition, event.bytes());
            // A lot of it, which is no position.
            let lot = PositionEvent { exec_id: ExecId(1), position: Qty(1), ..event };
            self.put(RISK, RecordKind::CarryPosition, lot.bytes());
            self.sums.positions.insert((strategy, instrument), (position, realised));
        }
    }

    /// A record of the risk stage, as it is.
    pub(crate) fn risk(&mut self, kind: RecordKind, body: &[u8]) {
        self.put(RISK, kind, body);
    }

    /// Ends the session in order.
    pub(crate) fn stop(mut self) -> Sums {
        self.put(0, RecordKind::SessionClose, Text::default().bytes());
        self.archiver.close(Nanos(self.now)).unwrap();
        self.sums
    }
}

/// The engine's directory.
pub(crate) fn dir(base: &Path) -> PathBuf {
    base.join("dir")
}
