//! What a start says beside READY: the self-test of risk, and whether trading is off.

use super::{Opening, Site};
use crate::control::SelfTest;
use crate::risk::setup::Setup;
use feed::instruments::Instruments;
use shm::gates::{GateOpener, Scope, Trigger};
use shm::record::status::DownCause;

impl Site {
    /// Says what is left of the session before that a person has to look at (C3, S15).
    fn note_opening(&mut self, opening: &Opening) {
        let dir = self.home.dir.display();
        if let Some(epoch) = opening.crashed {
            self.notes.push(format!(
                "the last session (epoch {epoch}) did not end in order: only cancels are sent; look \
                 at positions and orders, then `wirelane arm --reason TEXT --dir {dir}` \
                 (start.after_crash = \"arm\" trades on without)"
            ));
        }
        for down in &opening.down {
            let at = usize::from(down.strategy).checked_sub(1);
            let row = at.and_then(|at| self.config.strategies.get(at));
            let name = row.map_or("?", |row| row.name.as_str());
            let why = DownCause::from_u8(down.cause).map_or("?", DownCause::name);
            self.notes.push(format!(
                "strategy {name} does not act: {why} before this start; \
                 `wirelane strategy enable {name} --dir {dir}` lets it"
            ));
        }
    }

    /// Shows every rule of risk its order; nothing is armed where one does not refuse. Says what
    /// was found, what the session before left to a person, and whether trading is off.
    pub(super) fn test_risk(
        &mut self,
        setup: Setup,
        gates: &GateOpener,
        instruments: &Instruments,
        opening: &Opening,
    ) -> SelfTest {
        self.note_opening(opening);
        let found = SelfTest::new(setup);
        self.notes.push(found.words(&self.config, instruments));
        if !found.is_sound() {
            gates.gates().close(Scope::Global, Trigger::Breaker);
        }
        self.note_gates(gates);
        found
    }

    fn note_gates(&mut self, opener: &GateOpener) {
        if opener.gates().is_closed(Scope::Global) {
            let dir = self.home.dir.display();
            self.notes.push(format!(
                "trading is off: the global gate is closed; `wirelane arm --reason TEXT --dir {dir}` opens it"
            ));
        }
    }
}
