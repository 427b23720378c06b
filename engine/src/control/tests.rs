//! The control thread over a lane, rings and gates in memory, and a socket of its own.

mod kill;
mod late;
mod limits;
mod status;

use super::*;
use crate::config::limits::Scope as LimitScope;
use crate::config::machine::Machine;
use crate::config::topology::plan;
use crate::config::{Loaded, Sources};
use crate::link::{self, Input};
use crate::pipeline::archive::Trouble;
use crate::pipeline::assemble::Assembly;
use crate::pipeline::guard::Words;
use crate::pipeline::limit_set::LimitsInForce;
use crate::pipeline::net::Watched;
use crate::pipeline::opening::Opening;
use crate::stage::gateway::OpenOrders;
use crate::stage::risk::{Board, Compiler, LimitDoor, exchange};
use shm::counters::Counter;
use shm::gates::{Gates, Shape};
use shm::ids::{AccountId, ClOrdId, GatewayId};
use shm::journal::{LaneSeq, LaneSpec, LaneTail};
use shm::region::{Region, RegionBuilder};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// When every rig begins.
const BEGIN: Nanos = Nanos(100 * Nanos::SECOND.0);
/// Commands that risk's ring holds.
const RING: usize = 256;

const CONFIG: &str = include_str!("../config/tests/good.toml");
const INSTRUMENTS: &str = include_str!("../../../config/demo-instruments.csv");

/// Counters that a status is made of, by stage.
const COUNTERS: [&str; 26] = [
    "risk.working",
    "risk.mode",
    "risk.limits_over",
    "risk.contradictions",
    "feed:itch.state",
    "feed:itch.unfit",
    "feed:itch.missing",
    "feed:itch.messages",
    "feed:itch.lost",
    "feed:itch.book_faults",
    "gateway:ouch.sessions",
    "strategy:mm.enabled",
    "strategy:take.enabled",
    "strategy:probe.enabled",
    "strategy:mm.down",
    "strategy:take.down",
    "strategy:probe.down",
    "gateway:ouch.link_open",
    "gateway:ouch.session_up",
    "gateway:ouch.session_broken",
    "gateway:ouch.unapproved",
    "archive.lag",
    "archive.failed",
    "archive.drift",
    "archive.bytes",
    "archive.lag_bytes",
];

/// A control thread that is turned by hand, and all that stands around it.
struct Rig {
    control: Control,
    tail: LaneTail,
    /// What risk is given.
    risk: Input,
    /// What strategies are given, kept so that their rings live.
    _strategies: Vec<Input>,
    gates: Gates,
    open: Arc<OpenOrders>,
    watched: Arc<Watched>,
    words: Words,
    board: Arc<Board>,
    _door: LimitDoor,
    /// Risk's lane: as far as this is appended and taken, its records are durable.
    risk_lane: (LaneWriter, LaneTail),
    counters: HashMap<&'static str, Counter>,
    trouble: Trouble,
    client: BufReader<UnixStream>,
    _region: Region,
    _temp: tempfile::TempDir,
}

fn spec(lane: u16) -> LaneSpec {
    LaneSpec { lane, epoch: 1, segment_bytes: 1 << 20, segments: 4, layout_hash: 0 }
}

fn parts(more: &str) -> (Loaded, Instruments, RiskDesk, SelfTest, Shape, LimitDoor, Arc<Board>) {
    let loaded = Sources::text("good.toml", &format!("{more}\n{CONFIG}")).load().unwrap();
    let instruments = Instruments::parse("demo-instruments.csv", INSTRUMENTS).unwrap();
    let bound = loaded.bind(&instruments).unwrap();
    let machine = Machine { cores: (0..1024).collect(), ..Machine::probe() };
    let plan = plan(&loaded, &machine).unwrap();
    let assembly = Assembly {
        config: &loaded.config,
        instruments: &instruments,
        bound: &bound,
        plan: &plan,
        epoch: 1,
        days: 20_000,
        opening: &Opening::default(),
    };
    let setup = assembly.risk_setup();
    let (sets, door) = exchange();
    let board = Arc::new(Board::new(Compiler::of(&setup).map()));
    let limits = LimitsInForce::at_start(&loaded, None, None, BEGIN);
    let desk = RiskDesk::new(&loaded, limits, &setup, (sets, Arc::clone(&board)), None);
    let shape = Shape {
        gateways: 1,
        accounts: 1,
        strategies: 4,
        instruments: instruments.len(),
        names_hash: 0,
    };
    let self_test = SelfTest::new(setup);
    (loaded, instruments, desk, self_test, shape, door, board)
}

fn outlook(open: &Arc<OpenOrders>, watched: &Arc<Watched>, words: &Words) -> Outlook {
    let (open, watched) = (vec![Arc::clone(open)], vec![(GatewayId(0), Arc::clone(watched))]);
    Outlook { open, watched, words: words.clone() }
}

impl Rig {
    /// The good configuration behind `more` top-level keys.
    fn new(more: &str) -> Self {
        let (loaded, instruments, mut desk, self_test, shape, door, board) = parts(more);
        let risk_lane = LaneWriter::in_memory(spec(1));
        desk.watch_lane(risk_lane.0.durable_mark());
        let (gates, opener) = Gates::in_memory(shape).unwrap();
        let (lane, tail) = LaneWriter::in_memory(spec(0));
        let temp = tempfile::tempdir().unwrap();
        let server = Server::bind(&temp.path().join("control.sock")).unwrap();
        let client = UnixStream::connect(temp.path().join("control.sock")).unwrap();
        let mut builder = RegionBuilder::new(1, Nanos(0));
        builder.thread("test");
        let keys = COUNTERS.map(|name| (name, builder.counter(name, "")));
        let region = builder.create_in_memory().unwrap();
        let counters = keys.map(|(name, key)| (name, region.counter(key).unwrap()));
        let reader = region.reader().unwrap();
        let (vitals, trouble) = Vitals::find(&loaded.config, &reader).unwrap();
        let open = Arc::new(OpenOrders::new(8));
        let (watched, words) = (Arc::new(Watched::default()), Words::default());
        let (to_risk, risk) = link::ring(RING);
        let mut commands = vec![(StageId::Risk, to_risk)];
        let mut strategies = Vec::new();
        for row in &loaded.config.strategies {
            let (output, input) = link::ring(RING);
            commands.push((StageId::Strategy(row.id), output));
            strategies.push(input);
        }
        let control = Control::new(Setup {
            config: loaded.config.clone(),
            instruments,
            lane,
            gates: opener,
            commands,
            server,
            clock: Clock::given(BEGIN),
            phase: Phase::new(),
            vitals,
            outlook: outlook(&open, &watched, &words),
            desk,
            stop: StopFlag::default(),
            self_test,
        });
        Self {
            control,
            tail,
            risk,
            _strategies: strategies,
            gates,
            open,
            watched,
            words,
            board,
            _door: door,
            risk_lane,
            counters: HashMap::from(counters),
            trouble,
            client: BufReader::new(client),
            _region: region,
            _temp: temp,
        }
    }

    fn set(&self, counter: &'static str, value: u64) {
        self.counters[counter].set(value);
    }

    /// Makes `later` pass.
    fn wait(&mut self, later: Nanos) {
        let now = self.control.clock.now();
        self.control.clock.tell(Nanos(now.0 + later.0));
    }

    /// What the loop does when nobody asks anything.
    fn turn(&mut self) {
        let now = self.control.clock.now();
        self.control.kill_on(now);
        self.control.answer_taken(now);
    }

    /// Asks; the answer, if it comes at once.
    fn ask(&mut self, request: &Request) -> Option<Reply> {
        let asked = Asked::now(&self.gates, Duration::from_secs(60));
        self.ask_with(request, Some(asked))
    }

    /// As [`Rig::ask`], with what the caller had seen.
    fn ask_with(&mut self, request: &Request, asked: Option<Asked>) -> Option<Reply> {
        let line = asked::line_with(request, asked);
        self.client.get_mut().write_all(&line).unwrap();
        let Heard { token, caller, line } = self.next_line();
        self.control.answer(&line, caller, token)
    }

    fn next_line(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.control.server.poll().pop() {
                return heard;
            }
        }
    }

    /// The answer that comes later, if it has come.
    fn heard(&mut self) -> Option<Reply> {
        self.client.get_ref().set_nonblocking(true).unwrap();
        let mut line = String::new();
        let read = self.client.read_line(&mut line);
        self.client.get_ref().set_nonblocking(false).unwrap();
        read.ok().map(|_| serde_json::from_str(&line).unwrap())
    }

    /// Asks for what risk has to take, and lets it; the answer, and what risk was given.
    fn ask_risk(&mut self, request: &Request) -> (Reply, Vec<Command>) {
        if let Some(reply) = self.ask(request) {
            return (reply, self.given());
        }
        let given = self.take();
        self.turn();
        self.journalled();
        self.turn();
        (self.heard().expect("it is answered"), given)
    }

    /// Commands given to risk since the last call.
    fn given(&mut self) -> Vec<Command> {
        let mut given = Vec::new();
        while let Some(message) = self.risk.pop() {
            given.push(*message.view::<Command>().unwrap());
        }
        given
    }

    /// Operator records since the last call, with their words; all of the lane is durable then.
    fn journalled(&mut self) -> Vec<(RecordKind, Operator, String)> {
        let mut found = Vec::new();
        let mut body = Vec::new();
        while let Some(header) = self.tail.take(&mut body).unwrap() {
            let kind = RecordKind::from_u16(header.kind).unwrap();
            let (given, rest) = Operator::split(&body).unwrap();
            let words = rest.get(..given.len as usize).unwrap_or_default();
            found.push((kind, given, String::from_utf8_lossy(words).into_owned()));
        }
        found
    }

    /// Risk takes every command given so far, and its record is durable.
    fn take(&mut self) -> Vec<Command> {
        let given = self.given();
        self.take_given(&given);
        given
    }

    /// Risk has taken these, and its record is durable.
    fn take_given(&mut self, given: &[Command]) {
        let last = given.last().map_or(0, |command| command.lane_seq);
        let (lane, tail) = &mut self.risk_lane;
        let seq = lane.append(RecordKind::Took as u16, 0, 0, BEGIN, &[0; 32]).unwrap();
        tail.take(&mut Vec::new()).unwrap();
        assert!(lane.durable() > LaneSeq::NONE, "{seq:?}");
        self.board.took(last, lane.last_seq().0);
    }
}

fn kill(scope: &str) -> Request {
    Request::Kill { scope: ScopeName(scope.to_owned()), reason: "a test".to_owned() }
}

fn arm(reason: &str) -> Request {
    Request::Arm { scope: ScopeName::default(), reason: reason.to_owned() }
}
