//! Wait strategies: what a pinned thread does when no stage of it had work.

/// What to do between two polls that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: poll again at once.
    Spin,
    /// `pause`: fewer polls leave the awaited line with its writer (see FLOOR: 0.72 of a bare
    /// spin).
    SpinHint,
    /// `sched_yield`: for machines with fewer cores than spinning threads.
    Yield,
}

impl Wait {
    /// Waits once.
    #[inline]
    pub fn idle(self) {
        match self {
            Self::Spin => {}
            Self::SpinHint => shm::atomic::spin_hint(),
            Self::Yield => rustix::thread::sched_yield(),
        }
    }

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::SpinHint => "spin_hint",
            Self::Yield => "yield",
        }
    }
}
