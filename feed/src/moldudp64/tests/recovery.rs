//! A receiver that joins late into a fast session, and one that is told of messages that nobody
//! has.

use super::*;
use std::collections::VecDeque;

const MILLI: u64 = 1_000_000;
/// Messages that the simulated server fits into an answer: it varies, as real ones do.
const fn fits(first: u64) -> u64 {
    28 + first * 2_654_435_761 % 17
}

/// A session that runs on while a receiver catches up.
struct Chase {
    receiver: Receiver,
    heard: Heard,
    /// Answers on their way: when they arrive, first message, how many.
    answers: VecDeque<(u64, u64, u64)>,
    requests: u64,
}

impl Chase {
    fn new(requests_in_flight: u16) -> Self {
        let config = ReceiverConfig { requests_in_flight, ..ReceiverConfig::default() };
        let receiver = Receiver::new(config);
        Self { receiver, heard: Heard::default(), answers: VecDeque::new(), requests: 0 }
    }

    /// One poll. `sent` messages of the session were sent; a request and its answer take `trip`;
    /// one in `lossy` answers is lost.
    fn poll(&mut self, now: u64, sent: u64, trip: u64, lossy: u64) {
        while let Some((_, first, count)) = self.answers.pop_front_if(|(due, _, _)| *due <= now) {
            let answer = packet(SESSION, first, count);
            let (line, at) = (RECOVERY_LINE, Nanos(now));
            let _ = self.receiver.on_packet(line, &answer, at, at, &mut self.heard);
        }
        let action = self.receiver.poll(Nanos(now), &mut self.heard);
        if let Action::Request { request, .. } = action {
            self.requests += 1;
            let count = u64::from(request.count).min(fits(request.first));
            assert!(request.first + count <= sent + 1, "asked for what does not exist");
            if !self.requests.is_multiple_of(lossy) {
                self.answers.push_back((now + trip, request.first, count));
            }
        }
    }
}

/// Milliseconds until a receiver that joins 100,000 messages late into 70,000 a second is whole;
/// at most `most`.
fn chase(requests_in_flight: u16, trip: u64, lossy: u64, most: u64) -> u64 {
    chase_of((100_000, 100_000), requests_in_flight, trip, lossy, most)
}

/// The same, so many messages late, with a turn each `step`.
fn chase_of(
    (late, step): (u64, u64),
    requests_in_flight: u16,
    trip: u64,
    lossy: u64,
    most: u64,
) -> u64 {
    let mut chase = Chase::new(requests_in_flight);
    let mut sent = late;
    for turn in 1..most * MILLI / step {
        let now = turn * step;
        let next = late + now * 70_000 / SECOND;
        if next > sent {
            let live = packet(SESSION, sent + 1, next - sent);
            let _ = feed(&mut chase.receiver, &mut chase.heard, &live, now);
            sent = next;
        }
        chase.poll(now, sent, trip, lossy);
        if chase.receiver.state() == FeedState::Live {
            let seqs = seqs(&chase.heard);
            assert!(seqs.iter().copied().eq(1..=sent), "each once, in order");
            assert_eq!((chase.receiver.missing(), chase.receiver.counts().lost), (0, 0));
            return now / MILLI;
        }
        assert!(sent == late || chase.receiver.missing() > 0);
    }
    most
}

/// Goal: a join late into a fast session becomes whole soon, however long the way to the server is,
/// and although answers are short and get lost; one request at a time would never get there.
/// Method: a simulated server at a way of 0.2 and 5 ms, no answer lost and one in 50.
#[test]
fn a_late_join_catches_up_with_a_fast_session() {
    for (trip, lossy, most) in
        [(200_000, u64::MAX, 1_500), (5 * MILLI, u64::MAX, 1_500), (5 * MILLI, 50, 8_000)]
    {
        let took = chase(ReceiverConfig::default().requests_in_flight, trip, lossy, most);
        println!("{took} ms at a way of {trip} ns, one answer in {lossy} lost");
        assert!(took < most, "{took} ms at a way of {trip} ns, one answer in {lossy} lost");
    }
    assert_eq!(chase(1, 5 * MILLI, u64::MAX, 2_000), 2_000, "one at a time falls behind");
}

/// Goal: a join two million messages late catches up at ten times the pace of the session at least,
/// also where the server is as far as two programs on shared cores are. Method: a turn each 5 us, a
/// way of 5 ms; 70,000 messages a second make 700,000, and those that are sent meanwhile.
#[test]
fn a_very_late_join_catches_up_at_ten_times_the_pace() {
    let (late, most) = (2_000_000, 2_000_000 / (700 - 70));
    let window = ReceiverConfig::default().requests_in_flight;
    let took = chase_of((late, 5_000), window, 5 * MILLI, u64::MAX, most);
    println!("{took} ms of {most}");
    assert!(took < most, "{took} ms");
    let quarter = chase_of((late, 5_000), window / 4, 5 * MILLI, u64::MAX, most);
    assert_eq!(quarter, most, "as many requests as that are too few");
}

/// Goal: a server that has answered nothing yet is asked once at a time, with longer and longer
/// waits.
#[test]
fn a_silent_server_is_not_flooded() {
    let config = ReceiverConfig { tries: 7, ..ReceiverConfig::default() };
    let (mut receiver, mut heard) = (Receiver::new(config), Heard::default());
    let _ = feed(&mut receiver, &mut heard, &packet(SESSION, 10_001, 5), 0);
    let mut asked = Vec::new();
    for turn in 0..200_000 {
        let now = turn * 50_000;
        if let Action::Request { request, attempt } = receiver.poll(Nanos(now), &mut heard) {
            assert_eq!((request.first, request.count), (1, 1_000));
            asked.push((attempt, now / MILLI));
        }
    }
    let expected = [(0, 2), (1, 102), (2, 302), (3, 702), (4, 1_502), (5, 3_102), (6, 6_302)];
    assert_eq!(asked, expected);
    assert_eq!(receiver.counts().lost, 10_000);
}

/// Goal: messages that are only claimed to exist, by a forged end of session or heartbeat, do not
/// move the sequence and do not end the session, and the true stream heals it; what data has shown
/// is given up as ever. Method: one datagram each, nobody answers, then the stream goes on.
#[test]
fn a_claim_that_nobody_backs_is_not_believed() {
    for end in [false, true] {
        let (mut receiver, mut heard) = receiver(Some(1));
        let _ = feed(&mut receiver, &mut heard, &packet(SESSION, 1, 3), 0);
        let mut forged = [0; HEADER_BYTES];
        let encoded = if end {
            encode_end_of_session(&mut forged, SESSION, 1_000_000)
        } else {
            encode_heartbeat(&mut forged, SESSION, 1_000_000)
        };
        assert!(encoded.is_some());
        assert_eq!(feed(&mut receiver, &mut heard, &forged, 0), Outcome::Alive);
        let mut now = 0;
        while receiver.counts().doubted == 0 {
            now += MILLI;
            let _ = receiver.poll(Nanos(now), &mut heard);
            assert!(now < SECOND);
        }
        let doubted = Event::Doubted { first: 4, next: 1_000_000 };
        assert_eq!(heard.events.last(), Some(&doubted));
        assert_eq!((receiver.state(), receiver.expected()), (FeedState::Stale, 4));
        assert_eq!((receiver.counts().lost, receiver.missing()), (0, 0));
        assert_eq!(receiver.poll(Nanos(now + SECOND), &mut heard), Action::None, "nothing to ask");
        let late = feed(&mut receiver, &mut heard, &packet(SESSION, 1, 3), now);
        assert_eq!((late, receiver.state()), (Outcome::Duplicate, FeedState::Stale));
        let _ = feed(&mut receiver, &mut heard, &packet(SESSION, 4, 2), now);
        assert_eq!((receiver.state(), receiver.expected()), (FeedState::Live, 6));
        assert_eq!(seqs(&heard), [1, 2, 3, 4, 5]);
    }
}

/// Goal: after a doubt, a message further on shows a true hole, which is asked for and given up; a
/// heartbeat at the expected number takes the claim back.
#[test]
fn after_a_doubt_what_is_seen_counts() {
    let (mut receiver, mut heard) = receiver(Some(1));
    let _ = feed(&mut receiver, &mut heard, &packet(SESSION, 1, 1), 0);
    let mut idle = [0; HEADER_BYTES];
    assert!(encode_heartbeat(&mut idle, SESSION, 9).is_some());
    let doubt = |receiver: &mut Receiver, heard: &mut Heard, idle: &[u8], from: u64| {
        let before = receiver.counts().doubted;
        let _ = feed(receiver, heard, idle, from);
        for turn in 0..1_000 {
            let _ = receiver.poll(Nanos(from + turn * MILLI), heard);
        }
        assert_eq!(receiver.counts().doubted, before + 1);
    };
    doubt(&mut receiver, &mut heard, &idle, 0);
    doubt(&mut receiver, &mut heard, &idle, SECOND);
    let mut right = [0; HEADER_BYTES];
    assert!(encode_heartbeat(&mut right, SESSION, 2).is_some());
    assert_eq!(feed(&mut receiver, &mut heard, &right, 2 * SECOND), Outcome::Alive);
    assert_eq!(receiver.state(), FeedState::Live);
    doubt(&mut receiver, &mut heard, &idle, 2 * SECOND);
    let _ = feed(&mut receiver, &mut heard, &packet(SESSION, 5, 1), 4 * SECOND);
    let asked = receiver.poll(Nanos(5 * SECOND), &mut heard);
    let request = Request { session: SESSION, first: 2, count: 3 };
    assert_eq!(asked, Action::Request { request, attempt: 0 });
    for turn in 0..1_000 {
        let _ = receiver.poll(Nanos(5 * SECOND + turn * MILLI), &mut heard);
    }
    assert_eq!((receiver.counts().lost, receiver.state()), (3, FeedState::Live));
    assert_eq!(seqs(&heard), [1, 5]);
}
