//! How long a test goes on: a fixed amount of work by default, more under `cargo xtask deep` and
//! `soak`.

use std::env;
use std::time::{Duration, Instant};

/// Turns after which the clock is not asked each time.
const FEW: u64 = 10_000;

/// Counts a test's turns against its target.
#[derive(Debug)]
pub struct Effort {
    name: String,
    target: u64,
    reached: u64,
    /// `None` in the short form, whose amount of work is fixed.
    until: Option<Instant>,
}

impl Effort {
    /// A test with a target for each form: short, deep, soak. `part` is how many tests share the
    /// seconds given to all.
    pub fn new(name: &str, turns: [u64; 3], part: u32) -> Self {
        let depth = env::var("WIRELANE_DEEP").unwrap_or_default();
        let [short, deep, soak] = turns;
        let target = match depth.as_str() {
            "" | "0" => short,
            "soak" => soak,
            _ => deep,
        };
        let seconds = env::var("WIRELANE_DEEP_SECONDS").ok().and_then(|text| text.parse().ok());
        let limit = Duration::from_secs(seconds.unwrap_or(600)) / part.max(1);
        let until = (target != short).then(|| Instant::now() + limit);
        Self { name: name.to_owned(), target, reached: 0, until }
    }

    /// Whether to take another turn.
    pub fn again(&mut self) -> bool {
        // The clock is asked every so often: a turn may be short. Where it is long, there are few.
        let is_asked = self.reached < FEW || self.reached.is_multiple_of(64);
        let late = is_asked && self.until.is_some_and(|until| Instant::now() >= until);
        let again = self.reached < self.target && !late;
        self.reached += u64::from(again);
        again
    }

    /// The number of the turn, from 1.
    pub fn turn(&self) -> u64 {
        self.reached
    }
}

impl Drop for Effort {
    /// The row `cargo xtask deep` shows.
    fn drop(&mut self) {
        println!("DEEP: {} {}/{}", self.name, self.reached, self.target);
    }
}
