//! Says on the engine's own output what keeps orders from leaving, once it has lasted for a while,
//! and when it is over.

use engine::control::Hitch;

/// Looks after which a hitch is told of: about a second.
pub(crate) const PATIENCE: u32 = 10;

/// Looks after which a feed that catches up says again how far it is: about 10 seconds.
const PROGRESS: u32 = 100;

/// What was seen and told so far.
#[derive(Debug, Default)]
pub(crate) struct Tale {
    /// Each hitch that is there, and the looks that saw it.
    seen: Vec<(Hitch, u32)>,
}

impl Tale {
    /// What a look that found `now` has to say.
    pub(crate) fn look(&mut self, now: Vec<Hitch>) -> Vec<String> {
        let mut lines = Vec::new();
        let before = std::mem::take(&mut self.seen);
        for (hitch, looks) in &before {
            let is_over = now.iter().all(|other| other.subject != hitch.subject);
            if is_over && *looks >= PATIENCE {
                lines.push(hitch.over.clone());
            }
        }
        for hitch in now {
            let same = |(other, _): &&(Hitch, u32)| {
                (&other.subject, other.kind) == (&hitch.subject, hitch.kind)
            };
            let looks = before.iter().find(same).map_or(0, |(_, looks)| *looks) + 1;
            let is_again = hitch.kind == "behind" && looks.is_multiple_of(PROGRESS);
            if looks == PATIENCE || is_again {
                lines.push(hitch.line.clone());
            }
            self.seen.push((hitch, looks));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hitch(kind: &'static str) -> Hitch {
        Hitch {
            subject: "feed itch".to_owned(),
            kind,
            line: format!("feed itch: {kind}"),
            over: "feed itch is live".to_owned(),
        }
    }

    /// Goal: what lasts is told once, another kind of it again, and its end; what passes is not.
    /// Method: looks by hand.
    #[test]
    fn what_lasts_is_told_once_and_so_is_its_end() {
        let mut tale = Tale::default();
        let mut look = |kind: Option<&'static str>, times: u32| {
            let looks = (0..times).map(|_| tale.look(kind.into_iter().map(hitch).collect()));
            looks.flatten().collect::<Vec<String>>()
        };
        assert_eq!(look(Some("behind"), PATIENCE - 1), [""; 0]);
        assert_eq!(look(None, 1), [""; 0], "it passed before it was told");
        assert_eq!(look(Some("behind"), 3 * PATIENCE), ["feed itch: behind"]);
        assert_eq!(look(Some("lost"), PATIENCE), ["feed itch: lost"]);
        assert_eq!(look(None, 5), ["feed itch is live"]);
        assert_eq!(
            look(Some("behind"), 2 * PROGRESS),
            ["feed itch: behind"; 3],
            "and its progress"
        );
    }
}
