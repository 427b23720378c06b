//! Seeded pseudo-random numbers: the same seed gives the same run on any machine.

/// A xoshiro256++ generator, its state filled from a 64-bit seed by SplitMix64.
///
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2019), the public
/// domain algorithms of those names.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator for `seed`; generators of different `stream` numbers are independent.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut mix = seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95);
        let mut next = || {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = mix;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number in `0..bound`, 0 for a bound of 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the given probability, in `0.0..=1.0`.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// An exponential waiting time of the given mean, in the same unit, rounded down; capped at 50
    /// means.
    pub fn exponential(&mut self, mean: f64) -> u64 {
        (-(1.0 - self.unit()).ln() * mean).min(50.0 * mean) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: numbers repeat for a seed, differ between streams, and have the stated mean and range.
    /// Method: 100,000 draws of each kind.
    #[test]
    fn draws_repeat_and_have_the_stated_mean() {
        let mut first = Random::new(7, 1);
        let mut again = Random::new(7, 1);
        let mut other = Random::new(7, 2);
        let words: Vec<u64> = (0..100).map(|_| first.next_u64()).collect();
        assert!(words.iter().all(|&word| word == again.next_u64()));
        assert!(words.iter().any(|&word| word != other.next_u64()));
        let count = 100_000;
        let exponential: u64 = (0..count).map(|_| first.exponential(1000.0)).sum();
        assert!((990..1010).contains(&(exponential / count)), "{exponential}");
        let uniform: u64 = (0..count).map(|_| first.below(10)).sum();
        assert!((440_000..460_000).contains(&uniform), "{uniform}");
        let hits = (0..count).filter(|_| first.chance(0.25)).count();
        assert!((24_300..25_700).contains(&hits), "{hits}");
        assert!((0..count).all(|_| (3..=5).contains(&first.between(3, 5))));
    }
}
