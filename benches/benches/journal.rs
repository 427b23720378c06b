//! How long does it take to append a record to a lane?

use criterion::{BenchmarkId, Criterion, Throughput};
use shm::journal::{LaneSpec, LaneWriter};
use shm::units::Nanos;
use wirelane_benches::rounds::{time, timed};

/// Records between two readings of the other end, which gives the segments back.
const RECORDS: u64 = 8_192;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("journal");
    // Bodies that with their head fill one, two and four lines.
    for bytes in [32_usize, 96, 224] {
        let spec =
            LaneSpec { lane: 1, epoch: 1, segment_bytes: 1 << 22, segments: 4, layout_hash: 0 };
        let (mut writer, mut tail) = LaneWriter::in_memory(spec);
        let body = vec![7_u8; bytes];
        let mut scratch = Vec::new();
        group.throughput(Throughput::Bytes(bytes as u64 + 32));
        group.bench_function(BenchmarkId::new("append", bytes), |bencher| {
            bencher.iter_custom(|count| {
                timed(count, |left| {
                    let records = left.min(RECORDS);
                    let took = time(|| {
                        for at in 0..records {
                            let placed = writer.append(1, 2, at, Nanos(at), &body);
                            assert!(placed.is_ok(), "the lane has room");
                        }
                    });
                    while let Ok(Some(_)) = tail.take(&mut scratch) {}
                    (records, took)
                })
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
