//! The stage over a file that nobody hurries: what it does while there is no room; and over lines
//! that lose packets.

use super::*;
use crate::link::{self, Input};
use crate::telemetry::FeedKeys;
use ::feed::book::{BooksConfig, StaleCause};
use ::feed::codec::itch50::{AddOrder, Head, Price4, StockDirectory, encode};
use ::feed::moldudp64::{PacketBuilder, ReceiverConfig, Session};
use shm::ids::{InstrumentId, Symbol};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::message::{FeedState, FeedStatus, Kind};
use shm::region::{Region, RegionBuilder};

const STOCK: Symbol = Symbol(*b"AAPL    ");

/// Messages of the day: one directory, then adds, each a new best bid.
fn message(seq: u64) -> Vec<u8> {
    let mut out = [0; 64];
    let length = if seq == 1 {
        let directory = StockDirectory::common_stock(Head::of::<StockDirectory>(1, 0, seq), STOCK);
        encode(&directory, &mut out)
    } else {
        let add = AddOrder {
            head: Head::of::<AddOrder>(1, 0, seq),
            order_ref: seq.into(),
            side: b'B',
            shares: 100.into(),
            stock: STOCK,
            px: Price4::new(100 + seq as u32),
        };
        encode(&add, &mut out)
    };
    out[..length.unwrap()].to_vec()
}

struct Rig {
    stage: FeedStage,
    strategy: Input,
    lane: LaneWriter,
    archive: LaneTail,
    clock: Clock,
    _region: Region,
}

fn packet(first: u64, count: u64) -> Vec<u8> {
    let mut bytes = [0; PACKET_BYTES];
    let session = Session::new("DAY").unwrap();
    let mut builder = PacketBuilder::new(&mut bytes, session, first).unwrap();
    (first..first + count).for_each(|seq| assert!(builder.try_push(&message(seq))));
    let length = builder.finish();
    bytes[..length].to_vec()
}

/// A stage over a file of `packets` packets of 30 messages, with one link of 64 slots.
fn rig(packets: u64, segment_bytes: usize) -> Rig {
    let (mut to, source) = file_packets(false);
    for at in 0..packets {
        assert!(to.try_push(Nanos(0), &packet(1 + at * 30, 30)));
    }
    let config = ReceiverConfig {
        first_seq: None,
        lines: 1,
        tries: 0,
        arbitration: Nanos(0),
        reorder_packets: 1,
        ..ReceiverConfig::default()
    };
    rig_of(Some(Box::new(source)), config, segment_bytes, VecDeque::new())
}

fn rig_of(
    source: Option<Box<dyn Source>>,
    config: ReceiverConfig,
    segment_bytes: usize,
    replay: VecDeque<Recorded>,
) -> Rig {
    let mut builder = RegionBuilder::new(1, Nanos(0));
    builder.thread("hot");
    let keys = FeedKeys::list(&mut builder, "feed:test");
    let region = builder.create_in_memory().unwrap();
    let spec = LaneSpec { lane: 1, epoch: 1, segment_bytes, segments: 4, layout_hash: 0 };
    let (lane, archive) = LaneWriter::in_memory(spec);
    let (output, strategy) = link::ring(64);
    let clock = Clock::given(Nanos(1_000));
    let books = BooksConfig { orders_max: 1 << 16, levels_max: 1 << 16, market: b'Q' };
    let setup = Setup {
        id: StageId::new(shm::record::Stage::Feed, 0),
        feed: FeedId(0),
        source,
        receiver: Receiver::new(config),
        books: ItchBooks::new(books, 1, [(STOCK, InstrumentId(0))]),
        links: vec![MarketLink::lossless(output, 0, 2)],
        capture: true,
        meters: keys.take(&region).unwrap(),
        cells: Vec::new(),
        check: None,
        replay,
    };
    let stage = FeedStage::new(setup, clock.clone());
    Rig { stage, strategy, lane, archive, clock, _region: region }
}

impl Rig {
    fn poll(&mut self) {
        let now = self.clock.now();
        let mut turn = Turn::new(now, &mut self.lane, &self.clock);
        self.stage.poll(&mut turn);
    }

    fn messages(&self) -> u64 {
        self.stage.out.meters().messages.get()
    }
}

/// Goal: with a full ring a file is not read on, and every message of what was read comes, in
/// order. Method: a reader that takes one message each poll.
#[test]
fn a_full_ring_holds_the_file_back() {
    let mut rig = rig(40, 1 << 22);
    for _ in 0..20 {
        rig.poll();
    }
    // 64 slots: the third packet found them full.
    assert_eq!((rig.messages(), rig.stage.out.is_behind()), (90, true));
    assert!(rig.stage.out.meters().waits.get() > 0);
    let mut bids = Vec::new();
    for _ in 0..4_000 {
        rig.poll();
        if let Some(message) = rig.strategy.pop()
            && let Some(top) = message.view::<BookTop>()
            && top.kind == shm::message::Kind::BookTop as u8
        {
            bids.push(top.bid_px.0 / 100_000);
        }
    }
    let expected: Vec<i64> = (2..=1_200).map(|seq| 100 + seq).collect();
    assert_eq!(bids, expected);
    let meters = rig.stage.out.meters();
    assert_eq!((meters.conflated.get(), meters.trades_dropped.get()), (0, 0));
}

/// Goal: with fewer than two free segments a file is not read on, and all of it is in the journal
/// once the archive has come by. Method: a lane of 4 small segments that nobody archives, then one
/// that is.
#[test]
fn a_short_journal_holds_the_file_back() {
    let mut rig = rig(400, 1 << 17);
    let drain = |rig: &mut Rig| while rig.strategy.pop().is_some() {};
    for _ in 0..2_000 {
        rig.poll();
        drain(&mut rig);
    }
    let held = rig.messages();
    assert!(held > 0 && held < 12_000, "{held} messages");
    assert_eq!(rig.lane.free_segments(), 1);
    assert!(rig.stage.out.meters().waits.get() > 0);
    let (mut scratch, mut packets) = (Vec::new(), 0);
    for _ in 0..4_000 {
        rig.poll();
        drain(&mut rig);
        while let Ok(Some(record)) = rig.archive.take(&mut scratch) {
            packets += u64::from(record.kind == RecordKind::RxFeed as u16);
        }
    }
    assert_eq!((rig.messages(), packets), (12_000, 400));
    assert_eq!(rig.stage.out.meters().capture_gaps.get(), 0);
}

/// Datagrams of one line, all there.
struct Line(VecDeque<Vec<u8>>);

impl Source for Line {
    fn recv(&mut self, _line: usize, _now: Nanos, buffer: &mut [u8]) -> Option<Received> {
        let datagram = self.0.pop_front()?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Some(Received::Packet { len: datagram.len(), arrival: Arrival::Read })
    }
    fn lines(&self) -> usize {
        1
    }
    fn request(&mut self, _request: &::feed::moldudp64::Request, _attempt: u32) {}
}

/// Goal: what was kept ahead of a gap is delivered when time gives the gap up, behind the record of
/// it, and a replay delivers the same. Method: three packets, the second lost, nobody to ask.
#[test]
fn a_gap_given_up_delivers_what_was_kept() {
    let config = ReceiverConfig { lines: 1, tries: 0, ..ReceiverConfig::default() };
    let line = Line([packet(1, 3), packet(6, 4)].into());
    let mut live = rig_of(Some(Box::new(line)), config.clone(), 1 << 20, VecDeque::new());
    // A packet that publishes something ends the turn.
    live.poll();
    live.poll();
    assert_eq!(live.messages(), 3);
    live.clock.tell(Nanos(1_000 + config.arbitration.0));
    live.poll();
    assert_eq!((live.messages(), live.stage.receiver.counts().lost), (7, 2));

    let (mut records, mut body) = (VecDeque::new(), Vec::new());
    while let Ok(Some(record)) = live.archive.take(&mut body) {
        let kind = RecordKind::from_u16(record.kind).unwrap();
        records.push_back(Recorded {
            kind,
            at: record.at,
            ts: Nanos(record.ts),
            body: body.clone(),
        });
    }
    let kinds: Vec<RecordKind> = records.iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [RecordKind::RxFeed, RecordKind::RxFeed, RecordKind::Tick]);
    let mut replay = rig_of(None, config, 1 << 20, records);
    let mut turn = Turn::new(Nanos(0), &mut replay.lane, &replay.clock);
    while replay.stage.replay_step(&mut turn) == Progress::Moved {}
    let mut seen = [Vec::new(), Vec::new()];
    for (seen, rig) in seen.iter_mut().zip([&mut live, &mut replay]) {
        while let Some(message) = rig.strategy.pop() {
            let top = message.view::<BookTop>().copied().unwrap_or_default();
            seen.push((top.kind, top.flags, top.bid_px, top.t0));
        }
    }
    assert!(seen[0].len() > 7);
    assert_eq!(seen[0], seen[1]);
}

/// The states of its feed that a strategy was told of, in order.
fn states(rig: &mut Rig) -> Vec<FeedState> {
    let mut states = Vec::new();
    while let Some(message) = rig.strategy.pop() {
        if message.kind() == Some(Kind::FeedStatus)
            && let Some(status) = message.view::<FeedStatus>()
        {
            states.extend(FeedState::from_u8(status.state));
        }
    }
    states
}

/// Goal: what makes every book of a feed unfit is told as the feed's state, since a book that does
/// not change any more carries no flag of it (R24): lost messages, and a message that does not
/// decode. Method: a gap that nobody fills, then the line whole; a message of an odd length.
#[test]
fn a_feed_whose_books_are_all_unfit_is_stale() {
    let config = ReceiverConfig { lines: 1, tries: 0, ..ReceiverConfig::default() };
    let line = Line([packet(1, 3), packet(6, 4), packet(10, 2)].into());
    let mut rig = rig_of(Some(Box::new(line)), config.clone(), 1 << 20, VecDeque::new());
    rig.poll();
    rig.poll();
    rig.clock.tell(Nanos(1_000 + config.arbitration.0));
    rig.poll();
    assert_eq!(rig.stage.receiver.state(), FeedState::Live, "the sequence is whole again");
    assert_eq!(states(&mut rig).last(), Some(&FeedState::Stale));
    let meters = rig.stage.out.meters();
    assert_eq!((meters.state.get(), meters.lost.get()), (FeedState::Stale as u64, 2));
    assert_eq!(meters.unfit.get(), StaleCause::Lost as u64);

    let mut odd = [0; PACKET_BYTES];
    let mut builder = PacketBuilder::new(&mut odd, Session::new("DAY").unwrap(), 4).unwrap();
    assert!(builder.try_push(b"A of no length"));
    let length = builder.finish();
    let line = Line([packet(1, 3), odd[..length].to_vec()].into());
    let mut rig = rig_of(Some(Box::new(line)), config, 1 << 20, VecDeque::new());
    rig.poll();
    rig.poll();
    assert_eq!(states(&mut rig), [FeedState::Live, FeedState::Stale]);
}

/// Goal: where the lane has no room for what a line brings, books go on, and the journal says from
/// which sequence number on it is not whole: once each time. Method: a line of 2,000 packets over a
/// lane that is archived only in between and at the end.
#[test]
fn what_was_not_captured_is_told_in_the_journal() {
    let packets = 2_000_u64;
    let line = Line((0..packets).map(|at| packet(1 + at * 30, 30)).collect());
    let config = ReceiverConfig { first_seq: None, lines: 1, tries: 0, ..Default::default() };
    let mut rig = rig_of(Some(Box::new(line)), config, 1 << 17, VecDeque::new());
    let (mut body, mut gaps, mut captured) = (Vec::new(), Vec::new(), 0);
    for poll in 1..=2 * packets {
        rig.poll();
        while rig.strategy.pop().is_some() {}
        if poll == packets / 2 || poll == 2 * packets {
            while let Ok(Some(record)) = rig.archive.take(&mut body) {
                captured += u64::from(record.kind == RecordKind::RxFeed as u16);
                if record.kind == RecordKind::CaptureGap as u16 {
                    gaps.push((captured, CaptureGap::read(&body).unwrap().feed_seq));
                }
            }
        }
    }
    assert_eq!(rig.messages(), 30 * packets, "the books go on");
    let missed = rig.stage.out.meters().capture_gaps.get();
    assert_eq!(captured + missed, packets);
    let [(before, first), (_, second)] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!(first, 1 + 30 * before, "the first that is missing");
    assert!(second > first && rig.lane.free_segments() > 0, "{gaps:?}");
    assert_eq!(rig.archive.lost(), 0);
}
