//! Quantiles of coarse samples, and median and spread over rounds.

/// Samples in ticks of a clock that steps by more than one tick.
pub struct Samples(Vec<u32>);

impl Samples {
    /// Sorts them.
    pub fn new(mut samples: Vec<u32>) -> Self {
        samples.sort_unstable();
        Self(samples)
    }

    /// The step of the clock: the greatest common divisor of the samples' differences, the lower
    /// nine tenths of them.
    fn step(&self) -> u32 {
        let body = &self.0[..self.0.len() * 9 / 10];
        let step = body.windows(2).fold(0, |step, pair| gcd(step, pair[1] - pair[0]));
        step.max(1)
    }

    /// The value below which a share `q` of the samples lies, in ticks. Equal samples are taken as
    /// spread evenly over the clock's step, else a ratio would jump by a sixth.
    pub fn quantile(&self, q: f64) -> f64 {
        let target = q * self.0.len() as f64;
        let value = self.0[(target as usize).min(self.0.len() - 1)];
        let below = self.0.partition_point(|sample| *sample < value);
        let equal = self.0.partition_point(|sample| *sample <= value) - below;
        let within = (target - below as f64) / equal as f64;
        f64::from(value) + f64::from(self.step()) * (within - 0.5)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Median, least and greatest of several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// Lower and upper quartile.
    pub quartiles: (f64, f64),
    pub rounds: usize,
}

impl Spread {
    /// `None` of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| values[(values.len() - 1) * share / 4];
        let middle = values.len() / 2;
        Some(Self {
            min: *values.first()?,
            max: *values.last()?,
            median: if values.len() % 2 == 1 {
                values[middle]
            } else {
                (values[middle - 1] + values[middle]) / 2.0
            },
            quartiles: (at(1), at(3)),
            rounds: values.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: quantiles of a coarse clock are not coarse. Method: two steps, three quarters in one.
    #[test]
    fn a_quantile_lies_within_the_clocks_step() {
        let mut samples = vec![100; 30];
        samples.extend([126; 10]);
        let samples = Samples::new(samples);
        assert_eq!(samples.step(), 26);
        assert!((samples.quantile(0.5) - (100.0 - 13.0 + 26.0 * 2.0 / 3.0)).abs() < 1e-9);
        assert!((samples.quantile(0.75) - 113.0).abs() < 1e-9);
    }

    /// Goal: median and ends, odd and even.
    #[test]
    fn a_spread_is_median_and_ends() {
        assert_eq!(Spread::of([]), None);
        let spread = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of([1.0, 2.0, 3.0, 4.0]).unwrap().median, 2.5);
    }
}
