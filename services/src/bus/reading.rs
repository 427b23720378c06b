//! The reading side's connection: a thread that finds the streams of a desk and reads them.

use super::error::BusError;
use super::link::{Ends, Link};
use super::settings::{BusSettings, Name};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle as Reader;

/// Time between two looks for engines that are new.
const FIND: Duration = Duration::from_secs(2);
/// Time between two looks for a message that is not there yet.
const LOOK: Duration = Duration::from_millis(10);
/// Messages of one stream that are asked for at once, at most.
const AHEAD: usize = 16;
/// Messages of all streams that wait to be written, at most.
const WAITING: usize = 64;

/// What the thread tells.
#[derive(Debug)]
pub(super) enum Event {
    /// An engine has a stream with these ends: from where is it to be read?
    Found(Name, Ends),
    /// A message of a stream.
    Message(Message),
    /// There is no more of a stream for now.
    Level(Name, u64),
    /// The server is gone: everything will be found again.
    Lost(String),
}

/// A message of a stream.
#[derive(Debug)]
pub(super) struct Message {
    /// Whose.
    pub(super) engine: Name,
    /// Of which order to read.
    pub(super) order: u64,
    /// Its number.
    pub(super) seq: u64,
    /// Messages that were gone before it.
    pub(super) gone: u64,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// What the thread is told.
#[derive(Debug)]
pub(super) struct Order {
    /// Whose stream.
    pub(super) engine: Name,
    /// Number of the order; what an earlier one brought is passed over.
    pub(super) order: u64,
    /// The first message that is wanted.
    pub(super) from: u64,
}

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Reading {
    events: Receiver<Event>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Reading {
    /// Connects, after `wait`.
    pub(super) fn start(settings: BusSettings, wait: Duration) -> std::io::Result<Self> {
        let (events, received) = mpsc::channel(WAITING);
        let (orders, ordered) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new().name("bus".to_owned());
        let thread = thread.spawn(move || run(&settings, wait, &events, ordered))?;
        Ok(Self { events: received, orders: Some(orders), thread: Some(thread) })
    }

    /// The next event, if there is one.
    pub(super) fn next(&mut self) -> Option<Event> {
        match self.events.try_recv() {
            Ok(event) => Some(event),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => {
                Some(Event::Lost("the connection has ended".to_owned()))
            }
        }
    }

    /// Gives an order; one to a thread that has ended is told by the next event.
    pub(super) fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.orders = None;
        self.events.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is told by its own hook.
            let _ = thread.join();
        }
    }
}

/// One connection, until it breaks.
fn run(
    settings: &BusSettings,
    wait: Duration,
    events: &Sender<Event>,
    mut orders: UnboundedReceiver<Order>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Nobody may be there to hear it.
            let _ = events.blocking_send(Event::Lost(error.to_string()));
            return;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = events.closed() => {}
            ended = async {
                tokio::time::sleep(wait).await;
                read(settings, events, &mut orders).await
            } => if let Err(error) = ended {
                let _ = events.send(Event::Lost(error.to_string())).await;
            }
        }
    });
    runtime.shutdown_background();
}

async fn read(
    settings: &BusSettings,
    events: &Sender<Event>,
    orders: &mut UnboundedReceiver<Order>,
) -> Result<(), BusError> {
    let link = Link::connect(&settings.server).await?;
    let mut known = BTreeSet::new();
    let mut readers: BTreeMap<Name, Reader<()>> = BTreeMap::new();
    let (failed, mut failures) = mpsc::channel(1);
    let mut look = Instant::now();
    loop {
        link.check()?;
        if Instant::now() >= look {
            look = Instant::now() + FIND;
            for engine in link.engines(settings).await? {
                if !known.contains(&engine) {
                    let ends = link.ends(&settings.stream_of(&engine)).await?;
                    known.insert(engine.clone());
                    // Nobody hears it: the thread is about to be ended.
                    let _ = events.send(Event::Found(engine, ends)).await;
                }
            }
        }
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { return Ok(()) };
                let stream = Stream {
                    link: link.clone(),
                    name: settings.stream_of(&order.engine),
                    engine: order.engine.clone(),
                    order: order.order,
                };
                let (events, failed) = (events.clone(), failed.clone());
                let reader = tokio::spawn(async move {
                    if let Err(error) = stream.follow(order.from, &events).await {
                        // The first failure is the one to tell.
                        let _ = failed.try_send(error);
                    }
                });
                if let Some(old) = readers.insert(order.engine, reader) {
                    old.abort();
                }
            }
            error = failures.recv() => if let Some(error) = error { return Err(error) },
            () = tokio::time::sleep(LOOK * 5) => {}
        }
    }
}

/// A stream that is read by an order.
#[derive(Clone, Debug)]
struct Stream {
    link: Link,
    name: String,
    engine: Name,
    order: u64,
}

impl Stream {
    async fn get(self, seq: u64) -> Result<Option<Vec<u8>>, BusError> {
        self.link.get(&self.name, seq).await
    }

    /// Reads for ever.
    async fn follow(&self, from: u64, events: &Sender<Event>) -> Result<(), BusError> {
        let (mut next, mut gone) = (from.max(1), 0);
        let mut asked: VecDeque<Reader<Result<Option<Vec<u8>>, BusError>>> = VecDeque::new();
        // As long as messages are there several are asked for; at the end of the stream one.
        let mut ahead = AHEAD;
        loop {
            while asked.len() < ahead {
                let seq = next + asked.len() as u64;
                asked.push_back(tokio::spawn(self.clone().get(seq)));
            }
            let Some(first) = asked.pop_front() else { continue };
            let Ok(found) = first.await else { return Ok(()) };
            let event = match found? {
                Some(bytes) => {
                    ahead = AHEAD;
                    let (engine, order, seq) = (self.engine.clone(), self.order, next);
                    next += 1;
                    let gone = std::mem::take(&mut gone);
                    Event::Message(Message { engine, order, seq, gone, bytes })
                }
                None => {
                    asked.clear();
                    let ends = self.link.ends(&self.name).await?;
                    if ends.last >= next {
                        // It was removed, or came just now.
                        let first = ends.first.max(next);
                        let still = !self.link.has(&self.name, first).await?;
                        gone += first - next + u64::from(still);
                        next = first + u64::from(still);
                        continue;
                    }
                    tokio::time::sleep(LOOK).await;
                    ahead = 1;
                    Event::Level(self.engine.clone(), self.order)
                }
            };
            if events.send(event).await.is_err() {
                return Ok(());
            }
        }
    }
}
