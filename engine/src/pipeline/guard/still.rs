//! Whether a gateway's thread stands still, and why, as the kernel sees it.

use super::Post;
use crate::pin::run_time;
use shm::units::Nanos;

/// A thread whose turns stand still for longer, behind a closed gate, is taken for hung.
const STILL_MAX: Nanos = Nanos(20_000_000);
/// Most that one look adds: a guard that was itself kept from its core has seen nothing meanwhile.
const LOOK_MAX: Nanos = Nanos(5_000_000);

/// How a thread was last seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Still {
    turns: u64,
    looked: Nanos,
    /// How long it was seen to stand still.
    seen: Nanos,
    /// When that began, and what the thread had run by then.
    began: Nanos,
    ran: Option<Nanos>,
}

impl Still {
    /// One look; whether it stands still for too long.
    pub(super) fn look(&mut self, turns: u64, now: Nanos, ran: impl Fn() -> Option<Nanos>) -> bool {
        let passed = now.saturating_since(self.looked);
        self.looked = now;
        if turns != self.turns {
            *self = Self { turns, looked: now, ..Self::default() };
            return false;
        }
        if self.seen == Nanos(0) {
            (self.began, self.ran) = (now, ran());
        }
        self.seen = Nanos(self.seen.0 + passed.0.min(LOOK_MAX.0));
        self.seen > STILL_MAX
    }

    /// The gates are open: nobody asks whether it turns.
    pub(super) fn forget(&mut self, turns: u64, now: Nanos) {
        *self = Self { turns, looked: now, ..Self::default() };
    }

    /// For how long, and why, in words.
    pub(super) fn words(&self, post: &Post, now: Nanos) -> String {
        let ms = now.saturating_since(self.began).0 / 1_000_000;
        let call = post.held.iter().find(|(_, held)| held.call() != 0);
        let why = why(self.ran.zip(run_time(post.tid.get())), state(post.tid.get()), ms);
        let in_call = call.map_or(String::new(), |(name, _)| format!(", inside a call to {name}"));
        format!("for {ms} ms{in_call}: {why}")
    }
}

/// Why a thread stood still for so many milliseconds: what it had run before and has run now, and
/// the state that the kernel gives.
fn why(ran: Option<(Nanos, Nanos)>, state: Option<char>, ms: u64) -> String {
    let Some((before, now)) = ran else { return "the kernel does not say why".to_owned() };
    let ran = now.saturating_since(before).0 / 1_000_000;
    if ran * 2 >= ms {
        return format!("its own code ran for {ran} ms");
    }
    match state {
        Some('R') => format!("the machine kept it from its core, where it ran for {ran} ms"),
        Some('T' | 't') => "it is stopped by a debugger or a signal".to_owned(),
        _ => format!("it slept in the kernel, and ran for {ran} ms"),
    }
}

/// Source: proc_pid_stat(5): field 3, behind the name in parentheses.
pub(super) fn state(tid: u64) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    /// Looks each millisecond from after one time to another; the first that finds it still.
    fn found(still: &mut Still, turns: u64, from: u64, to: u64) -> Option<u64> {
        (from + 1..=to).find(|at| still.look(turns, ms(*at), || Some(Nanos(0))))
    }

    /// Goal: a thread that stands still is found after 20 ms of looking at it, one that turns is
    /// not, and what passed while nobody looked counts for little: the machine may have kept the
    /// guard from its core as well. Method: looks each ms; a turn; a pause of the guard of 1 s.
    #[test]
    fn k5_a_guard_that_stood_still_itself_has_seen_nothing() {
        let mut still = Still::default();
        assert!(!still.look(7, ms(100), || None), "first seen");
        assert_eq!(found(&mut still, 7, 100, 200), Some(121));
        assert!(!still.look(8, ms(122), || None), "it turned");
        assert_eq!(found(&mut still, 8, 122, 142), None);
        assert!(!still.look(9, ms(143), || None), "it turned");
        assert!(!still.look(9, ms(1_143), || None), "nobody looked for a second");
        assert_eq!(found(&mut still, 9, 1_143, 1_200), Some(1_159), "5 ms and 16 ms");
        still.forget(9, ms(2_000));
        assert_eq!(found(&mut still, 9, 2_000, 2_020), None, "the gates were open");
    }

    /// Goal: the words name what the kernel says. Method: each case.
    #[test]
    fn the_cause_is_what_the_kernel_says() {
        let says = |ran: u64, state| why(Some((ms(5), ms(5 + ran))), state, 20);
        assert_eq!(says(20, Some('R')), "its own code ran for 20 ms");
        assert!(says(1, Some('R')).starts_with("the machine kept it from its core"));
        assert!(says(0, Some('S')).starts_with("it slept in the kernel"));
        assert!(says(0, Some('T')).starts_with("it is stopped"));
        assert_eq!(why(None, Some('R'), 20), "the kernel does not say why");
        let own = rustix::thread::gettid().as_raw_nonzero().get() as u64;
        assert_eq!(state(own), Some('R'));
        assert!(run_time(own).is_some() && run_time(u64::MAX).is_none());
    }
}
