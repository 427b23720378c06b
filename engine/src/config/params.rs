//! What each built-in kind of strategy is told, typed, with the keys that a running strategy may be
//! given anew.

use shm::units::Qty;

use super::keys;
use super::node::Value;
use super::reader::Reader;
use super::scalar::{self, Scalar};

/// A strategy's kind and what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Params {
    /// Quotes around the book.
    Maker(MakerParams),
    /// Takes when one side of the touch outweighs the other.
    Taker(TakerParams),
    /// Places one order per so many changes of the top of the book, to measure latency.
    Probe(ProbeParams),
    /// Works the orders that are asked of it by hand, and parents of every type by itself if told
    /// to.
    Exec(ExecParams),
    /// Misbehaves on purpose, to rehearse what stops it.
    Drill(DrillParams),
}

/// What a drill does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DrillAct {
    /// It panics.
    #[default]
    Panic,
    /// It holds its thread.
    Spin,
    /// It asks for orders without end.
    Flood,
    /// It asks for orders of a million times its quantity without end.
    Huge,
    /// It buys and sells at one price without end.
    Sides,
}

/// Parameters of the drill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrillParams {
    /// What it does.
    pub act: DrillAct,
    /// Changes of the top of the book before it does so, from when its one order of the beginning
    /// rests at the venue; in `0..=1_000_000_000`.
    pub after: u32,
    /// Quantity of an order; above 0.
    pub qty: Qty,
    /// Millions of idle steps of a spin; in `1..=1_000_000`.
    pub spin_millions: u32,
}

/// Parameters of the executor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecParams {
    /// Changes of the top of the book per parent that it asks for by itself, 0 for none; in
    /// `0..=1_000_000_000`.
    pub every: u32,
    /// Quantity of such a parent; above 0.
    pub qty: Qty,
    /// Ticks from the touch to their stops and exits; in `1..=10_000`.
    pub distance_ticks: u32,
}

/// Parameters of the maker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MakerParams {
    /// Distance between its bid and its offer, in ticks; in `1..=10_000`.
    pub spread_ticks: u32,
    /// Quantity of a quote; above 0.
    pub qty: Qty,
    /// Ticks by which a position of one `qty` moves both quotes against itself; in `0..=1000`.
    pub skew_ticks_per_lot: u32,
}

/// Parameters of the taker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakerParams {
    /// Share of one side in the quantity at the touch that makes it act, in 1e-4; in
    /// `5001..=10_000`.
    pub imbalance_bps: u32,
    /// Quantity of an order; above 0.
    pub qty: Qty,
    /// Least time between two orders in one instrument, in milliseconds; in `0..=3_600_000`.
    pub cooldown_ms: u32,
}

/// Parameters of the probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeParams {
    /// Changes of the top of the book per order; in `1..=1_000_000_000`.
    pub every: u32,
    /// Quantity of an order; above 0.
    pub qty: Qty,
    /// Ticks from the touch, away from the market; in `0..=10_000`.
    pub offset_ticks: u32,
    /// Every n-th order is wrong on purpose, to show refusals; 0 for none; in `0..=1_000_000`.
    pub bad_every: u32,
}

/// One parameter given anew, as a command carries it: which, by its place among the kind's keys,
/// and its value (a quantity in units of 1e-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamChange {
    /// Place among the kind's keys, from 0.
    pub index: u16,
    /// The value, inside the range of the key.
    pub value: i64,
}

impl Params {
    /// Reads the table of a kind, by its place among the kinds of the list of keys.
    pub(super) fn read(kind: &str, reader: &Reader<'_>) -> Option<Self> {
        match kind {
            "maker" => Some(Self::Maker(MakerParams {
                spread_ticks: reader.int("spread_ticks"),
                qty: Qty(reader.decimal("qty")),
                skew_ticks_per_lot: reader.int("skew_ticks_per_lot"),
            })),
            "taker" => Some(Self::Taker(TakerParams {
                imbalance_bps: reader.int("imbalance_bps"),
                qty: Qty(reader.decimal("qty")),
                cooldown_ms: reader.int("cooldown_ms"),
            })),
            "probe" => Some(Self::Probe(ProbeParams {
                every: reader.int("every"),
                qty: Qty(reader.decimal("qty")),
                offset_ticks: reader.int("offset_ticks"),
                bad_every: reader.int("bad_every"),
            })),
            "exec" => Some(Self::Exec(ExecParams {
                every: reader.int("every"),
                qty: Qty(reader.decimal("qty")),
                distance_ticks: reader.int("distance_ticks"),
            })),
            "drill" => Some(Self::Drill(DrillParams {
                act: reader.choice(
                    "act",
                    &[
                        DrillAct::Panic,
                        DrillAct::Spin,
                        DrillAct::Flood,
                        DrillAct::Huge,
                        DrillAct::Sides,
                    ],
                ),
                after: reader.int("after"),
                qty: Qty(reader.decimal("qty")),
                spin_millions: reader.int("spin_millions"),
            })),
            _ => None,
        }
    }

    /// The name of the kind, as `wiring.kind` has it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Maker(_) => "maker",
            Self::Taker(_) => "taker",
            Self::Probe(_) => "probe",
            Self::Exec(_) => "exec",
            Self::Drill(_) => "drill",
        }
    }

    /// Checks a parameter written by a person against the keys of this kind.
    ///
    /// # Errors
    /// One sentence: no such key (and the nearest), or what does not fit and what does.
    pub fn parse_change(&self, key: &str, text: &str) -> Result<ParamChange, String> {
        let table = keys::params_of(self.kind());
        let found = table.fields.iter().enumerate().find(|(_, field)| field.key == key);
        let Some((index, field)) = found else {
            let keys = table.fields.iter().map(|field| field.key);
            let hint = super::fault::did_you_mean(key, keys);
            return Err(format!("{key}: no such parameter of kind {}; {hint}", self.kind()));
        };
        let value = match scalar::read(&field.kind, &Value::Raw(text.to_owned())) {
            Ok(Scalar::Int(number)) => Some(number),
            Ok(Scalar::Decimal(number)) => i64::try_from(number).ok(),
            Ok(_) => None,
            Err(misfit) => {
                return Err(format!("{key}: {}; allowed: {}", misfit.wrong, field.kind.allowed()));
            }
        };
        match (u16::try_from(index), value) {
            (Ok(index), Some(value)) => Ok(ParamChange { index, value }),
            _ => Err(format!("{key}: cannot be changed while the engine runs")),
        }
    }

    /// Applies a change. False, and nothing changed, when it is none that
    /// [`Params::parse_change`] could have made for this kind. No allocation, no formatting.
    #[must_use]
    pub fn apply(&mut self, change: ParamChange) -> bool {
        let small = u32::try_from(change.value).ok();
        let qty = (change.value > 0).then_some(Qty(change.value));
        match (self, change.index, small, qty) {
            (Self::Maker(maker), 0, Some(value), _) => maker.spread_ticks = value,
            (Self::Maker(MakerParams { qty: held, .. }), 1, _, Some(qty))
            | (Self::Taker(TakerParams { qty: held, .. }), 1, _, Some(qty))
            | (Self::Probe(ProbeParams { qty: held, .. }), 1, _, Some(qty))
            | (Self::Exec(ExecParams { qty: held, .. }), 1, _, Some(qty))
            | (Self::Drill(DrillParams { qty: held, .. }), 2, _, Some(qty)) => *held = qty,
            (Self::Maker(maker), 2, Some(value), _) => maker.skew_ticks_per_lot = value,
            (Self::Taker(taker), 0, Some(value), _) => taker.imbalance_bps = value,
            (Self::Taker(taker), 2, Some(value), _) => taker.cooldown_ms = value,
            (Self::Probe(probe), 0, Some(value), _) => probe.every = value,
            (Self::Probe(probe), 2, Some(value), _) => probe.offset_ticks = value,
            (Self::Probe(probe), 3, Some(value), _) => probe.bad_every = value,
            (Self::Drill(drill), 1, Some(value), _) => drill.after = value,
            (Self::Drill(drill), 3, Some(value), _) => drill.spin_millions = value,
            (Self::Exec(exec), 0, Some(value), _) => exec.every = value,
            (Self::Exec(exec), 2, Some(value), _) => exec.distance_ticks = value,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every key of every kind can be given anew and lands in its own field. Method: two
    /// values per key; the second must change the result of the first.
    #[test]
    fn every_parameter_can_be_given_anew() {
        let kinds = [
            Params::Maker(MakerParams::default()),
            Params::Taker(TakerParams::default()),
            Params::Probe(ProbeParams::default()),
            Params::Exec(ExecParams::default()),
        ];
        for params in kinds {
            for field in keys::params_of(params.kind()).fields {
                let mut seen = vec![params];
                for text in ["6000", "7000"] {
                    let text = if field.key == "skew_ticks_per_lot" { &text[..3] } else { text };
                    let mut changed = *seen.last().unwrap();
                    assert!(changed.apply(params.parse_change(field.key, text).unwrap()));
                    assert!(!seen.contains(&changed), "{} {}", params.kind(), field.key);
                    seen.push(changed);
                }
            }
        }
    }

    /// Goal: a wrong key, text or change is refused in words and changes nothing.
    #[test]
    fn a_wrong_change_is_refused() {
        let mut params = Params::Maker(MakerParams::default());
        let unknown = params.parse_change("spred_ticks", "1").unwrap_err();
        assert!(unknown.contains("did you mean `spread_ticks`"), "{unknown}");
        let range = params.parse_change("spread_ticks", "0").unwrap_err();
        assert!(range.contains("1 to 10000"), "{range}");
        assert!(params.parse_change("qty", "0").is_err());
        assert!(params.parse_change("qty", "1e3").is_err());
        for change in [
            ParamChange { index: 9, value: 1 },
            ParamChange { index: 0, value: -1 },
            ParamChange { index: 1, value: 0 },
        ] {
            assert!(!params.apply(change));
        }
        assert_eq!(params, Params::Maker(MakerParams::default()));
    }
}
