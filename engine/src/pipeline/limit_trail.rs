//! What the records of a session say of its limit sets: which were journalled, and which of them
//! risk took. A set is in force from the `Took` of its command on, never before.

use super::limit_set::{LimitSetDamaged, LimitsInForce};
use shm::message::CommandOp;
use shm::record::status::{Operator, Port, Took};
use shm::record::{RecordKind, Stage, StageId};

/// A set as it was read.
type Read = Result<LimitsInForce, LimitSetDamaged>;

/// The sets of a session, in whatever order its lanes are read.
#[derive(Clone, Debug, Default)]
pub struct LimitTrail {
    /// The one that the session begins with.
    first: Option<Read>,
    /// Each set loaded since, with the number of its command; 0 while that has not been met.
    loaded: Vec<(u64, Read)>,
    /// Commands that were given to risk.
    given: u64,
    /// Commands that risk has taken.
    taken: u64,
    is_open: bool,
}

impl LimitTrail {
    /// Takes a record.
    pub fn take(&mut self, kind: RecordKind, stage: StageId, body: &[u8]) {
        match kind {
            RecordKind::OpenComplete => self.is_open = true,
            RecordKind::LimitSet if self.is_open => {
                self.loaded.push((0, LimitsInForce::read(body)));
            }
            RecordKind::LimitSet => self.first = Some(LimitsInForce::read(body)),
            RecordKind::Operator => self.take_command(body),
            RecordKind::Took if stage.kind() == Some(Stage::Risk) => {
                let took = Took::read(body).filter(|took| took.port == Port::Commands as u8);
                self.taken += took.map_or(0, |took| u64::from(took.count));
            }
            _ => {}
        }
    }

    fn take_command(&mut self, body: &[u8]) {
        let given = Operator::read(body).filter(|given| given.refused == 0);
        let is_risk = |given: &Operator| StageId(given.stage).kind() == Some(Stage::Risk);
        let Some(given) = given.filter(is_risk) else { return };
        self.given += 1;
        if given.op == CommandOp::LimitsSwitch as u8
            && let Some((number, _)) = self.loaded.last_mut().filter(|(number, _)| *number == 0)
        {
            *number = self.given;
        }
    }

    fn is_taken(&self, number: u64) -> bool {
        (1..=self.taken).contains(&number)
    }

    /// The set in force at the session's end.
    ///
    /// # Errors
    /// [`LimitSetDamaged`]; nothing may trade on it.
    pub fn in_force(&self) -> Result<Option<&LimitsInForce>, LimitSetDamaged> {
        let taken = self.loaded.iter().rfind(|(number, _)| self.is_taken(*number));
        let set = taken.map(|(_, set)| set).or(self.first.as_ref());
        set.map(|set| set.as_ref().map_err(|damaged| *damaged)).transpose()
    }

    /// The last set that was journalled and that risk never took.
    #[must_use]
    pub fn untaken(&self) -> Option<&LimitsInForce> {
        let last = self.loaded.last().filter(|(number, _)| !self.is_taken(*number));
        last.and_then(|(_, set)| set.as_ref().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shm::record::status::LimitSource;
    use shm::units::Nanos;

    fn set(version: u32) -> Vec<u8> {
        let first = LimitsInForce::for_tests(LimitSource::Loaded);
        let mut set = first.next("[[limits]]", "why", Nanos(1), 1, 2);
        set.version = version;
        set.body()
    }

    fn told(op: CommandOp, refused: u8) -> Vec<u8> {
        let stage = StageId::new(Stage::Risk, 0).0;
        Operator { op: op as u8, refused, stage, ..Operator::default() }.bytes().to_vec()
    }

    fn took(count: u32) -> Vec<u8> {
        Took { port: Port::Commands as u8, count, ..Took::default() }.bytes().to_vec()
    }

    /// Goal: the set in force is the last one whose command risk took, at whatever record either
    /// lane ends, and a later one is named as not taken. Method: three sets among other commands
    /// and refused ones, in lane 0; takes of one or two commands in risk's; every pair of cuts.
    #[test]
    fn a_set_is_in_force_once_risk_has_taken_its_command() {
        let switch = || (RecordKind::Operator, told(CommandOp::LimitsSwitch, 0));
        let other = |refused| (RecordKind::Operator, told(CommandOp::ClockDrift, refused));
        let load = |version| (RecordKind::LimitSet, set(version));
        let lane_0 = [
            load(1),
            (RecordKind::OpenComplete, Vec::new()),
            other(0),
            load(2),
            switch(),
            other(1),
            other(0),
            load(3),
            other(0),
            switch(),
            load(4),
        ];
        // The number of its command, by version from 2.
        let numbers = [(2, 2, 4), (3, 5, 9)];
        let takes = [1, 1, 2, 1];
        let risk = StageId::new(Stage::Risk, 0);
        for written in 1..=lane_0.len() {
            for taken in 0..=takes.len() {
                let mut trail = LimitTrail::default();
                let given = &lane_0[..written];
                let done: u64 = takes[..taken].iter().sum();
                for count in &takes[..taken] {
                    trail.take(RecordKind::Took, risk, &took(*count as u32));
                }
                // Those of other stages count for nothing.
                trail.take(RecordKind::Took, StageId::new(Stage::Strategy, 1), &took(9));
                given.iter().for_each(|(kind, body)| trail.take(*kind, StageId::CONTROL, body));
                let is_in = |(_, number, at): &&(u32, u64, usize)| *number <= done && *at < written;
                let expected = numbers.iter().rfind(is_in).map_or(1, |(version, ..)| *version);
                let found = trail.in_force().unwrap().unwrap().version;
                assert_eq!(found, expected, "{written} records, {done} taken");
                let loads = given.iter().filter(|(kind, _)| *kind == RecordKind::LimitSet).count();
                let untaken = (loads as u32 > expected).then_some(loads as u32);
                assert_eq!(trail.untaken().map(|set| set.version), untaken, "{written}, {done}");
            }
        }
    }
}
