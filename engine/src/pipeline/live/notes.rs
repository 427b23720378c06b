//! What a start says beside READY: the self-test of risk, and whether trading is off.

use super::Site;
use crate::control::SelfTest;
use crate::risk::setup::Setup;
use feed::instruments::Instruments;
use shm::gates::{GateOpener, Scope, Trigger};

impl Site {
    /// Shows every rule of risk its order; nothing is armed where one does not refuse. Says what
    /// was found, and whether trading is off.
    pub(super) fn test_risk(
        &mut self,
        setup: Setup,
        gates: &GateOpener,
        instruments: &Instruments,
    ) -> SelfTest {
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
