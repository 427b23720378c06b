//! Judges what users send and passes it to the market.

use super::account::Account;
use super::checks::{
    KnownOptions, Terms, check_enter, check_expiry, check_options, check_px, check_qty,
    check_special, check_tif,
};
use super::mischief::Mischief;
use super::order::ClientOrder;
use super::reply::ClientTrade;
use crate::faults::Faults;
use crate::listing::Listing;
use crate::matching::{
    CancelReason, EventKind, Market, NewOrder, Output, Owner, Report, ReportKind,
};
use crate::order_log::{OrderLog, OrderLogEntry};
use crate::random::Random;
use gateway::codec::ouch50::{
    AccountQuery, Appendage, CancelOrder, DisableOrderEntry, DisableResponse, EnableOrderEntry,
    EnableResponse, EnterOrder, EventCode, Inbound, MassCancel, MassCancelResponse, Modified,
    ModifyOrder, QueryResponse, RejectReason, ReplaceOrder, SideCode, SystemEvent, Tag, TifCode,
    View,
};
use gateway::session::soupbintcp::{Credentials, LoginRequest};
use std::collections::{BTreeSet, VecDeque};

/// A trade chosen to be broken is broken this long after it.
const BREAK_AFTER_NS: u64 = 100_000_000;

/// What an operation works on.
#[derive(Debug)]
pub struct Venue<'a> {
    /// The books.
    pub market: &'a mut Market,
    /// What is listed.
    pub listing: &'a Listing,
    /// Where events and reports go.
    pub out: &'a mut Output,
    /// The venue's time, nanoseconds since midnight.
    pub itch_ns: u64,
    /// The exchange's clock, nanoseconds since its start.
    pub now_ns: u64,
}

/// What a desk is made from.
#[derive(Debug)]
pub struct DeskOptions {
    /// Users with their passwords.
    pub users: Vec<Credentials>,
    /// Which faults to make.
    pub faults: Faults,
    /// Seed of the faults.
    pub seed: u64,
    /// Cancel a user's orders when its connection ends.
    pub cancel_on_disconnect: bool,
    /// Where judged orders are logged.
    pub log: Option<OrderLog>,
}

/// Order entry for all users.
#[derive(Debug)]
pub struct Desk {
    accounts: Vec<Account>,
    faults: Faults,
    random: Random,
    cancel_on_disconnect: bool,
    log: Option<OrderLog>,
    log_error: Option<std::io::Error>,
    /// Trades to break: due time, account, trade.
    to_break: VecDeque<(u64, usize, ClientTrade)>,
    /// Orders that end by themselves: when, account, number.
    to_expire: BTreeSet<(u64, usize, u32)>,
}

impl Desk {
    /// A desk whose users have empty streams. Each stream opens with the start of the day.
    #[must_use]
    pub fn new(options: DeskOptions, itch_ns: u64) -> Self {
        let mut accounts: Vec<Account> = options
            .users
            .iter()
            .zip(1..)
            .map(|(credentials, number)| {
                let mischief = Mischief::new(options.faults.told, options.seed, number.into());
                Account::new(*credentials, Owner(number), mischief)
            })
            .collect();
        for account in &mut accounts {
            let event = EventCode::START_OF_DAY;
            account.tell(&SystemEvent { timestamp: itch_ns.into(), event }, Appendage::ABSENT);
        }
        Self {
            accounts,
            faults: options.faults,
            random: Random::new(options.seed, 0xde5c),
            cancel_on_disconnect: options.cancel_on_disconnect,
            log: options.log,
            log_error: None,
            to_break: VecDeque::new(),
            to_expire: BTreeSet::new(),
        }
    }

    /// All users.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// A user's account.
    pub fn account_mut(&mut self, at: usize) -> Option<&mut Account> {
        self.accounts.get_mut(at)
    }

    /// The account a login is for; `None` for a wrong user or password.
    #[must_use]
    pub fn find(&self, request: &LoginRequest) -> Option<usize> {
        self.accounts.iter().position(|account| account.credentials.matches(&request.credentials))
    }

    /// Why the order log could not be written, once.
    pub fn take_log_error(&mut self) -> Option<std::io::Error> {
        self.log_error.take()
    }

    /// When something held back is due.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        let held = self.accounts.iter().filter_map(Account::held_until_ns).min();
        let to_break = self.to_break.front().map(|&(due_ns, _, _)| due_ns);
        let to_expire = self.to_expire.first().map(|&(due_ns, _, _)| due_ns);
        held.into_iter().chain(to_break).chain(to_expire).min()
    }

    /// Takes one message of a user. Returns whether the connection is to be cut, by fault.
    pub fn on_message(&mut self, at: usize, bytes: &[u8], venue: &mut Venue<'_>) -> bool {
        let account = &mut self.accounts[at];
        account.hash_received(bytes);
        account.counts.messages += 1;
        if self.random.chance(self.faults.slow_ack) {
            account.hold(venue.now_ns + self.faults.slow_ack_ns);
        }
        match Inbound::decode(bytes) {
            Ok(Inbound::Enter(view)) => self.enter(at, view, venue),
            Ok(Inbound::Replace(view)) => self.replace(at, view, venue),
            Ok(Inbound::Cancel(view)) => self.cancel(at, view, venue),
            Ok(Inbound::Modify(view)) => self.modify(at, view, venue),
            Ok(Inbound::MassCancel(view)) => self.mass_cancel(at, view, venue),
            Ok(Inbound::Disable(view)) => self.disable(at, view, venue),
            Ok(Inbound::Enable(view)) => self.enable(at, view, venue),
            Ok(Inbound::Query(view)) => self.query(at, view, venue),
            Err(_) => account.counts.malformed += 1,
        }
        self.random.chance(self.faults.disconnect)
    }

    /// Tells owners what the market reported.
    pub fn on_reports(&mut self, reports: &[Report], itch_ns: u64, now_ns: u64) {
        for report in reports {
            let Some(at) = (report.owner.0 as usize).checked_sub(1) else { continue };
            let Some(account) = self.accounts.get_mut(at) else { continue };
            let trade = account.on_report(report, itch_ns);
            debug_assert!(
                trade.is_some() || !matches!(report.kind, ReportKind::Executed { .. }),
                "a report finds its order"
            );
            if let Some(trade) = trade
                && self.random.chance(self.faults.break_trade)
            {
                self.to_break.push_back((now_ns + BREAK_AFTER_NS, at, trade));
            }
        }
    }

    /// Ends the orders and breaks the trades that are due.
    pub fn poll(&mut self, venue: &mut Venue<'_>) {
        while let Some(&(due_ns, at, number)) = self.to_expire.first()
            && due_ns <= venue.now_ns
        {
            self.to_expire.pop_first();
            let order = self.accounts[at].orders.get(&number);
            if let Some(order) = order.filter(|order| order.expires_ns == Some(due_ns)) {
                venue.market.cancel(order.order_ref, CancelReason::Timeout, venue.out);
            }
        }
        while let Some((_, at, trade)) =
            self.to_break.pop_front_if(|(due_ns, _, _)| *due_ns <= venue.now_ns)
        {
            self.accounts[at].break_trade(&trade, venue.itch_ns);
            venue.out.event(trade.locate, EventKind::Broken { match_no: trade.match_no });
        }
        for account in &mut self.accounts {
            account.mischief.poll(&mut account.stream);
        }
    }

    /// A user's connection is gone.
    pub fn on_disconnect(&mut self, at: usize, venue: &mut Venue<'_>) {
        if self.cancel_on_disconnect {
            for order_ref in venue.market.orders_of(self.accounts[at].owner) {
                venue.market.cancel(order_ref, CancelReason::System, venue.out);
            }
        }
    }

    /// Tells every user that the day is over.
    pub fn end(&mut self, itch_ns: u64) {
        for account in &mut self.accounts {
            account.mischief.release(&mut account.stream);
            let event = EventCode::END_OF_DAY;
            account.tell(&SystemEvent { timestamp: itch_ns.into(), event }, Appendage::ABSENT);
        }
    }

    fn enter(&mut self, at: usize, view: View<'_, EnterOrder>, venue: &mut Venue<'_>) {
        let fields = view.fields;
        let user_ref_num = fields.user_ref_num.get();
        if !self.accounts[at].use_number(user_ref_num) {
            return;
        }
        let is_refused = self.random.chance(self.faults.reject);
        let account = &mut self.accounts[at];
        account.counts.orders += 1;
        let judged = if account.is_disabled {
            Err(RejectReason::FIRM_NOT_AUTHORIZED)
        } else if is_refused {
            Err(RejectReason::OTHER)
        } else {
            check_enter(fields, view.appendage, venue.listing)
        };
        let (terms, options) = match judged {
            Ok(judged) => judged,
            Err(reason) => {
                account.reject(user_ref_num, reason, fields.cl_ord_id, venue.itch_ns);
                return self.log_enter(at, fields, None, Some(reason));
            }
        };
        let mut order = client_order(fields, &terms, &options);
        order.expires_ns = expires_ns(&terms, venue.now_ns);
        account.orders.insert(user_ref_num, order);
        self.to_expire.extend(order.expires_ns.map(|due_ns| (due_ns, at, user_ref_num)));
        let new_order = new_order(account.owner, user_ref_num, &terms, &order);
        let order_ref = venue.market.enter(&new_order, venue.out);
        if let Some((number, is_buy, shares)) = account.mischief.external() {
            account.appear(number, is_buy, shares, &order, venue.itch_ns);
        }
        self.log_enter(at, fields, Some(order_ref), None);
    }

    /// The four outcomes of a replace. Source: OUCH 5.0, Replace Order Message.
    fn replace(&mut self, at: usize, view: View<'_, ReplaceOrder>, venue: &mut Venue<'_>) {
        let fields = view.fields;
        let (old_num, new_num) = (fields.orig_user_ref_num.get(), fields.user_ref_num.get());
        let account = &mut self.accounts[at];
        let Some(old) = account.orders.get(&old_num).copied() else {
            return;
        };
        if new_num <= account.last_user_ref_num {
            account.counts.repeats += 1;
            return;
        }
        let checked = check_replace(fields, view.appendage, &old, venue.listing);
        let Ok((terms, options)) = checked else {
            venue.market.cancel(old.order_ref, CancelReason::System, venue.out);
            return;
        };
        account.last_user_ref_num = new_num;
        if self.random.chance(self.faults.reject) {
            let reason = RejectReason::PROCESSING_ERROR;
            account.reject(new_num, reason, fields.cl_ord_id, venue.itch_ns);
            return self.log_replace(at, fields, &old, None, Some(reason));
        }
        let order = ClientOrder {
            leaves_qty: fields.qty.get() - old.chain_cum_qty,
            px: fields.px,
            tif: fields.tif,
            display: fields.display,
            iso: fields.iso,
            cl_ord_id: fields.cl_ord_id,
            post_only: options.post_only.unwrap_or(old.post_only),
            special: terms.special,
            expires_ns: expires_ns(&terms, venue.now_ns),
            ..old
        };
        account.orders.remove(&old_num);
        account.orders.insert(new_num, order);
        self.to_expire.extend(order.expires_ns.map(|due_ns| (due_ns, at, new_num)));
        let new_order = new_order(account.owner, new_num, &terms, &order);
        let order_ref = venue.market.replace(old.order_ref, &new_order, venue.out);
        self.log_replace(at, fields, &old, order_ref, None);
    }

    /// Superfluous cancels are ignored. Source: OUCH 5.0, Cancel Order Message.
    fn cancel(&mut self, at: usize, view: View<'_, CancelOrder>, venue: &mut Venue<'_>) {
        let account = &mut self.accounts[at];
        account.counts.cancel_requests += 1;
        if let Some(order) = account.orders.get(&view.fields.user_ref_num.get()) {
            let wanted_qty = view.fields.qty.get().saturating_sub(order.chain_cum_qty);
            let excess_qty = order.leaves_qty.saturating_sub(wanted_qty);
            venue.market.reduce(order.order_ref, excess_qty, CancelReason::User, venue.out);
        }
    }

    /// Only the sell side's kind and a smaller quantity. Source: OUCH 5.0, Modify Order Message.
    fn modify(&mut self, at: usize, view: View<'_, ModifyOrder>, venue: &mut Venue<'_>) {
        let user_ref_num = view.fields.user_ref_num.get();
        let account = &mut self.accounts[at];
        let Some(order) = account.orders.get_mut(&user_ref_num) else { return };
        let side = view.fields.side;
        let is_allowed = side == order.side
            || matches!(
                (order.side, side),
                (SideCode::SELL, SideCode::SHORT | SideCode::SHORT_EXEMPT)
                    | (SideCode::SHORT_EXEMPT, SideCode::SHORT)
            );
        let leaves_qty = view.fields.qty.get().saturating_sub(order.chain_cum_qty);
        if !is_allowed || leaves_qty == 0 || leaves_qty > order.leaves_qty {
            return;
        }
        let excess_qty = order.leaves_qty - leaves_qty;
        venue.market.shrink(order.order_ref, excess_qty, venue.out);
        order.leaves_qty = leaves_qty;
        order.side = side;
        let modified = Modified {
            timestamp: venue.itch_ns.into(),
            user_ref_num: user_ref_num.into(),
            side,
            qty: leaves_qty.into(),
        };
        account.tell(&modified, Appendage::ABSENT);
    }

    fn mass_cancel(&mut self, at: usize, view: View<'_, MassCancel>, venue: &mut Venue<'_>) {
        let fields = view.fields;
        let account = &mut self.accounts[at];
        if !account.use_number(fields.user_ref_num.get()) {
            return;
        }
        account.counts.cancel_requests += 1;
        let response = MassCancelResponse {
            timestamp: venue.itch_ns.into(),
            user_ref_num: fields.user_ref_num,
            firm: fields.firm,
            symbol: fields.symbol,
        };
        account.tell(&response, view.appendage);
        let mut side = None;
        let mut group_id = None;
        for option in view.appendage.options() {
            match option {
                Tag::Side(letter) => side = Some(SideCode(letter)),
                Tag::GroupId(wanted) => group_id = Some(wanted),
                _ => {}
            }
        }
        let mut order_refs: Vec<u64> = account
            .orders
            .values()
            .filter(|order| {
                order.firm.is_none_or(|firm| firm == fields.firm)
                    && (fields.symbol == [b' '; 8] || order.symbol == fields.symbol)
                    && side.is_none_or(|side| order.side == side)
                    && group_id.is_none_or(|wanted| order.group_id.unwrap_or(0) == wanted)
            })
            .map(|order| order.order_ref)
            .collect();
        order_refs.sort_unstable();
        for order_ref in order_refs {
            venue.market.cancel(order_ref, CancelReason::User, venue.out);
        }
    }

    fn disable(&mut self, at: usize, view: View<'_, DisableOrderEntry>, venue: &mut Venue<'_>) {
        let account = &mut self.accounts[at];
        if account.use_number(view.fields.user_ref_num.get()) {
            account.is_disabled = true;
            let response = DisableResponse {
                timestamp: venue.itch_ns.into(),
                user_ref_num: view.fields.user_ref_num,
                firm: view.fields.firm,
            };
            account.tell(&response, view.appendage);
        }
    }

    fn enable(&mut self, at: usize, view: View<'_, EnableOrderEntry>, venue: &mut Venue<'_>) {
        let account = &mut self.accounts[at];
        if account.use_number(view.fields.user_ref_num.get()) {
            account.is_disabled = false;
            let response = EnableResponse {
                timestamp: venue.itch_ns.into(),
                user_ref_num: view.fields.user_ref_num,
                firm: view.fields.firm,
            };
            account.tell(&response, view.appendage);
        }
    }

    fn query(&mut self, at: usize, _view: View<'_, AccountQuery>, venue: &mut Venue<'_>) {
        let account = &mut self.accounts[at];
        let response = QueryResponse {
            timestamp: venue.itch_ns.into(),
            next_user_ref_num: account.last_user_ref_num.saturating_add(1).into(),
        };
        account.tell(&response, Appendage::ABSENT);
    }

    fn log_enter(
        &mut self,
        at: usize,
        fields: &EnterOrder,
        order_ref: Option<u64>,
        reject: Option<RejectReason>,
    ) {
        let (qty, px) = (fields.qty.get(), fields.px.0.get());
        let entry = |user| OrderLogEntry {
            user,
            user_ref_num: fields.user_ref_num.get(),
            replaces: None,
            cl_ord_id: text(&fields.cl_ord_id),
            symbol: text(&fields.symbol),
            side: char::from(fields.side.0),
            qty,
            px,
            order_ref,
            reject: reject.map(|reason| reason.0.get()),
        };
        self.append_log(at, entry);
    }

    fn log_replace(
        &mut self,
        at: usize,
        fields: &ReplaceOrder,
        old: &ClientOrder,
        order_ref: Option<u64>,
        reject: Option<RejectReason>,
    ) {
        let entry = |user| OrderLogEntry {
            user,
            user_ref_num: fields.user_ref_num.get(),
            replaces: Some(fields.orig_user_ref_num.get()),
            cl_ord_id: text(&fields.cl_ord_id),
            symbol: text(&old.symbol),
            side: char::from(old.side.0),
            qty: fields.qty.get(),
            px: fields.px.0.get(),
            order_ref,
            reject: reject.map(|reason| reason.0.get()),
        };
        self.append_log(at, entry);
    }

    fn append_log(&mut self, at: usize, entry: impl FnOnce(String) -> OrderLogEntry) {
        if let Some(log) = &mut self.log
            && let Err(error) = log.append(&entry(self.accounts[at].name()))
        {
            self.log_error = Some(error);
        }
    }
}

impl Account {
    /// Takes a new number; false, and counted, for one that was used: a repeat.
    fn use_number(&mut self, user_ref_num: u32) -> bool {
        let is_new = user_ref_num > self.last_user_ref_num;
        if is_new {
            self.last_user_ref_num = user_ref_num;
        } else {
            self.counts.repeats += 1;
        }
        is_new
    }
}

/// Checks the terms of a replace: as a new order's, and more shares than the chain executed.
fn check_replace(
    fields: &ReplaceOrder,
    appendage: Appendage<'_>,
    old: &ClientOrder,
    listing: &Listing,
) -> Result<(Terms, KnownOptions), RejectReason> {
    let options = check_options(appendage)?;
    let listed = listing.get(old.locate).ok_or(RejectReason::SYMBOL)?;
    let side = old.side.side().ok_or(RejectReason::SIDE)?;
    check_qty(fields.qty.get())?;
    if fields.qty.get() <= old.chain_cum_qty {
        return Err(RejectReason::QTY);
    }
    let limit_px = check_px(fields.px, listed.tick_px)?;
    if fields.tif == TifCode::AFTER_HOURS {
        return Err(RejectReason::OTHER);
    }
    let tif = check_tif(fields.tif)?;
    let special = check_special(fields.display, tif, &options, fields.qty.get())?;
    let expire_s = check_expiry(fields.tif, &options)?;
    Ok((Terms { locate: old.locate, side, limit_px, tif, special, expire_s }, options))
}

fn client_order(fields: &EnterOrder, terms: &Terms, options: &KnownOptions) -> ClientOrder {
    ClientOrder {
        order_ref: 0,
        locate: terms.locate,
        symbol: fields.symbol,
        leaves_qty: fields.qty.get(),
        chain_cum_qty: 0,
        side: fields.side,
        px: fields.px,
        tif: fields.tif,
        display: fields.display,
        capacity: fields.capacity,
        iso: fields.iso,
        cross_type: fields.cross_type,
        cl_ord_id: fields.cl_ord_id,
        firm: options.firm,
        group_id: options.group_id,
        post_only: options.post_only.unwrap_or(false),
        special: terms.special,
        expires_ns: None,
        options: options.echo,
    }
}

/// When an order ends by itself.
fn expires_ns(terms: &Terms, now_ns: u64) -> Option<u64> {
    terms.expire_s.map(|seconds| now_ns + u64::from(seconds) * 1_000_000_000)
}

fn new_order(owner: Owner, tag: u32, terms: &Terms, order: &ClientOrder) -> NewOrder {
    use gateway::codec::ouch50::DisplayCode;
    let is_attributed = order.display == DisplayCode::ATTRIBUTABLE;
    NewOrder {
        owner,
        tag,
        locate: terms.locate,
        side: terms.side,
        qty: order.leaves_qty,
        limit_px: terms.limit_px,
        tif: terms.tif,
        post_only: order.post_only,
        mpid: is_attributed.then(|| order.firm.unwrap_or(*b"WLNE")),
        special: order.special,
    }
}

fn text(padded: &[u8]) -> String {
    String::from_utf8_lossy(padded).trim_end().to_owned()
}
