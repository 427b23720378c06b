//! Bugs planted on purpose, one at a time, to prove that a test fails when the engine has them
//! (`cargo xtask gates`).
//!
//! A site asks [`is`]. Without the feature `planted`, which no product has, the answer is a
//! constant and the site is gone. With it, the variable `WIRELANE_PLANT` names the bug: one build
//! holds all of them.
#![forbid(unsafe_code)]

/// A bug that the engine can be told to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Every maximum lets one more pass.
    OffByOneLimit,
    /// R23 is not there.
    RuleCommentedOut,
    /// An order whose cancel is pending reserves nothing.
    ReservationReleasedEarly,
    /// A fill of an order that has ended is taken for a repeat.
    LateFillDropped,
    /// A feed that is not live, and a stale book, serve as reference.
    StaleFeedIgnored,
    /// R40 holds for cancels too.
    CancelRefusedByRate,
    /// R47 does not compare what a child would use with its parent.
    ChildExceedsParent,
    /// An order is on the wire before it is in the journal.
    SendBeforeJournal,
    /// The gateway does not read the gates before it writes.
    KillWordNotReread,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::OffByOneLimit,
        Self::RuleCommentedOut,
        Self::ReservationReleasedEarly,
        Self::LateFillDropped,
        Self::StaleFeedIgnored,
        Self::CancelRefusedByRate,
        Self::ChildExceedsParent,
        Self::SendBeforeJournal,
        Self::KillWordNotReread,
    ];

    /// What `WIRELANE_PLANT` calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OffByOneLimit => "off_by_one_limit",
            Self::RuleCommentedOut => "rule_commented_out",
            Self::ReservationReleasedEarly => "reservation_released_early",
            Self::LateFillDropped => "late_fill_dropped",
            Self::StaleFeedIgnored => "stale_feed_ignored",
            Self::CancelRefusedByRate => "cancel_refused_by_rate",
            Self::ChildExceedsParent => "child_exceeds_parent",
            Self::SendBeforeJournal => "send_before_journal",
            Self::KillWordNotReread => "kill_word_not_reread",
        }
    }
}

/// Whether the engine has this bug.
#[cfg(not(feature = "planted"))]
#[must_use]
#[inline(always)]
pub const fn is(_: Bug) -> bool {
    false
}

/// Whether the engine has this bug. Another name in the variable belongs to a test's own plants.
#[cfg(feature = "planted")]
#[must_use]
pub fn is(bug: Bug) -> bool {
    static NAMED: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    *NAMED.get_or_init(|| {
        let name = std::env::var_os("WIRELANE_PLANT")?;
        Bug::ALL.into_iter().find(|bug| name == bug.name())
    }) == Some(bug)
}
