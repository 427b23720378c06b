//! The risk stage with every rule on, against one that asks nothing, order by order, on one thread.
//!
//! ```text
//! 1,000 intents ─► stage with every rule ─► approvals     each order timed; the venue's answers
//! 1,000 intents ─► stage that asks nothing ─► approvals   come untimed, after the round
//! ```
//!
//! Timed of both: one poll, that is every link looked at, the intent taken, stamps, meters, the
//! record of the approval in the journal, the message in the gateway's ring. Only the stage with
//! rules has rules, sums, order table and books. Not in it: the gates, memory of other processes,
//! and the other ends of the links.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::clock::Clock;
use engine::link::{self, Input, Output};
use engine::risk::Mode;
use engine::risk::cost::{self, INSTRUMENTS, ORDERS, Round};
use engine::stage::Turn;
use engine::stage::market_link::MarketLink;
use engine::stage::risk::{
    Board, Compiler, LimitDoor, Ports, RiskStage, Setup, UpdateLink, Wiring,
};
use engine::telemetry::{RefusalKeys, RiskKeys, RiskMeters};
use shm::journal::{LaneSpec, LaneTail, LaneWriter};
use shm::message::{self, Intent, Kind, Message, Tail};
use shm::record::order::{self as record, PositionEvent};
use shm::record::{RecordKind, StageId};
use shm::region::{Region, RegionBuilder};
use shm::units::Nanos;

/// Between two orders on the engine's clock: 40,000 a second.
const STEP_NS: u64 = 25_000;
/// Of each link.
const SLOTS: usize = 4_096;

/// What one round took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTimes {
    /// Median of an order, ns, with every rule and with none.
    pub p50_ns: [u64; 2],
    /// Mean of an order, ns, likewise.
    pub mean_ns: [u64; 2],
}

/// A stage, either of the two.
trait Decides {
    fn poll(&mut self, turn: &mut Turn<'_>);
}

impl Decides for RiskStage {
    fn poll(&mut self, turn: &mut Turn<'_>) {
        Self::poll(self, turn);
    }
}

/// A risk stage that approves whatever comes.
struct Empty {
    ports: Ports,
    meters: RiskMeters,
}

impl Decides for Empty {
    fn poll(&mut self, turn: &mut Turn<'_>) {
        if !turn.has_room() {
            return;
        }
        let Self { ports, meters } = self;
        let taken = ports.market.drain(64, |message| {
            std::hint::black_box(message);
        });
        meters.market.add(taken as u64);
        for reports in &mut ports.reports {
            while reports.pop().is_some() {}
        }
        while ports.commands.pop().is_some() {}
        for intents in &mut ports.intents {
            while let Some(message) = intents.peek() {
                for reports in &mut ports.reports {
                    while reports.pop().is_some() {}
                }
                let room = ports.approved.first().is_some_and(|ring| ring.has_room(2));
                assert!(room && turn.lane.free_segments() >= 1, "the bench drains both");
                intents.pop();
                let Some(intent) = message.view::<Intent>() else { continue };
                let begun = turn.clock.now().max(turn.now);
                let published = message.tail().published(begun);
                let decided = turn.clock.now();
                meters.intents.add(1);
                meters.hop_strategy_risk.record(begun.saturating_since(published).0);
                meters.risk.record(decided.saturating_since(begun).0);
                let record = approval(intent, published, begun, decided);
                let at = ports.market.taken();
                turn.write(RecordKind::Approved, StageId::RISK, at, begun, record.bytes());
                meters.approved.add(1);
                let message = forward(&record, turn.lane.last_seq().0);
                if let Some(ring) = ports.approved.first_mut() {
                    let pushed = ring.try_push(message.into(), turn.clock.now());
                    assert!(pushed.is_ok(), "there was room");
                }
                meters.working.set(0);
            }
        }
    }
}

/// The record of an approval, as the real stage fills it.
fn approval(intent: &Intent, published: Nanos, begun: Nanos, decided: Nanos) -> record::Approved {
    record::Approved {
        px: intent.px,
        qty: intent.qty,
        cl_ord_id: intent.cl_ord_id,
        t0: intent.t0,
        cause: intent.cause,
        d_publish: intent.d_publish,
        d_begin: intent.d_begin,
        d_intent: published.after(intent.t0),
        d_risk: begun.after(intent.t0),
        d_decided: decided.after(intent.t0),
        limit_version: 1,
        instrument: intent.instrument,
        side: intent.side,
        tif: intent.tif,
        ord_type: intent.ord_type,
        action: intent.kind,
        ..record::Approved::default()
    }
}

/// The approval for the gateway.
fn forward(record: &record::Approved, lane_seq: u64) -> message::Approved {
    message::Approved {
        kind: Kind::ApprovedNew as u8,
        side: record.side,
        tif: record.tif,
        ord_type: record.ord_type,
        instrument: record.instrument,
        px: record.px,
        qty: record.qty,
        cl_ord_id: record.cl_ord_id,
        t0: record.t0,
        lane_seq,
        d_decided: record.d_decided,
        account: record.account,
        flags: 0,
        tail: Tail(0),
    }
}

/// The other ends of a stage's links.
struct Ends {
    intents: Vec<Output>,
    reports: Output,
    approved: Input,
    updates: Vec<Input>,
    _market: Output,
    _commands: Output,
    _region: Region,
}

/// One of the two, with its links and its lane.
struct Side<S> {
    stage: S,
    ends: Ends,
    lane: LaneWriter,
    tail: LaneTail,
    scratch: Vec<u8>,
    times: Vec<u64>,
}

/// Both, their clock, and what measures.
pub struct Bench {
    ruled: Side<RiskStage>,
    empty: Side<Empty>,
    /// The orders of the round; only its list is used.
    round: Round,
    clock: Clock,
    now: Nanos,
    watch: Clock,
    seq: u32,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// Puts both together and gives the one with rules its market and its session.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Round::new())
    }

    /// The same with all orders in one instrument: everything that an order reads was read by the
    /// one before it.
    #[must_use]
    pub fn in_one_instrument() -> Self {
        Self::of(Round::in_one_instrument())
    }

    fn of(round: Round) -> Self {
        let ruled = Side::new(|ports, meters, refusals, cells| {
            let setup = cost::setup();
            let wiring = setup.strategies.iter();
            let wiring =
                wiring.map(|row| Wiring { account: row.account, gateway: row.gateway }).collect();
            RiskStage::new(Setup {
                risk: round.risk.clone(),
                ports,
                wiring,
                mode: Mode::Active,
                gates: None,
                archive_failed: None,
                carried: VecDeque::new(),
                limits: LimitDoor::default(),
                cancel_over: false,
                board: Arc::new(Board::new(Compiler::of(&setup).map())),
                meters,
                refusals,
                cells,
                instruments: INSTRUMENTS,
                replay: VecDeque::new(),
            })
        });
        let empty = Side::new(|ports, meters, _, _| Empty { ports, meters });
        let now = Nanos(2 * Nanos::SECOND.0);
        let (clock, watch) = (Clock::given(now), Clock::start());
        Self { ruled, empty, round, clock, now, watch, seq: 0 }
    }

    /// One round of each: a thousand orders, in instruments at random.
    ///
    /// # Panics
    /// When an order is refused.
    pub fn round(&mut self) -> RoundTimes {
        let Self { ruled, empty, round, clock, now, watch, .. } = self;
        let begin = *now;
        empty.run(&round.orders, clock, now, watch);
        *now = begin;
        ruled.run(&round.orders, clock, now, watch);
        self.end();
        let p50_ns = [median(&mut self.ruled.times), median(&mut self.empty.times)];
        let mean_ns = [mean(&self.ruled.times), mean(&self.empty.times)];
        RoundTimes { p50_ns, mean_ns }
    }

    /// The venue takes every order and ends it.
    fn end(&mut self) {
        for report in self.round.ends() {
            self.seq += 1;
            let report = message::ExecReport { venue_seq: self.seq, ..report };
            let pushed = self.ruled.ends.reports.try_push(report.into(), self.now);
            assert!(pushed.is_ok(), "room for the answers of a round");
        }
        for _ in 0..2 * ORDERS / 64 + 1 {
            self.ruled.turn(&self.clock);
        }
        assert_eq!(self.ruled.stage.risk().working_count(), 0, "every order has ended");
        self.round.renew();
    }
}

impl<S: Decides> Side<S> {
    fn new(
        make: impl FnOnce(
            Ports,
            RiskMeters,
            engine::telemetry::Refusals,
            Vec<shm::seqlock::CellWriter<PositionEvent>>,
        ) -> S,
    ) -> Self {
        let with = cost::setup();
        let (market_out, market) = link::ring(SLOTS);
        let (reports_out, reports) = link::ring(SLOTS);
        let (commands_out, commands) = link::ring(256);
        let (approved_out, approved) = link::ring(SLOTS);
        let strategies = with.strategies.len();
        let (intents_out, intents) = (0..strategies).map(|_| link::ring(SLOTS)).unzip();
        let (updates_out, updates): (Vec<_>, Vec<_>) =
            (0..strategies).map(|_| link::ring(SLOTS)).unzip();
        let mut builder = RegionBuilder::new(7, Nanos(0));
        builder.thread("bench");
        let keys = RiskKeys::list(&mut builder, "risk");
        let refusals = RefusalKeys::list(&mut builder);
        let cells = builder.cells::<PositionEvent>("risk.position", strategies * INSTRUMENTS);
        let region = builder.create_in_memory().expect("the list is sound");
        let links = updates_out.into_iter().zip(&with.strategies).enumerate();
        let links = links.map(|(at, (output, row))| {
            let link = MarketLink::new(output, at as u16, row.slot_count as usize);
            UpdateLink::new(link, row.slot_first, row.slot_count)
        });
        let ports = Ports {
            market,
            feeds: Vec::new(),
            intents,
            reports: vec![reports],
            commands,
            approved: vec![approved_out],
            updates: links.collect(),
        };
        let meters = keys.take(&region).expect("listed");
        let refusals = refusals.take(&region).expect("listed");
        let stage = make(ports, meters, refusals, region.cells(cells).expect("listed"));
        let spec =
            LaneSpec { lane: 1, epoch: 7, segment_bytes: 1 << 20, segments: 4, layout_hash: 0 };
        let (lane, tail) = LaneWriter::in_memory(spec);
        let ends = Ends {
            intents: intents_out,
            reports: reports_out,
            approved,
            updates,
            _market: market_out,
            _commands: commands_out,
            _region: region,
        };
        Self { stage, ends, lane, tail, scratch: Vec::new(), times: Vec::with_capacity(ORDERS) }
    }

    /// Decides on every order, timing each.
    fn run(&mut self, orders: &[Intent], clock: &mut Clock, now: &mut Nanos, watch: &Clock) {
        self.times.clear();
        for intent in orders {
            now.0 += STEP_NS;
            clock.tell(*now);
            let to = self.ends.intents.get_mut(intent.cl_ord_id.strategy().index());
            let pushed = to.expect("a strategy of the setup").try_push((*intent).into(), *now);
            assert!(pushed.is_ok(), "the stage keeps up");
            let mut turn = Turn::new(*now, &mut self.lane, clock);
            let begin = watch.now();
            self.stage.poll(&mut turn);
            self.times.push(watch.now().saturating_since(begin).0);
            let approved = self.ends.approved.pop().map(|message: Message| message.kind());
            assert_eq!(approved, Some(Some(Kind::ApprovedNew)), "{intent:?}");
        }
        self.drain();
    }

    /// A turn without an order.
    fn turn(&mut self, clock: &Clock) {
        self.stage.poll(&mut Turn::new(clock.now(), &mut self.lane, clock));
        self.drain();
    }

    fn drain(&mut self) {
        for updates in &mut self.ends.updates {
            while updates.pop().is_some() {}
        }
        while let Ok(Some(_)) = self.tail.take(&mut self.scratch) {}
    }
}

fn median(times: &mut [u64]) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}

fn mean(times: &[u64]) -> u64 {
    times.iter().sum::<u64>() / times.len().max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: both stages pass every order, round after round. Method: rounds; one that does not
    // panics.
    #[test]
    fn both_stages_pass_every_order() {
        let mut bench = Bench::new();
        for _ in 0..3 {
            let times = bench.round();
            assert!(times.p50_ns.iter().all(|ns| *ns > 0), "{times:?}");
        }
    }
}
