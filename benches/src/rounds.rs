//! Timing of work that has to be prepared in pieces, outside of what is timed.

use std::time::{Duration, Instant};

/// Asks `piece` for work until `count` of it is done: given how much is wanted, it prepares, then
/// times what it did, and says how much that was.
pub fn timed(count: u64, mut piece: impl FnMut(u64) -> (u64, Duration)) -> Duration {
    let (mut done, mut time) = (0, Duration::ZERO);
    while done < count {
        let (now_done, took) = piece(count - done);
        assert!(now_done > 0, "a piece without work");
        done += now_done;
        time += took;
    }
    // The last piece may have done more than was left.
    time.mul_f64(count as f64 / done as f64)
}

/// Times one call.
pub fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: what is timed is what was asked for. Method: pieces of 4 for 10, each of 1 s.
    #[test]
    fn pieces_add_up_to_what_was_asked() {
        let mut asked = Vec::new();
        let time = timed(10, |left| {
            asked.push(left);
            (4, Duration::from_secs(1))
        });
        assert_eq!(asked, [10, 6, 2]);
        assert_eq!(time, Duration::from_secs_f64(2.5));
    }
}
