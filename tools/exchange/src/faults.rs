//! Faults on demand: what is lost, doubled, late, refused or cut, drawn from a seed.

use std::str::FromStr;

/// Faults of one UDP line; probabilities per packet, `0.0..=1.0`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineFaults {
    /// The packet is not sent.
    pub drop: f64,
    /// The packet is sent twice.
    pub duplicate: f64,
    /// The packet is sent after the next one.
    pub reorder: f64,
    /// The packet is sent late.
    pub delay: f64,
    /// How late, nanoseconds.
    pub delay_ns: u64,
}

impl LineFaults {
    /// Whether the line is sound.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.drop == 0.0 && self.duplicate == 0.0 && self.reorder == 0.0 && self.delay == 0.0
    }
}

/// All faults of a run. Written as `drop=0.01,b.delay=0.1,delay_us=300,reject=0.02,...`; a key of
/// the lines without `a.` or `b.` holds for both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Lines A and B.
    pub lines: [LineFaults; 2],
    /// An OUCH connection is cut after an inbound message, with this probability.
    pub disconnect: f64,
    /// A new order, or a replace, is rejected without cause.
    pub reject: f64,
    /// Reports of an inbound message leave late.
    pub slow_ack: f64,
    /// How late, nanoseconds.
    pub slow_ack_ns: u64,
    /// A fill of a client is broken 100 ms after it.
    pub break_trade: f64,
    /// What is told to clients, against the truth or beyond it.
    pub told: TellFaults,
    /// A write to a client ends after a few bytes, and goes on in the next turn.
    pub chop: f64,
}

/// How a client is told of its orders wrongly; probabilities, `0.0..=1.0`. Positions of the
/// exchange hold what was really traded: `overfill`, `external` and `correct` trade, the others
/// only talk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TellFaults {
    /// A message is told again, under a new sequence.
    pub twice: f64,
    /// A message is told after the next one.
    pub swap: f64,
    /// An answer that is no execution is never told.
    pub never: f64,
    /// A message is followed by one that contradicts it: a reject after an acceptance, a cancel
    /// after a fill, an execution again with another quantity.
    pub contradict: f64,
    /// After its last share an order trades more.
    pub overfill: f64,
    /// An execution is undone at once, and made again at another price.
    pub correct: f64,
    /// An order of the user that it never sent is accepted and traded.
    pub external: f64,
}

/// Why a list of faults was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// Not `key=value`.
    #[error("fault {0:?}: write key=value")]
    Form(String),
    /// No such key.
    #[error(
        "fault {0:?}: the keys are drop, duplicate, reorder, delay, delay_us (each may begin with \
         a. or b.), disconnect, reject, slow_ack, slow_ack_us, break, correct, overfill, external, \
         twice, swap, never, contradict, chop"
    )]
    Key(String),
    /// Not a number in range.
    #[error("fault {0:?}: a probability is 0 to 1, a time in microseconds is 0 to 60000000")]
    Value(String),
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (key, value) =
                entry.split_once('=').ok_or_else(|| FaultsError::Form(entry.to_owned()))?;
            faults.set(entry, key.trim(), value.trim())?;
        }
        Ok(faults)
    }
}

impl Faults {
    fn set(&mut self, entry: &str, key: &str, value: &str) -> Result<(), FaultsError> {
        let refused = || FaultsError::Value(entry.to_owned());
        let probability = || {
            let value: f64 = value.parse().map_err(|_| refused())?;
            if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(refused()) }
        };
        let time_ns = || {
            let value: u64 = value.parse().map_err(|_| refused())?;
            if value <= 60_000_000 { Ok(value * 1_000) } else { Err(refused()) }
        };
        let (lines, line_key) = match key.split_once('.') {
            Some(("a", rest)) => (0..1, rest),
            Some(("b", rest)) => (1..2, rest),
            _ => (0..2, key),
        };
        let is_for_one_line = line_key.len() != key.len();
        for line in &mut self.lines[lines] {
            match line_key {
                "drop" => line.drop = probability()?,
                "duplicate" => line.duplicate = probability()?,
                "reorder" => line.reorder = probability()?,
                "delay" => line.delay = probability()?,
                "delay_us" => line.delay_ns = time_ns()?,
                _ if is_for_one_line => return Err(FaultsError::Key(entry.to_owned())),
                _ => {}
            }
        }
        match key {
            "disconnect" => self.disconnect = probability()?,
            "reject" => self.reject = probability()?,
            "slow_ack" => self.slow_ack = probability()?,
            "slow_ack_us" => self.slow_ack_ns = time_ns()?,
            "break" => self.break_trade = probability()?,
            "twice" => self.told.twice = probability()?,
            "swap" => self.told.swap = probability()?,
            "never" => self.told.never = probability()?,
            "contradict" => self.told.contradict = probability()?,
            "overfill" => self.told.overfill = probability()?,
            "correct" => self.told.correct = probability()?,
            "external" => self.told.external = probability()?,
            "chop" => self.chop = probability()?,
            "drop" | "duplicate" | "reorder" | "delay" | "delay_us" => {}
            _ if is_for_one_line => {}
            _ => return Err(FaultsError::Key(entry.to_owned())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every key lands where it says, and bad entries are refused. Method: one list with all
    /// keys, one fault each.
    #[test]
    fn keys_land_where_they_say() {
        let text = "drop=0.1, b.drop=0.2, a.delay=1, delay_us=300, duplicate=0.3, reorder=0.4, \
                    disconnect=0.5, reject=0.6, slow_ack=0.7, slow_ack_us=9, break=0.8, twice=0.01, \
                    swap=0.02, never=0.03, contradict=0.04, overfill=0.05, correct=0.06, \
                    external=0.07, chop=0.08";
        let faults: Faults = text.parse().unwrap();
        assert_eq!(faults.lines[0].drop, 0.1);
        assert_eq!(faults.lines[1].drop, 0.2);
        assert_eq!((faults.lines[0].delay, faults.lines[1].delay), (1.0, 0.0));
        assert!(faults.lines.iter().all(|line| line.delay_ns == 300_000));
        assert!(faults.lines.iter().all(|line| line.duplicate == 0.3 && line.reorder == 0.4));
        assert_eq!((faults.disconnect, faults.reject, faults.slow_ack), (0.5, 0.6, 0.7));
        assert_eq!((faults.slow_ack_ns, faults.break_trade), (9_000, 0.8));
        let TellFaults { twice, swap, never, contradict, overfill, correct, external } =
            faults.told;
        let told = [twice, swap, never, contradict, overfill, correct, external, faults.chop];
        assert_eq!(told, [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]);
        assert_eq!("".parse(), Ok(Faults::default()));
        for bad in ["drop", "drop=2", "drop=x", "c.drop=0", "a.reject=0", "dorp=0.1", "delay_us=-1"]
        {
            assert!(bad.parse::<Faults>().is_err(), "{bad}");
        }
    }
}
