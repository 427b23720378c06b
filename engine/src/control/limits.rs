//! Limit sets by command: read and checked as in the configuration, journalled whole, given to
//! risk. One that is wrong in anything is refused whole, and the old one stays.

use super::risk_desk::What;
use super::{Caller, Control, Reply, Why, command};
use crate::clock::wall_now;
use crate::config::StageId;
use crate::config::limits::LimitSet;
use crate::pipeline::limit_set::LimitsInForce;
use shm::ids::StrategyId;
use shm::message::CommandOp;
use shm::printable::printable;
use shm::record::RecordKind;
use shm::record::status::LimitSource;

/// Longest text of a limit set, bytes.
pub const LIMITS_TEXT_MAX: usize = 64 * 1024;

impl Control {
    /// Loads a set; nothing when its answer comes later.
    pub(super) fn load_limits(
        &mut self,
        (file, text, reason): (&str, &str, &str),
        caller: Caller,
        token: usize,
    ) -> Option<Reply> {
        let version = match self.give_limits((file, text, reason), caller) {
            Ok(given) => given,
            Err(error) => {
                let still = self.desk.in_force.version;
                let (why, text) = error;
                let text = format!("{text} (version {still} stays in force)");
                return Some(Reply::not(why, &text));
            }
        };
        self.wait_for_risk(version, caller, token);
        None
    }

    /// Checks a set, journals it and gives it to risk.
    fn give_limits(
        &mut self,
        (file, text, reason): (&str, &str, &str),
        caller: Caller,
    ) -> Result<What, (Why, String)> {
        let file = &printable(file).to_string();
        let refused = |text: String| (Why::Refused, text);
        if reason.trim().is_empty() {
            let text = "a limit set needs a reason, for the journal: --reason TEXT";
            return Err(refused(text.to_owned()));
        }
        if text.len() > LIMITS_TEXT_MAX {
            let text = format!(
                "{file}: {} bytes, and a limit set has at most {LIMITS_TEXT_MAX}: take comments \
                 out, or write it into the configuration and start again",
                text.len()
            );
            return Err((Why::Wrong, text));
        }
        if self.desk.is_switching() || !self.desk.sets.has_room() {
            return Err(refused(self.desk.on_its_way()));
        }
        let next = self.desk.in_force.next(text, reason, wall_now(), caller.uid, caller.pid);
        let bound = next.bind(&self.desk.config, file, &self.instruments);
        let wrong = |report| (Why::Wrong, format!("nothing was loaded:\n{report}"));
        let set = bound.map_err(wrong)?;
        if !self.has_room_for(StageId::Risk) {
            return Err(refused("BUSY: risk has too many commands waiting".to_owned()));
        }
        // Every rule is shown its order with these limits, as before arming.
        self.self_test.set_limits(set.clone());
        let tested = self.test_again(caller);
        let handed = tested.and_then(|()| self.hand_over(&next, &set, caller));
        match handed {
            Ok(()) => {
                let before = self.desk.in_force.to_string();
                Ok(What::Limits(Box::new(next), set, before))
            }
            Err(error) => {
                self.self_test.set_limits(self.desk.rows().clone());
                self.self_test.again();
                Err(refused(format!("nothing was loaded: {error}")))
            }
        }
    }

    /// Journals a set, then gives it to risk.
    fn hand_over(
        &mut self,
        next: &LimitsInForce,
        set: &LimitSet,
        caller: Caller,
    ) -> Result<(), String> {
        let now = self.clock.now();
        if !self.write(RecordKind::LimitSet, &next.body(), now) {
            return Err("the journal has no room for it".to_owned());
        }
        let version = i64::from(next.version);
        let switch = command(CommandOp::LimitsSwitch, StrategyId::OPERATOR, 0, version);
        let compiled = self.desk.compiler.compile(set);
        let given = self.desk.sets.give(compiled).is_ok();
        if given && self.give(StageId::Risk, switch, &next.reason, caller) {
            return Ok(());
        }
        Err(self.not_given("risk"))
    }

    /// The set in force, as a file that can be loaded.
    pub(super) fn show_limits(&self) -> Reply {
        let set = &self.desk.in_force;
        let digest: String = set.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        let of = match set.source {
            LimitSource::Configuration => "as the configuration wrote it",
            LimitSource::Loaded => "SHA-256 of the file",
        };
        Reply::ok(&format!("# limits: {set}\n# {digest} ({of})\n{}", set.text.trim_end()))
    }
}
