//! One user: stream, numbers, live orders, positions.

use super::mischief::Mischief;
use super::order::ClientOrder;
use crate::itch_out::MessageStore;
use crate::matching::Owner;
use gateway::session::soupbintcp::{Credentials, SequencedStore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::fmt::Write;

/// MiB of a user's stream that are kept.
const STREAM_MIB_MAX: usize = 1_024;

/// What a user did and was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCounts {
    /// Messages received.
    pub messages: u64,
    /// Messages that were no OUCH.
    pub malformed: u64,
    /// Messages ignored since their number was used.
    pub repeats: u64,
    /// New orders judged.
    pub orders: u64,
    /// New orders accepted.
    pub acks: u64,
    /// Executions reported.
    pub fills: u64,
    /// Cancel requests received.
    pub cancel_requests: u64,
    /// Cancels reported, whole or part, asked for or not.
    pub cancels: u64,
    /// Replaces done.
    pub replaces: u64,
    /// Rejects reported.
    pub rejects: u64,
    /// Trades broken.
    pub broken: u64,
    /// Logins accepted.
    pub logins: u64,
}

/// Shares and money of one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Shares bought less shares sold.
    pub qty: i64,
    /// Shares bought.
    pub bought_qty: u64,
    /// Shares sold.
    pub sold_qty: u64,
    /// Money received less money paid, in 1e-4 of the currency.
    pub cash_px4: i64,
}

impl Position {
    /// Adds a trade, or takes it away again with `sign` -1.
    pub fn trade(&mut self, is_buy: bool, qty: u32, px: u32, sign: i64) {
        let money = i64::from(qty) * i64::from(px) * sign;
        let shares = u64::from(qty);
        let total = if is_buy { &mut self.bought_qty } else { &mut self.sold_qty };
        *total = if sign > 0 { *total + shares } else { *total - shares };
        if is_buy {
            self.qty += i64::from(qty) * sign;
            self.cash_px4 -= money;
        } else {
            self.qty -= i64::from(qty) * sign;
            self.cash_px4 += money;
        }
    }
}

/// A user of the exchange.
#[derive(Debug)]
pub struct Account {
    /// Who may log in.
    pub credentials: Credentials,
    /// The owner of its orders in the market.
    pub owner: Owner,
    /// Everything the user is told, from 1.
    pub stream: MessageStore,
    /// How it is told wrongly.
    pub mischief: Mischief,
    /// Messages from a sequence on that wait until a time, in order.
    held: VecDeque<(u64, u64)>,
    /// Highest UserRefNum used.
    pub last_user_ref_num: u32,
    /// Whether new orders are refused at the user's own wish.
    pub is_disabled: bool,
    /// Live orders by UserRefNum.
    pub orders: HashMap<u32, ClientOrder>,
    /// By locate.
    pub positions: HashMap<u16, Position>,
    /// What happened.
    pub counts: AccountCounts,
    received: Sha256,
}

impl Account {
    /// A user with an empty stream.
    #[must_use]
    pub fn new(credentials: Credentials, owner: Owner, mischief: Mischief) -> Self {
        Self {
            credentials,
            owner,
            stream: MessageStore::new(STREAM_MIB_MAX),
            mischief,
            held: VecDeque::new(),
            last_user_ref_num: 0,
            is_disabled: false,
            orders: HashMap::new(),
            positions: HashMap::new(),
            counts: AccountCounts::default(),
            received: Sha256::new(),
        }
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.credentials.user()).into_owned()
    }

    /// Takes a received message into the hash of the order stream.
    pub fn hash_received(&mut self, message: &[u8]) {
        self.received.update(message);
    }

    /// SHA-256 over the OUCH bytes received so far, in hexadecimal.
    #[must_use]
    pub fn received_sha256(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.received.clone().finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Holds whatever comes next in the stream until `until_ns`.
    pub fn hold(&mut self, until_ns: u64) {
        self.held.push_back((self.stream.next_seq(), until_ns));
    }

    /// When held messages may go, if any are held.
    #[must_use]
    pub fn held_until_ns(&self) -> Option<u64> {
        self.held.front().map(|&(_, until_ns)| until_ns)
    }

    /// The stream as far as it may be told at `now_ns`.
    pub fn told(&mut self, now_ns: u64) -> Told<'_> {
        while self.held.front().is_some_and(|&(_, until_ns)| until_ns <= now_ns) {
            self.held.pop_front();
        }
        let next_seq = self.held.front().map_or(self.stream.next_seq(), |&(seq, _)| seq);
        Told { stream: &self.stream, next_seq }
    }
}

/// A stream cut at what is held back.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    stream: &'a MessageStore,
    next_seq: u64,
}

impl SequencedStore for Told<'_> {
    fn next_seq(&self) -> u64 {
        self.next_seq
    }

    fn message(&self, seq: u64) -> Option<&[u8]> {
        (seq < self.next_seq).then(|| self.stream.message(seq)).flatten()
    }
}
