//! What a start says beside READY: the self-test of risk, and whether trading is on.

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
    /// was found, what the session before left to a person, and whether trading is on.
    pub(super) fn test_risk(
        &mut self,
        setup: Setup,
        gates: &GateOpener,
        instruments: &Instruments,
        (last, opening): (Option<u16>, &Opening),
    ) -> SelfTest {
        self.note_opening(opening);
        let found = SelfTest::new(setup);
        self.notes.push(found.words(&self.config, instruments));
        if !found.is_sound() {
            gates.gates().close(Scope::Global, Trigger::Breaker);
        }
        self.note_gates(gates, (last, opening));
        found
    }

    /// Says whether orders may leave, and why, and which gates of single scopes are closed.
    fn note_gates(&mut self, opener: &GateOpener, (last, opening): (Option<u16>, &Opening)) {
        let dir = self.home.dir.display();
        let gates = opener.gates();
        let note = if gates.is_closed(Scope::Global) {
            let by: Vec<&str> = gates.closed_by(Scope::Global).map(Trigger::name).collect();
            let why = match last {
                None if !self.self_armed() => "nobody has armed it yet".to_owned(),
                _ if gates.is_as_made() => "nobody has armed it since it was made".to_owned(),
                _ => format!("closed by {}", by.join(", ")),
            };
            format!(
                "trading is off: the global gate is closed ({why}); `wirelane arm --reason TEXT \
                 --dir {dir}` opens it"
            )
        } else if opening.crashed.is_some() {
            "trading is off but for cancels: the last session did not end in order".to_owned()
        } else {
            let why = match last {
                Some(epoch) => format!("the last session (epoch {epoch}) left the gates open"),
                None => "the configuration or the command line arms new gates".to_owned(),
            };
            format!("trading is on: {why}; `wirelane kill --dir {dir}` stops it")
        };
        self.notes.push(note);
        let others = gates.closed().filter(|scope| *scope != Scope::Global).count();
        if others > 0 {
            self.notes.push(format!(
                "{others} gates of single scopes are closed; `wirelane status --dir {dir}` names them"
            ));
        }
    }

    const fn self_armed(&self) -> bool {
        self.options.arm || self.config.engine.arm
    }
}
