//! What a key may be: the vocabulary in which [`super::keys`] lists every key once. Loader, JSON
//! schema, key list and the test of the commented default all read that one list, so none can
//! drift.

use super::forms::Form;

/// The decimal scales of values written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// 1e-9 of a currency.
    Price,
    /// 1e-8 of a share, contract or coin.
    Qty,
    /// 1e-17 of a currency.
    Notional,
}

impl Scale {
    /// Decimals that the scale holds.
    pub(super) const fn decimals(self) -> u32 {
        match self {
            Self::Price => 9,
            Self::Qty => 8,
            Self::Notional => 17,
        }
    }

    /// The greatest value of the scale's integer.
    pub(super) const fn max(self) -> i128 {
        match self {
            Self::Price | Self::Qty => i64::MAX as i128,
            Self::Notional => i128::MAX,
        }
    }

    /// The same as it is written.
    pub(super) fn max_text(self) -> String {
        let (max, unit) = (self.max(), 10_i128.pow(self.decimals()));
        format!("{}.{:0width$}", max / unit, max % unit, width = self.decimals() as usize)
    }
}

/// The type and range of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number in `min..=max`.
    Int { min: i64, max: i64, unit: &'static str, power_of_two: bool, unlimited: bool },
    /// A decimal number written as text, exact, at least `min` (in units of the scale).
    Decimal { scale: Scale, min: i128, unit: &'static str, unlimited: bool },
    /// Text of a form.
    Text(Form),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of at least one text of a form.
    Texts(Form),
    /// `"auto"`, or a list of core numbers.
    Cores,
    /// A table.
    Table(&'static Table),
    /// A list of tables, at least `min` and at most `max`.
    Tables { table: &'static Table, min: usize, max: usize },
    /// A table whose keys depend on the strategy's `wiring.kind`.
    Params,
}

/// Whether a key must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It must: there is no value that suits everybody.
    Must,
    /// It may be left out; then it has this value.
    Default(&'static str),
    /// It may be left out; then the thing is absent.
    May,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) need: Need,
    pub(super) kind: Kind,
    /// The part of the engine that reads it: no key stands here that nobody reads.
    pub(super) reader: &'static str,
    pub(super) doc: &'static str,
}

/// The keys of one table.
#[derive(Debug)]
pub(super) struct Table {
    /// The key by whose value an element of a list of these tables is named.
    pub(super) named_by: Option<&'static str>,
    pub(super) fields: &'static [Field],
}

impl Table {
    /// The field of a key.
    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// A key that must be written.
pub(super) const fn must(
    key: &'static str,
    kind: Kind,
    reader: &'static str,
    doc: &'static str,
) -> Field {
    Field { key, need: Need::Must, kind, reader, doc }
}

/// A key with a default, written as in an environment variable.
pub(super) const fn or(
    key: &'static str,
    default: &'static str,
    kind: Kind,
    reader: &'static str,
    doc: &'static str,
) -> Field {
    Field { key, need: Need::Default(default), kind, reader, doc }
}

/// A key that may be absent.
pub(super) const fn may(
    key: &'static str,
    kind: Kind,
    reader: &'static str,
    doc: &'static str,
) -> Field {
    Field { key, need: Need::May, kind, reader, doc }
}

/// A whole number in `min..=max`.
pub(super) const fn int(min: i64, max: i64, unit: &'static str) -> Kind {
    Kind::Int { min, max, unit, power_of_two: false, unlimited: false }
}

/// A limit that is a whole number, or `unlimited`.
pub(super) const fn limit_int(max: i64, unit: &'static str) -> Kind {
    Kind::Int { min: 0, max, unit, power_of_two: false, unlimited: true }
}

/// A limit that is a decimal, or `unlimited`.
pub(super) const fn limit_decimal(scale: Scale, unit: &'static str) -> Kind {
    Kind::Decimal { scale, min: 0, unit, unlimited: true }
}

/// A decimal of at least `min` units of the scale.
pub(super) const fn decimal(scale: Scale, min: i128, unit: &'static str) -> Kind {
    Kind::Decimal { scale, min, unit, unlimited: false }
}

impl Kind {
    /// What the key takes, as a fault says it.
    pub(super) fn allowed(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Int { min, max, unit, power_of_two, unlimited } => format!(
                "{} from {min} to {max}{}{}{}",
                if *power_of_two { "a power of two" } else { "a whole number" },
                if unit.is_empty() { "" } else { " " },
                unit,
                if *unlimited { ", or \"unlimited\"" } else { "" }
            ),
            Self::Decimal { scale, min, unit, unlimited } => format!(
                "a decimal in quotes, {}, with at most {} decimals, in {unit}{}",
                if *min > 0 { "above 0" } else { "0 or more" },
                scale.decimals(),
                if *unlimited { ", or \"unlimited\"" } else { "" }
            ),
            Self::Text(form) => form.describe().to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Texts(form) => format!("a list of one or more: {}", form.describe()),
            Self::Cores => "\"auto\", or a list of core numbers from 0 to 1023".to_owned(),
            Self::Table(table) => {
                let keys: Vec<&str> = table.fields.iter().map(|field| field.key).collect();
                format!("a table of {}", keys.join(", "))
            }
            Self::Tables { min, max, .. } => format!("a list of {min} to {max} tables"),
            Self::Params => "a table".to_owned(),
        }
    }
}
