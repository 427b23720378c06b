//! Asking, filling and dropping.

use super::counts::{Count, Counts};
use super::disk::Disk;
use super::entry::Entry;
use super::error::{CacheError, OpenError};
use super::flight::{Flights, Landed, Leader, Part, Waited};
use super::generations::{Bounds, Generations, chance, slot_of};
use super::level::Clock;
use super::memory::Memory;
use super::settings::Settings;
use super::shared::Shared;
use super::stats::{LevelStats, Stats};
use shm::units::Nanos;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for another's fill of the same key.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How far ahead of this clock another's may be.
const AHEAD_MAX: u64 = 5_000_000_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Its kind and its name in it: `order/0123456789ABC`. At most [`Ask::KEY_BYTES_MAX`] bytes.
    pub key: &'a str,
    /// Of what its value is written in; entries of another are not read.
    pub version: u16,
    /// What it ends with, besides its key.
    pub tags: &'a [&'a str],
}

impl Ask<'_> {
    /// Longest key, in bytes.
    pub const KEY_BYTES_MAX: usize = 256;
}

/// What a source gave.
#[derive(Clone, Debug)]
pub struct Fill {
    /// Any bytes.
    pub value: Vec<u8>,
    /// How long they are fresh, from when the fill began.
    pub fresh: Duration,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Memory.
    Memory,
    /// Redis.
    Redis,
    /// The disk.
    Disk,
    /// The source.
    Source,
    /// Another's fill of the same key, which this one waited for.
    Joined,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was filled.
    pub value: Arc<[u8]>,
    /// From where.
    pub origin: Origin,
    /// Past its time, standing in for a fill that failed.
    pub is_stale: bool,
}

/// How far a drop has come. In this process it holds in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Dropped {
    /// Whether Redis has it; if not, it is sent until it has. `true` without Redis.
    pub is_everywhere: bool,
    /// Whether it outlives this process: Redis or the disk has it, or there is no disk to outlive.
    pub is_kept: bool,
}

/// The cache of one process. It blocks; threads share it.
pub struct Cache {
    pub(super) memory: Memory,
    pub(super) shared: Option<Box<dyn Shared>>,
    pub(super) disk: Option<Disk>,
    pub(super) generations: Arc<Generations>,
    flights: Flights,
    clock: Clock,
    node: u64,
    keep: Duration,
    stale_max: Option<Duration>,
    fills: Count,
    fill_errors: Count,
    stood_in: Count,
    joined: Count,
    drops: Count,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Cache({})", self.stats())
    }
}

impl Cache {
    /// Opens all levels. A disk that cannot be read, or a Redis that does not answer, is passed
    /// over until it can.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: &Settings, clock: Clock) -> Result<Self, OpenError> {
        match &settings.redis {
            None => Self::with(settings, clock, None),
            #[cfg(feature = "redis")]
            Some(redis) => {
                let settings_of = redis.clone();
                let open = move |generations: &Arc<Generations>, clock: &Clock| {
                    let level = super::redis::Redis::open(&settings_of, generations, clock)?;
                    Ok(Box::new(level) as Box<dyn Shared>)
                };
                let grace = (redis.sync + redis.timeout) * 2;
                Self::with(settings, clock, Some((&open, grace)))
            }
            #[cfg(not(feature = "redis"))]
            Some(redis) => Err(OpenError::Redis {
                url: redis.url.clone(),
                remedy: "this program was built without Redis: build it with --features redis"
                    .to_owned(),
            }),
        }
    }

    pub(super) fn with(
        settings: &Settings,
        clock: Clock,
        shared: Option<(&OpenShared<'_>, Duration)>,
    ) -> Result<Self, OpenError> {
        let bounds = shared
            .map(|(_, grace)| Bounds { stale_max: nanos(settings.stale_max), grace: nanos(grace) });
        let disk = match &settings.disk {
            Some(disk) => Some(Disk::open(disk, Arc::clone(&clock))?),
            None => None,
        };
        // What lies on the disk is of the table that lay there; of a shared one it says nothing.
        let alone = disk.as_ref().and_then(Disk::table).filter(|_| bounds.is_none());
        let table = alone.unwrap_or_else(chance);
        let generations = Arc::new(Generations::new(table, bounds));
        if let Some(disk) = &disk {
            disk.attach(&generations);
        }
        let shared = shared.map(|(open, _)| open(&generations, &clock)).transpose()?;
        Ok(Self {
            memory: Memory::new(settings.memory_bytes_max),
            shared,
            disk,
            generations,
            flights: Flights::default(),
            clock,
            node: chance(),
            keep: settings.keep,
            stale_max: bounds.map(|_| settings.stale_max),
            fills: Count::default(),
            fill_errors: Count::default(),
            stood_in: Count::default(),
            joined: Count::default(),
            drops: Count::default(),
        })
    }

    /// Gives what is kept, or fills. Whoever asks while another fills the same key waits for that.
    ///
    /// `fill` must read its source after it was called: what it read before may have been dropped
    /// meanwhile.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn get_or_fill<E: Error + Send + Sync + 'static>(
        &self,
        ask: Ask<'_>,
        fill: impl FnOnce() -> Result<Fill, E>,
    ) -> Result<Found, CacheError> {
        let (bytes, max) = (ask.key.len(), Ask::KEY_BYTES_MAX);
        if bytes > max {
            return Err(CacheError::Key { bytes, max });
        }
        let mut slots = vec![slot_of(b'k', ask.key)];
        slots.extend(ask.tags.iter().map(|tag| slot_of(b't', tag)));
        loop {
            let kept = self.in_memory(ask.key);
            if let Some(entry) = kept {
                self.memory.counts.hits.one();
                return Ok(Found::of(&entry, Origin::Memory, false));
            }
            match self.flights.join(ask.key, || self.generations.stamp(&slots)) {
                Part::Leader(leader) => return self.lead(ask, leader, fill),
                Part::Waiter(flight) => {
                    self.joined.one();
                    // What was dropped since it took off is not for one who asks now.
                    let is_mine = self.generations.holds(&flight.stamp);
                    match flight.wait(WAIT_MAX) {
                        Waited::Landed(landed) if is_mine => {
                            let (entry, is_stale) = landed?;
                            return Ok(Found::of(&entry, Origin::Joined, is_stale));
                        }
                        Waited::Landed(_) | Waited::Lost => {}
                        Waited::TooLong => {
                            let (key, seconds) = (ask.key.to_owned(), WAIT_MAX.as_secs());
                            return Err(CacheError::Slow { key, seconds });
                        }
                    }
                }
            }
        }
    }

    /// What memory has, if it may be given out.
    fn in_memory(&self, key: &str) -> Option<Arc<Entry>> {
        let entry = self.memory.get(key);
        let good = entry.filter(|entry| self.is_good(entry, &self.memory.counts));
        if good.is_none() {
            self.memory.counts.misses.one();
        }
        good
    }

    fn lead<E: Error + Send + Sync + 'static>(
        &self,
        ask: Ask<'_>,
        leader: Leader<'_>,
        fill: impl FnOnce() -> Result<Fill, E>,
    ) -> Result<Found, CacheError> {
        // Another flight may have landed between the look at memory and this one.
        let again = self.memory.get(ask.key).filter(|entry| self.may_be_given(entry));
        if let Some(entry) = again {
            leader.land(Ok((Arc::clone(&entry), false)));
            return Ok(Found::of(&entry, Origin::Memory, false));
        }
        let mut spare = self.memory.get(ask.key);
        if let Some((entry, origin)) = self.farther(ask, &mut spare) {
            leader.land(Ok((Arc::clone(&entry), false)));
            return Ok(Found::of(&entry, origin, false));
        }
        self.fills.one();
        let began = (self.clock)();
        let landed: Landed = match fill() {
            Ok(fill) => Ok((self.keep(ask, &leader, began, fill), false)),
            Err(error) => {
                self.fill_errors.one();
                match spare.filter(|entry| self.may_stand_in(entry)) {
                    Some(entry) => {
                        self.stood_in.one();
                        Ok((entry, true))
                    }
                    None => {
                        Err(CacheError::Fill { key: ask.key.to_owned(), source: Arc::new(error) })
                    }
                }
            }
        };
        leader.land(landed.clone());
        landed.map(|(entry, is_stale)| Found::of(&entry, Origin::Source, is_stale))
    }

    /// What Redis or the disk has; the nearer levels get it, too. What may stand in is left in
    /// `spare`.
    fn farther(
        &self,
        ask: Ask<'_>,
        spare: &mut Option<Arc<Entry>>,
    ) -> Option<(Arc<Entry>, Origin)> {
        if let Some(shared) = &self.shared {
            let bytes = shared.get(ask.key);
            let found = self.decoded(ask, bytes.as_deref(), &shared.level().counts, spare);
            if let Some(entry) = found {
                self.memory.put(ask.key, Arc::clone(&entry));
                return Some((entry, Origin::Redis));
            }
        }
        let disk = self.disk.as_ref()?;
        let bytes = disk.get(ask.key);
        let entry = self.decoded(ask, bytes.as_deref(), &disk.level().counts, spare)?;
        self.memory.put(ask.key, Arc::clone(&entry));
        if let (Some(shared), Some(bytes)) = (&self.shared, bytes) {
            shared.put(ask.key, bytes, self.left(&entry));
        }
        Some((entry, Origin::Disk))
    }

    fn decoded(
        &self,
        ask: Ask<'_>,
        bytes: Option<&[u8]>,
        counts: &Counts,
        spare: &mut Option<Arc<Entry>>,
    ) -> Option<Arc<Entry>> {
        let entry = bytes.and_then(|bytes| match Entry::decode(bytes, ask.key, ask.version) {
            Ok(entry) => Some(Arc::new(entry)),
            Err(super::entry::Damaged) => {
                counts.damaged.one();
                None
            }
        });
        let good = entry.filter(|entry| {
            let is_good = self.is_good(entry, counts);
            if !is_good && spare.as_ref().is_none_or(|old| old.filled < entry.filled) {
                *spare = Some(Arc::clone(entry));
            }
            is_good
        });
        if good.is_some() {
            counts.hits.one()
        } else {
            counts.misses.one()
        }
        good
    }

    fn is_good(&self, entry: &Entry, counts: &Counts) -> bool {
        let is_good = self.may_be_given(entry);
        if !is_good {
            counts.stale.one();
        }
        is_good
    }

    /// Fresh, not dropped, and compared lately.
    fn may_be_given(&self, entry: &Entry) -> bool {
        let now = (self.clock)();
        let is_fresh = now < entry.fresh_until && entry.filled.0 <= now.0 + AHEAD_MAX;
        let own_fill = (entry.node == self.node).then_some(entry.filled);
        is_fresh && self.generations.holds(&entry.stamp) && self.generations.is_known(now, own_fill)
    }

    fn may_stand_in(&self, entry: &Entry) -> bool {
        (self.clock)() < entry.keep_until && self.generations.holds(&entry.stamp)
    }

    /// How long an entry is to be kept.
    fn left(&self, entry: &Entry) -> Duration {
        let left = entry.keep_until.0.saturating_sub((self.clock)().0);
        Duration::from_nanos(left).max(Duration::from_millis(1))
    }

    /// Keeps what was filled on every level.
    fn keep(&self, ask: Ask<'_>, leader: &Leader<'_>, began: Nanos, fill: Fill) -> Arc<Entry> {
        let fresh_until = Nanos(began.0.saturating_add(nanos(fill.fresh).0));
        let entry = Arc::new(Entry {
            version: ask.version,
            node: self.node,
            filled: began,
            fresh_until,
            keep_until: Nanos(fresh_until.0.saturating_add(nanos(self.keep).0)),
            stamp: leader.stamp().clone(),
            value: Arc::from(fill.value),
        });
        self.memory.put(ask.key, Arc::clone(&entry));
        if self.shared.is_some() || self.disk.is_some() {
            let bytes = entry.encode(ask.key);
            if let Some(disk) = &self.disk {
                disk.put(ask.key, bytes.clone(), entry.keep_until);
            }
            if let Some(shared) = &self.shared {
                shared.put(ask.key, bytes, self.left(&entry));
            }
        }
        entry
    }

    /// Ends what is kept under a key, everywhere. Change the source first.
    pub fn drop_key(&self, key: &str) -> Dropped {
        self.memory.remove(key);
        self.drop_slot(slot_of(b'k', key), Some(key))
    }

    /// Ends what carries a tag, everywhere. Change the source first.
    pub fn drop_tag(&self, tag: &str) -> Dropped {
        self.drop_slot(slot_of(b't', tag), None)
    }

    fn drop_slot(&self, slot: u16, key: Option<&str>) -> Dropped {
        self.drops.one();
        let own = self.generations.drop_own(&[slot]);
        let delivered = self.shared.as_ref().map(|shared| shared.deliver(&[slot], key));
        if delivered == Some(true) {
            self.generations.delivered(&own);
            return Dropped { is_everywhere: true, is_kept: true };
        }
        let is_kept = self.disk.as_ref().is_none_or(|disk| disk.remember(&own));
        Dropped { is_everywhere: delivered.is_none(), is_kept }
    }

    /// Waits until what was filled so far is on the disk, where that answers.
    pub fn flush(&self) {
        if let Some(disk) = &self.disk {
            disk.flush();
        }
    }

    /// What it tells of itself.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (_, bytes) = self.memory.size();
        let memory = LevelStats {
            bytes: Some(bytes),
            bytes_max: Some(self.memory.bytes_max),
            ..LevelStats::of("memory", &self.memory.counts)
        };
        let mut levels = vec![memory];
        levels.extend(
            self.shared.as_ref().map(|shared| LevelStats::of_level("redis", shared.level())),
        );
        levels.extend(self.disk.as_ref().map(|disk| LevelStats {
            bytes: Some(disk.bytes()),
            bytes_max: Some(disk.bytes_max()),
            ..LevelStats::of_level("disk", disk.level())
        }));
        let undelivered = self.shared.as_ref().map(|_| self.generations.undelivered().len());
        let compared = self.generations.compared();
        let age = |at: Nanos| (self.clock)().0.saturating_sub(at.0) / 1_000_000;
        Stats {
            levels,
            fills: self.fills.get(),
            fill_errors: self.fill_errors.get(),
            stood_in: self.stood_in.get(),
            joined: self.joined.get(),
            drops: self.drops.get(),
            undelivered: undelivered.unwrap_or(0) as u64,
            compared_ms: compared.map(age),
            stale_max_ms: self.stale_max.map(|bound| bound.as_millis() as u64),
        }
    }
}

/// Opens the level that processes share.
pub(super) type OpenShared<'a> =
    dyn Fn(&Arc<Generations>, &Clock) -> Result<Box<dyn Shared>, OpenError> + 'a;

impl Found {
    fn of(entry: &Entry, origin: Origin, is_stale: bool) -> Self {
        Self { value: Arc::clone(&entry.value), origin, is_stale }
    }
}

impl Origin {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Disk => "disk",
            Self::Source => "source",
            Self::Joined => "source (joined)",
        }
    }
}

pub(super) fn nanos(of: Duration) -> Nanos {
    Nanos(u64::try_from(of.as_nanos()).unwrap_or(u64::MAX))
}
