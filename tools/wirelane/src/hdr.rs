//! HdrHistogram's own forms of our histograms: the percentile text (`.hgrm`) and the interval log.
//!
//! Source: HdrHistogram 2.x, `AbstractHistogram.outputPercentileDistribution` and
//! `HistogramLogWriter` (log format version 1.3), so that its viewers and merge tools read both.

use crate::stage_latency::StageLatency;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use shm::histogram::Snapshot;
use shm::units::Nanos;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reporting ticks per half distance, as HdrHistogram's own tools use.
const TICKS: u32 = 5;

/// Rebuilds a real histogram from a snapshot: same buckets, same counts. Values above the highest
/// that has a bucket are counted in the last, as the snapshot does.
///
/// # Errors
/// What the crate says when it refuses the sizes; it takes every size that ours do.
pub(crate) fn rebuild(snapshot: &Snapshot) -> Result<Histogram<u64>, String> {
    let layout = snapshot.layout();
    let figures = u8::try_from(layout.figures()).map_err(|error| error.to_string())?;
    let mut histogram = Histogram::new_with_bounds(1, layout.highest(), figures)
        .map_err(|error| error.to_string())?;
    for bucket in snapshot.buckets() {
        let value = bucket.lowest.min(layout.highest());
        histogram.record_n(value, bucket.count).map_err(|error| error.to_string())?;
    }
    Ok(histogram)
}

/// The percentile distribution as text, values in ns.
pub(crate) fn percentile_text(histogram: &Histogram<u64>) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
        if quantile < 1.0 {
            let inverse = 1.0 / (1.0 - quantile);
            let _ = writeln!(text, "{value:>12.3} {quantile:>2.12} {total:>10} {inverse:>14.2}");
        } else {
            let _ = writeln!(text, "{value:>12.3} {quantile:>2.12} {total:>10}");
        }
    }
    let (mean, deviation) = (histogram.mean(), histogram.stdev());
    let _ = writeln!(text, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]");
    let (max, count) = (histogram.max() as f64, histogram.len());
    let _ = writeln!(text, "#[Max     = {max:>12.3}, Total count    = {count:>12}]");
    let sub_buckets = (2 * 10_u64.pow(u32::from(histogram.sigfig()))).next_power_of_two();
    let _ = writeln!(
        text,
        "#[Buckets = {:>12}, SubBuckets     = {sub_buckets:>12}]",
        histogram.buckets()
    );
    text
}

/// An interval log: one tagged line a stage and interval.
pub(crate) struct IntervalLog<W> {
    out: W,
    serializer: V2DeflateSerializer,
}

impl<W: Write> IntervalLog<W> {
    /// Begins a log; times of intervals count from the Unix epoch.
    ///
    /// # Errors
    /// What the file said.
    pub(crate) fn begin(mut out: W, engine_start: Nanos) -> io::Result<Self> {
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[Values are nanoseconds; a tag is a stage]")?;
        let start = engine_start.0;
        writeln!(
            out,
            "#[StartTime: {}.{:03} (seconds since epoch), engine start]",
            start / 1_000_000_000,
            start / 1_000_000 % 1_000
        )?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        Ok(Self { out, serializer: V2DeflateSerializer::new() })
    }

    /// Writes what the stages counted from `from` to `to` (since the Unix epoch).
    ///
    /// # Errors
    /// What the file said.
    pub(crate) fn write(
        &mut self,
        stages: &StageLatency,
        from: Nanos,
        to: Nanos,
    ) -> io::Result<()> {
        let length = Duration::from_nanos(to.0.saturating_sub(from.0));
        let mut writer =
            IntervalLogWriterBuilder::new().begin_log_with(&mut self.out, &mut self.serializer)?;
        for name in stages.names() {
            let Some(snapshot) = stages.0.get(name).filter(|snapshot| snapshot.count() > 0) else {
                continue;
            };
            let histogram = rebuild(snapshot).map_err(io::Error::other)?;
            writer
                .write_histogram(&histogram, Duration::from_nanos(from.0), length, Tag::new(name))
                .map_err(|error| io::Error::other(error.to_string()))?;
        }
        self.out.flush()
    }

    /// Writes a comment; readers of the format skip it.
    ///
    /// # Errors
    /// What the file said.
    pub(crate) fn remark(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "#[{text}]")?;
        self.out.flush()
    }
}

/// Wall time.
pub(crate) fn wall() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use shm::histogram::{Buckets, Histogram as Shared};
    use shm::map::Words;

    /// A shared histogram and a real one with the same values: a skewed series by a small
    /// generator.
    fn both(figures: u32, values: u64, seed: u64) -> (Snapshot, Histogram<u64>) {
        let layout = Buckets::new(60_000_000_000, figures).unwrap();
        let words = Words::heap(layout.words());
        let ours = Shared::new(&words, layout).unwrap();
        let mut real =
            Histogram::new_with_bounds(1, 60_000_000_000, u8::try_from(figures).unwrap()).unwrap();
        let mut state = seed;
        for _ in 0..values {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 20) >> (state & 31);
            let value = value.min(60_000_000_000);
            ours.record(value);
            real.record(value).unwrap();
        }
        (ours.reader().snapshot(), real)
    }

    /// Goal: our bucket layout is HdrHistogram's: rebuilt from the shared words, the real crate
    /// gives the percentiles of a histogram that saw the values itself. Method: skewed series, 3
    /// figure counts, 1,001 quantiles; our own quantiles too.
    #[test]
    fn rebuilt_histograms_have_identical_percentiles() {
        for (figures, seed) in [(2, 7), (3, 11), (4, 13)] {
            println!("seed {seed}");
            let (snapshot, real) = both(figures, 20_000, seed);
            let rebuilt = rebuild(&snapshot).unwrap();
            assert_eq!(rebuilt, real, "same counts in same buckets");
            for step in 0..=64_u32 {
                let quantile = f64::from(step) / 64.0;
                let wanted = real.value_at_quantile(quantile);
                assert_eq!(rebuilt.value_at_quantile(quantile), wanted, "at {quantile}");
                let own = snapshot.value_at(step * 15_625).unwrap();
                assert_eq!(real.highest_equivalent(own), wanted, "our own at {quantile}");
            }
        }
    }

    /// Goal: the text is the one HdrHistogram prints. Method: three values, checked by hand against
    /// the form of its documentation.
    #[test]
    fn the_percentile_text_has_hdrhistograms_form() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 1_000_000, 3).unwrap();
        for value in [1, 2, 2, 1_000] {
            histogram.record(value).unwrap();
        }
        let text = percentile_text(&histogram);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "       Value     Percentile TotalCount 1/(1-Percentile)");
        assert_eq!(lines[1], "");
        assert_eq!(lines[2], "       1.000 0.000000000000          1           1.00");
        let end = lines.iter().position(|line| line.starts_with("#[Mean")).unwrap();
        assert_eq!(lines[end - 1], "    1000.000 1.000000000000          4");
        assert_eq!(lines[end], "#[Mean    =      251.250, StdDeviation   =      432.291]");
        assert_eq!(lines[end + 1], "#[Max     =     1000.000, Total count    =            4]");
        assert!(lines[end + 2].ends_with("SubBuckets     =         2048]"), "{}", lines[end + 2]);
    }

    /// Goal: the log is read back by the crate's own reader: tags, times, counts. Method: two
    /// intervals.
    #[test]
    fn the_interval_log_is_read_back() {
        let (snapshot, real) = both(3, 1_000, 17);
        let stages = StageLatency([("decode".to_owned(), snapshot)].into());
        let mut bytes = Vec::new();
        let mut log = IntervalLog::begin(&mut bytes, Nanos(5_000_000_000)).unwrap();
        log.write(&stages, Nanos(6_000_000_000), Nanos(7_500_000_000)).unwrap();
        log.write(&stages, Nanos(7_500_000_000), Nanos(8_000_000_000)).unwrap();
        log.remark("engine stopped in order").unwrap();
        let entries: Vec<LogEntry<'_>> =
            IntervalLogIterator::new(&bytes).collect::<Result<_, _>>().unwrap();
        let LogEntry::StartTime(start) = &entries[0] else { panic!("{entries:?}") };
        assert_eq!(start.as_millis(), 5_000);
        let LogEntry::Interval(first) = &entries[1] else { panic!("{entries:?}") };
        assert_eq!(first.tag().unwrap().as_str(), "decode");
        assert_eq!(
            (first.start_timestamp().as_millis(), first.duration().as_millis()),
            (6_000, 1_500)
        );
        assert_eq!(entries.len(), 3, "a remark is no entry");
        let mut packed = Vec::new();
        decode64(first.encoded_histogram(), &mut packed);
        let read: Histogram<u64> =
            Deserializer::new().deserialize(&mut io::Cursor::new(packed)).unwrap();
        assert_eq!(read, real);
    }

    /// Base 64 with the usual alphabet. Source: RFC 4648, section 4.
    fn decode64(text: &str, out: &mut Vec<u8>) {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut word = 0_u32;
        let mut bits = 0;
        for byte in text.bytes().filter(|&byte| byte != b'=') {
            let digit = alphabet.iter().position(|&known| known == byte).unwrap() as u32;
            word = word << 6 | digit;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                out.push((word >> bits) as u8);
            }
        }
    }
}
