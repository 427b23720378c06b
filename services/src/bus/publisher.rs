//! The publishing side as a service: a thread that follows the journal and sends what it reads.

use super::error::BusError;
use super::link::Link;
use super::settings::{BusSettings, Name};
use super::source::Source;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shortest and longest wait after a failure.
const WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Time between two looks at a journal that had nothing new.
const LOOK: Duration = Duration::from_millis(10);
/// Records of one turn, whose messages are all acknowledged before the next.
const TURN: usize = 20_000;
/// Messages that are sent and not yet acknowledged, at most.
const IN_FLIGHT: usize = 64;

/// How far publishing is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Records acknowledged since the start.
    pub records: u64,
    /// Messages acknowledged since the start.
    pub messages: u64,
    /// Failures since the start.
    pub failures: u64,
    /// What it waits for now, if it does.
    pub waits: Option<String>,
    /// The session that is read.
    pub epoch: Option<u16>,
    /// Everything that was read is acknowledged, and the last look found nothing more.
    pub is_level: bool,
}

#[derive(Debug, Default)]
struct Shared {
    progress: Progress,
    /// It is to end, at the latest then.
    end: Option<Instant>,
}

/// A thread that publishes an engine's journal. It is asked to end when this is dropped.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread knows.
#[derive(Debug)]
struct Task {
    dir: PathBuf,
    settings: BusSettings,
    engine: Name,
    shared: Arc<Mutex<Shared>>,
}

impl Publisher {
    /// Starts to publish the journal in `dir` as that of `engine`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(dir: &Path, settings: BusSettings, engine: Name) -> std::io::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let dir = dir.to_path_buf();
        let task = Task { dir, settings, engine, shared: Arc::clone(&shared) };
        let thread =
            std::thread::Builder::new().name("bus".to_owned()).spawn(move || task.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        lock(&self.shared).progress.clone()
    }

    /// Ends it once all that is in the journal is acknowledged, or after `patience`, or at once
    /// where the server is not there: how far it came. What is left the next start publishes.
    #[must_use]
    pub fn stop(mut self, patience: Duration) -> Progress {
        lock(&self.shared).end = Some(Instant::now() + patience);
        self.join();
        self.progress()
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is told by its own hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        lock(&self.shared).end.get_or_insert_with(Instant::now);
        self.join();
    }
}

/// What is behind the lock is whole at any time.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Task {
    /// Tries until it is told to end.
    fn run(self) {
        let mut wait = WAIT.0;
        loop {
            let before = lock(&self.shared).progress.messages;
            // A connection of its own for each try: nothing of the last one is left.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let ended = match runtime {
                Ok(runtime) => {
                    let ended = runtime.block_on(self.publish()).map_err(|error| error.to_string());
                    runtime.shutdown_background();
                    ended
                }
                Err(error) => Err(error.to_string()),
            };
            let Err(why) = ended else { return };
            let mut shared = lock(&self.shared);
            shared.progress.failures += 1;
            shared.progress.is_level = false;
            shared.progress.waits = Some(why);
            wait = if shared.progress.messages > before { WAIT.0 } else { (wait * 2).min(WAIT.1) };
            drop(shared);
            let until = Instant::now() + wait;
            while Instant::now() < until {
                if lock(&self.shared).end.is_some() {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
    }

    /// Publishes over one connection until it breaks or is told to end.
    async fn publish(&self) -> Result<(), BusError> {
        let link = Link::connect(&self.settings.server).await?;
        link.make(&self.settings, &self.engine).await?;
        let stream = self.settings.stream_of(&self.engine);
        let ends = link.ends(&stream).await?;
        let last = link.last(&stream, ends).await?;
        let families = self.settings.families;
        let mut source = Source::open(&self.dir, families, link.bytes_max(), last.as_deref())?;
        let mut seq = ends.last;
        loop {
            link.check()?;
            let (turn, messages) = source.turn(TURN)?;
            let mut acks = VecDeque::new();
            let subject = self.settings.subject_of(&self.engine);
            for message in messages {
                let records = message.records;
                let ack = link.send(&subject, &self.engine, message, seq).await?;
                seq += 1;
                acks.push_back((ack, seq, records));
                if acks.len() >= IN_FLIGHT {
                    self.one(&link, &mut acks).await?;
                }
            }
            while !acks.is_empty() {
                self.one(&link, &mut acks).await?;
            }
            let is_level = turn.records == 0 && !turn.behind;
            if self.turned(source.epoch(), is_level) {
                return Ok(());
            }
            if is_level {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Notes that a turn is over; whether it was the last.
    fn turned(&self, epoch: Option<u16>, is_level: bool) -> bool {
        let mut shared = lock(&self.shared);
        (shared.progress.epoch, shared.progress.is_level) = (epoch, is_level);
        shared.progress.waits = None;
        shared.end.is_some_and(|end| is_level || Instant::now() >= end)
    }

    /// Waits for the oldest acknowledgment.
    async fn one(&self, link: &Link, acks: &mut VecDeque<Sent>) -> Result<(), BusError> {
        let Some((ack, seq, records)) = acks.pop_front() else { return Ok(()) };
        link.stored(ack, seq).await?;
        let progress = &mut lock(&self.shared).progress;
        progress.messages += 1;
        progress.records += records;
        Ok(())
    }
}

/// A message on its way: its acknowledgment, its number, its records.
type Sent = (async_nats::jetstream::context::PublishAckFuture, u64, u64);
