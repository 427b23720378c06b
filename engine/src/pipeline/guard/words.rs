//! What the guard has done, and what became of kills, in words: for status, answers, journal and
//! the engine's own output, each of which reads at its own pace.

use super::OpenOrder;
use shm::ids::{ClOrdId, GatewayId};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sentences kept for readers that have not come yet.
const KEPT_MAX: usize = 256;

/// What the guard has done for one gateway.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) gateway: GatewayId,
    pub(super) text: String,
    /// The orders that it cancelled.
    pub(super) asked: Vec<OpenOrder>,
    /// Those of them of which the venue has said that nothing is left, as the gateway shows them.
    pub(super) confirmed: Vec<OpenOrder>,
}

impl Done {
    /// It acted once more: what the venue had confirmed stays confirmed.
    fn add(&mut self, later: Self) {
        self.text = later.text;
        for (known, new) in [(&mut self.asked, later.asked), (&mut self.confirmed, later.confirmed)]
        {
            let more: Vec<OpenOrder> = new.into_iter().filter(|row| !known.contains(row)).collect();
            known.extend(more);
        }
    }
}

/// Who says a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The guard.
    Guard,
    /// The control thread, of a kill.
    Kill,
}

#[derive(Debug, Default)]
struct Said {
    /// By gateway, none for one that the guard left alone.
    done: Vec<Done>,
    /// What else the guard did.
    notes: Vec<String>,
    /// Everything, in order.
    sentences: VecDeque<(Speaker, String)>,
    /// Sentences that are not kept any more.
    gone: usize,
}

/// What was done; a clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Words(Arc<Mutex<Said>>);

impl Words {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The guard acted in a gateway's place.
    pub(super) fn say(&self, done: Done) {
        self.tell(Speaker::Guard, &done.text);
        let mut said = self.said();
        match said.done.iter_mut().find(|known| known.gateway == done.gateway) {
            Some(known) => known.add(done),
            None => said.done.push(done),
        }
    }

    /// As [`Words::say`], for tests: what was cancelled, and what of it was confirmed.
    #[cfg(test)]
    pub(crate) fn acted(
        &self,
        gateway: GatewayId,
        text: &str,
        (asked, confirmed): (&[OpenOrder], &[OpenOrder]),
    ) {
        let (asked, confirmed) = (asked.to_vec(), confirmed.to_vec());
        self.say(Done { gateway, text: text.to_owned(), asked, confirmed });
    }

    /// The guard closed a gate.
    pub(super) fn note(&self, text: String) {
        self.tell(Speaker::Guard, &text);
        self.said().notes.push(text);
    }

    /// A sentence for everybody.
    pub fn tell(&self, speaker: Speaker, text: &str) {
        let mut said = self.said();
        said.sentences.push_back((speaker, text.to_owned()));
        if said.sentences.len() > KEPT_MAX {
            said.sentences.pop_front();
            said.gone += 1;
        }
    }

    /// The sentences that a reader has not heard; `heard` is its place, 0 at first.
    pub fn news(&self, heard: &mut usize) -> Vec<(Speaker, String)> {
        let said = self.said();
        let new = said.sentences.iter().skip(heard.saturating_sub(said.gone)).cloned().collect();
        *heard = said.gone + said.sentences.len();
        new
    }

    /// Everything the guard did since it was last cleared, in words.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        let said = self.said();
        said.notes.iter().chain(said.done.iter().map(|done| &done.text)).cloned().collect()
    }

    /// The orders that the guard cancelled in a gateway's place.
    #[must_use]
    pub fn asked(&self, gateway: GatewayId) -> Vec<OpenOrder> {
        let said = self.said();
        let mine = said.done.iter().filter(|done| done.gateway == gateway);
        mine.flat_map(|done| done.asked.iter().copied()).collect()
    }

    /// Whether the venue has told the guard that nothing is left of an order, which the gateway
    /// goes on showing: every number under which it may live is one that was cancelled.
    #[must_use]
    pub fn is_confirmed(&self, gateway: GatewayId, order: &OpenOrder) -> bool {
        let is_same = |known: &OpenOrder| {
            let is_known = |urn: &u32| *urn == 0 || known.urns.contains(urn);
            known.id.slot() == order.id.slot() && order.urns.iter().all(is_known)
        };
        let said = self.said();
        said.done.iter().any(|done| done.gateway == gateway && done.confirmed.iter().any(is_same))
    }

    /// Whether the venue has told the guard that nothing is left of an order, by its latest id.
    #[must_use]
    pub fn has_gone(&self, id: ClOrdId) -> bool {
        self.said().done.iter().any(|done| done.confirmed.iter().any(|order| order.id == id))
    }

    /// Trading is armed again: what was done is history, and in the journal.
    pub fn clear(&self) {
        let mut said = self.said();
        said.done.clear();
        said.notes.clear();
    }
}
