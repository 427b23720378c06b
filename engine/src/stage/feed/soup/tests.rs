//! A server in memory at the other end, cut at will; a receiver behind the source, as in the stage.

use super::*;
use ::feed::moldudp64::{Delivery, Event, Receiver, ReceiverConfig, Sink};
use gateway::link::{Link, MemoryLink, pair};
use gateway::session::soupbintcp::{
    ClientConfig, Credentials, REJECT_CREDENTIALS, SequencedStore, Server, ServerConfig,
    ServerEvent,
};
use shm::message::FeedState;

const SECOND: u64 = 1_000_000_000;

#[derive(Default)]
struct Heard {
    messages: Vec<(u64, Vec<u8>)>,
    events: Vec<Event>,
}

impl Sink for Heard {
    fn on_message(&mut self, delivery: Delivery, message: &[u8]) {
        self.messages.push((delivery.seq, message.to_vec()));
    }
    fn on_event(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// The stream of a venue: as many messages as there are now.
struct Stream(u64);

fn message(seq: u64) -> Vec<u8> {
    (0..12 + seq % 40).map(|at| (seq * 31 + at) as u8).collect()
}

impl SequencedStore for Stream {
    fn next_seq(&self) -> u64 {
        self.0 + 1
    }
    fn message(&self, seq: u64) -> Option<&[u8]> {
        // Kept for the whole test run: a store lends.
        (1..=self.0).contains(&seq).then(|| &*message(seq).leak())
    }
}

struct Venue {
    server: Server,
    link: MemoryLink,
    out: Vec<u8>,
}

struct Rig {
    source: SoupSource,
    wanted: Arc<AtomicU64>,
    links: rtrb::Producer<AnyLink>,
    notice: SoupNotice,
    receiver: Receiver,
    heard: Heard,
    /// Bytes that a link has room for.
    capacity: usize,
    now: u64,
}

impl Rig {
    fn new() -> Self {
        let credentials = Credentials::new("DEMO01", "secret").unwrap();
        let client = Client::new(ClientConfig::new(credentials, Start::FIRST));
        let wanted = Arc::new(AtomicU64::new(0));
        let (links, consumer) = rtrb::RingBuffer::new(1);
        let dial = Dial { wanted: Arc::clone(&wanted), links: consumer, fence: Arc::default() };
        let notice = SoupNotice::default();
        let receiver = Receiver::new(ReceiverConfig {
            lines: 1,
            tries: 0,
            arbitration: Nanos(0),
            silence: Nanos(15 * SECOND),
            catches_up: true,
            reorder_packets: 1,
            remembered: 16,
            ..ReceiverConfig::default()
        });
        Self {
            source: SoupSource::new(client, dial, notice.clone()),
            wanted,
            links,
            notice,
            receiver,
            heard: Heard::default(),
            capacity: 1 << 12,
            now: 1,
        }
    }

    fn is_wanted(&self) -> bool {
        // ORDERING: Relaxed; one thread.
        self.wanted.load(Ordering::Relaxed) != 0
    }

    /// Dials, if the source asks for it.
    fn dial(&mut self, session: &str) -> Venue {
        self.turn();
        assert!(self.is_wanted(), "a link is asked for");
        // ORDERING: Relaxed; one thread.
        self.wanted.store(0, Ordering::Relaxed);
        let (ours, theirs) = pair(self.capacity, 1 << 16);
        assert!(self.links.push(AnyLink::Memory(ours)).is_ok());
        let mut server = Server::new(ServerConfig::new(SessionName::new(session).unwrap()));
        server.on_connect(Nanos(self.now));
        Venue { server, link: theirs, out: Vec::new() }
    }

    /// One poll of the stage. What came of it.
    fn turn(&mut self) -> usize {
        let mut buffer = [0; 2_048];
        let mut count = 0;
        for _ in 0..4 {
            let now = Nanos(self.now);
            match self.source.recv(0, now, &mut buffer) {
                None => break,
                Some(Received::Cut) => self.receiver.cut(&mut self.heard),
                Some(Received::Whole) => self.receiver.whole(&mut self.heard),
                Some(Received::Packet { len, arrival }) => {
                    assert!(matches!(arrival, Arrival::Read | Arrival::Due(_)));
                    let bytes = &buffer[..len];
                    let outcome = self.receiver.on_packet(0, bytes, now, now, &mut self.heard);
                    assert!(outcome.changed(), "{outcome:?}");
                }
            }
            count += 1;
        }
        let _ = self.receiver.poll(Nanos(self.now), &mut self.heard);
        count
    }

    /// Turns until nothing more comes.
    fn settle(&mut self) {
        while self.turn() > 0 {}
        self.now += 300_000;
        while self.turn() > 0 {}
    }

    fn seqs(&self) -> Vec<u64> {
        self.heard.messages.iter().map(|(seq, _)| *seq).collect()
    }
}

impl Venue {
    /// Reads what came, then writes what is owed.
    fn serve(&mut self, rig: &Rig, stream: &Stream) {
        let mut bytes = [0; 256];
        while let RecvResult::Bytes(count) = self.link.recv_into(&mut bytes) {
            assert_eq!(self.server.on_bytes(&bytes[..count], Nanos(rig.now)), count);
        }
        while let Some(event) = self.server.next_event() {
            if let ServerEvent::Login(request) = event {
                let known = Credentials::new("DEMO01", "secret").unwrap();
                if request.credentials.matches(&known) {
                    let _ = self.server.accept(&request, stream.next_seq());
                } else {
                    self.server.reject(REJECT_CREDENTIALS);
                }
            }
        }
        let mut out = vec![0; 1 << 16];
        loop {
            let poll = self.server.poll(Nanos(rig.now), stream, 1_000, &mut out);
            self.out.extend_from_slice(&out[..poll.bytes]);
            if poll.bytes == 0 {
                return;
            }
        }
    }

    /// Sends what was written, at most so many bytes of it.
    fn send(&mut self, most: usize) {
        let rest = self.out.split_off(most.min(self.out.len()));
        assert_eq!(self.link.send(&self.out), SendResult::All);
        self.out = rest;
    }

    /// Login, and everything there is.
    fn run(&mut self, rig: &mut Rig, stream: &Stream) {
        rig.turn();
        self.serve(rig, stream);
        self.send(usize::MAX);
        rig.settle();
    }
}

/// Goal: a link cut after any byte loses no message and doubles none, and the feed is STALE from
/// the cut until it has caught up. Method: a stream of 30 messages, cut after every count of bytes.
#[test]
fn a_cut_after_any_byte_loses_nothing() {
    let stream = Stream(30);
    let whole: usize = 33 + (1..=30).map(|seq| 3 + message(seq).len()).sum::<usize>();
    for cut in 0..=whole {
        let mut rig = Rig::new();
        let mut venue = rig.dial("DAY1");
        rig.turn();
        venue.serve(&rig, &stream);
        venue.send(cut);
        while rig.turn() > 0 {}
        let before = rig.heard.messages.len();
        venue.link.shutdown();
        rig.settle();
        assert_eq!(rig.receiver.state(), FeedState::Stale, "cut {cut}");
        rig.dial("DAY1").run(&mut rig, &stream);
        assert_eq!(rig.seqs(), (1..=30).collect::<Vec<_>>(), "cut {cut}");
        assert!(rig.heard.messages.iter().all(|(seq, bytes)| *bytes == message(*seq)));
        assert_eq!(rig.receiver.state(), FeedState::Live, "cut {cut}");
        assert_eq!(rig.receiver.counts().lost, 0);
        assert!(before < 30 || cut == whole);
    }
}

/// Goal: a stream that goes on after the login is STALE while it catches up, LIVE with what is new.
#[test]
fn what_was_missed_is_not_taken_for_new() {
    let mut rig = Rig { capacity: 1 << 15, ..Rig::new() };
    let mut venue = rig.dial("DAY1");
    rig.turn();
    venue.serve(&rig, &Stream(500));
    for _ in 0..20 {
        venue.send(700);
        rig.now += 50_000;
        rig.turn();
        assert_eq!(rig.receiver.state(), FeedState::Stale);
    }
    venue.send(usize::MAX);
    rig.settle();
    assert_eq!((rig.seqs().len(), rig.receiver.state()), (500, FeedState::Live));
    venue.serve(&rig, &Stream(501));
    venue.send(usize::MAX);
    rig.turn();
    assert_eq!((rig.seqs().len(), rig.receiver.state()), (501, FeedState::Live));
}

/// Goal: a session of another name ends the one before and is heard from its first message, whether
/// the server refuses the old name or the old one was ended.
#[test]
fn another_session_starts_over() {
    for ended in [false, true] {
        let mut rig = Rig::new();
        let mut venue = rig.dial("DAY1");
        venue.run(&mut rig, &Stream(5));
        if ended {
            venue.server.end_session();
            venue.serve(&rig, &Stream(5));
            venue.send(usize::MAX);
            rig.settle();
            assert_eq!(rig.receiver.state(), FeedState::Ended);
            rig.turn();
            assert!(!rig.is_wanted(), "a venue that has ended is left alone for a while");
            rig.now += PAUSE.0;
        } else {
            venue.link.shutdown();
            rig.settle();
        }
        // Its name is refused, the current one is not.
        rig.dial("DAY2").run(&mut rig, &Stream(3));
        rig.dial("DAY2").run(&mut rig, &Stream(3));
        assert_eq!(rig.seqs(), [1, 2, 3, 4, 5, 1, 2, 3], "ended {ended}");
        assert_eq!(rig.receiver.session(), Some(Session::new("DAY2").unwrap()));
        assert_eq!(rig.receiver.state(), FeedState::Live);
        assert_eq!((rig.receiver.counts().lost, rig.receiver.counts().other_session), (0, 0));
    }
}

/// Goal: a refused password is told once and never tried again.
#[test]
fn a_refused_login_is_not_tried_again() {
    let mut rig = Rig::new();
    let credentials = Credentials::new("DEMO01", "wrong").unwrap();
    rig.source.client = Client::new(ClientConfig::new(credentials, Start::FIRST));
    let mut venue = rig.dial("DAY1");
    assert_eq!(rig.notice.refused(), 0);
    venue.run(&mut rig, &Stream(5));
    assert_eq!(rig.notice.refused(), REJECT_CREDENTIALS);
    rig.now += 60 * SECOND;
    rig.settle();
    assert!(!rig.is_wanted() && rig.heard.messages.is_empty());
}

/// Goal: heartbeats keep the feed LIVE, 15 s without them make it STALE and cut the link, whatever
/// TCP says (F6).
#[test]
fn fifteen_seconds_of_silence_are_stale() {
    let mut rig = Rig::new();
    let stream = Stream(2);
    let mut venue = rig.dial("DAY1");
    venue.run(&mut rig, &stream);
    for _ in 0..40 {
        rig.now += SECOND;
        rig.turn();
        venue.serve(&rig, &stream);
        venue.send(usize::MAX);
        rig.settle();
        assert_eq!(rig.receiver.state(), FeedState::Live);
    }
    rig.now += 14 * SECOND;
    rig.settle();
    assert_eq!(rig.receiver.state(), FeedState::Live);
    rig.now += 2 * SECOND;
    rig.settle();
    assert_eq!(rig.receiver.state(), FeedState::Stale);
    rig.settle();
    assert!(rig.is_wanted(), "another link is asked for");
}

/// Goal: a message too long for any packet keeps its number, and the sequence stays whole.
#[test]
fn a_message_too_long_stands_there_empty() {
    struct Long;
    impl SequencedStore for Long {
        fn next_seq(&self) -> u64 {
            4
        }
        fn message(&self, seq: u64) -> Option<&[u8]> {
            const LONG: [u8; 2_000] = [7; 2_000];
            match seq {
                1 | 3 => Some(&[1, 2, 3]),
                2 => Some(&LONG),
                _ => None,
            }
        }
    }
    let mut rig = Rig::new();
    let mut venue = rig.dial("DAY1");
    rig.turn();
    venue.serve(&rig, &Stream(0));
    let mut out = vec![0; 1 << 16];
    let poll = venue.server.poll(Nanos(rig.now), &Long, 10, &mut out);
    venue.out.extend_from_slice(&out[..poll.bytes]);
    venue.send(usize::MAX);
    rig.settle();
    let lengths: Vec<usize> = rig.heard.messages.iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!((rig.seqs(), lengths), (vec![1, 2, 3], vec![3, 0, 3]));
}
