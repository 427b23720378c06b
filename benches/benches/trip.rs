//! How long is a whole trip on one thread, from a datagram to an order, without sockets? Feed,
//! strategy, risk, gateway and every record of the journal are in it; waiting for a core is not.

use std::time::Duration;

use criterion::Criterion;
use wirelane_benches::rounds::timed;
use wirelane_benches::trip::Rig;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut rig = Rig::new();
    criterion.bench_function("trip/fused", |bencher| {
        bencher
            .iter_custom(|count| timed(count, |_| (1, Duration::from_nanos(rig.trip().to_bytes))));
    });
    criterion.final_summary();
}
