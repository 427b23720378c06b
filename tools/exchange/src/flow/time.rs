//! The venue's time of day: nanoseconds since midnight, Eastern, as the tape and the order streams
//! show it.

/// The venue's clock. It follows the flow's schedule, runs on between its messages, and never steps
/// back.
#[derive(Clone, Copy, Debug)]
pub struct VenueTime {
    /// Time of day when the flow starts.
    open_ns: u64,
    /// Venue nanoseconds per real one, as a fraction of 2^16; 0 = only the flow moves it.
    pace_16: u64,
    /// When the flow started on the exchange's clock.
    started_ns: Option<u64>,
    latest_ns: u64,
}

impl VenueTime {
    /// A clock that shows `open_ns` until the flow starts, then runs `times` as fast as the real
    /// one.
    #[must_use]
    pub fn new(open_ns: u64, times: f64) -> Self {
        let pace_16 = (times * 65_536.0) as u64;
        Self { open_ns, pace_16, started_ns: None, latest_ns: open_ns }
    }

    /// The flow starts.
    pub fn start(&mut self, now_ns: u64) {
        self.started_ns = Some(now_ns);
    }

    /// The latest time shown.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.latest_ns
    }

    /// The flow has come to `itch_ns`. Returns the time to show: that, or the latest if it is
    /// later.
    pub fn reach(&mut self, itch_ns: u64) -> u64 {
        self.latest_ns = self.latest_ns.max(itch_ns);
        self.latest_ns
    }

    /// The time to show for something that happens at `now_ns` of the exchange's clock. It does not
    /// move the clock: a turn that shows nothing leaves no trace.
    #[must_use]
    pub fn at(&self, now_ns: u64) -> u64 {
        let elapsed_ns = self.started_ns.map_or(0, |started_ns| now_ns.saturating_sub(started_ns));
        let venue_ns = (u128::from(elapsed_ns) * u128::from(self.pace_16)) >> 16;
        self.latest_ns.max(self.open_ns.saturating_add(venue_ns as u64))
    }
}
