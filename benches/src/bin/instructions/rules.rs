//! Intents in a thousand instruments through every rule, with a number in every limit of all four
//! scopes; slots and closed orders in use again.

use engine::risk::cost::Round;

pub(crate) fn run(events: usize) -> u64 {
    run_beside(0, events)
}

/// Beside so many orders that work already.
pub(crate) fn run_beside(working: u32, events: usize) -> u64 {
    let mut round = Round::beside(working);
    // The first round finds every slot unused.
    round.decide();
    round.end();
    let mut done = 0;
    while done < events as u64 {
        let approved = wirelane_measured_rules(&mut round);
        assert_eq!(approved as usize, round.orders.len(), "every intent passes");
        round.end();
        done += u64::from(approved);
    }
    done
}

#[inline(never)]
fn wirelane_measured_rules(round: &mut Round) -> u32 {
    round.decide()
}
