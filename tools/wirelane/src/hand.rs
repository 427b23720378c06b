//! Orders by hand as the journal tells of them: what became of one that was just given, and what
//! stands of all.

pub(crate) mod list;
mod story;
mod tail;
mod words;

use crate::failure::{Exit, Failure, Outcome};
use crate::place::Place;
use crate::session::Session;
use crate::stdout;
use engine::control::{Given, Reply};
use engine::risk::sense::Fault;
use shm::record::status::{HandOrder, HandOutcome};
use std::time::{Duration, Instant};
use story::{Story, Verdict};
pub(crate) use tail::Tail;
use words::Words;

/// Longest wait for risk's word and the venue's first answer.
const WAIT: Duration = Duration::from_secs(3);
/// Time between two looks at the journal.
const LOOK: Duration = Duration::from_micros(500);

/// Waits for what becomes of an order, replace or cancel that was given; `tail` stands at a place
/// of the journal before it.
pub(crate) fn wait(place: &Place, mut tail: Tail, reply: &Reply, given: Given) -> Outcome {
    let session = Session::read(tail.journal(), tail.epoch())?;
    let words = Words::new(place, &session);
    let mut story = Story::new(given);
    let deadline = Instant::now() + WAIT;
    loop {
        let is_late = Instant::now() >= deadline;
        tail.read(|header, body| story.take(header, body))?;
        match story.verdict(&words) {
            Verdict::Done(text) => return stdout::print(&format!("{text}\n")),
            Verdict::Half(text) => return Err(Failure::new(Exit::NotConfirmed, text)),
            Verdict::Refused(text) => return Err(Failure::new(Exit::Refused, text)),
            Verdict::NotAsked(hand) => return Err(not_asked(place, &hand)),
            Verdict::Open(what) if is_late => {
                let asked = reply.text.split(": given to").next().unwrap_or_default();
                let text = format!(
                    "{asked}: no answer within {} s: it waits for {what}, and may yet act",
                    WAIT.as_secs()
                );
                return Err(Failure::new(Exit::NotConfirmed, text)
                    .remedy("do not ask again before you looked: wirelane order list --all"));
            }
            Verdict::Open(_) => std::thread::sleep(LOOK),
        }
    }
}

/// Why the strategy asked nobody.
fn not_asked(place: &Place, hand: &HandOrder) -> Failure {
    let refused = |text: &str| Failure::new(Exit::Refused, text);
    match HandOutcome::from_u8(hand.outcome) {
        Some(HandOutcome::Unknown) => Failure::not_there(list::ended(place, hand))
            .remedy("wirelane order list --all shows the orders of this session"),
        Some(HandOutcome::Busy) => refused(
            "BUSY: the strategy's ring to risk is full, or it has as many orders or parents as it \
             may; ask again",
        ),
        Some(HandOutcome::Full) => refused(
            "as many orders by hand are open as one strategy works; cancel one, or wait for one to \
             end",
        ),
        Some(HandOutcome::Pending) => refused(
            "replaces of the order are unanswered: four already, or one while px=... or qty=... is \
             left out, so that what it would keep is not known; ask again once they are answered",
        ),
        Some(HandOutcome::Disabled) => refused("the strategy may not act; nothing was asked")
            .remedy("wirelane strategy enable NAME; wirelane status tells why it was stopped"),
        Some(HandOutcome::Parent) => {
            refused("a parent cannot be replaced: cancel it, and place another")
        }
        Some(HandOutcome::NoOrder | HandOutcome::Asked) | None => {
            let fault = Fault::from_number(hand.fault.into());
            refused(fault.map_or("the terms make no order; nothing was asked", Fault::text))
        }
    }
}
