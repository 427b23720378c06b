//! The level on the disk: a redb file of one process. Threads read it; one thread, the keeper,
//! writes what they filled, and opens it again after it failed.

use super::counts::Count;
use super::generations::{Generations, chance};
use super::held;
use super::level::{Clock, Level};
use super::settings::DiskSettings;
use redb::Database;
use shm::units::Nanos;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

mod file;
#[cfg(test)]
mod tests;

use file::{Kept, Put};

/// Largest entry, in bytes.
const ENTRY_BYTES_MAX: usize = 1 << 20;
/// Entries that wait to be written; more are not kept.
const QUEUE_MAX: usize = 1_024;
/// Entries of one transaction.
const BATCH_MAX: usize = 256;
/// What is written is on the disk after this; a kill before loses it, which is a miss.
const DURABLE: Duration = Duration::from_secs(1);
/// How often the keeper looks whether there is anything to do.
const TICK: Duration = Duration::from_millis(100);
/// Longest wait of a flush.
const FLUSH_MAX: Duration = Duration::from_secs(10);

enum Job {
    Put(Put),
    Flush(SyncSender<()>),
}

/// The level.
pub(super) struct Disk {
    inner: Arc<Inner>,
    jobs: Option<SyncSender<Job>>,
    keeper: Option<JoinHandle<()>>,
}

struct Inner {
    path: PathBuf,
    bytes_max: u64,
    level: Level,
    state: Mutex<State>,
    /// Drops that the file holds.
    drops: Mutex<BTreeMap<u16, u64>>,
    /// Of the table that the file's entries carry.
    table: OnceLock<u64>,
    generations: OnceLock<Arc<Generations>>,
    bytes: Count,
}

#[derive(Default)]
struct State {
    database: Option<Arc<Database>>,
    /// It is damaged, or holds what was dropped: a new one is made.
    discard: bool,
    /// Another process has it.
    is_foreign: bool,
}

impl Disk {
    /// Opens the file, or makes it; what is damaged is replaced. A file that cannot be opened is
    /// tried again.
    ///
    /// # Errors
    /// The keeper cannot be started.
    pub(super) fn open(settings: &DiskSettings, clock: Clock) -> std::io::Result<Self> {
        let inner = Arc::new(Inner {
            path: settings.path.clone(),
            bytes_max: settings.bytes_max,
            level: Level::new(clock),
            state: Mutex::default(),
            drops: Mutex::default(),
            table: OnceLock::new(),
            generations: OnceLock::new(),
            bytes: Count::default(),
        });
        inner.reopen();
        let (jobs, queue) = sync_channel(QUEUE_MAX);
        let own = Arc::clone(&inner);
        let keeper = std::thread::Builder::new()
            .name("cache-disk".to_owned())
            .spawn(move || keep(&own, &queue))?;
        Ok(Self { inner, jobs: Some(jobs), keeper: Some(keeper) })
    }

    /// The table that entries of before carry, if the file could be opened.
    pub(super) fn table(&self) -> Option<u64> {
        self.inner.table.get().copied()
    }

    /// Gives the table of this process what was dropped before, and learns from it what is dropped.
    pub(super) fn attach(&self, generations: &Arc<Generations>) {
        let kept: Vec<_> = held(&self.inner.drops).iter().map(|(&at, &own)| (at, own)).collect();
        generations.restore(&kept);
        // Set once: by the cache that owns it.
        let _ = self.inner.generations.set(Arc::clone(generations));
    }

    /// The bytes under a key; `None` also where it does not answer.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        if !self.inner.is_open() {
            self.inner.level.counts.skipped.one();
            return None;
        }
        self.inner.level.permit().then(|| self.inner.run(|database| file::get(database, key)))??
    }

    /// Keeps an entry. Nobody waits for it.
    pub(super) fn put(&self, key: &str, bytes: Vec<u8>, keep_until: Nanos) {
        let counts = &self.inner.level.counts;
        let fits = bytes.len() <= ENTRY_BYTES_MAX && bytes.len() as u64 <= self.inner.bytes_max;
        if !self.inner.is_open() || !fits {
            counts.lost.one();
            return;
        }
        let job = Job::Put(Put { key: key.to_owned(), bytes, keep_until: keep_until.0 });
        match self.jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                counts.lost.one();
            }
        }
    }

    /// Keeps drops, so that they hold after a restart, too; whether they do. Where the file cannot
    /// take them it is removed, and nothing in it can come back.
    pub(super) fn remember(&self, own: &[(u16, u64)]) -> bool {
        if self.inner.is_open() {
            let done = self.inner.run(|database| file::remember(database, own));
            if done.is_some() {
                held(&self.inner.drops).extend(own.iter().copied());
                return true;
            }
        }
        let mut state = held(&self.inner.state);
        if state.is_foreign {
            return false;
        }
        state.database = None;
        state.discard = true;
        file::remove(&self.inner.path).is_ok()
    }

    /// Waits until what was put so far is on the disk, where that answers.
    pub(super) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if let Some(jobs) = &self.jobs
            && jobs.send(Job::Flush(done)).is_ok()
        {
            // Later than that it does not answer.
            let _ = wait.recv_timeout(FLUSH_MAX);
        }
    }

    pub(super) fn level(&self) -> &Level {
        &self.inner.level
    }

    /// Bytes of keys and entries in it.
    pub(super) fn bytes(&self) -> u64 {
        self.inner.bytes.get()
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.inner.bytes_max
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(keeper) = self.keeper.take() {
            // One that panicked has nothing more to write.
            let _ = keeper.join();
        }
    }
}

impl Inner {
    fn is_open(&self) -> bool {
        held(&self.state).database.is_some()
    }

    /// Works on the file, if it is open. After a failure it is closed, and the keeper opens it.
    fn run<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Option<T> {
        let database = held(&self.state).database.clone()?;
        match catch_unwind(AssertUnwindSafe(|| work(&database))) {
            Ok(Ok(done)) => {
                self.level.went();
                return Some(done);
            }
            Ok(Err(error)) => self.fail(&error),
            // Pages that make no sense may have it assert.
            Err(_) => self.fail(&redb::Error::Corrupted("it makes no sense".to_owned())),
        }
        None
    }

    fn fail(&self, error: &redb::Error) {
        let mut state = held(&self.state);
        state.database = None;
        state.is_foreign = matches!(error, redb::Error::DatabaseAlreadyOpen);
        if file::is_damage(error) {
            self.level.counts.damaged.one();
            state.discard = true;
        }
        drop(state);
        self.level.failed(format!("{}: {error}", self.path.display()));
    }

    /// Opens the file; one that is damaged is replaced at once.
    fn reopen(&self) {
        for _ in 0..2 {
            let discard = held(&self.state).discard;
            let opened = catch_unwind(AssertUnwindSafe(|| self.open_file(discard)));
            match opened {
                Ok(Ok(database)) => {
                    let mut state = held(&self.state);
                    state.database = Some(Arc::new(database));
                    (state.discard, state.is_foreign) = (false, false);
                    drop(state);
                    self.level.went();
                    return;
                }
                Ok(Err(error)) => self.fail(&error),
                Err(_) => self.fail(&redb::Error::Corrupted("it makes no sense".to_owned())),
            }
            if !held(&self.state).discard {
                return;
            }
        }
    }

    fn open_file(&self, discard: bool) -> Result<Database, redb::Error> {
        if discard {
            file::remove(&self.path)?;
        }
        let database = file::open(&self.path)?;
        let own = self.generations.get();
        let set = own.map(|own| (own.stamp(&[]).table, own.all_own()));
        let kept: Kept = file::set_up(&database, set, chance())?;
        self.bytes.set(kept.bytes);
        // The first one stands: later it is the file that takes the table of this process.
        self.table.get_or_init(|| kept.table);
        *held(&self.drops) = kept.drops;
        Ok(database)
    }

    /// Writes what waits; `durable`: it is on the disk when this returns.
    fn write(&self, puts: &[Put], durable: bool) {
        let done = self.delivered();
        let now = self.level.now().0;
        let written =
            self.run(|database| file::write(database, puts, &done, (self.bytes_max, now), durable));
        let counts = &self.level.counts;
        match written {
            Some(bytes) => {
                self.bytes.set(bytes);
                puts.iter().for_each(|_| counts.kept.one());
                let mut drops = held(&self.drops);
                drops.retain(|at, _| !done.contains(at));
            }
            None => puts.iter().for_each(|_| counts.lost.one()),
        }
    }

    /// Drops in the file that a shared table has meanwhile.
    fn delivered(&self) -> Vec<u16> {
        let Some(generations) = self.generations.get() else { return Vec::new() };
        let drops = held(&self.drops);
        if drops.is_empty() {
            return Vec::new();
        }
        let open: BTreeMap<u16, u64> = generations.all_own().into_iter().collect();
        drops.keys().copied().filter(|at| !open.contains_key(at)).collect()
    }
}

/// The keeper.
fn keep(inner: &Inner, queue: &Receiver<Job>) {
    let mut durable = Instant::now();
    let mut is_dirty = false;
    loop {
        let (mut puts, mut waiting, mut is_over) = (Vec::new(), Vec::new(), false);
        let mut sort = |job| match job {
            Job::Put(put) => puts.push(put),
            Job::Flush(done) => waiting.push(done),
        };
        match queue.recv_timeout(TICK) {
            Ok(job) => sort(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => is_over = true,
        }
        queue.try_iter().take(BATCH_MAX - 1).for_each(sort);
        if !inner.is_open() && !is_over && inner.level.permit() {
            inner.reopen();
        }
        is_dirty |= !puts.is_empty() || !inner.delivered().is_empty();
        let is_due = is_over || !waiting.is_empty() || durable.elapsed() >= DURABLE;
        if is_dirty && (is_due || !puts.is_empty()) {
            inner.write(&puts, is_due);
            if is_due {
                (is_dirty, durable) = (false, Instant::now());
            }
        }
        for done in waiting {
            // Who asked may have gone.
            let _ = done.send(());
        }
        if is_over {
            return;
        }
    }
}
