//! The rules that no number turns off: each is shown an order that breaks it, for every strategy.

use shm::ids::{AccountId, ClOrdId, StrategyId};
use shm::message::{FeedStatus, Kind, OrdType, Side, Tif, terms_flags};
use shm::reason::Reason;
use shm::units::{Nanos, Price, Qty};

use super::trial::{NOW, REPEATS, Trial, small};
use super::{Report, Site, Wrong};
use crate::config::limits::{LimitRow, LimitSet, Scope};
use crate::config::model::SelfTrade;
use crate::risk::approval::{ApprovalSlots, ApprovedTerms};
use crate::risk::limits::LimitTable;
use crate::risk::scope::ScopeMap;
use crate::risk::{Mode, form_of};

/// An order that breaks a rule.
struct Break {
    rule: Reason,
    what: &'static str,
    /// Makes it; nothing where the strategy, its instrument or its venue has no such order.
    make: fn(&mut Trial, &Site<'_>) -> Option<()>,
}

const fn broken(
    rule: Reason,
    what: &'static str,
    make: fn(&mut Trial, &Site<'_>) -> Option<()>,
) -> Break {
    Break { rule, what, make }
}

/// One at least for each rule.
const BREAKS: [Break; 26] = [
    broken(Reason::Killed, "an order behind a closed gate", |at, _| {
        at.context.gates_open = false;
        Some(())
    }),
    broken(Reason::Mode, "an order while only cancels are allowed", |at, _| {
        at.context.mode = Mode::CancelOnly;
        Some(())
    }),
    broken(Reason::Mode, "an order of a halted strategy", |at, _| {
        at.state()?.set = Mode::Halted;
        Some(())
    }),
    broken(Reason::Mode, "an order that opens a position where only reductions are", |at, _| {
        at.state()?.tripped = Mode::ReduceOnly;
        Some(())
    }),
    broken(Reason::Session, "an order without a session", |at, _| {
        at.risk.sessions.get_mut(at.gateway.index())?.up = false;
        Some(())
    }),
    broken(Reason::Journal, "an order without a journal", |at, _| {
        at.context.journal_ok = false;
        Some(())
    }),
    broken(Reason::NoLimit, "an order without a limit set", |at, site| {
        at.risk.limits = table(at, site, 0, vec![LimitRow::unlimited(Scope::Firm)]);
        Some(())
    }),
    broken(Reason::NoLimit, "an order whose limits nobody states", |at, site| {
        at.risk.limits = table(at, site, 1, Vec::new());
        Some(())
    }),
    broken(Reason::NotPermitted, "an order in an instrument of others", |at, _| {
        let permit = at.risk.permits.get_mut(at.intent.cl_ord_id.strategy().index())?;
        permit.instruments.fill(0);
        Some(())
    }),
    broken(Reason::Clock, "an order before the last decision", |at, _| {
        at.risk.decided = Nanos(NOW.0 + 1);
        Some(())
    }),
    broken(Reason::Instrument, "an order in an instrument that is held", |at, _| {
        at.risk.held.fill(true);
        Some(())
    }),
    broken(Reason::Instrument, "an order outside the hours", |at, site| {
        let (from, to) = site.setup.hours.open?;
        at.risk.hours.open = Some((from, to));
        at.context.now = NOW.max(to);
        Some(())
    }),
    broken(Reason::Unsupported, "an order of no time in force", |at, _| {
        at.intent.tif = u8::MAX;
        Some(())
    }),
    broken(Reason::Unsupported, "an order of a type that the venue lacks", |at, _| {
        let can = at.risk.capabilities.get(at.gateway.index())?;
        let types = [OrdType::Limit, OrdType::Market, OrdType::PostOnly];
        let tifs = [Tif::Day, Tif::Ioc, Tif::Fok, Tif::Gtd];
        let mut all = types.into_iter().flat_map(|of| tifs.map(|tif| (of, tif)));
        let (of, tif) = all.find(|(of, tif)| !can.takes(*of, *tif))?;
        (at.intent.ord_type, at.intent.tif) = (of as u8, tif as u8);
        Some(())
    }),
    broken(Reason::BadPrice, "a price beyond the venue's", |at, site| {
        take_form(at, site)?;
        at.intent.px = Price(at.risk.forms.first()?.px_max.0.checked_add(1)?);
        Some(())
    }),
    broken(Reason::BadPrice, "a price below the venue's", |at, site| {
        take_form(at, site)?;
        let least = at.risk.forms.first()?.px_min.0;
        at.intent.px = Price(if least < 0 { least.checked_sub(1)? } else { 0 });
        Some(())
    }),
    broken(Reason::BadPrice, "a price off the tick", |at, site| {
        take_form(at, site)?;
        let form = at.risk.forms.first()?;
        let px = form.px_max.floor_to_tick(form.tick(form.px_max))?;
        at.intent.px = Price(px.0.checked_sub(1)?);
        (form.tick(at.intent.px).0 > 1 && at.intent.px >= form.px_min).then_some(())
    }),
    broken(Reason::BadQty, "no quantity", |at, _| {
        at.intent.qty = Qty::ZERO;
        Some(())
    }),
    broken(Reason::BadQty, "a quantity beyond the venue's", |at, site| {
        let form = real_form(site)?;
        (at.risk.forms.first_mut()?.qty_max) = form.qty_max;
        at.intent.qty = Qty(form.qty_max.0.checked_add(1)?);
        Some(())
    }),
    broken(Reason::Expired, "an order that has ended", |at, _| {
        let can = at.risk.capabilities.get(at.gateway.index())?;
        (at.intent.tif, at.terms.expiry) = (Tif::Gtd as u8, NOW);
        can.takes(OrdType::Limit, Tif::Gtd).then_some(())
    }),
    broken(Reason::DupId, "an id of another start", |at, _| {
        let id = at.intent.cl_ord_id;
        let epoch = id.epoch().wrapping_add(1).max(1);
        at.intent.cl_ord_id = ClOrdId::new(epoch, id.strategy(), id.slot(), id.uses());
        Some(())
    }),
    broken(Reason::NoReference, "an order without a live feed", |at, _| {
        at.heard = None;
        at.risk.on_market(&FeedStatus { kind: Kind::FeedStatus as u8, ..stale() }.into());
        Some(())
    }),
    broken(Reason::ReduceOnly, "an order that is to reduce nothing", |at, _| {
        at.terms.flags = terms_flags::REDUCE_ONLY;
        Some(())
    }),
    broken(Reason::Rate, "one message more than the session's rate leaves", |at, _| {
        let window = at.risk.windows.get_mut(at.gateway.index())?;
        (0..window.order_max()).for_each(|_| window.push(NOW));
        Some(())
    }),
    broken(Reason::SelfTrade, "an order that meets an own one", |at, site| {
        let real = site.setup.accounts.get(site.account.index())?;
        let account = at.risk.accounts.get_mut(site.account.index())?;
        account.self_trade = SelfTrade::Reject;
        let (group, instrument, px) = (account.group, at.intent.instrument, at.intent.px);
        at.risk.own.set(1, group, instrument, Side::Sell, Some(px));
        (real.self_trade != SelfTrade::Allow).then_some(())
    }),
    broken(Reason::Unapproved, "a child whose parent nobody approved", |at, _| {
        let id = at.intent.cl_ord_id;
        at.terms.parent = ClOrdId::new(id.epoch(), id.strategy(), id.slot() + 1, 1);
        Some(())
    }),
];

/// A feed that is not live.
fn stale() -> FeedStatus {
    let state = shm::message::FeedState::Stale as u8;
    FeedStatus { state, packet_at: NOW, t0: NOW, ..FeedStatus::default() }
}

/// The instrument's own form.
fn real_form(site: &Site<'_>) -> Option<crate::risk::checks::Form> {
    site.setup.instruments.get(site.instrument.index()).map(form_of)
}

fn take_form(at: &mut Trial, site: &Site<'_>) -> Option<()> {
    let form = real_form(site)?;
    let place = at.risk.forms.first_mut()?;
    // Of the quantity nothing is asked.
    (place.bands, place.px_min, place.px_max) = (form.bands, form.px_min, form.px_max);
    Some(())
}

/// A limit table like the one in force, of other rows.
fn table(at: &Trial, site: &Site<'_>, version: u32, rows: Vec<LimitRow>) -> LimitTable {
    let accounts: Vec<AccountId> = site.setup.strategies.iter().map(|row| row.account).collect();
    let map: ScopeMap = at.risk.scopes.map;
    LimitTable::compile(&LimitSet { version, rows }, &accounts, map)
}

/// Shows every rule an order of the site's strategy that breaks it, after one that breaks none.
pub(super) fn show(site: &Site<'_>, report: &mut Report) {
    let limits = LimitSet { version: 1, rows: vec![LimitRow::unlimited(Scope::Firm)] };
    let setup = small(site, limits);
    let scope = Scope::Strategy(site.strategy);
    let trial = || Trial::new(&setup, site.strategy, scope, REPEATS);
    if let Some(Err(code)) = trial().map(Trial::judge) {
        let what = "an order that breaks no rule";
        report.note(Reason::None, scope, what, Err(Wrong::OtherCode(code)));
        return;
    }
    for Break { rule, what, make } in &BREAKS {
        let Some(mut at) = trial() else { return };
        if make(&mut at, site).is_none() {
            continue;
        }
        report.note(*rule, scope, what, expect(at.judge(), *rule));
    }
    let what = "a message that nobody approved, at the gateway";
    report.note(Reason::Unapproved, scope, what, show_approval(site.strategy));
}

fn expect(said: Result<(), Reason>, rule: Reason) -> Result<(), Wrong> {
    match said {
        Err(code) if code == rule => Ok(()),
        Err(code) => Err(Wrong::OtherCode(code)),
        Ok(()) => Err(Wrong::Passed),
    }
}

/// The gateway's side of R47: what was not granted is not spent.
fn show_approval(strategy: StrategyId) -> Result<(), Wrong> {
    let mut slots = ApprovalSlots::new(4);
    let terms = ApprovedTerms {
        cl_ord_id: ClOrdId::new(1, strategy, 0, 1),
        px: Price(1),
        qty: Qty(1),
        side: Side::Buy as u8,
        kind: Kind::ApprovedNew as u8,
        instrument: shm::ids::InstrumentId(0),
    };
    expect(slots.spend(&terms), Reason::Unapproved)
}
