//! The bugs of the engine that a named test must find: `engine::planted` has the sites.

use super::planted_test::{Binary, Planted};

/// The engine's own tests.
const ENGINE: Binary = ("engine", None);

/// Ends of the process, against a real exchange.
const CRASH: Binary = ("wirelane-tests", Some("crash"));

/// The kills, as the wire sees them.
const WIRE: Binary = ("wirelane-tests", Some("t13_kill"));

/// Starts of a whole engine.
const START: Binary = ("wirelane-tests", Some("start"));

/// A bug that a unit test of the engine finds: the tests whose names hold `filter` are run, and one
/// whose name holds `says` must fail.
const fn bug(plant: &'static str, filter: &'static str, says: &'static str) -> Planted {
    Planted { rule: "bug", binary: ENGINE, filter, plant, says, with: None }
}

/// All of them.
pub const BUGS: [Planted; 13] = [
    bug("off_by_one_limit", "t01_r43_", "::t01_r43_"),
    bug("rule_commented_out", "t01_r23_", "::t01_r23_"),
    bug("rule_commented_out", "::self_test_", "::self_test_finds_every_rule_in_its_place"),
    Planted {
        rule: "bug",
        binary: START,
        filter: "an_engine_arms_itself_only_where_every_rule_refuses",
        plant: "rule_commented_out",
        says: "the gate stayed closed: risk self-test FAILED",
        with: None,
    },
    bug("reservation_released_early", "t03_", "::t03_pending_"),
    bug("reservation_released_early", "t02_", "::t02_decisions_"),
    bug("late_fill_dropped", "t03_", "::t03_late_fills_"),
    bug("stale_feed_ignored", "t01_r24_", "::t01_r24_"),
    bug("kill_word_not_reread", "::k4_", "::k4_after_the_store_"),
    Planted {
        rule: "bug",
        binary: WIRE,
        filter: "t13_kills_at_full_rate_fused",
        plant: "kill_word_not_reread",
        says: "new orders left after a store",
        with: None,
    },
    bug("cancel_refused_by_rate", "t01_r40_", "::t01_r40_cancels_"),
    bug("child_exceeds_parent", "r47_", "::r47_children_"),
    Planted {
        rule: "journal before wire",
        binary: CRASH,
        filter: "a_killed_engine_loses_no_order",
        plant: "send_before_journal",
        says: "orders that the exchange saw and the journal lacks",
        with: Some(("WIRELANE_KILLS", "3")),
    },
];
