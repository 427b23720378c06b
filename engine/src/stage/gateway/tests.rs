//! The stage over a link and a lane in memory: what it sends, writes and reports.

mod kill;
mod leave;
mod logon;
mod send;

use super::*;
use crate::clock::Clock;
use crate::link;
use crate::stage::{Progress, Recorded};
use crate::telemetry::GatewayKeys;
use gateway::codec::ouch50::{Appendage, CapacityCode, DisplayCode, encode};
use gateway::ouch::OuchConfig;
use gateway::session::soupbintcp::{
    ClientConfig, Credentials, LoginRequest, Packet, ReadBuffer, SessionName, Start, kind, packet,
};
use gateway::wire_table::WireTableConfig;
use shm::gates::{GateOpener, Scope, Shape, Trigger};
use shm::ids::{AccountId, ClOrdId, InstrumentId, StrategyId, Symbol};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::message::{Approved, OrdType, Side, Tif};
use shm::reason::Reason;
use shm::record::market::{Sent, Tx, TxVoid};
use shm::region::{Region, RegionBuilder, RegionReader};
use shm::units::{Price, Qty};
use std::sync::Mutex;

/// Slots of ids.
const SLOTS: u32 = 256;
const SESSION: &[u8; 10] = b"       ONE";

/// What both ends of the link under test share.
#[derive(Default)]
struct Wire {
    /// Each send that was taken, whole.
    sends: Vec<Vec<u8>>,
    /// What the venue has said and was not read.
    said: VecDeque<u8>,
    /// The socket takes nothing.
    is_full: bool,
    /// Closed by the venue.
    is_over: bool,
    /// The stage has said that nothing more will be sent.
    is_finished: bool,
    /// Called in each send.
    on_send: Option<Box<dyn FnMut() + Send>>,
}

#[derive(Clone, Default)]
struct Counting(Arc<Mutex<Wire>>);

impl Link for Counting {
    fn recv_into(&mut self, buffer: &mut [u8]) -> RecvResult {
        let mut wire = self.0.lock().unwrap();
        let count = buffer.len().min(wire.said.len());
        for (to, from) in buffer.iter_mut().zip(wire.said.drain(..count)) {
            *to = from;
        }
        match count {
            0 if wire.is_over => RecvResult::End,
            0 => RecvResult::WouldBlock,
            count => RecvResult::Bytes(count),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> SendResult {
        let mut wire = self.0.lock().unwrap();
        if wire.is_full {
            return SendResult::WouldBlock;
        }
        wire.sends.push(bytes.to_vec());
        if let Some(on_send) = &mut wire.on_send {
            on_send();
        }
        SendResult::All
    }

    fn flush(&mut self) -> SendResult {
        SendResult::All
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn finish(&mut self) {
        self.0.lock().unwrap().is_finished = true;
    }

    fn shutdown(&mut self) {
        self.0.lock().unwrap().is_over = true;
    }
}

/// A stage, and everything around it.
struct Rig {
    stage: GatewayStage,
    lane: LaneWriter,
    tail: LaneTail,
    clock: Clock,
    now: u64,
    approved: Output,
    reports: Input,
    links: rtrb::Producer<AnyLink>,
    wire: Counting,
    gates: Gates,
    opener: GateOpener,
    _region: Region,
    meters: RegionReader,
    /// Nothing is archived any more.
    is_disk_full: bool,
    /// Every record so far, with its number.
    records: Vec<(u64, Recorded)>,
}

/// What differs between rigs.
#[derive(Clone, Copy)]
struct With {
    batch_max: u32,
    start: Start,
    queries: u8,
}

impl Default for With {
    fn default() -> Self {
        Self { batch_max: 1, start: Start::FIRST, queries: 0 }
    }
}

fn spec() -> LaneSpec {
    LaneSpec { lane: 1, epoch: 1, segment_bytes: 1 << 20, segments: 8, layout_hash: 0 }
}

fn make(with: With, dial: Option<Dial>, gates: Option<Gates>) -> (Setup, Output, Input, Region) {
    let (approved, approved_in) = link::ring(1_024);
    let (reports_out, reports) = link::ring(1_024);
    let mut builder = RegionBuilder::new(1, Nanos(0));
    builder.thread("test");
    let keys = GatewayKeys::list(&mut builder, "gateway:test");
    let region = builder.create_in_memory().unwrap();
    let credentials = Credentials::new("USER", "secret").unwrap();
    let setup = Setup {
        id: StageId::new(shm::record::Stage::Gateway, 0),
        gateway: GatewayId(0),
        approved: approved_in,
        reports: reports_out,
        session: Client::new(ClientConfig::new(credentials, with.start)),
        ouch: Ouch::new(OuchConfig {
            symbols: Box::new([Symbol(*b"AAPL    "), Symbol(*b"MSFT    ")]),
            firm: None,
            capacity: CapacityCode::PRINCIPAL,
            display: DisplayCode::VISIBLE,
            table: WireTableConfig { slots: SLOTS, urns: 4 * SLOTS },
        }),
        unanswered: UnansweredTable::new(SLOTS as usize),
        queries: Queries::carried(with.queries),
        dial,
        gates,
        open: Arc::new(OpenOrders::new(SLOTS as usize)),
        durable: None,
        rules: SendRules { order_age_max: Nanos(5_000_000), batch_max: with.batch_max },
        meters: keys.take(&region).unwrap(),
        replay: VecDeque::new(),
        sink: None,
    };
    (setup, approved, reports, region)
}

impl Rig {
    fn new(with: With) -> Self {
        let shape =
            Shape { gateways: 1, accounts: 1, strategies: 3, instruments: 2, names_hash: 0 };
        let (gates, opener) = Gates::in_memory(shape).unwrap();
        let (links, consumer) = rtrb::RingBuffer::new(1);
        let (wanted, fence) = (Arc::default(), Arc::default());
        let dial = Dial { wanted, links: consumer, fence };
        let (setup, approved, reports, region) = make(with, Some(dial), Some(gates.clone()));
        let (lane, tail) = LaneWriter::in_memory(spec());
        Self {
            stage: GatewayStage::new(setup),
            lane,
            tail,
            clock: Clock::given(Nanos(1_000_000_000)),
            now: 1_000_000_000,
            approved,
            reports,
            links,
            wire: Counting::default(),
            gates,
            opener,
            meters: region.reader().unwrap(),
            _region: region,
            is_disk_full: false,
            records: Vec::new(),
        }
    }

    /// Logged on, with the venue's next number 1.
    fn up(with: With) -> Self {
        let mut rig = Self::new(with);
        rig.connect();
        rig.log_on(1);
        rig.answer(1);
        assert_eq!(rig.reported(), [Kind::SessionUp]);
        rig.wire.0.lock().unwrap().sends.clear();
        rig
    }

    /// A fresh link, and the turn in which the logon goes out.
    fn connect(&mut self) {
        self.wire = Counting::default();
        let link = AnyLink::Other(Box::new(self.wire.clone()));
        assert!(self.links.push(link).is_ok(), "the stage has a link");
        self.poll();
    }

    /// The venue accepts, and goes on with message `next_seq`.
    fn log_on(&mut self, next_seq: u64) {
        let mut payload = SESSION.to_vec();
        payload.extend_from_slice(format!("{next_seq:>20}").as_bytes());
        self.say(kind::LOGIN_ACCEPTED, &payload);
        self.poll();
    }

    /// The venue's answer to the question for the next number.
    fn answer(&mut self, next: u32) {
        self.tell(&gateway::codec::ouch50::QueryResponse {
            timestamp: 1.into(),
            next_user_ref_num: next.into(),
        });
    }

    /// One message of the venue's stream.
    fn tell<T: gateway::codec::ouch50::Message>(&mut self, message: &T) {
        let mut payload = [0; 128];
        let len = encode(message, Appendage::ABSENT, &mut payload).unwrap();
        self.say(kind::SEQUENCED, &payload[..len]);
        self.poll();
    }

    fn say(&mut self, kind: u8, payload: &[u8]) {
        let mut out = [0; 256];
        let len = packet(kind, payload, &mut out).unwrap();
        self.wire.0.lock().unwrap().said.extend(&out[..len]);
    }

    /// Risk approves a message, now.
    fn approve(&mut self, kind: Kind, id: ClOrdId) {
        self.push(approved(kind, id, self.now));
    }

    fn push(&mut self, message: Approved) {
        assert!(self.approved.try_push(message.into(), Nanos(self.now)).is_ok());
    }

    /// One turn, a microsecond later.
    fn poll(&mut self) -> usize {
        self.wait(1_000)
    }

    /// One turn, so many nanoseconds later.
    fn wait(&mut self, later: u64) -> usize {
        self.now += later;
        self.clock.tell(Nanos(self.now));
        let clock = self.clock.clone();
        let mut turn = Turn::new(Nanos(self.now), &mut self.lane, &clock);
        let work = self.stage.poll(&mut turn);
        let mut body = Vec::new();
        while !self.is_disk_full
            && let Some(header) = self.tail.take(&mut body).unwrap()
        {
            let kind = RecordKind::from_u16(header.kind).unwrap();
            let (at, ts) = (header.at, Nanos(header.ts));
            let record = Recorded { kind, at, ts, body: body.clone() };
            self.records.push((u64::from(header.seq), record));
        }
        work
    }

    /// The last order of a slot is accepted.
    fn accept(&mut self, urn: u32, id: ClOrdId) {
        let mut text = [b' '; 14];
        text[..13].copy_from_slice(&id.to_text());
        self.tell(&gateway::codec::ouch50::Accepted {
            timestamp: 1.into(),
            user_ref_num: urn.into(),
            side: gateway::codec::ouch50::SideCode::BUY,
            qty: 100.into(),
            symbol: *b"AAPL    ",
            px: gateway::codec::ouch50::WirePx(630_000.into()),
            tif: gateway::codec::ouch50::TifCode::DAY,
            display: DisplayCode::VISIBLE,
            order_ref: u64::from(urn).into(),
            capacity: CapacityCode::PRINCIPAL,
            iso: gateway::codec::ouch50::IsoCode::NO,
            cross_type: gateway::codec::ouch50::CrossCode::CONTINUOUS,
            state: gateway::codec::ouch50::OrderStateCode::LIVE,
            cl_ord_id: text,
        });
    }

    /// Kinds of the reports since the last call.
    fn reported(&mut self) -> Vec<Kind> {
        self.reports_now().iter().map(|report| Kind::from_u8(report.kind).unwrap()).collect()
    }

    fn reports_now(&mut self) -> Vec<ExecReport> {
        let mut reports = Vec::new();
        while let Some(message) = self.reports.pop() {
            reports.push(*message.view::<ExecReport>().unwrap());
        }
        reports
    }

    fn counter(&self, name: &str) -> u64 {
        self.meters.counter(&format!("gateway:test.{name}")).unwrap().get()
    }

    /// Messages of each send since the link was made, by the first letter of each.
    fn sends(&self) -> Vec<String> {
        let wire = self.wire.0.lock().unwrap();
        wire.sends.iter().map(|bytes| letters(bytes)).collect()
    }

    fn kinds(&self) -> Vec<RecordKind> {
        self.records.iter().map(|(_, record)| record.kind).collect()
    }

    /// Takes the records through another stage, and compares what it would have sent.
    fn assert_replays_alike(&self, with: With, given: &[Approved]) {
        let (mut setup, mut approved, _reports, _region) = make(with, None, None);
        let stream = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&stream);
        let records = self.records.iter().map(|(_, record)| record.clone());
        setup.replay = records.filter(|record| REPLAYED.contains(&record.kind)).collect();
        setup.sink = Some(Box::new(move |bytes| to.lock().unwrap().extend_from_slice(bytes)));
        let mut stage = GatewayStage::new(setup);
        for message in given {
            assert!(approved.try_push((*message).into(), message.t0).is_ok());
        }
        let (mut lane, _tail) = LaneWriter::in_memory(spec());
        let clock = Clock::given(Nanos(self.now));
        let mut turn = Turn::new(Nanos(self.now), &mut lane, &clock);
        loop {
            match stage.replay_step(&mut turn) {
                Progress::Moved => {}
                Progress::Waiting => panic!("a cause is missing: {:?}", stage.replay.front()),
                Progress::Done => break,
            }
        }
        assert_eq!(*stream.lock().unwrap(), self.recorded_stream());
        assert_eq!(stage.session.position(), self.stage.session.position());
        assert_eq!(stage.session.state(), self.stage.session.state());
    }

    /// Bytes of the messages whose send went out.
    fn recorded_stream(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        for (_, record) in self.records.iter().filter(|(_, row)| row.kind == RecordKind::Sent) {
            let sent = Sent::read(&record.body).unwrap();
            let (_, tx) = self.records.iter().find(|(seq, _)| *seq as u32 == sent.tx_seq).unwrap();
            let (tx, bytes) = Tx::split(&tx.body).unwrap();
            if sent.result >= 0 {
                stream.extend_from_slice(&bytes[..usize::from(tx.len)]);
            }
        }
        stream
    }

    fn voids(&self) -> Vec<(ClOrdId, Reason)> {
        let rows = self.records.iter().filter(|(_, row)| row.kind == RecordKind::TxVoid);
        let read = rows.filter_map(|(_, row)| TxVoid::read(&row.body));
        read.map(|void| (void.cl_ord_id, Reason::from_u8(void.reason).unwrap())).collect()
    }
}

fn id(slot: u32, uses: u32) -> ClOrdId {
    ClOrdId::new(1, StrategyId(1), slot, uses)
}

fn approved(kind: Kind, cl_ord_id: ClOrdId, now: u64) -> Approved {
    Approved {
        kind: kind as u8,
        side: Side::Buy as u8,
        tif: Tif::Day as u8,
        ord_type: OrdType::Limit as u8,
        instrument: InstrumentId(0),
        px: Price(63 * Price::SCALE),
        qty: Qty::from_shares(100),
        cl_ord_id,
        t0: Nanos(now),
        ..Approved::default()
    }
}

/// The letter of each message; that of the packet where it holds none of OUCH.
fn letters(bytes: &[u8]) -> String {
    let mut buffer = ReadBuffer::new(16_384);
    assert_eq!(buffer.push(bytes), bytes.len());
    let mut letters = String::new();
    while let Some(Packet { kind: of_packet, payload }) = buffer.next_packet().unwrap() {
        let of_payload = payload.first().filter(|_| of_packet == kind::UNSEQUENCED);
        letters.push(char::from(of_payload.copied().unwrap_or(of_packet)));
    }
    letters
}
