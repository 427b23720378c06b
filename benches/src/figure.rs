//! Figures: what one measurement came to, over rounds, and the line that says so.

use std::fmt;

/// Samples of one round, ascending.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    /// Sorts them.
    #[must_use]
    pub fn new(mut samples: Vec<u64>) -> Self {
        samples.sort_unstable();
        Self(samples)
    }

    /// The smallest sample that a share `q` of them all does not exceed; 0 of none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> u64 {
        let rank = (q * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.max(1) - 1).or(self.0.last()).copied().unwrap_or(0)
    }

    /// Without the `count` greatest.
    #[must_use]
    pub fn without_greatest(&self, count: usize) -> Self {
        Self(self.0[..self.0.len().saturating_sub(count)].to_vec())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many exceed `bound`.
    #[must_use]
    pub fn above(&self, bound: u64) -> usize {
        self.0.len() - self.0.partition_point(|sample| *sample <= bound)
    }
}

/// A figure: its rounds' values.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its fixed name.
    pub name: &'static str,
    /// Of its values.
    pub unit: &'static str,
    /// One a round.
    pub values: Vec<f64>,
}

impl Figure {
    /// With no round yet.
    #[must_use]
    pub const fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, values: Vec::new() }
    }

    /// The middle value.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut values = self.values.clone();
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.get(middle) {
            None => f64::NAN,
            Some(upper) if values.len() % 2 == 1 => *upper,
            Some(upper) => (upper + values[middle - 1]) / 2.0,
        }
    }

    /// The smallest value.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.bound(f64::min)
    }

    /// The greatest value.
    #[must_use]
    pub fn greatest(&self) -> f64 {
        self.bound(f64::max)
    }

    fn bound(&self, pick: fn(f64, f64) -> f64) -> f64 {
        self.values.iter().copied().reduce(pick).unwrap_or(f64::NAN)
    }
}

/// The line that `cargo xtask bench` reads: name, unit, median, smallest, greatest, rounds.
impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, values } = self;
        let (median, min, max) = (self.median(), self.least(), self.greatest());
        write!(out, "figure {name} {unit} {median:.3} {min:.3} {max:.3} {}", values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: quantiles are samples, and the ends are theirs. Method: ten known samples.
    #[test]
    fn a_quantile_is_a_sample() {
        let samples = Samples::new((1..=10).rev().collect());
        assert_eq!([0.0, 0.5, 0.9, 0.99, 1.0].map(|q| samples.quantile(q)), [1, 5, 9, 10, 10]);
        assert_eq!((samples.above(8), samples.without_greatest(8).quantile(1.0)), (2, 2));
        assert_eq!(Samples::default().quantile(0.5), 0);
    }

    // Goal: the line holds median and ends. Method: an odd and an even number of rounds.
    #[test]
    fn a_figure_says_median_and_ends() {
        let mut figure = Figure::new("x", "ns");
        figure.values = vec![3.0, 1.0, 2.0];
        assert_eq!(figure.to_string(), "figure x ns 2.000 1.000 3.000 3");
        figure.values.push(10.0);
        assert_eq!(figure.to_string(), "figure x ns 2.500 1.000 10.000 4");
    }
}
