//! How long does one ITCH message take from bytes to a listener?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use feed::codec::itch50::{AddOrder, Decoder, Listener, OrderDelete, OrderExecuted};
use wirelane_benches::flow::Flow;
use wirelane_benches::rounds::{time, timed};

/// Messages of one round.
const EVENTS: usize = 10_000;

#[derive(Default)]
struct Fold(u64);

impl Listener for Fold {
    fn on_add(&mut self, message: &AddOrder) {
        self.0 ^= message.order_ref.get() ^ message.px.price().0 as u64;
    }

    fn on_executed(&mut self, message: &OrderExecuted) {
        self.0 ^= message.order_ref.get() ^ u64::from(message.shares.get());
    }

    fn on_delete(&mut self, message: &OrderDelete) {
        self.0 ^= message.order_ref.get();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let flow = Flow::new(EVENTS);
    let messages: Vec<&[u8]> = flow.events().collect();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("itch50", |bencher| {
        bencher.iter_custom(|count| {
            timed(count, |_| {
                let (mut decoder, mut fold) = (Decoder::new(), Fold::default());
                let took = time(|| {
                    for message in &messages {
                        let fit = decoder.decode(message, &mut fold);
                        assert!(fit.is_ok(), "every message is well formed");
                    }
                });
                black_box(fold.0);
                (EVENTS as u64, took)
            })
        });
    });
    group.finish();
    criterion.final_summary();
}
