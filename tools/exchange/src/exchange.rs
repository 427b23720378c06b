//! The exchange itself: one loop over flow, order entry and tape.
//!
//! ```text
//! turn: flow steps that are due ─┐
//!       order entry messages ────┼─► market ─► settle: tape (ITCH, hashes), reports (OUCH streams)
//!       trades to break ─────────┘
//!       then: write OUCH, answer re-requests, flush the tape, wait for sockets or for what is due
//! ```
//!
//! One thread, so that the order of everything is the order in which the loop met it.

use crate::error::Error;
use crate::flow::{Flow, VenueTime};
use crate::itch_out::{
    Line, MessageStore, Publisher, RequestServer, SoupFeed, Tape, encode_directory,
    encode_system_event, encode_trading_action,
};
use crate::listing::Listing;
use crate::matching::{Market, Output};
use crate::options::{Options, Start};
use crate::order_log::OrderLog;
use crate::ouch_in::{Desk, DeskOptions, OuchServer, Settle, Venue};
use crate::random::Random;
use crate::sockets::{Addresses, Sockets};
use crate::summary::Summary;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Flow steps per turn, so that order entry never waits long behind a burst.
const STEPS_MAX: usize = 64;
/// Longest wait: how late a wish to stop may be noticed.
const WAIT_MAX_NS: u64 = 20_000_000;
/// How long end-of-session packets are sent after the end, and after the last request that came
/// then.
const ENDED_NS: u64 = 250_000_000;
/// How long they are sent at most.
const ENDED_MAX_NS: u64 = 10_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No flow yet.
    Waiting,
    /// The flow starts at this time.
    Starting(u64),
    /// The flow runs since this time.
    Trading(u64),
    /// The flow is over; orders are served until this time.
    Draining(u64),
    /// The session is over since then; its end is told, and requests are answered, until then.
    Ended {
        /// When it ended.
        since_ns: u64,
        /// When the run ends.
        until_ns: u64,
    },
}

/// An exchange, listening.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) options: Options,
    pub(crate) listing: Listing,
    pub(crate) desk: Desk,
    pub(crate) tape: Tape,
    pub(crate) requests: RequestServer,
    pub(crate) flow: Flow,
    /// Most that the flow was behind its schedule.
    pub(crate) behind_ns_max: u64,
    addresses: Addresses,
    market: Market,
    out: Output,
    ouch: OuchServer,
    itch_soup: Option<SoupFeed>,
    phase: Phase,
    origin: Instant,
    time: VenueTime,
    /// When the flow started and ended.
    flow_started_ns: Option<u64>,
    is_flow_behind: bool,
}

impl Exchange {
    /// Reads the recording, if any, and opens all sockets.
    ///
    /// # Errors
    /// [`Error`]: a recording that cannot be read, an address in use, a log that cannot be created.
    /// Nothing is left half-started.
    pub fn bind(options: Options) -> Result<Self, Error> {
        let flow = Flow::new(&options.flow, options.seed)?;
        let sockets = Sockets::open(&options)?;
        let time = flow.time();
        let listing = flow.listing();
        let market = Market::new(listing.locate_max(), flow.first_ref(), options.self_match);
        let desk = DeskOptions {
            users: options.users.clone(),
            faults: options.faults,
            seed: options.seed,
            cancel_on_disconnect: options.cancel_on_disconnect,
            log: create_log(&options)?,
        };
        let session = options.soup_session;
        let users = options.users.clone();
        let mut number = 0;
        let lines = sockets.lines.map(|(socket, to)| {
            let random = Random::new(options.seed, 0x11e0 + number as u64);
            number += 1;
            Line::new(socket, to, options.faults.lines[number - 1], random)
        });
        let store = MessageStore::new(options.store_mib);
        let publisher = Publisher::new(options.session, store, lines);
        Ok(Self {
            addresses: sockets.addresses,
            desk: Desk::new(desk, time.now()),
            tape: Tape::new(publisher, sockets.hash),
            requests: RequestServer::new(sockets.request),
            ouch: OuchServer::new(sockets.ouch, session)
                .with_chop(options.faults.chop, options.seed),
            itch_soup: sockets.itch_soup.map(|listener| SoupFeed::new(listener, session, users)),
            market,
            listing,
            flow,
            out: Output::default(),
            phase: Phase::Waiting,
            origin: Instant::now(),
            time,
            flow_started_ns: None,
            is_flow_behind: false,
            behind_ns_max: 0,
            options,
        })
    }

    /// Where it is reached.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The matching engine.
    #[must_use]
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// The hash of a book as the tape stands.
    #[must_use]
    pub fn book_hash(&self, locate: u16) -> u64 {
        self.tape.book_hash(locate)
    }

    /// Runs until the flow is over and drained, or `stop` is set.
    ///
    /// # Errors
    /// [`Error::OrderLog`] when the log cannot be written, [`Error::Wait`] when waiting fails.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<Summary, Error> {
        // Without it a wait of 100 us may take 150. A kernel that refuses gives longer packets.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1_000));
        let mut has_input = true;
        loop {
            let now_ns = self.now_ns();
            // ORDERING: Relaxed; no other data hangs on the wish to stop.
            if stop.load(Ordering::Relaxed) {
                self.end_session(now_ns);
            }
            if self.advance_phase(now_ns) {
                return Ok(self.summary());
            }
            self.turn(now_ns, has_input);
            if let (Some(source), Some(path)) =
                (self.desk.take_log_error(), &self.options.order_log)
            {
                return Err(Error::OrderLog { path: path.clone(), source });
            }
            if let Some(error) = self.flow.take_error() {
                return Err(error);
            }
            has_input = self.wait()?;
        }
    }

    /// Nanoseconds since the exchange was made.
    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Nanoseconds since the flow started.
    pub(crate) fn elapsed_ns(&self) -> u64 {
        self.flow_started_ns.map_or(0, |started_ns| self.now_ns().saturating_sub(started_ns))
    }

    /// Moves from phase to phase. True when the run is over.
    fn advance_phase(&mut self, now_ns: u64) -> bool {
        match self.phase {
            Phase::Waiting if self.options.start == Start::AtOnce => self.schedule_start(now_ns),
            Phase::Waiting => {}
            Phase::Starting(at_ns) if now_ns >= at_ns => self.start(now_ns),
            Phase::Starting(_) => {}
            Phase::Trading(since_ns) => {
                let length_ns = self.options.seconds.map_or(u64::MAX, nanos);
                if self.is_flow_over() || now_ns - since_ns >= length_ns {
                    self.phase = Phase::Draining(now_ns + nanos(self.options.linger));
                }
            }
            Phase::Draining(until_ns) if now_ns >= until_ns => self.end_session(now_ns),
            Phase::Draining(_) => {}
            Phase::Ended { until_ns, .. } => return now_ns >= until_ns,
        }
        false
    }

    /// Whether the recording, or the count of messages asked for, is at its end.
    fn is_flow_over(&self) -> bool {
        let messages = self.tape.publisher.messages();
        self.flow.due_ns().is_none() || self.options.messages.is_some_and(|end| messages >= end)
    }

    fn schedule_start(&mut self, now_ns: u64) {
        self.phase = Phase::Starting(now_ns + nanos(self.options.start_delay));
    }

    /// Opens the tape and starts the flow.
    fn start(&mut self, now_ns: u64) {
        self.phase = Phase::Trading(now_ns);
        self.flow_started_ns = Some(now_ns);
        self.time.start(now_ns);
        if self.flow.is_recorded() {
            return;
        }
        let itch_ns = self.time.now();
        let tape = &mut self.tape;
        tape.publish_encoded(&encode_system_event(b'O', itch_ns), now_ns);
        for (locate, listed) in self.listing.iter() {
            tape.publish_encoded(&encode_directory(locate, listed.symbol, itch_ns), now_ns);
        }
        for (locate, listed) in self.listing.iter() {
            let action = encode_trading_action(locate, listed.symbol, listed.state, itch_ns);
            tape.publish_encoded(&action, now_ns);
        }
        for event in [b'S', b'Q'] {
            tape.publish_encoded(&encode_system_event(event, itch_ns), now_ns);
        }
    }

    /// Closes the tape and every stream.
    fn end_session(&mut self, now_ns: u64) {
        if matches!(self.phase, Phase::Ended { .. }) {
            return;
        }
        let itch_ns = self.time.now();
        if !self.flow.is_recorded() && self.flow_started_ns.is_some() {
            for event in [b'M', b'E', b'C'] {
                self.tape.publish_encoded(&encode_system_event(event, itch_ns), now_ns);
            }
        }
        self.tape.publisher.end(now_ns);
        self.desk.end(itch_ns);
        self.phase = Phase::Ended { since_ns: now_ns, until_ns: now_ns + ENDED_NS };
    }

    /// Puts the end of the run off while readers still ask for what they missed.
    fn stay_for_requests(&mut self, now_ns: u64) {
        if let Phase::Ended { since_ns, until_ns } = &mut self.phase {
            *until_ns = (now_ns + ENDED_NS).min(*since_ns + ENDED_MAX_NS);
        }
    }

    /// One turn of the loop.
    fn turn(&mut self, now_ns: u64, has_input: bool) {
        self.is_flow_behind = false;
        if let Phase::Trading(since_ns) = self.phase {
            self.run_flow(since_ns, now_ns);
        }
        let is_open = !matches!(self.phase, Phase::Ended { .. });
        let mut venue = Venue {
            market: &mut self.market,
            listing: &self.listing,
            out: &mut self.out,
            itch_ns: self.time.at(now_ns),
            now_ns,
        };
        let mut logins = 0;
        if has_input && is_open {
            logins = self.ouch.read(&mut self.desk, &mut venue, &mut self.tape).logins;
        }
        self.desk.poll(&mut venue);
        self.tape.settle(&mut self.desk, &mut venue);
        self.ouch.write(&mut self.desk, &mut venue, &mut self.tape);
        self.time.reach(self.tape.latest_itch_ns());
        if has_input && self.requests.poll(&self.tape.publisher) > 0 {
            self.stay_for_requests(now_ns);
        }
        if let Some(feed) = &mut self.itch_soup {
            feed.poll(&self.tape.publisher, now_ns);
        }
        if !self.is_flow_behind {
            self.tape.publisher.flush(now_ns);
        }
        self.tape.publisher.poll(now_ns);
        if logins > 0 && self.phase == Phase::Waiting {
            self.schedule_start(now_ns);
        }
        if !is_open {
            // What was told before the end is written first; then the end.
            self.ouch.end();
            if let Some(feed) = &mut self.itch_soup {
                feed.end();
            }
        }
    }

    /// Makes the steps of the flow that are due, up to a bound.
    fn run_flow(&mut self, since_ns: u64, now_ns: u64) {
        let elapsed_ns = now_ns - since_ns;
        for _ in 0..STEPS_MAX {
            let Some(due_ns) = self.flow.due_ns() else { return };
            if due_ns > elapsed_ns || self.is_flow_over() {
                return;
            }
            if self.flow.is_paced() {
                self.behind_ns_max = self.behind_ns_max.max(elapsed_ns - due_ns);
            }
            let step = self.flow.step(&mut self.market, &mut self.listing, &mut self.out);
            let itch_ns = self.time.reach(step.itch_ns);
            let mut venue = Venue {
                market: &mut self.market,
                listing: &self.listing,
                out: &mut self.out,
                itch_ns,
                now_ns,
            };
            self.tape.settle(&mut self.desk, &mut venue);
            if let Some(raw) = step.raw {
                // Time does not run back: a client may have been shown a later one.
                self.tape.publish_raw(&stamped(raw, itch_ns), now_ns);
            }
        }
        self.is_flow_behind = true;
    }

    /// Waits for sockets or for what is due next. Whether any socket has something.
    fn wait(&mut self) -> Result<bool, Error> {
        let now_ns = self.now_ns();
        let mut due_ns = self.tape.publisher.due_ns().min(now_ns + WAIT_MAX_NS);
        due_ns = due_ns.min(self.desk.due_ns().unwrap_or(u64::MAX));
        match self.phase {
            Phase::Waiting => {}
            Phase::Starting(at_ns)
            | Phase::Draining(at_ns)
            | Phase::Ended { until_ns: at_ns, .. } => due_ns = due_ns.min(at_ns),
            Phase::Trading(since_ns) => {
                if let Some(flow_due_ns) = self.flow.due_ns() {
                    // Gather messages into a packet, unless the flow is late already.
                    let at_ns = since_ns.saturating_add(flow_due_ns);
                    let gathered_ns = now_ns + nanos(self.options.flush);
                    let late = self.is_flow_behind || !self.flow.is_paced();
                    due_ns = due_ns.min(if late { now_ns } else { at_ns.max(gathered_ns) });
                } else {
                    due_ns = now_ns;
                }
            }
        }
        let wait = Duration::from_nanos(due_ns.saturating_sub(now_ns));
        let timeout =
            Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let mut fds = vec![
            PollFd::new(self.requests.socket(), PollFlags::IN),
            PollFd::new(self.ouch.listener(), PollFlags::IN),
        ];
        for (stream, is_blocked) in self.ouch.streams() {
            let out = if is_blocked { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::new(stream, PollFlags::IN | out));
        }
        if let Some(feed) = &self.itch_soup {
            fds.push(PollFd::new(feed.listener(), PollFlags::IN));
            fds.extend(feed.streams().map(|stream| PollFd::new(stream, PollFlags::IN)));
        }
        match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(Error::Wait(error.into())),
        }
    }
}

fn create_log(options: &Options) -> Result<Option<OrderLog>, Error> {
    let Some(path) = &options.order_log else { return Ok(None) };
    let refused = |source| Error::OrderLog { path: path.clone(), source };
    OrderLog::create(path).map(Some).map_err(refused)
}

/// A message with its time of day, 48 bits at offset 5, set to `itch_ns`.
fn stamped(message: &[u8], itch_ns: u64) -> Vec<u8> {
    let mut bytes = message.to_vec();
    if let Some(time) = bytes.get_mut(5..11) {
        time.copy_from_slice(&itch_ns.to_be_bytes()[2..]);
    }
    bytes
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
