//! Rules that stand against each other: each alone is sound, and together they refuse what one of
//! them is there to let through. `config check` says so; nothing is refused for it.

use super::bind::Bound;
use super::limits::{Limit, LimitRow};
use super::model::{Config, Strategy};
use feed::instruments::{Instrument, Instruments};
use shm::units::{Notional, Price, Qty};
use std::collections::BTreeMap;

/// What a strategy may trade of one instrument, and the limits that hold for it.
struct Pair<'a> {
    strategy: &'a Strategy,
    instrument: &'a Instrument,
    rows: Vec<&'a LimitRow>,
}

/// Sentences of what stands against what, each with the remedy, named at the first strategy and
/// instrument that it is so for.
#[must_use]
pub fn advice(config: &Config, bound: &Bound, instruments: &Instruments) -> Vec<String> {
    let mut found: BTreeMap<&'static str, (String, usize)> = BTreeMap::new();
    for strategy in &config.strategies {
        for instrument in bound.instruments_of(strategy.id) {
            let Some(instrument) = instruments.get(*instrument) else { continue };
            let covering = bound.limits.covering(strategy.account, strategy.id, instrument.id);
            let pair = Pair { strategy, instrument, rows: covering.collect() };
            for (rules, text) in pair.against() {
                found.entry(rules).or_insert_with(|| (text, 0)).1 += 1;
            }
        }
    }
    let each = found.into_iter().map(|(rules, (text, count))| match count {
        1 => format!("{rules}: {text}"),
        _ => format!("{rules}: {text} (and {} more strategies and instruments)", count - 1),
    });
    each.collect()
}

impl Pair<'_> {
    /// The tightest of a limit, where any is a number.
    fn most<T: Copy + Ord>(&self, of: impl Fn(&LimitRow) -> Limit<T>) -> Option<T> {
        let all = self.rows.iter().map(|row| of(row));
        all.fold(Limit::Missing, Limit::tightest).number()
    }

    /// The tightest of a minimum.
    fn least<T: Copy + Ord>(&self, of: impl Fn(&LimitRow) -> Limit<T>) -> Option<T> {
        let all = self.rows.iter().map(|row| of(row));
        all.fold(Limit::Missing, Limit::tightest_min).number()
    }

    /// A price that orders will be near, and what it is; the lowest where none is known.
    fn px(&self) -> (Price, &'static str) {
        match self.instrument.prior_close {
            Price::NONE => (self.instrument.px_min, "its lowest price"),
            close => (close, "its prior close"),
        }
    }

    fn value(&self, qty: Qty) -> Notional {
        let (px, _) = self.px();
        let value = i128::from(px.0) * i128::from(qty.0);
        Notional(value.saturating_mul(self.instrument.multiplier.into()))
    }

    fn name(&self) -> String {
        let Instrument { venue, symbol, .. } = self.instrument;
        format!("strategy {} on {venue}/{symbol}", self.strategy.name)
    }

    fn against(&self) -> Vec<(&'static str, String)> {
        let all = [
            self.collar_and_move(),
            self.collar_and_tick(),
            self.qty(),
            self.lots(),
            self.value_of_the_smallest(),
            self.value_of_the_largest(),
            self.position(),
            self.open(),
        ];
        all.into_iter().flatten().collect()
    }

    /// How many ticks the collar reaches from the reference; `None` where that is not known.
    fn collar_ticks(&self) -> Option<i128> {
        let ticks = self.most(|row| row.order.collar_ticks).map(i128::from);
        let (px, close) = (self.instrument.prior_close, self.instrument.tick_at(self.px().0));
        let of_bps = self.most(|row| row.order.collar_bps).zip(close).map(|(bps, tick)| {
            i128::from(px.0) * i128::from(bps) / 10_000 / i128::from(tick.0.max(1))
        });
        let of_bps = of_bps.filter(|_| px != Price::NONE);
        [ticks, of_bps].into_iter().flatten().min()
    }

    fn collar_and_move(&self) -> Option<(&'static str, String)> {
        let (collar, paid) =
            self.collar_ticks().zip(self.most(|row| row.rate.move_ticks_max).map(i128::from))?;
        // A fill may have been better than the reference, which may have moved since.
        let least = collar.saturating_mul(2);
        (least > paid).then(|| {
            let text = format!(
                "{}: the collar reaches {collar} ticks, and after a fill nothing may be paid more \
                 than rate.move_ticks_max = {paid} ticks worse: a market order, as a protective \
                 stop sends it, is priced at the collar's edge and waits behind R26; lower \
                 order.collar_ticks to {} or raise rate.move_ticks_max to {least}",
                self.name(),
                paid / 2
            );
            ("R23 against R26", text)
        })
    }

    fn collar_and_tick(&self) -> Option<(&'static str, String)> {
        let collar = self.collar_ticks()?;
        (collar == 0).then(|| {
            let text = format!(
                "{}: the collar is narrower than a tick: only an order at the reference itself \
                 passes; raise order.collar_bps or order.collar_ticks",
                self.name()
            );
            ("R23 against the tick", text)
        })
    }

    fn qty(&self) -> Option<(&'static str, String)> {
        let (most, least) = (self.most(|row| row.order.qty_max)?, self.instrument.qty_min);
        (most < least).then(|| {
            let text = format!(
                "{}: order.qty_max = {most} is below the smallest order, {least}: nothing passes; \
                 raise it to {least} or take the instrument from the strategy",
                self.name()
            );
            ("R20 against the smallest order", text)
        })
    }

    fn lots(&self) -> Option<(&'static str, String)> {
        let (most, lot) = (self.most(|row| row.order.qty_max)?, self.instrument.lot);
        let over = most.0.checked_rem(lot.0).unwrap_or(0);
        (over != 0 && most >= self.instrument.qty_min).then(|| {
            let text = format!(
                "{}: order.qty_max = {most} is not whole lots of {lot}: the largest order that \
                 passes is {}; write that, or the next lot",
                self.name(),
                Qty(most.0 - over)
            );
            ("R20 against the lot", text)
        })
    }

    fn value_of_the_smallest(&self) -> Option<(&'static str, String)> {
        let most = self.most(|row| row.order.value_max);
        let gross = self.most(|row| row.money.gross_max);
        let (key, most) = match (most, gross) {
            (Some(most), Some(gross)) if gross < most => ("money.gross_max", gross),
            (Some(most), _) => ("order.value_max", most),
            (None, gross) => ("money.gross_max", gross?),
        };
        let (least, (px, what)) = (self.value(self.instrument.qty_min), self.px());
        (most < least).then(|| {
            let text = format!(
                "{}: {key} = {most} is below the value of the smallest order, {least} at {what} of \
                 {px}: nothing passes; raise it",
                self.name()
            );
            ("R21 and R32 against the smallest order", text)
        })
    }

    fn value_of_the_largest(&self) -> Option<(&'static str, String)> {
        let least = self.least(|row| row.order.value_min).filter(|least| least.0 > 0)?;
        let most = self.most(|row| row.order.value_max);
        let qty = self.most(|row| row.order.qty_max).unwrap_or(self.instrument.qty_max);
        let largest = self.value(qty.min(self.instrument.qty_max));
        let (what, most) = match most.filter(|most| *most < largest) {
            Some(most) => ("order.value_max", most),
            None => ("the value of the largest order", largest),
        };
        (most < least).then(|| {
            let text = format!(
                "{}: order.value_min = {least} is above {what}, {most}: nothing passes; lower it",
                self.name()
            );
            ("R22 against R20 and R21", text)
        })
    }

    fn position(&self) -> Option<(&'static str, String)> {
        let long = self.most(|row| row.total.long_max)?;
        let short = self.most(|row| row.total.short_max)?;
        let least = self.instrument.qty_min;
        (long < least && short < least).then(|| {
            let text = format!(
                "{}: total.long_max = {long} and total.short_max = {short} are below the smallest \
                 order, {least}: no position can be entered; raise one of them",
                self.name()
            );
            ("R30 against the smallest order", text)
        })
    }

    fn open(&self) -> Option<(&'static str, String)> {
        let (least, value) = (self.instrument.qty_min, self.value(self.instrument.qty_min));
        let none = self.most(|row| row.total.open_orders_max).filter(|most| *most == 0);
        let qty = self.most(|row| row.total.open_qty_max).filter(|most| *most < least);
        let money = self.most(|row| row.total.open_value_max).filter(|most| *most < value);
        let limit = none.map(|_| "total.open_orders_max = 0".to_owned());
        let limit = limit.or_else(|| qty.map(|most| format!("total.open_qty_max = {most}")));
        let limit = limit.or_else(|| money.map(|most| format!("total.open_value_max = {most}")))?;
        let text = format!("{}: {limit} lets no order work; raise it", self.name());
        Some(("R31 against the smallest order", text))
    }
}
