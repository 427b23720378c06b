//! How long does risk take to approve a new order: every check, the reservation, the table?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use engine::risk::sample::DecideRun;
use wirelane_benches::rounds::{time, timed};

/// Orders of one round, each in a slot of its own.
const ORDERS: u32 = 20_000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("risk");
    group.throughput(Throughput::Elements(1));
    group.bench_function("approve", |bencher| {
        bencher.iter_custom(|count| {
            timed(count, |left| {
                let orders = left.min(u64::from(ORDERS)) as u32;
                let mut run = DecideRun::new(orders);
                let mut approved = 0;
                let took = time(|| approved = black_box(run.run()));
                assert_eq!(approved, orders, "every intent passes");
                (u64::from(orders), took)
            })
        });
    });
    group.finish();
    criterion.final_summary();
}
