//! The store as a service: follows the journal, writes batches, and comes back from whatever its
//! database or its journal does.

use super::batch::Batch;
use super::database::Value;
use super::engine::EngineId;
use super::error::StoreError;
use super::files::Lock;
use super::prune::today;
use super::publish::Publisher;
use super::target::Target;
use super::writer::Store;
use crate::follow::{Follower, Turn};
use crate::reads::Touched;
use crate::tally::Tally;
use shm::units::Nanos;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Shortest and longest wait after a failure.
const WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A place in the journal is written at least so often, also where records told nothing.
const PLACE: Duration = Duration::from_secs(1);

/// Time between two looks at what may be removed.
const PRUNE: Duration = Duration::from_secs(3_600);

/// How the store is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which database.
    pub target: Target,
    /// Records of one transaction, at most; at least 1.
    pub batch_max: usize,
    /// Longest time that a row waits for its transaction.
    pub commit: Duration,
    /// Where the heads of the audit chain are published.
    pub heads: Option<PathBuf>,
    /// Days that what has ended is kept for; `None`: for ever.
    pub keep_days: Option<u32>,
}

impl Settings {
    /// For tests and tools: no head is published, nothing is removed.
    #[must_use]
    pub fn plain(target: Target, batch_max: usize, commit: Duration) -> Self {
        Self { target, batch_max, commit, heads: None, keep_days: None }
    }
}

/// How far the store is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Records read since the start, committed.
    pub records: u64,
    /// Rows written since the start.
    pub rows: u64,
    /// Transactions since the start.
    pub commits: u64,
    /// Records that were shorter than their kind, and rows without their key: counted, not kept.
    pub short: u64,
    /// Failures since the start.
    pub failures: u64,
    /// What it waits for now, if it does.
    pub waits: Option<String>,
    /// What is wrong with the audit chain or with its publishing.
    pub audit: Option<String>,
    /// Rows that were removed since the start.
    pub pruned: u64,
    /// Why rows that are old enough could not be removed.
    pub not_pruned: Option<String>,
    /// The session that is read.
    pub epoch: Option<u16>,
    /// More records wait than one turn took.
    pub behind: bool,
    /// What was written since it was last taken makes this untrue.
    touched: Touched,
}

/// What there is while the database is open.
#[derive(Debug)]
struct Open {
    store: Store,
    follower: Follower,
    batch: Batch,
    /// Of the records that wait for their transaction.
    tally: Tally,
    rows_since: Option<Instant>,
    placed: Instant,
    seen: u64,
    publisher: Option<Publisher>,
    looked: Option<Instant>,
    _lock: Option<Lock>,
}

/// The store's part of a services process. It blocks while the database works; nobody waits for it.
#[derive(Debug)]
pub struct StoreService {
    dir: PathBuf,
    settings: Settings,
    open: Option<Open>,
    retry: Option<(Instant, Duration)>,
    progress: Progress,
    tally: Tally,
}

impl StoreService {
    /// Opens database and journal.
    ///
    /// # Errors
    /// [`StoreError`] that a person has to act on. What may pass by itself (a server that is away)
    /// is tried again by [`StoreService::turn`].
    pub fn start(dir: &Path, settings: Settings) -> Result<Self, StoreError> {
        let mut service = Self {
            dir: dir.to_path_buf(),
            settings,
            open: None,
            retry: None,
            progress: Progress::default(),
            tally: Tally::default(),
        };
        match service.open() {
            Ok(open) => service.open = Some(open),
            Err(error) if error.may_pass() => service.fail(&error),
            Err(error) => return Err(error),
        }
        Ok(service)
    }

    fn open(&self) -> Result<Open, StoreError> {
        let lock = self.settings.target.file().map(Lock::take).transpose()?;
        let mut store = Store::open(self.settings.target.open(true)?)?;
        store.chain_up(&self.dir)?;
        let mut follower = Follower::open(&self.dir, &store.positions()?)?;
        let closed = "SELECT COUNT(*) FROM sessions \
                      WHERE engine = 0 AND epoch = $1 AND closed_ns IS NOT NULL";
        let epoch = Value::Int(follower.epoch().map(i64::from));
        if store.database().number(closed, vec![epoch])? == Some(1) {
            follower.know_closed();
        }
        let batch = store.batch()?;
        let heads = self.settings.heads.clone();
        let publisher = heads.map(|path| Publisher::open(path, &mut store)).transpose()?;
        Ok(Open {
            store,
            follower,
            batch,
            tally: Tally::default(),
            rows_since: None,
            placed: Instant::now(),
            seen: 0,
            publisher,
            looked: None,
            _lock: lock,
        })
    }

    /// Reads what is there and writes it. A failure closes the database; later turns open it again
    /// and go on from where it stands.
    ///
    /// # Errors
    /// [`StoreError`] that a person has to act on.
    pub fn turn(&mut self) -> Result<Turn, StoreError> {
        if self.open.is_none() {
            if self.retry.is_some_and(|(at, _)| Instant::now() < at) {
                return Ok(Turn::default());
            }
            match self.open() {
                Ok(open) => self.open = Some(open),
                Err(error) => return self.failed(error),
            }
        }
        let Some(open) = &mut self.open else { return Ok(Turn::default()) };
        let commits = self.progress.commits;
        let turned = open.turn(&self.settings, &mut self.progress, &mut self.tally);
        match turned {
            Ok(turn) => {
                // To read is not enough: a full disk or a lock shows when something is written.
                if self.progress.commits > commits || turn.records == 0 {
                    (self.retry, self.progress.waits) = (None, None);
                }
                Ok(turn)
            }
            Err(error) => self.failed(error),
        }
    }

    /// Writes what was read, whatever its age.
    ///
    /// # Errors
    /// [`StoreError`]; what was read and not written is read again by the next start.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        match &mut self.open {
            Some(open) => open.commit(&self.settings, &mut self.progress, &mut self.tally),
            None => Ok(()),
        }
    }

    /// What its commits made untrue since the last call, of what was read of the database before.
    pub fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.progress.touched)
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What it has written since the start, by kind of record.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Age at `now` of the newest record read, while more wait; 0 once everything is read. `None`
    /// while the database takes nothing.
    #[must_use]
    pub fn lag(&self, now: Nanos) -> Option<Nanos> {
        match &self.open {
            _ if self.progress.waits.is_some() => None,
            None => None,
            Some(open) if self.progress.behind => Some(open.follower.since_last(now)),
            Some(_) => Some(Nanos(0)),
        }
    }

    fn failed(&mut self, error: StoreError) -> Result<Turn, StoreError> {
        if !error.may_pass() {
            return Err(error);
        }
        self.fail(&error);
        Ok(Turn::default())
    }

    fn fail(&mut self, error: &StoreError) {
        self.open = None;
        let wait = self.retry.map_or(WAIT.0, |(_, wait)| (wait * 2).min(WAIT.1));
        self.retry = Some((Instant::now() + wait, wait));
        self.progress.failures += 1;
        self.progress.waits = Some(error.to_string());
    }
}

impl Open {
    fn turn(
        &mut self,
        settings: &Settings,
        progress: &mut Progress,
        tally: &mut Tally,
    ) -> Result<Turn, StoreError> {
        let room = settings.batch_max.saturating_sub(self.seen as usize).max(1);
        let Self { follower, batch, tally: waiting, .. } = self;
        let turn = follower.turn(room, &mut |taken| {
            waiting.count(taken);
            batch.take(taken);
        })?;
        batch.note(follower.take_gaps());
        self.seen += turn.records as u64;
        (progress.epoch, progress.behind) = (follower.epoch(), turn.behind);
        let now = Instant::now();
        if self.rows_since.is_none() && batch.row_count() > 0 {
            self.rows_since = Some(now);
        }
        if self.seen == 0 {
            self.publish(now, progress);
            self.prune(settings, now, progress);
        }
        let is_full = self.seen >= settings.batch_max as u64;
        let is_old = self.rows_since.is_some_and(|since| now - since >= settings.commit);
        let is_far = self.seen > 0 && now - self.placed >= PLACE;
        if is_full || is_old || is_far {
            self.commit(settings, progress, tally)?;
        }
        Ok(turn)
    }

    fn commit(
        &mut self,
        settings: &Settings,
        progress: &mut Progress,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        if self.seen == 0 && self.batch.row_count() == 0 {
            return Ok(());
        }
        let (rows, short) = (self.batch.row_count() as u64, self.batch.short);
        let touched = self.batch.touched();
        self.store.write(&mut self.batch, &self.follower.positions())?;
        progress.records += self.seen;
        tally.add(&std::mem::take(&mut self.tally));
        progress.touched.add(touched);
        progress.rows += rows;
        progress.short += short;
        progress.commits += 1;
        (self.seen, self.rows_since, self.placed) = (0, None, Instant::now());
        self.publish(self.placed, progress);
        self.prune(settings, self.placed, progress);
        Ok(())
    }

    /// Removes what is old enough, now and then. Where that cannot be done the store goes on.
    fn prune(&mut self, settings: &Settings, now: Instant, progress: &mut Progress) {
        let Some(days) = settings.keep_days else { return };
        if self.looked.is_some_and(|looked| now - looked < PRUNE) {
            return;
        }
        self.looked = Some(now);
        match self.store.prune(EngineId::LOCAL, today().saturating_sub(days)) {
            Ok(pruned) => {
                progress.pruned += pruned.rows;
                progress.touched.pruned |= pruned.rows > 0;
                progress.not_pruned = None;
            }
            Err(error) => progress.not_pruned = Some(error.to_string()),
        }
    }

    /// Publishes the end of the audit chain as it is committed.
    fn publish(&mut self, now: Instant, progress: &mut Progress) {
        let Some(publisher) = &mut self.publisher else { return };
        publisher.turn(&self.batch.end(), now);
        progress.audit = publisher.trouble().map(str::to_owned);
    }
}
