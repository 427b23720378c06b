//! How long does one ITCH message take from bytes to an updated by-order book?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use feed::book::{BooksConfig, ItchBooks};
use wirelane_benches::flow::{self, Flow};
use wirelane_benches::rounds::{time, timed};

/// Messages of one round, after which the books begin anew.
const EVENTS: usize = 100_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let flow = Flow::new(EVENTS);
    let messages: Vec<&[u8]> = flow.events().collect();
    let config = BooksConfig { orders_max: 1 << 15, levels_max: 1 << 12, market: b'Q' };
    let mut group = criterion.benchmark_group("book");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode_and_apply", |bencher| {
        bencher.iter_custom(|count| {
            timed(count, |_| {
                let mut books = ItchBooks::new(config, flow::SYMBOLS.len(), flow::instruments());
                for message in flow.opening() {
                    assert!(books.apply(message).fault.is_none(), "the opening fits the books");
                }
                let took = time(|| {
                    for message in &messages {
                        let applied = black_box(books.apply(message));
                        assert!(applied.fault.is_none(), "no message is a fault");
                    }
                });
                (EVENTS as u64, took)
            })
        });
    });
    group.finish();
    criterion.final_summary();
}
