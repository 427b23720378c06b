//! Redis: entries that processes share, the generations, and messages of what is dropped.
//!
//! # Layout
//! `PREFIX:e:KEY` the bytes of an entry, with a time to live; `PREFIX:generations` a hash, by slot;
//! `PREFIX:table` a token that is set once. Token and `run_id` of the server name the table: one
//! that lost its data, or came back with older, is another. `PREFIX:drops` is the channel; a
//! message is slots in decimal, separated by spaces.

use super::error::OpenError;
use super::generations::{Generations, chance};
use super::level::{Clock, Level};
use super::settings::RedisSettings;
use super::shared::Shared;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, RedisError};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Entries on their way; more are not kept.
const WRITES_MAX: usize = 256;
/// Shortest time between two comparisons, however many messages come.
const PACE: Duration = Duration::from_millis(20);

/// The level.
pub(super) struct Redis {
    link: Arc<Link>,
    handle: Handle,
    writes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

struct Link {
    manager: ConnectionManager,
    level: Level,
    generations: Arc<Generations>,
    prefix: String,
    limit: Duration,
    sync: Duration,
    /// Something is to be compared now.
    now: Arc<Notify>,
    is_over: AtomicBool,
}

/// Why it does not answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("{0}")]
    Said(#[from] RedisError),
    #[error("its answer is not what was asked for: {0}")]
    Other(&'static str),
}

impl Redis {
    /// Connects, and waits a moment for the first comparison. One that does not answer is tried
    /// again.
    ///
    /// # Errors
    /// [`OpenError`]: the URL is none; the thread cannot be started.
    pub(super) fn open(
        settings: &RedisSettings,
        generations: &Arc<Generations>,
        clock: &Clock,
    ) -> Result<Self, OpenError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let link = {
            let _entered = runtime.enter();
            Arc::new(Link::new(settings, generations, clock)?)
        };
        let handle = runtime.handle().clone();
        let own = Arc::clone(&link);
        let thread = std::thread::Builder::new()
            .name("cache-redis".to_owned())
            .spawn(move || runtime.block_on(own.follow()))?;
        let level = Self { link, handle, writes: Arc::default(), thread: Some(thread) };
        let until = std::time::Instant::now() + settings.timeout * 2;
        while generations.comparisons() == 0 && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(level)
    }

    /// Lets the thread ask, and waits for the answer.
    fn ask<T: Send + 'static>(
        &self,
        asked: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Option<T> {
        let (answer, wait) = sync_channel(1);
        let link = Arc::clone(&self.link);
        self.handle.spawn(async move {
            // Who asked may wait no more.
            let _ = answer.send(link.within(asked).await);
        });
        let late = self.link.limit * 2;
        let answered = wait.recv_timeout(late).unwrap_or(Err(Failure::Late(late)));
        self.link.tell(answered)
    }
}

impl Shared for Redis {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        if !self.link.level.permit() {
            return None;
        }
        let link = Arc::clone(&self.link);
        let key = link.entry(key);
        self.ask(async move {
            let mut manager = link.manager.clone();
            let asked = redis::cmd("GET").arg(key).query_async(&mut manager).await;
            Ok(asked?)
        })
        .flatten()
    }

    fn put(&self, key: &str, bytes: Vec<u8>, keep: Duration) {
        let counts = &self.link.level.counts;
        // ORDERING: Relaxed: a bound, which one more or less does not break.
        if self.writes.load(Ordering::Relaxed) >= WRITES_MAX {
            counts.lost.one();
            return;
        }
        if !self.link.level.permit() {
            return;
        }
        // ORDERING: Relaxed: as above.
        self.writes.fetch_add(1, Ordering::Relaxed);
        let (link, writes) = (Arc::clone(&self.link), Arc::clone(&self.writes));
        let key = link.entry(key);
        let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        self.handle.spawn(async move {
            let mut manager = link.manager.clone();
            let mut set = redis::cmd("SET");
            set.arg(key).arg(bytes).arg("PX").arg(millis);
            let asked = async { Ok(set.exec_async(&mut manager).await?) };
            match link.tell(link.within(asked).await) {
                Some(()) => link.level.counts.kept.one(),
                None => link.level.counts.lost.one(),
            }
            // ORDERING: Relaxed: as above.
            writes.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn deliver(&self, slots: &[u16], key: Option<&str>) -> bool {
        if !self.link.level.permit() {
            return false;
        }
        let link = Arc::clone(&self.link);
        let (slots, key) = (slots.to_vec(), key.map(|key| link.entry(key)));
        self.ask(async move { link.deliver(&slots, key).await }).is_some()
    }

    fn level(&self) -> &Level {
        &self.link.level
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // ORDERING: Relaxed: a lone flag; the notice behind it wakes who reads it.
        self.link.is_over.store(true, Ordering::Relaxed);
        self.link.now.notify_one();
        if let Some(thread) = self.thread.take() {
            // One that panicked is over, too.
            let _ = thread.join();
        }
    }
}

impl Link {
    /// Must be called within the runtime.
    fn new(
        settings: &RedisSettings,
        generations: &Arc<Generations>,
        clock: &Clock,
    ) -> Result<Self, OpenError> {
        let wrong = |error: RedisError| OpenError::Redis {
            url: settings.url.clone(),
            remedy: format!("{error}: write redis://user@host:port/database"),
        };
        // Of TLS: the one provider of cryptography. It may be set already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let info = settings.url.as_str().into_connection_info().map_err(wrong)?;
        let mut own = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(password) = &settings.password {
            own = own.set_password(password.reveal());
        }
        let client = Client::open(info.set_redis_settings(own)).map_err(wrong)?;
        let now = Arc::new(Notify::new());
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(10))
            .set_max_delay(settings.timeout)
            .set_connection_timeout(Some(settings.timeout))
            .set_response_timeout(Some(settings.timeout))
            .set_push_sender(hear(generations, &now));
        let manager = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        Ok(Self {
            manager,
            level: Level::new(Arc::clone(clock)),
            generations: Arc::clone(generations),
            prefix: settings.prefix.clone(),
            limit: settings.timeout,
            sync: settings.sync,
            now,
            is_over: AtomicBool::new(false),
        })
    }

    fn entry(&self, key: &str) -> String {
        format!("{}:e:{key}", self.prefix)
    }

    fn name(&self, of: &str) -> String {
        format!("{}:{of}", self.prefix)
    }

    async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let answered = timeout(self.limit, asked).await;
        answered.unwrap_or(Err(Failure::Late(self.limit)))
    }

    /// Tells the breaker how it went.
    fn tell<T>(&self, answered: Result<T, Failure>) -> Option<T> {
        match answered {
            Ok(answer) => {
                self.level.went();
                Some(answer)
            }
            Err(error) => {
                self.level.failed(error.to_string());
                None
            }
        }
    }

    /// Compares every `sync`, and when something was heard, until it is over.
    async fn follow(&self) {
        // ORDERING: Relaxed: see the store.
        while !self.is_over.load(Ordering::Relaxed) {
            // The probe of the breaker, too: it is asked whether that is open or not.
            self.tell(self.compare().await);
            let _ = timeout(self.sync, self.now.notified()).await;
            sleep(PACE.min(self.sync)).await;
        }
    }

    /// Delivers what waits, joins the channel, and learns all generations.
    async fn compare(&self) -> Result<(), Failure> {
        let waiting = self.generations.undelivered();
        if !waiting.is_empty() {
            let slots: Vec<u16> = waiting.iter().map(|(at, _)| *at).collect();
            self.within(self.deliver(&slots, None)).await?;
            self.generations.delivered(&waiting);
        }
        // Each time: the connection may be another one than the last time.
        let mut manager = self.manager.clone();
        self.within(async { Ok(manager.subscribe(self.name("drops")).await?) }).await?;
        let begun = self.generations.begin(self.level.now());
        let (id, found) = self.within(self.read_all()).await?;
        self.generations.learn(&begun, id, &found);
        Ok(())
    }

    async fn read_all(&self) -> Result<(u64, Vec<(u16, u64)>), Failure> {
        let mut manager = self.manager.clone();
        let mut pipe = redis::pipe();
        pipe.cmd("INFO").arg("server");
        pipe.cmd("SET")
            .arg(self.name("table"))
            .arg(format!("{:016x}", chance()))
            .arg("NX")
            .ignore();
        pipe.cmd("GET").arg(self.name("table"));
        pipe.cmd("HGETALL").arg(self.name("generations"));
        let (info, token, found): (String, String, HashMap<String, u64>) =
            pipe.query_async(&mut manager).await?;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let run = run.ok_or(Failure::Other("INFO names no run_id"))?.trim();
        let slots = found.iter().filter_map(|(at, value)| Some((at.parse().ok()?, *value)));
        let mut hash = Sha256::new();
        hash.update(run);
        hash.update(token);
        let id = hash.finalize().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
        Ok((id, slots.collect()))
    }

    /// All or nothing, on the server.
    async fn deliver(&self, slots: &[u16], key: Option<String>) -> Result<(), Failure> {
        let mut manager = self.manager.clone();
        let mut pipe = redis::pipe();
        pipe.atomic();
        for slot in slots {
            pipe.cmd("HINCRBY").arg(self.name("generations")).arg(slot).arg(1).ignore();
        }
        if let Some(key) = key {
            pipe.cmd("DEL").arg(key).ignore();
        }
        let words: Vec<String> = slots.iter().map(u16::to_string).collect();
        pipe.cmd("PUBLISH").arg(self.name("drops")).arg(words.join(" ")).ignore();
        Ok(pipe.exec_async(&mut manager).await?)
    }
}

/// What is done with a message.
fn hear(
    generations: &Arc<Generations>,
    now: &Arc<Notify>,
) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync + 'static {
    let (generations, now) = (Arc::clone(generations), Arc::clone(now));
    move |push: PushInfo| {
        if push.kind == PushKind::Message {
            let payload = push.data.get(1).and_then(|value| match value {
                redis::Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
                redis::Value::SimpleString(text) => Some(text.as_str()),
                _ => None,
            });
            let words = payload.unwrap_or_default().split(' ');
            let slots: Vec<u16> = words.filter_map(|word| word.parse().ok()).collect();
            generations.heard(&slots);
            now.notify_one();
        }
        Ok(())
    }
}
