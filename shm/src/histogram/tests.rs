use super::*;
use proptest::prelude::*;
use std::thread;

fn histogram(highest: u64, figures: u32) -> Histogram {
    let layout = Buckets::new(highest, figures).unwrap();
    Histogram::new(&Words::heap(layout.words()), layout).unwrap()
}

/// Goal: the buckets are HdrHistogram's. Method: values worked out by hand from its description:
/// 3 figures need 2,048 single values, hence runs of 1,024; 2 figures 256 and 128.
#[test]
fn buckets_are_those_of_hdrhistogram() {
    let three = Buckets::new(HIGHEST_NS, 3).unwrap();
    // 2048 << 25 is the first power above 60e9: 26 runs, and one more half run: 27 * 1024.
    assert_eq!(three.len(), 27_648);
    for (value, index, lowest, highest) in [
        (0, 0, 0, 0),
        (1, 1, 1, 1),
        (2_047, 2_047, 2_047, 2_047),
        (2_048, 2_048, 2_048, 2_049),
        (2_049, 2_048, 2_048, 2_049),
        (4_095, 3_071, 4_094, 4_095),
        (4_096, 3_072, 4_096, 4_099),
        (10_007, 3_072 + (10_007 - 8_192) / 8 + 1_024, 10_000, 10_007),
        // 60e9 has 36 bits: run 25, and 60e9 >> 25 = 1788.
        (60_000_000_000, 25 * 1_024 + 1_788, 1_788 << 25, (1_789 << 25) - 1),
    ] {
        assert_eq!(three.index_of(value), index, "{value}");
        assert_eq!((three.lowest_of(index), three.highest_of(index)), (lowest, highest), "{value}");
    }
    assert_eq!(three.highest_of(27_647), (1 << 36) - 1);
    assert_eq!(three.highest_of(usize::MAX), (1 << 36) - 1);
    let two = Buckets::new(HIGHEST_NS, 2).unwrap();
    assert_eq!(
        (two.len(), two.index_of(255), two.index_of(256), two.index_of(259)),
        (3_840, 255, 256, 257)
    );
    // One hour in microseconds with 3 figures, the example of HdrHistogram's own documentation:
    // 3.6e9 has 32 bits: 22 runs and one half: 23 * 1024.
    assert_eq!(Buckets::new(3_600_000_000, 3).unwrap().len(), 23_552);
    // A highest inside the single values still takes two half runs.
    assert_eq!(Buckets::new(2, 1).unwrap().len(), 32);
}

/// Goal: every value has a bucket that holds it and is narrow enough, and buckets join without a
/// gap. Method: random values; every neighbour.
#[test]
fn buckets_cover_all_values_within_their_figures() {
    for (figures, tens) in [(1, 10), (2, 100), (3, 1_000), (4, 10_000), (5, 100_000)] {
        let layout = Buckets::new(HIGHEST_MAX, figures).unwrap();
        let step = if cfg!(miri) { 9_973 } else { 1 };
        for index in (0..layout.len() - 1).step_by(step) {
            assert_eq!(layout.highest_of(index) + 1, layout.lowest_of(index + 1));
            assert_eq!(layout.index_of(layout.lowest_of(index)), index);
            assert_eq!(layout.index_of(layout.highest_of(index)), index);
            let width = layout.highest_of(index) - layout.lowest_of(index);
            assert!(width <= layout.lowest_of(index) / tens, "{figures} figures, bucket {index}");
        }
        assert!(layout.highest_of(layout.len() - 1) >= HIGHEST_MAX);
    }
    for (highest, figures) in [(1, 3), (HIGHEST_MAX + 1, 3), (100, 0), (100, 6)] {
        assert_eq!(Buckets::new(highest, figures), None);
    }
}

/// Goal: what is above the highest is counted, not lost, and the true maximum is kept.
#[test]
fn values_above_the_highest_are_counted_apart() {
    let histogram = histogram(1_000, 2);
    for value in [1_000, 1_001, u64::MAX, 5] {
        histogram.record(value);
    }
    let snapshot = histogram.reader().snapshot();
    assert_eq!((snapshot.count(), snapshot.overflow()), (4, 2));
    assert_eq!(
        (snapshot.min(), snapshot.max(), snapshot.sum()),
        (Some(5), Some(u64::MAX), u64::MAX)
    );
    assert_eq!(snapshot.value_at(1_000_000), Some(u64::MAX));
    assert_eq!(snapshot.value_at(250_000), Some(5));
    let filled: Vec<Bucket> = snapshot.buckets().collect();
    assert_eq!(filled.len(), 2);
    assert_eq!(filled[1], Bucket { lowest: 1_000, highest: 1_003, count: 3 });
}

/// Goal: an empty histogram answers nothing, and a foreign one is refused.
#[test]
fn empty_and_foreign_histograms_are_told_apart() {
    let layout = Buckets::new(1_000, 1).unwrap();
    let words = Words::heap(layout.words());
    assert!(HistogramReader::new(&words.reader()).is_none(), "never initialised");
    let histogram = Histogram::new(&words, layout).unwrap();
    let snapshot = HistogramReader::new(&words.reader()).unwrap().snapshot();
    assert_eq!(snapshot, Snapshot::empty(layout));
    assert_eq!((snapshot.min(), snapshot.max(), snapshot.mean()), (None, None, None));
    assert_eq!(snapshot.value_at(500_000), None);
    words.get(7).unwrap().store(1, Ordering::Relaxed);
    assert!(HistogramReader::new(&words.reader()).is_none(), "wrong length");
    assert!(Histogram::new(&Words::heap(layout.words() - 1), layout).is_none());
    let other = Snapshot::empty(Buckets::new(1_000, 2).unwrap());
    assert!(histogram.reader().snapshot().since(&other).is_none());
    assert!(!histogram.reader().snapshot().merge(&other));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Goal: quantiles, extremes, sums and intervals are those of the values themselves, to the
    /// width of a bucket. Method: a sorted list of the same values is the model.
    #[test]
    #[cfg_attr(miri, ignore = "arithmetic only, and slow there")]
    fn a_snapshot_agrees_with_the_sorted_values(
        figures in 1u32..=3,
        mut first in prop::collection::vec(0u64..3_000_000, 1..200),
        second in prop::collection::vec(0u64..3_000_000, 1..200),
        quantile_ppm in 0u32..=1_000_000,
    ) {
        let histogram = histogram(2_000_000, figures);
        let reader = histogram.reader();
        let layout = *histogram.layout();
        first.iter().for_each(|&value| histogram.record(value));
        let earlier = reader.snapshot();
        second.iter().for_each(|&value| histogram.record(value));
        let whole = reader.snapshot();

        let interval = whole.since(&earlier).unwrap();
        prop_assert!(earlier.since(&whole).is_none());
        let mut joined = earlier.clone();
        prop_assert!(joined.merge(&interval));
        prop_assert_eq!(joined.counts(), whole.counts());
        for (snapshot, values) in [
            (&interval, &mut second.clone()),
            (&whole, { first.extend(&second); &mut first }),
        ] {
            values.sort_unstable();
            prop_assert_eq!(snapshot.count(), values.len() as u64);
            prop_assert_eq!(snapshot.sum(), values.iter().sum::<u64>());
            let above = values.iter().filter(|&&value| value > 2_000_000).count();
            prop_assert_eq!(snapshot.overflow(), above as u64);
            let rank = (values.len() as u128 * u128::from(quantile_ppm)).div_ceil(1_000_000).max(1);
            let exact = values[rank as usize - 1];
            let shown = snapshot.value_at(quantile_ppm).unwrap();
            if exact <= 2_000_000 {
                let bucket = layout.index_of(exact);
                let above = layout.highest_of(bucket).min(whole.max().unwrap());
                let shares_the_last = bucket == layout.index_of(2_000_000);
                prop_assert!(shown == above || shares_the_last && shown >= exact);
            } else {
                prop_assert!(shown >= exact);
            }
        }
        prop_assert_eq!(whole.min(), first.first().copied());
        prop_assert_eq!(whole.max(), first.last().copied());
    }
}

/// Goal: nothing counted is missing from a snapshot, and snapshots only grow. Method: a writer at
/// full speed, a reader that snapshots.
#[test]
fn snapshots_beside_a_writer_only_grow() {
    let writes: u64 = if cfg!(miri) { 200 } else { 300_000 };
    let histogram = histogram(1_000_000, 1);
    let reader = histogram.reader();
    thread::scope(|scope| {
        scope.spawn(move || (1..=writes).for_each(|value| histogram.record(value)));
        let mut earlier = reader.snapshot();
        while earlier.count() < writes {
            let counted = reader.count();
            let now = reader.snapshot();
            assert!(now.count() >= counted);
            assert!(now.since(&earlier).is_some());
            assert_eq!(now.min(), (now.count() > 0).then_some(1));
            earlier = now;
            thread::yield_now();
        }
    });
    // A snapshot beside the writer may have the last value's bucket and not its sum yet.
    let whole = reader.snapshot();
    assert_eq!(
        (whole.count(), whole.max(), whole.sum()),
        (writes, Some(writes), writes * (writes + 1) / 2)
    );
}
