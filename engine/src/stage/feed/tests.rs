//! The stage over a file that nobody hurries: what it does while there is no room.

use super::*;
use crate::link::{self, Input};
use crate::telemetry::FeedKeys;
use ::feed::book::BooksConfig;
use ::feed::codec::itch50::{AddOrder, Head, Price4, StockDirectory, encode};
use ::feed::moldudp64::{PacketBuilder, ReceiverConfig, Session};
use shm::ids::{InstrumentId, Symbol};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::region::{Region, RegionBuilder};

const STOCK: Symbol = Symbol(*b"AAPL    ");

/// Messages of the day: one directory, then adds, each a new best bid.
fn message(seq: u64) -> Vec<u8> {
    let mut out = [0; 64];
    let length = if seq == 1 {
        let directory = StockDirectory {
            head: Head::of::<StockDirectory>(1, 0, seq),
            stock: STOCK,
            market_category: b'Q',
            financial_status: b'N',
            round_lot_size: 100.into(),
            round_lots_only: b'N',
            issue_classification: b'C',
            issue_sub_type: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo_flag: b'N',
            luld_tier: b'1',
            etp_flag: b'N',
            etp_leverage: 0.into(),
            inverse: b'N',
        };
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

/// A stage over a file of `packets` packets of 30 messages, with one link of 64 slots.
struct Rig {
    stage: FeedStage,
    strategy: Input,
    lane: LaneWriter,
    archive: LaneTail,
    clock: Clock,
    _region: Region,
}

fn rig(packets: u64, segment_bytes: usize) -> Rig {
    let (mut to, source) = file_packets(false);
    for packet in 0..packets {
        let mut bytes = [0; PACKET_BYTES];
        let session = Session::new("FILE").unwrap();
        let first = 1 + packet * 30;
        let mut builder = PacketBuilder::new(&mut bytes, session, first).unwrap();
        (first..first + 30).for_each(|seq| assert!(builder.try_push(&message(seq))));
        let length = builder.finish();
        assert!(to.try_push(Nanos(0), &bytes[..length]));
    }
    let mut builder = RegionBuilder::new(1, Nanos(0));
    builder.thread("hot");
    let keys = FeedKeys::list(&mut builder, "feed:test");
    let region = builder.create_in_memory().unwrap();
    let spec = LaneSpec { lane: 1, epoch: 1, segment_bytes, segments: 4, layout_hash: 0 };
    let (lane, archive) = LaneWriter::in_memory(spec);
    let (output, strategy) = link::ring(64);
    let clock = Clock::given(Nanos(1_000));
    let config = ReceiverConfig {
        first_seq: None,
        lines: 1,
        tries: 0,
        arbitration: Nanos(0),
        reorder_packets: 1,
        ..ReceiverConfig::default()
    };
    let books = BooksConfig { orders_max: 1 << 16, levels_max: 1 << 16, market: b'Q' };
    let setup = Setup {
        id: StageId::new(shm::record::Stage::Feed, 0),
        feed: FeedId(0),
        source: Some(Box::new(source)),
        receiver: Receiver::new(config),
        books: ItchBooks::new(books, 1, [(STOCK, InstrumentId(0))]),
        links: vec![MarketLink::lossless(output, 0, 2)],
        capture: true,
        meters: keys.take(&region).unwrap(),
        cells: Vec::new(),
        check: None,
        replay: VecDeque::new(),
    };
    let stage = FeedStage::new(setup, clock.clone());
    Rig { stage, strategy, lane, archive, clock, _region: region }
}

impl Rig {
    fn poll(&mut self) {
        let now = self.clock.now();
        let mut turn = Turn { now, lane: &mut self.lane, clock: &self.clock };
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
