//! Numbers that look random, from a seed: the same on every machine.

/// Xorshift. Source: Marsaglia, "Xorshift RNGs", 2003.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed; 0 is taken as another number, which the generator could not leave.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let mixed = (seed ^ 0x5DEE_CE66_D013_05A3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(if mixed == 0 { 1 } else { mixed })
    }

    /// 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number in `0..end`; `end` is in `1..=2^32`.
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.bits() >> 32) * end) >> 32
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// True `share` times in 10,000.
    pub const fn share(&mut self, share: u64) -> bool {
        self.below(10_000) < share
    }

    /// Failures before the first success of probability 1 in `mean + 1`, 200 at most.
    pub const fn back(&mut self, mean: u64) -> usize {
        let mut count = 0;
        while count < 200 && !self.once_in(mean + 1) {
            count += 1;
        }
        count
    }

    /// In (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// A distance of at least 1 with P(distance >= d) = d^-1.23.
    pub fn near(&mut self) -> u32 {
        (1.0 / thirteen_sixteenths(self.unit())) as u32
    }

    /// A distance of at least 1 with P(distance >= d) = d^-0.55.
    pub fn wide(&mut self) -> u32 {
        let unit = self.unit();
        (1.0 / (unit * thirteen_sixteenths(unit))) as u32
    }
}

/// `x^(13/16)` by square roots, which every machine rounds alike.
fn thirteen_sixteenths(x: f64) -> f64 {
    let half = x.sqrt();
    let quarter = half.sqrt();
    half * quarter * quarter.sqrt().sqrt()
}

/// Draws ranks: rank r (from 0) with a weight of `(r + 1)^-0.9375`.
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    /// Sums of weights up to and with each rank.
    sums: Vec<u64>,
}

impl Zipf {
    pub(crate) fn new(ranks: usize) -> Self {
        let mut sum = 0;
        let weight = |rank: usize| {
            let rank = (rank + 1) as f64;
            let sixteenth = rank.sqrt().sqrt().sqrt().sqrt();
            (1e6 / rank * sixteenth) as u64
        };
        let sums = (0..ranks).map(|rank| {
            sum += weight(rank).max(1);
            sum
        });
        Self { sums: sums.collect() }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let end = self.sums.last().copied().unwrap_or(1);
        let target = (u128::from(random.bits()) * u128::from(end)) >> 64;
        self.sums.partition_point(|sum| u128::from(*sum) <= target)
    }
}
