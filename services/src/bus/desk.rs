//! The reading side as a service: the streams of all engines into one store.

use super::error::BusError;
use super::inbox::{Inbox, InboxError};
use super::link::Ends;
use super::reading::{Event, Message, Order, Reading};
use super::settings::{BusSettings, Name};
use crate::store::{Batch, Lock, Settings, Store, StoreError, today};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Shortest and longest wait after a failure.
const WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// The place in a stream is written at least so often, also where records told nothing.
const PLACE: Duration = Duration::from_secs(1);
/// Time between two looks at what may be removed.
const PRUNE: Duration = Duration::from_secs(3_600);
/// Events of one turn.
const EVENTS: usize = 64;

/// How far a desk is.
#[derive(Clone, Debug, Default)]
pub struct DeskProgress {
    /// Records that were new, written since the start.
    pub records: u64,
    /// Rows written since the start.
    pub rows: u64,
    /// Failures since the start.
    pub failures: u64,
    /// What it waits for now, if it does.
    pub waits: Option<String>,
    /// Each engine that was found: whether all of its stream is written, and messages of it that
    /// were gone before they were read.
    pub engines: BTreeMap<Name, (bool, u64)>,
}

/// An engine whose stream is read.
#[derive(Debug)]
struct Member {
    inbox: Inbox,
    batch: Batch,
    /// What of its stream is read was asked for by this.
    order: u64,
    /// New records that wait for their transaction.
    seen: u64,
    /// How long something waits.
    since: Option<Instant>,
    /// When it is to be tried again.
    retry: Option<Instant>,
    /// Why it is.
    waits: Option<String>,
    is_level: bool,
    gone: u64,
}

/// What there is while the database is open.
#[derive(Debug)]
struct Open {
    store: Store,
    reading: Reading,
    members: BTreeMap<Name, Member>,
    orders: u64,
    /// When it was looked for what may be removed.
    looked: Option<Instant>,
    _lock: Option<Lock>,
}

/// The desk's part of a services process. It blocks while the database works.
#[derive(Debug)]
pub struct Desk {
    bus: BusSettings,
    settings: Settings,
    open: Option<Open>,
    retry: Option<(Instant, Duration)>,
    /// How long to wait before the next connection.
    pause: Duration,
    /// Why there is no connection now.
    lost: Option<String>,
    progress: DeskProgress,
}

impl Desk {
    /// Opens the database and starts to look for streams.
    ///
    /// # Errors
    /// [`StoreError`] that a person has to act on.
    pub fn start(bus: BusSettings, settings: Settings) -> Result<Self, StoreError> {
        let (pause, progress) = (Duration::ZERO, DeskProgress::default());
        let mut desk = Self { bus, settings, open: None, retry: None, pause, lost: None, progress };
        match desk.open() {
            Ok(open) => desk.open = Some(open),
            Err(error) => desk.failed(error)?,
        }
        Ok(desk)
    }

    fn open(&self) -> Result<Open, StoreError> {
        let _lock = self.settings.target.file().map(Lock::take).transpose()?;
        let store = Store::open(self.settings.target.open(true)?)?;
        let reading = connect(&self.bus, self.pause)?;
        Ok(Open { store, reading, members: BTreeMap::new(), orders: 0, looked: None, _lock })
    }

    /// Takes what has come and writes it; whether there was anything. A failure of the database or
    /// the server is waited for.
    ///
    /// # Errors
    /// [`StoreError`] that a person has to act on.
    pub fn turn(&mut self) -> Result<bool, StoreError> {
        if self.open.is_none() {
            if self.retry.is_some_and(|(at, _)| Instant::now() < at) {
                return Ok(false);
            }
            match self.open() {
                Ok(open) => self.open = Some(open),
                Err(error) => return self.failed(error).map(|()| false),
            }
        }
        match self.take() {
            Ok(found) => Ok(found),
            Err(error) => self.failed(error).map(|()| false),
        }
    }

    fn take(&mut self) -> Result<bool, StoreError> {
        let Self { bus, settings, open, pause, progress, lost, .. } = self;
        let Some(open) = open else { return Ok(false) };
        let mut found = false;
        for _ in 0..EVENTS {
            match open.reading.next() {
                Some(Event::Found(engine, ends)) => {
                    let member = open.found(&engine, ends)?;
                    open.members.insert(engine, member);
                    (*pause, *lost) = (Duration::ZERO, None);
                }
                Some(Event::Message(message)) => {
                    found = true;
                    progress.failures += u64::from(!open.message(bus, &message));
                }
                Some(Event::Level(engine, order)) => open.level(&engine, order),
                Some(Event::Lost(why)) => {
                    open.commit(None, progress)?;
                    open.members.clear();
                    progress.failures += 1;
                    *lost = Some(why);
                    *pause = (*pause * 2).clamp(WAIT.0, WAIT.1);
                    open.reading = connect(bus, *pause)?;
                    break;
                }
                None => break,
            }
        }
        if open.commit(Some(settings), progress)? {
            self.retry = None;
        }
        open.prune(settings)?;
        open.try_again();
        let waits = open.members.values().find_map(|member| member.waits.as_ref());
        progress.waits = lost.as_ref().or(waits).cloned();
        progress.engines =
            open.members.iter().map(|(name, member)| (name.clone(), member.shown())).collect();
        Ok(found)
    }

    /// Writes what has come, whatever its age.
    ///
    /// # Errors
    /// [`StoreError`]; what was not written is read again by the next start.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        match &mut self.open {
            Some(open) => open.commit(None, &mut self.progress).map(drop),
            None => Ok(()),
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> &DeskProgress {
        &self.progress
    }

    fn failed(&mut self, error: StoreError) -> Result<(), StoreError> {
        if !error.may_pass() {
            return Err(error);
        }
        self.open = None;
        let wait = self.retry.map_or(WAIT.0, |(_, wait)| (wait * 2).min(WAIT.1));
        self.retry = Some((Instant::now() + wait, wait));
        self.progress.failures += 1;
        self.progress.waits = Some(error.to_string());
        Ok(())
    }
}

fn connect(bus: &BusSettings, pause: Duration) -> Result<Reading, StoreError> {
    let path = std::path::PathBuf::from("a thread");
    Reading::start(bus.clone(), pause).map_err(|source| StoreError::File { path, source })
}

impl Open {
    /// Goes on with an engine from where the database stands.
    fn found(&mut self, name: &Name, ends: Ends) -> Result<Member, StoreError> {
        let engine = self.store.engine(name.as_str())?;
        let positions = self.store.positions_of(engine.id)?;
        let read = engine.stream.map_or(0, |place| place.seq);
        // A stream that ends before that has lost its end, or was made anew.
        let from = if read > ends.last { 1 } else { read + 1 };
        let mut inbox = Inbox::new(engine.stream, &positions);
        if read > ends.last {
            inbox.begin_again();
        }
        let batch = self.store.batch_of(engine.id)?;
        let mut member = Member::new(inbox, batch);
        self.orders += 1;
        member.order = self.orders;
        self.reading.order(Order { engine: name.clone(), order: self.orders, from });
        Ok(member)
    }

    /// Takes a message; false where it could not be used.
    fn message(&mut self, bus: &BusSettings, message: &Message) -> bool {
        let Some(member) = self.members.get_mut(&message.engine) else { return true };
        if member.order != message.order {
            return true;
        }
        member.gone += message.gone;
        member.is_level = false;
        match member.inbox.take(message.seq, &message.bytes, &mut member.batch) {
            Ok(fresh) => {
                member.seen += fresh;
                member.waits = None;
                if member.batch.is_waiting() {
                    member.since.get_or_insert_with(Instant::now);
                }
                true
            }
            Err(source) => {
                self.orders += 1;
                member.order = self.orders;
                if let InboxError::Rewritten = source {
                    // What is new may stand in a message that would be passed over.
                    member.inbox.begin_again();
                    let (engine, order) = (message.engine.clone(), self.orders);
                    self.reading.order(Order { engine, order, from: 1 });
                    return true;
                }
                let stream = bus.stream_of(&message.engine);
                let error = BusError::Message { stream, seq: message.seq, source };
                member.waits = Some(error.to_string());
                member.retry = Some(Instant::now() + WAIT.1);
                false
            }
        }
    }

    /// Nothing more of a stream is there.
    fn level(&mut self, engine: &Name, order: u64) {
        if let Some(member) = self.members.get_mut(engine).filter(|member| member.order == order) {
            member.is_level = true;
        }
    }

    /// Reads again the streams whose message could not be used: a later program may have come.
    fn try_again(&mut self) {
        for (name, member) in &mut self.members {
            if member.retry.is_some_and(|at| Instant::now() >= at) {
                member.retry = None;
                let (engine, order) = (name.clone(), member.order);
                let from = member.inbox.place().seq + 1;
                self.reading.order(Order { engine, order, from });
            }
        }
    }

    /// Removes what is old enough, now and then.
    fn prune(&mut self, settings: &Settings) -> Result<(), StoreError> {
        let Some(days) = settings.keep_days else { return Ok(()) };
        if self.looked.is_some_and(|looked| looked.elapsed() < PRUNE) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        for engine in self.store.engines()? {
            self.store.prune(engine.id, today().saturating_sub(days))?;
        }
        Ok(())
    }

    /// Writes what is due by `settings`, or, without, everything; whether something was.
    fn commit(
        &mut self,
        settings: Option<&Settings>,
        progress: &mut DeskProgress,
    ) -> Result<bool, StoreError> {
        let mut is_written = false;
        for member in self.members.values_mut() {
            if !member.batch.is_waiting() || settings.is_some_and(|by| !member.is_due(by)) {
                continue;
            }
            let rows = member.batch.row_count() as u64;
            self.store.write(&mut member.batch, &member.inbox.positions())?;
            progress.records += member.seen;
            progress.rows += rows;
            (member.seen, member.since) = (0, None);
            is_written = true;
        }
        Ok(is_written)
    }
}

impl Member {
    fn new(inbox: Inbox, batch: Batch) -> Self {
        Self {
            inbox,
            batch,
            order: 0,
            seen: 0,
            since: None,
            retry: None,
            waits: None,
            is_level: false,
            gone: 0,
        }
    }

    fn is_due(&self, settings: &Settings) -> bool {
        // Where nothing but the place has changed there is no hurry.
        let patience = if self.batch.row_count() > 0 { settings.commit } else { PLACE };
        let is_old = self.since.is_some_and(|since| since.elapsed() >= patience);
        is_old || self.seen >= settings.batch_max as u64
    }

    fn shown(&self) -> (bool, u64) {
        (self.is_level && !self.batch.is_waiting(), self.gone)
    }
}
