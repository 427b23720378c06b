//! What the names of a configuration mean over restarts. Ids are places in the lists of accounts,
//! gateways, strategies and instruments: new names behind the old ones leave every id what it was.

#![expect(clippy::disallowed_types, clippy::disallowed_macros, reason = "cold: before the start")]

use super::opening::{Kept, LastSession, OpeningError};
use crate::config::Sources;
use crate::config::model::Config;
use feed::instruments::Instruments;
use shm::gates::Shape;
use shm::record::RecordKind;
use shm::record::order::{OrderEvent, PositionEvent, Recent, RecentKind, ScopeKind, ScopeTotals};
use shm::record::parent::Parent;
use std::collections::BTreeSet;

const INSTRUMENTS: &str = "instruments";

/// The names of a session, by list.
struct Names([(&'static str, Vec<String>); 4]);

impl Names {
    fn of(config: &Config, instruments: &Instruments) -> Self {
        let symbols = instruments.iter().map(|row| format!("{}/{}", row.venue, row.symbol));
        Self([
            ("accounts", config.accounts.iter().map(|row| row.name.clone()).collect()),
            ("gateways", config.gateways.iter().map(|row| row.name.clone()).collect()),
            ("strategies", config.strategies.iter().map(|row| row.name.clone()).collect()),
            (INSTRUMENTS, symbols.collect()),
        ])
    }

    /// Those of the last session; `None` where its texts are of another version.
    fn of_last(last: &LastSession) -> Option<Self> {
        let loaded = Sources::text("journal", &last.config).load().ok()?;
        let instruments = Instruments::parse("journal", &last.instruments).ok()?;
        Some(Self::of(&loaded.config, &instruments))
    }

    /// Whether everything of `then` is what it was, with new names behind it at most. Instruments
    /// are looked at where `is_kept` says that something of theirs is kept.
    ///
    /// # Errors
    /// [`OpeningError::Other`] names the first list that differs, and the first place that does.
    fn go_on_from(&self, then: &Self, is_kept: &dyn Fn(usize) -> bool) -> Result<(), OpeningError> {
        for ((what, then), (_, now)) in then.0.iter().zip(&self.0) {
            let is_kept = |at: usize| *what != INSTRUMENTS || is_kept(at);
            let differs =
                |(at, name): &(usize, &String)| is_kept(*at) && now.get(*at) != Some(name);
            if let Some((at, then)) = then.iter().enumerate().find(differs) {
                let now = now.get(at).map_or("none", String::as_str).to_owned();
                return Err(OpeningError::Other { what, at: at + 1, then: then.clone(), now });
            }
        }
        Ok(())
    }

    /// Of a gates file, whose indexes they are.
    fn shape(&self) -> Shape {
        let [accounts, gateways, strategies, instruments] = &self.0;
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for (_, names) in &self.0 {
            for byte in names.iter().flat_map(|name| name.bytes().chain([0])) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Shape {
            gateways: gateways.1.len(),
            accounts: accounts.1.len(),
            strategies: strategies.1.len() + 1,
            instruments: instruments.1.len(),
            names_hash: hash,
        }
    }
}

/// Whether what an opening carries means the same in this configuration; with nothing `carried`
/// whether it can be made.
///
/// # Errors
/// [`OpeningError::Other`].
pub(super) fn check(
    last: &LastSession,
    carried: &[Kept],
    config: &Config,
    instruments: &Instruments,
) -> Result<(), OpeningError> {
    // Texts of another version are told of where they are needed.
    let Some(then) = Names::of_last(last) else { return Ok(()) };
    let kept: BTreeSet<usize> = carried.iter().filter_map(instrument_of).collect();
    Names::of(config, instruments).go_on_from(&then, &|at| kept.contains(&at))
}

/// The instrument that something is carried of.
fn instrument_of(kept: &Kept) -> Option<usize> {
    let body = &kept.body;
    let id = match kept.kind {
        RecordKind::CarryOrder => OrderEvent::read(body)?.instrument,
        RecordKind::CarryPosition => PositionEvent::read(body)?.instrument,
        RecordKind::CarryParent => Parent::read(body)?.instrument,
        RecordKind::CarryRecent => {
            let recent = Recent::read(body)?;
            let what = RecentKind::from_u8(recent.what)?;
            let of_order = matches!(what, RecentKind::Fill | RecentKind::Approval);
            let of_scope = recent.scope == ScopeKind::Instrument as u8;
            return (of_order || of_scope).then_some(recent.id as usize);
        }
        RecordKind::CarryScope => {
            let totals = ScopeTotals::read(body)?;
            let is_instrument = totals.scope == ScopeKind::Instrument as u8;
            return is_instrument.then_some(totals.id as usize);
        }
        _ => return None,
    };
    Some(id.index())
}

/// The shape of the gates now; and as the last session had it, if everything in it is what it was.
pub(super) fn shapes(
    last: Option<&LastSession>,
    config: &Config,
    instruments: &Instruments,
) -> (Shape, Option<Shape>) {
    let now = Names::of(config, instruments);
    let then = last.and_then(Names::of_last);
    let then = then.filter(|then| now.go_on_from(then, &|_| true).is_ok());
    (now.shape(), then.map(|then| then.shape()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(lists: [&[&str]; 4]) -> Names {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let [accounts, gateways, strategies, instruments] = lists;
        Names([
            ("accounts", of(accounts)),
            ("gateways", of(gateways)),
            ("strategies", of(strategies)),
            (INSTRUMENTS, of(instruments)),
        ])
    }

    /// Goal: new names behind the old ones go on, anything else names list and place. Method: each
    /// list grown, cut, renamed, reordered.
    #[test]
    fn new_names_go_behind_the_old_ones() {
        let then = [&["main"][..], &["ouch"], &["mm", "hand"], &["X/A", "X/B"]];
        let old = names(then);
        for at in 0..4 {
            let with = |list: &[&str]| {
                let mut lists = then;
                lists[at] = list;
                names(lists).go_on_from(&old, &|_| true).map_err(|error| error.to_string())
            };
            let list = then[at];
            let grown: Vec<&str> = list.iter().copied().chain(["new"]).collect();
            assert_eq!(with(&grown), Ok(()));
            assert_eq!(with(list), Ok(()));
            let cut = with(&list[..list.len() - 1]).unwrap_err();
            assert!(cut.contains("none"), "{cut}");
            let before: Vec<&str> = ["new"].into_iter().chain(list.iter().copied()).collect();
            let shifted = with(&before).unwrap_err();
            assert!(shifted.contains("number 1") && shifted.contains("behind"), "{shifted}");
        }
        let other = names([&["main"], &["ouch"], &["mm", "hand"], &["X/C", "X/B"]]);
        assert!(other.go_on_from(&old, &|at| at == 1).is_ok(), "nothing is kept of the first");
        assert!(other.go_on_from(&old, &|at| at == 0).is_err());
        assert_ne!(old.shape(), names([&["main"], &["ouch"], &["mm"], &["X/A", "X/B"]]).shape());
    }
}
