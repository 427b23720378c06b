//! The engine as a real process, killed with `kill -9` at any moment, restarted, killed again,
//! against an exchange that survives every kill (C1, C2, C3, C5, T6).
//!
//! ```text
//!   exchange (a thread here) ──► order log, each user's stream        what the venue saw and said
//!      ▲ sockets                        │
//!      ▼                                ▼ compared after every kill
//!   victim (a process) ──kill -9──► journal, in memory and on disk    what the engine knew
//! ```
//!
//! Orders that the exchange saw and the journal lacks: none. Ids used twice: none. Positions by the
//! journal, as far as it had heard the venue: those of the venue's own stream at that message; and
//! after the last restart, once nothing works any more, those of the venue.
#![forbid(unsafe_code)]

mod campaign;
mod control;
mod figures;
mod journal;
mod plan;
mod process;
mod venue;

use campaign::Campaign;
use plan::Amount;

/// Seed of the moments; another one by `WIRELANE_SEED`.
const SEED: u64 = 0x5eed_c4a5;

// Goal: C1, C2, C3, C5 under T6. Method: campaigns of kills on one directory and one exchange each,
// every kill followed by the comparison above; 30 kills, 500 in the long form.
#[test]
fn a_killed_engine_loses_no_order_and_no_position() {
    let seed = std::env::var("WIRELANE_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or(SEED);
    println!("seed {seed:#x}");
    let amount = Amount::from_environment();
    let mut figures = figures::Figures::default();
    while figures.kills < amount.kills {
        let kills = amount.campaign.min(amount.kills - figures.kills);
        let number = figures.campaigns;
        figures.campaigns += 1;
        Campaign::open(seed, number).run(kills, &mut figures);
        println!("{} kills of {}", figures.kills, amount.kills);
        if figures.is_unsound() || amount.is_late() {
            break;
        }
    }
    println!("{figures}");
    println!("DEEP: crash: kills {}/{}", figures.kills, amount.kills);
    assert_eq!(figures.missing, 0, "orders that the exchange saw and the journal lacks");
    assert_eq!(figures.reused, 0, "ids used twice");
    assert_eq!(figures.passed_over, 0, "messages of the exchange not applied exactly once");
    assert_eq!(figures.unanswered, 0, "orders without an outcome once all is at rest");
    assert_eq!(figures.position_differences, 0, "positions that differ from the exchange's");
    assert!(figures.orders > 0, "nothing was traded: nothing was tested");
    // Four in five is what the long form must show. Of thirty kills chance alone takes some away.
    let least = if amount.kills >= 500 { 8 } else { 5 };
    assert!(
        figures.in_flight * 10 >= figures.kills * least,
        "{} of {} kills with orders in flight: too few to mean anything",
        figures.in_flight,
        figures.kills
    );
}

// Goal: C7: orders of a venue session that is over are ended, none of them is sent into the next
// one, and the stream of the next one is heard from its start. Method: kills with orders in flight
// before and after a change of the session, then a run that comes to rest; the same comparisons.
#[test]
fn a_new_venue_session_ends_the_orders_of_the_old_one() {
    println!("seed {SEED:#x}");
    let mut figures = figures::Figures::default();
    let mut campaign = Campaign::open(SEED, 1_000);
    for _ in 0..2 {
        campaign.kill_trading(&mut figures);
        assert!(figures.in_flight > 0, "nothing was in flight");
        campaign.change_session();
        campaign.kill_trading(&mut figures);
    }
    campaign.come_to_rest(&mut figures);
    println!("{figures}");
    assert!(!figures.is_unsound(), "see above");
}
