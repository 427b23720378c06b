//! A venue, a gateway's codec and risk in one thread: the real exchange desk and matching engine on
//! one side, the real OUCH tables and order states on the other, bytes between them, time and
//! faults drawn from a seed.

use engine::order::SlotPool;
use engine::risk::{Applied, Decision, Risk, sample, setup::Setup};
use exchange::faults::Faults;
use exchange::flow::parse_list;
use exchange::listing::Listing;
use exchange::matching::{Market, NewOrder, Output, Owner, SelfMatch, Special, Tif};
use exchange::ouch_in::{Desk, DeskOptions, Venue};
use gateway::codec::ouch50::{CapacityCode, DisplayCode, Outbound};
use gateway::ouch::{Ouch, OuchConfig, VenueEvent};
use gateway::session::soupbintcp::{Credentials, SequencedStore};
use gateway::wire_table::WireTableConfig;
use shm::ids::{ClOrdId, GatewayId, InstrumentId, StrategyId, Symbol};
use shm::message::{ExecReport, Intent, Kind, Side};
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::status::Tick;
use shm::units::{Nanos, Price, Qty};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use wirelane_tests::random::Random;

const GATEWAY: GatewayId = GatewayId(0);
const SLOTS: u32 = 32;

/// What the venue truly did with a number: whether it took it, and the shares that it executed
/// under it and did not undo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) id: ClOrdId,
    pub(crate) accepted: bool,
    pub(crate) cum: u32,
}

/// Both sides and the wire between them.
pub(crate) struct Sim {
    pub(crate) dice: Random,
    pub(crate) now: Nanos,
    pub(crate) risk: Risk,
    pub(crate) journal: Vec<(RecordKind, Vec<u8>, Nanos)>,
    pub(crate) truth: BTreeMap<u32, Truth>,
    pub(crate) overdue: u64,
    pools: Vec<SlotPool>,
    orders: Vec<Intent>,
    ouch: Ouch,
    market: Market,
    listing: Listing,
    out: Output,
    desk: Desk,
    /// Next of the stream to be read.
    seq: u64,
    /// Next of the stream whose truth is to be noted.
    truth_seq: u64,
    /// Shares by match number and order number: both sides of a trade may be ours.
    executed: BTreeMap<(u64, u32), u32>,
    connected: bool,
    /// Messages on their way to the venue.
    wire: VecDeque<Vec<u8>>,
    /// Every message by its number, to be sent again.
    sent: BTreeMap<u32, Vec<u8>>,
}

/// What risk is made of.
pub(crate) fn setup() -> Setup {
    let mut setup = sample::setup(SLOTS);
    setup.memory.closed = 1_024;
    setup.memory.facts = 1_024;
    setup
}

impl Sim {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let specs = parse_list("AAPL=10.00,MSFT=10.00").unwrap();
        let listing = Listing::of(&specs);
        let users = vec![Credentials::new("DEMO01", "loopback").unwrap()];
        let options = DeskOptions { users, faults, seed, cancel_on_disconnect: false, log: None };
        let symbols: Vec<Symbol> = specs.iter().map(|spec| spec.symbol).collect();
        let setup = setup();
        let pools = setup.strategies.iter().enumerate().map(|(at, row)| {
            SlotPool::new(StrategyId(at as u8), setup.epoch, row.slot_first, row.slot_count)
        });
        let mut sim = Self {
            dice: Random::new(seed),
            now: Nanos(10 * Nanos::SECOND.0),
            risk: Risk::new(&setup),
            journal: Vec::new(),
            truth: BTreeMap::new(),
            overdue: 0,
            pools: pools.collect(),
            orders: Vec::new(),
            ouch: Ouch::new(OuchConfig {
                symbols: symbols.into(),
                firm: None,
                capacity: CapacityCode::PRINCIPAL,
                display: DisplayCode::VISIBLE,
                table: WireTableConfig { slots: 3 * SLOTS, urns: 1_024 },
            }),
            market: Market::new(2, 1, SelfMatch::Allow),
            listing,
            out: Output::default(),
            desk: Desk::new(options, 0),
            seq: 1,
            truth_seq: 1,
            executed: BTreeMap::new(),
            connected: false,
            wire: VecDeque::new(),
            sent: BTreeMap::new(),
        };
        sim.connect();
        sim
    }

    /// A number below `end`.
    pub(crate) fn roll(&mut self, end: usize) -> usize {
        self.dice.below(end)
    }

    /// One random step of either side.
    pub(crate) fn step(&mut self) {
        self.now.0 += self.roll(40_000_000) as u64;
        let now = self.now;
        self.risk.on_market(&sample::live(now));
        match self.roll(12) {
            0..3 => self.enter(),
            3 => self.replace(),
            4 => self.cancel(),
            5..8 => self.background(),
            8 if self.roll(6) == 0 => self.disconnect(),
            8 if !self.connected => self.connect(),
            9 if self.roll(3) == 0 => self.ask(),
            9 if self.roll(8) == 0 => self.now.0 += 6 * Nanos::SECOND.0,
            _ => self.deliver(),
        }
        self.serve();
        if self.connected && self.roll(3) > 0 {
            self.hear();
        }
        self.tick();
    }

    /// A market message for each instrument, so that orders have a reference.
    fn quote(&mut self) {
        let (bid, ask) = (Price(995 * sample::DOLLAR / 100), Price(1_005 * sample::DOLLAR / 100));
        for instrument in 0..2 {
            self.risk.on_market(&sample::top(instrument, bid, ask, 0, self.now));
        }
    }

    fn px(&mut self) -> Price {
        Price((996 + self.roll(9) as i64) * sample::DOLLAR / 100)
    }

    fn enter(&mut self) {
        self.quote();
        let strategy = 1 + self.roll(2);
        let Some(id) = self.pools[strategy].take() else { return };
        let side = if self.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let px = self.px();
        let mut intent = sample::intent(id, side, px);
        intent.instrument = InstrumentId(self.roll(2) as u32);
        intent.qty = Qty::from_shares(1 + self.roll(300) as u32);
        if self.decide(&intent) {
            self.orders.push(intent);
        } else {
            self.pools[strategy].free(id);
        }
    }

    fn replace(&mut self) {
        let Some(of) = self.pick() else { return };
        self.quote();
        let strategy = of.cl_ord_id.strategy().index();
        let Some(id) = self.pools[strategy].replace(of.cl_ord_id) else { return };
        let px = self.px();
        let qty = Qty::from_shares(1 + self.roll(400) as u32);
        let intent = Intent { kind: Kind::IntentReplace as u8, px, qty, cl_ord_id: id, ..of };
        self.decide(&intent);
    }

    fn cancel(&mut self) {
        if let Some(of) = self.pick() {
            self.decide(&Intent { kind: Kind::IntentCancel as u8, ..of });
        }
    }

    fn pick(&mut self) -> Option<Intent> {
        let at = self.dice.below(self.orders.len());
        self.orders.get(at).copied()
    }

    fn keep(&mut self, kind: RecordKind, body: &[u8]) {
        self.journal.push((kind, body.to_vec(), self.now));
    }

    /// Decides; what passes is encoded and put on the wire. Whether it passed.
    fn decide(&mut self, intent: &Intent) -> bool {
        let message = match self.risk.decide(intent, &sample::open(self.now)) {
            Decision::Approve { record, message } => {
                self.keep(RecordKind::Approved, record.bytes());
                message
            }
            Decision::Cancel { record, message } => {
                self.keep(RecordKind::CancelAsked, record.bytes());
                message
            }
            Decision::Deny { record, .. } => {
                self.keep(RecordKind::Denied, record.bytes());
                return false;
            }
        };
        let mut bytes = [0; 256];
        let is_order = intent.kind != Kind::IntentCancel as u8;
        match self.ouch.encode(&message, &mut bytes) {
            Ok(encoded) => {
                let payloads = payloads(&bytes[..encoded.bytes]);
                if is_order {
                    self.sent.insert(encoded.urn, payloads[0].clone());
                    let id = intent.cl_ord_id;
                    self.truth.insert(encoded.urn, Truth { id, ..Truth::default() });
                }
                if self.connected {
                    self.wire.extend(payloads);
                }
            }
            Err(_) if is_order => {
                self.report(ExecReport {
                    kind: Kind::GateReject as u8,
                    reason: Reason::UnknownOrder as u16,
                    cl_ord_id: intent.cl_ord_id,
                    ..ExecReport::default()
                });
            }
            Err(_) => {}
        }
        true
    }

    /// The venue takes one message.
    fn deliver(&mut self) {
        if let Some(message) = self.wire.pop_front() {
            let Self { market, listing, out, desk, now, .. } = self;
            let mut venue = Venue { market, listing, out, itch_ns: now.0, now_ns: now.0 };
            desk.on_message(0, &message, &mut venue);
        }
    }

    /// Somebody else trades.
    fn background(&mut self) {
        let order = NewOrder {
            owner: Owner::FLOW,
            tag: 0,
            locate: 1 + self.roll(2) as u16,
            side: if self.roll(2) == 0 { Side::Buy } else { Side::Sell },
            qty: 1 + self.roll(200) as u32,
            limit_px: Some(99_600 + self.roll(9) as u32 * 100),
            tif: if self.roll(3) == 0 { Tif::Ioc } else { Tif::Day },
            post_only: false,
            mpid: None,
            special: Special::default(),
        };
        self.market.enter(&order, &mut self.out);
    }

    /// The venue tells what happened, and notes the truth of it.
    fn serve(&mut self) {
        for report in &self.out.reports {
            if let Some(truth) = self.truth.get_mut(&report.tag) {
                truth.accepted = true;
            }
        }
        let Self { market, listing, out, desk, now, .. } = self;
        desk.on_reports(&out.reports, now.0, now.0);
        out.clear();
        let mut venue = Venue { market, listing, out, itch_ns: now.0, now_ns: now.0 };
        desk.poll(&mut venue);
        out.clear();
        self.note_truth();
    }

    /// What was executed and undone, told yet or not. A second word of one execution is a lie.
    fn note_truth(&mut self) {
        let stream = &self.desk.accounts()[0].stream;
        while let Some(message) = stream.message(self.truth_seq) {
            match Outbound::decode(message).unwrap() {
                Outbound::Executed(view) => {
                    let (urn, qty) = (view.fields.user_ref_num.get(), view.fields.qty.get());
                    let name = (view.fields.match_number.get(), urn);
                    if let Entry::Vacant(place) = self.executed.entry(name) {
                        place.insert(qty);
                        if let Some(truth) = self.truth.get_mut(&urn) {
                            truth.cum += qty;
                        }
                    }
                }
                Outbound::Broken(view) => {
                    let urn = view.fields.user_ref_num.get();
                    if let Some(qty) =
                        self.executed.insert((view.fields.match_number.get(), urn), 0)
                        && let Some(truth) = self.truth.get_mut(&urn)
                    {
                        truth.cum -= qty;
                    }
                }
                _ => {}
            }
            self.truth_seq += 1;
        }
    }

    /// Somebody asks about an order: the answer is of the venue's present, which the stream may not
    /// have come to yet (E22).
    fn ask(&mut self) {
        let Some(of) = self.pick() else { return };
        let Some(order) = self.risk.order(of.cl_ord_id) else { return };
        let numbers = self.numbers_of(order.root, order.last);
        if numbers.iter().any(|(_, truth)| truth.accepted) {
            let cum = numbers.iter().map(|(_, truth)| truth.cum).sum();
            self.report(ExecReport {
                kind: Kind::Status as u8,
                venue_seq: self.truth_seq as u32 - 1,
                cl_ord_id: of.cl_ord_id,
                last_px: Price::NONE,
                last_qty: Qty::from_shares(cum),
                ..ExecReport::default()
            });
        }
    }

    /// We read what the venue has told; what its next number is, if it said so.
    pub(crate) fn hear(&mut self) -> Option<u32> {
        let mut next = None;
        loop {
            let now = self.now;
            let account = self.desk.account_mut(0).unwrap();
            let told = account.told(now.0);
            let Some(message) = told.message(self.seq).map(<[u8]>::to_vec) else { return next };
            let seq = self.seq;
            self.seq += 1;
            match self.ouch.on_message(&message, seq, now).unwrap() {
                VenueEvent::Report(report) => {
                    self.report(report);
                }
                VenueEvent::NextUrn(urn) => next = Some(urn),
                _ => {}
            }
        }
    }

    /// Risk hears a report.
    pub(crate) fn report(&mut self, report: ExecReport) -> Applied {
        self.risk.advance(self.now);
        let applied = self.risk.on_report(&report, GATEWAY);
        self.keep(RecordKind::OrderEvent, applied.event.bytes());
        if let Some(position) = applied.position {
            self.keep(RecordKind::PositionEvent, position.bytes());
        }
        if let Some(update) = applied.update {
            self.pools[update.cl_ord_id.strategy().index()].on_update(&update);
        }
        applied
    }

    fn tick(&mut self) {
        if self.risk.is_overdue(self.now) {
            self.keep(RecordKind::Tick, Tick::default().bytes());
            while self.risk.take_overdue(self.now).is_some() {
                self.overdue += 1;
            }
        }
    }

    fn disconnect(&mut self) {
        if self.connected {
            self.connected = false;
            // Some of what was on the way arrives.
            for _ in 0..self.roll(self.wire.len() + 1) {
                self.deliver();
                self.serve();
            }
            self.wire.clear();
            self.report(sample::session(false));
        }
    }

    /// Logs on: the stream is read whole, the next number asked for, what the venue has not seen is
    /// sent again under its own number.
    pub(crate) fn connect(&mut self) {
        self.connected = true;
        let mut bytes = [0; 16];
        let length = self.ouch.encode_query(&mut bytes).unwrap();
        self.wire.extend(payloads(&bytes[..length]));
        let next = loop {
            self.deliver();
            self.serve();
            self.now.0 += 1_000_000;
            if let Some(next) = self.hear() {
                break next;
            }
        };
        let table = self.ouch.table();
        let mut again = Vec::new();
        let mut slot = table.next_open(0);
        while let Some(open) = slot {
            again.extend(table.cancel_urns(open).into_iter().filter(|urn| *urn >= next));
            slot = table.next_open(open + 1);
        }
        again.sort_unstable();
        for urn in again {
            if let Some(message) = self.sent.get(&urn) {
                self.wire.push_back(message.clone());
            }
        }
        self.report(sample::session(true));
    }

    /// Everything on the way arrives, everything held back is told and heard.
    pub(crate) fn settle(&mut self) {
        if !self.connected {
            self.connect();
        }
        for _ in 0..40 {
            self.now.0 += 100_000_000;
            while !self.wire.is_empty() {
                self.deliver();
                self.serve();
            }
            self.serve();
            self.hear();
            self.tick();
        }
        assert!(self.wire.is_empty());
    }

    /// The venue books a trade that it never tells of.
    pub(crate) fn trade_in_secret(&mut self) {
        let (locate, shares) = (1 + self.roll(2) as u16, 1 + self.roll(100) as u32);
        let is_buy = self.roll(2) == 0;
        let account = self.desk.account_mut(0).unwrap();
        account.positions.entry(locate).or_default().trade(is_buy, shares, 100_000, 1);
    }

    /// Shares that the venue says we have.
    pub(crate) fn position_at_venue(&self, instrument: u32) -> i64 {
        let locate = instrument as u16 + 1;
        self.desk.accounts()[0].positions.get(&locate).map_or(0, |position| position.qty)
    }

    /// Shares that risk says we have.
    pub(crate) fn position(&self, instrument: u32) -> i64 {
        let holdings = self.risk.holdings().filter(|row| row.1.0 == instrument);
        holdings.map(|(_, _, holding)| holding.qty.0 / Qty::SCALE).sum()
    }

    /// Numbers that are live at the venue.
    pub(crate) fn open_at_venue(&self) -> Vec<u32> {
        let mut open: Vec<u32> = self.desk.accounts()[0].orders.keys().copied().collect();
        open.sort_unstable();
        open
    }

    /// Where the stream stands.
    pub(crate) fn stream_seq(&self) -> u32 {
        self.risk.venue_seq(GATEWAY).unwrap()
    }

    /// The numbers of an order's chain that the venue may have.
    pub(crate) fn numbers_of(&self, root: ClOrdId, last: ClOrdId) -> Vec<(u32, Truth)> {
        let all = self.truth.iter().map(|(urn, truth)| (*urn, *truth));
        all.filter(|(_, truth)| root <= truth.id && truth.id <= last).collect()
    }
}

/// The messages in framed packets.
fn payloads(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(2) {
        let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
        found.push(rest[1..length].to_vec());
        bytes = &rest[length..];
    }
    found
}
