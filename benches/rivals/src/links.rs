//! The candidates behind one pair of traits; every call is monomorphised away.

use shm::message::{Command, Kind as MessageKind, Message, Tail};
use shm::units::Nanos;

mod two_line;
pub use two_line::TwoLine;

/// Messages in a batch.
pub const BATCH: usize = 16;

/// A message that carries `value`, made as a stage makes one: field by field.
#[inline(always)]
pub fn message(value: u64) -> Message {
    let command = Command {
        kind: MessageKind::Command as u8,
        value: value as i64,
        lane_seq: value.wrapping_mul(3),
        t0: Nanos(value ^ 0x55),
        ..Command::default()
    };
    command.into()
}

/// The value a message carries; every word of it is looked at.
#[inline(always)]
pub fn number(message: &Message) -> u64 {
    let words = message.words();
    std::hint::black_box(words.iter().fold(0, |all, word| all ^ word));
    message.view::<Command>().map_or(u64::MAX - 1, |command| command.value as u64)
}

/// As the engine's link does: sequence and time of publishing into the tail.
#[inline(always)]
fn stamped(message: Message, at: u64) -> Message {
    message.with_tail(Tail::new(at as u32, Nanos(at)))
}

/// A writing end.
pub trait Tx: Send + 'static {
    /// `false`: full.
    fn try_send(&mut self, message: Message, at: u64) -> bool;
    /// Sends the messages of `from..from + BATCH`, all or none; `false`: no room.
    fn try_send_batch(&mut self, from: u64) -> bool {
        (from..from + BATCH as u64).all(|value| {
            while !self.try_send(message(value), value) {
                std::hint::spin_loop();
            }
            true
        })
    }
}

/// A reading end.
pub trait Rx: Send + 'static {
    fn try_receive(&mut self) -> Option<Message>;
    /// Takes what is there.
    fn drain(&mut self, each: &mut impl FnMut(&Message)) -> usize {
        let mut count = 0;
        while let Some(message) = self.try_receive() {
            each(&message);
            count += 1;
        }
        count
    }
}

/// A kind of link.
pub trait Kind {
    type Tx: Tx;
    type Rx: Rx;
    /// Whether its natural way of taking is all that is there, batched or not.
    const DRAINS: bool = false;
    fn make(slots: usize) -> (Self::Tx, Self::Rx);
}

/// Ours.
pub struct Slot;

impl Kind for Slot {
    type Tx = shm::slot::Producer;
    type Rx = shm::slot::Consumer;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        shm::slot::ring(slots)
    }
}

impl Tx for shm::slot::Producer {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        self.try_push(&message, Nanos(at)).is_ok()
    }

    #[inline(always)]
    fn try_send_batch(&mut self, from: u64) -> bool {
        if !self.has_room(BATCH) {
            return false;
        }
        for value in from..from + BATCH as u64 {
            let written = self.try_write(&message(value), Nanos(value));
            assert!(written.is_ok(), "there was room");
        }
        self.publish();
        true
    }
}

impl Rx for shm::slot::Consumer {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        self.pop()
    }

    #[inline(always)]
    fn drain(&mut self, each: &mut impl FnMut(&Message)) -> usize {
        Self::drain(self, usize::MAX, each)
    }
}

/// `rtrb`.
pub struct Rtrb;

impl Kind for Rtrb {
    type Tx = rtrb::Producer<Message>;
    type Rx = rtrb::Consumer<Message>;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        rtrb::RingBuffer::new(slots)
    }
}

impl Tx for rtrb::Producer<Message> {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        self.push(stamped(message, at)).is_ok()
    }

    #[inline(always)]
    fn try_send_batch(&mut self, from: u64) -> bool {
        let Ok(chunk) = self.write_chunk_uninit(BATCH) else { return false };
        chunk.fill_from_iter((from..).map(|value| stamped(message(value), value))) == BATCH
    }
}

impl Rx for rtrb::Consumer<Message> {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        self.pop().ok()
    }

    #[inline(always)]
    fn drain(&mut self, each: &mut impl FnMut(&Message)) -> usize {
        let count = self.slots();
        match self.read_chunk(count) {
            Ok(chunk) => chunk.into_iter().map(|message| each(&message)).count(),
            Err(_) => 0,
        }
    }
}

/// `rtrb` with messages that are aligned to 8 and so lie across two lines: what it carries when
/// nobody thinks of lines.
pub struct RtrbUnaligned;

impl Kind for RtrbUnaligned {
    type Tx = rtrb::Producer<[u64; 8]>;
    type Rx = rtrb::Consumer<[u64; 8]>;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        rtrb::RingBuffer::new(slots)
    }
}

impl Tx for rtrb::Producer<[u64; 8]> {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        self.push(*stamped(message, at).words()).is_ok()
    }
}

impl Rx for rtrb::Consumer<[u64; 8]> {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        self.pop().ok().map(|words| zerocopy::transmute!(words))
    }
}

/// `disruptor`, one producer and one poller.
pub struct Disruptor;

type DisruptorTx = disruptor::SingleProducer<Message, disruptor::SingleConsumerBarrier>;

impl Kind for Disruptor {
    type Tx = DisruptorTx;
    type Rx = disruptor::EventPoller<Message, disruptor::SingleProducerBarrier>;
    const DRAINS: bool = true;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        let builder =
            disruptor::build_single_producer(slots, Message::default, disruptor::BusySpin);
        let (poller, builder) = builder.new_event_poller();
        (builder.build(), poller)
    }
}

impl Tx for DisruptorTx {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        disruptor::Producer::try_publish(self, |slot| *slot = stamped(message, at)).is_ok()
    }

    #[inline(always)]
    fn try_send_batch(&mut self, from: u64) -> bool {
        disruptor::Producer::try_batch_publish(self, BATCH, |slots| {
            for (slot, value) in slots.zip(from..) {
                *slot = stamped(message(value), value);
            }
        })
        .is_ok()
    }
}

impl Rx for disruptor::EventPoller<Message, disruptor::SingleProducerBarrier> {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        let mut events = self.take(1).ok()?;
        (&mut events).next().copied()
    }

    #[inline(always)]
    fn drain(&mut self, each: &mut impl FnMut(&Message)) -> usize {
        match self.poll() {
            Ok(mut events) => (&mut events).map(each).count(),
            Err(_) => 0,
        }
    }
}

/// `ringbuf`.
pub struct Ringbuf;

impl Kind for Ringbuf {
    type Tx = ringbuf::HeapProd<Message>;
    type Rx = ringbuf::HeapCons<Message>;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        use ringbuf::traits::Split;
        ringbuf::HeapRb::new(slots).split()
    }
}

impl Tx for ringbuf::HeapProd<Message> {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        ringbuf::traits::Producer::try_push(self, stamped(message, at)).is_ok()
    }
}

impl Rx for ringbuf::HeapCons<Message> {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        ringbuf::traits::Consumer::try_pop(self)
    }
}

/// `crossbeam_queue::ArrayQueue`.
pub struct Array;

type Queue = std::sync::Arc<crossbeam_queue::ArrayQueue<Message>>;

impl Kind for Array {
    type Tx = Queue;
    type Rx = Queue;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        let queue = Queue::new(crossbeam_queue::ArrayQueue::new(slots));
        (queue.clone(), queue)
    }
}

impl Tx for Queue {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        self.push(stamped(message, at)).is_ok()
    }
}

impl Rx for Queue {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        self.pop()
    }
}

/// `crossbeam_channel::bounded`.
pub struct Channel;

impl Kind for Channel {
    type Tx = crossbeam_channel::Sender<Message>;
    type Rx = crossbeam_channel::Receiver<Message>;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        crossbeam_channel::bounded(slots)
    }
}

impl Tx for crossbeam_channel::Sender<Message> {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        Self::try_send(self, stamped(message, at)).is_ok()
    }
}

impl Rx for crossbeam_channel::Receiver<Message> {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        self.try_recv().ok()
    }
}

/// `std::sync::mpsc::sync_channel`.
pub struct Std;

impl Kind for Std {
    type Tx = std::sync::mpsc::SyncSender<Message>;
    type Rx = std::sync::mpsc::Receiver<Message>;
    fn make(slots: usize) -> (Self::Tx, Self::Rx) {
        std::sync::mpsc::sync_channel(slots)
    }
}

impl Tx for std::sync::mpsc::SyncSender<Message> {
    #[inline(always)]
    fn try_send(&mut self, message: Message, at: u64) -> bool {
        Self::try_send(self, stamped(message, at)).is_ok()
    }
}

impl Rx for std::sync::mpsc::Receiver<Message> {
    #[inline(always)]
    fn try_receive(&mut self) -> Option<Message> {
        self.try_recv().ok()
    }
}
