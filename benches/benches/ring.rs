//! How long does a message take over a ring: pushed and popped by one thread, and there and back
//! between two?

use std::hint::{black_box, spin_loop};
use std::thread;
use std::time::Instant;

use criterion::Criterion;
use engine::link::{Input, Output, broadcast, ring};
use shm::message::{BookTop, Message};
use shm::slot;
use shm::units::Nanos;

const SLOTS: usize = 1024;

/// What a thread does while its ring is empty: with fewer cores than threads, spinning alone would
/// wait for the other to be let run.
fn wait(turns: &mut u32) {
    *turns += 1;
    if turns.is_multiple_of(128) {
        thread::yield_now();
    }
    spin_loop();
}

fn pop(input: &mut Input) -> Message {
    let mut turns = 0;
    loop {
        if let Some(message) = input.pop() {
            return message;
        }
        wait(&mut turns);
    }
}

fn one_thread(criterion: &mut Criterion) {
    let message: Message = BookTop::default().into();
    let mut group = criterion.benchmark_group("ring_one_thread");
    let (mut output, mut input) = ring(SLOTS);
    group.bench_function("rtrb", |bencher| {
        bencher.iter(|| {
            assert!(output.try_push(black_box(message), Nanos(1)).is_ok());
            input.pop().expect("it was pushed")
        });
    });
    let (mut output, mut inputs) = broadcast(SLOTS, 1);
    let input = inputs.first_mut().expect("one reader");
    group.bench_function("disruptor", |bencher| {
        bencher.iter(|| {
            assert!(output.try_push(black_box(message), Nanos(1)).is_ok());
            input.pop().expect("it was pushed")
        });
    });
    let (mut producer, mut consumer) = slot::ring(SLOTS);
    group.bench_function("slot", |bencher| {
        bencher.iter(|| {
            assert!(producer.try_push(black_box(&message), Nanos(1)).is_ok());
            consumer.pop().expect("it was pushed")
        });
    });
    group.finish();
}

/// There and back over two links: the time is that of two hops.
fn two_threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring_there_and_back");
    group.bench_function("rtrb", |bencher| {
        bencher.iter_custom(|count| {
            let (mut there, mut far) = ring(SLOTS);
            let (mut back, mut near): (Output, Input) = ring(SLOTS);
            thread::scope(|scope| {
                scope.spawn(move || {
                    for _ in 0..count {
                        let message = pop(&mut far);
                        assert!(back.try_push(message, Nanos(2)).is_ok());
                    }
                });
                let message: Message = BookTop::default().into();
                let begin = Instant::now();
                for _ in 0..count {
                    assert!(there.try_push(message, Nanos(1)).is_ok());
                    black_box(pop(&mut near));
                }
                begin.elapsed()
            })
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    one_thread(&mut criterion);
    two_threads(&mut criterion);
    criterion.final_summary();
}
