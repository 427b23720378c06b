//! From tree to types: reads every key, and resolves names to ids.

mod limits;

use std::net::SocketAddr;

use shm::ids::{AccountId, FeedId, GatewayId, StrategyId, Symbol};
use shm::units::{Nanos, Price};

use super::calendar;
use super::fault::did_you_mean;
use super::forms::{parse_hours, parse_speed};
use super::keys;
use super::limits::Limit;
use super::model::{
    Account, AfterCrash, Capture, Config, Engine, Feed, FeedCodec, FeedSource, Full, Gateway,
    Instruments, Journal, JournalMode, Kill, Layout, Link, Market, OnLoss, OnOver, OnStop,
    OnUnresolved, Position, Ring, RiskActs, SelfTrade, Send, Session, Speed, Start, Strategy,
    Thread, Topology, Venue,
};
use super::params::{MakerParams, Params};
use super::reader::Reader;
use super::stages::{Known, StageId, index_of};
use crate::position::CostBasis;
use crate::wait::Wait;
use limits::limit_table;

const WAITS: [Wait; 3] = [Wait::Spin, Wait::SpinHint, Wait::Yield];
/// The venue of the codecs that there are, unless another is written.
const NASDAQ: Symbol = Symbol(*b"NASDAQ  ");

const SELF_TRADES: [SelfTrade; 4] =
    [SelfTrade::Reject, SelfTrade::CancelResting, SelfTrade::Both, SelfTrade::Allow];
const LAYOUTS: [Layout; 4] = [Layout::Auto, Layout::Fused, Layout::Split2, Layout::Split4];

/// Where nobody listens: the harmless value in place of an address that is a fault.
const NOWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

fn millis(value: u64) -> Nanos {
    Nanos(value.saturating_mul(1_000_000))
}

fn micros(value: u64) -> Nanos {
    Nanos(value.saturating_mul(1_000))
}

/// Reads the whole tree. Faults go to the reader's context; the result counts only without any.
pub(super) fn config(root: &Reader<'_>) -> Config {
    if root.has("version") {
        root.int::<u32>("version");
    }
    let accounts = root.tables("account");
    let feeds = root.tables("feed");
    let gateways = root.tables("gateway");
    let strategies = root.tables("strategy");
    let known = Known {
        accounts: names(&accounts),
        feeds: names(&feeds),
        gateways: names(&gateways),
        strategies: names(&strategies),
    };
    let built_feeds: Vec<Feed> =
        (0..=u8::MAX).zip(&feeds).map(|(id, reader)| feed(FeedId(id), reader)).collect();
    let threads = root.tables("thread");
    names(&threads);
    let limits = root.tables("limits");
    Config {
        engine: engine(&root.table("engine")),
        kill: kill(&root.table("kill")),
        start: Start {
            after_crash: root
                .table("start")
                .choice("after_crash", &[AfterCrash::ByHand, AfterCrash::Arm]),
        },
        venue: Venue { answer_max: millis(root.table("venue").int("answer_max_ms")) },
        journal: journal(&root.table("journal")),
        market: market(&root.table("market")),
        position: Position {
            cost: root.table("position").choice("cost", &[CostBasis::Average, CostBasis::Fifo]),
        },
        risk: RiskActs {
            on_over: root.table("risk").choice("on_over", &[OnOver::Alarm, OnOver::Cancel]),
        },
        topology: topology(&root.table("topology")),
        threads: threads.iter().map(|reader| thread(reader, &known)).collect(),
        links: root.tables("link").iter().map(|reader| link(reader, &known)).collect(),
        accounts: (0..=u16::MAX)
            .zip(&accounts)
            .map(|(id, reader)| account(AccountId(id), reader))
            .collect(),
        gateways: (0..=u8::MAX)
            .zip(&gateways)
            .map(|(id, reader)| gateway(GatewayId(id), reader, &known, &built_feeds))
            .collect(),
        feeds: built_feeds,
        strategies: (1..=u8::MAX)
            .zip(&strategies)
            .map(|(id, reader)| strategy(StrategyId(id), reader, &known))
            .collect(),
        limits: limits.iter().filter_map(|reader| limit_table(reader, &known)).collect(),
    }
}

/// The names of a list, each of which may stand there once.
fn names(readers: &[Reader<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(readers.len());
    for reader in readers {
        let name = reader.text("name");
        if !name.is_empty() && names.contains(&name) {
            let wrong = format!("the name {name:?} stands there twice");
            reader.cross("name", wrong, "", "give one of them another name".to_owned());
        }
        names.push(name);
    }
    names
}

/// The index of what a key names; 0 if it names nothing, which is noted.
fn reference(reader: &Reader<'_>, key: &str, name: &str, what: &str, known: &[String]) -> usize {
    // Without any there is a fault already: that the list is missing.
    if name.is_empty() || known.is_empty() {
        return 0;
    }
    index_of(known, name).unwrap_or_else(|| {
        let remedy = did_you_mean(name, known.iter().map(String::as_str));
        reader.cross(key, format!("there is no {what} {name:?}"), "", remedy);
        0
    })
}

fn engine(reader: &Reader<'_>) -> Engine {
    let hot_dir = reader.text("hot_dir");
    Engine {
        name: reader.text("name"),
        dir: reader.text("dir").into(),
        hot_dir: (hot_dir != "auto").then(|| hot_dir.into()),
        arm: reader.flag("arm"),
        on_stop: reader.choice("on_stop", &[OnStop::Cancel, OnStop::Leave]),
    }
}

fn kill(reader: &Reader<'_>) -> Kill {
    let most = |key| match reader.limit_int(key, millis) {
        Limit::Max(most) => Some(most),
        Limit::Unlimited | Limit::Missing => None,
    };
    Kill {
        heartbeat_max: most("heartbeat_max_ms"),
        overrun_max: most("overrun_max_ms"),
        on_loss: reader.choice("on_loss", &[OnLoss::Reduce, OnLoss::Close]),
        on_unresolved: reader.choice("on_unresolved", &[OnUnresolved::Refuse, OnUnresolved::Close]),
    }
}

fn journal(reader: &Reader<'_>) -> Journal {
    let modes = [JournalMode::Async, JournalMode::Group, JournalMode::Sync];
    Journal {
        mode: reader.choice("mode", &modes),
        group: micros(reader.int("group_us")),
        segment_bytes: reader.int::<u64>("segment_mib").saturating_mul(1 << 20),
        segments: reader.int("segments"),
        capture: reader.choice("capture", &[Capture::Raw, Capture::None]),
    }
}

fn market(reader: &Reader<'_>) -> Market {
    let hours = parse_hours(&reader.text("hours"));
    let regular = parse_hours(&reader.text("regular"));
    if let (Some((open, close)), Some((from, to))) = (hours, regular)
        && (from < open || to > close)
    {
        let remedy = "write hours that lie within hours, or always".to_owned();
        reader.cross("regular", "begins before hours or ends after them".to_owned(), "", remedy);
    }
    Market {
        instruments: reader.file_path("instruments"),
        zone: reader.text("zone"),
        date: calendar::parse_date(&reader.text("date")),
        hours,
        regular,
    }
}

fn topology(reader: &Reader<'_>) -> Topology {
    Topology {
        layout: reader.choice("layout", &LAYOUTS),
        wait: reader.choice_opt("wait", &WAITS).unwrap_or(Wait::SpinHint),
        helpers: reader.cores("helpers"),
    }
}

/// The stages a text names; none, noted, if it names what is not there.
fn stages(reader: &Reader<'_>, key: &str, text: &str, known: &Known) -> Vec<StageId> {
    known.resolve(text).unwrap_or_else(|names| {
        let remedy = did_you_mean(text, names.iter().map(String::as_str));
        reader.cross(key, format!("there is no stage {text:?}"), "", remedy);
        Vec::new()
    })
}

fn thread(reader: &Reader<'_>, known: &Known) -> Thread {
    let texts = reader.texts("stages");
    Thread {
        name: reader.text("name"),
        core: reader.int_opt("core"),
        wait: reader.choice_opt("wait", &WAITS),
        stages: texts.iter().flat_map(|text| stages(reader, "stages", text, known)).collect(),
    }
}

fn link(reader: &Reader<'_>, known: &Known) -> Link {
    let end = |key: &'static str| {
        reader.text_opt(key).map(|text| stages(reader, key, &text, known)).unwrap_or_default()
    };
    Link {
        from: end("from"),
        to: end("to"),
        ring: reader.choice_opt("ring", &[Ring::Slot, Ring::Rtrb, Ring::Disruptor]),
        slots: reader.int_opt("slots"),
        full: reader.choice_opt("full", &[Full::Conflate, Full::Hold, Full::Busy]),
        group: reader.text_opt("group"),
    }
}

fn account(id: AccountId, reader: &Reader<'_>) -> Account {
    Account {
        id,
        name: reader.text("name"),
        currency: reader.text("currency"),
        fee_per_share: Price(reader.decimal("fee_per_share")),
        rebate_per_share: Price(reader.decimal("rebate_per_share")),
        group: reader.text("group"),
        self_trade: reader.choice("self_trade", &SELF_TRADES),
    }
}

fn feed(id: FeedId, reader: &Reader<'_>) -> Feed {
    Feed {
        id,
        name: reader.text("name"),
        codec: reader.choice("codec", &[FeedCodec::Itch50]),
        venue: Symbol::new(&reader.text("venue")).unwrap_or(NASDAQ),
        source: feed_source(reader),
        hash_channel: reader.parsed_opt("hash_channel"),
    }
}

/// One of lines, file and session: `file` or `soup` says which, and the keys of the others are
/// faults.
fn feed_source(reader: &Reader<'_>) -> FeedSource {
    let file = reader.table_opt("file");
    let soup = reader.parsed_opt("soup");
    let (a, b) = (reader.parsed_opt("a"), reader.parsed_opt("b"));
    let request = reader.parsed_opt("request");
    let retries = reader.int("retries");
    let requests_in_flight = reader.int("requests_in_flight");
    let (user, password_env) = (reader.text_opt("user"), reader.text_opt("password_env"));
    let not_for = |keys: &[&str], what: &str, other: &str| {
        for key in keys.iter().filter(|key| reader.has(key)) {
            let remedy = format!("leave out this key, or `{other}`");
            reader.cross(key, format!("a feed from a {what} has no such key"), "", remedy);
        }
    };
    if let Some(file) = file {
        not_for(&["a", "b", "request", "soup", "user", "password_env"], "file", "file");
        return FeedSource::File {
            path: file.file_path("path"),
            speed: parse_speed(&file.text("speed")).map_or(Speed::Max, Speed::Milli),
        };
    }
    if reader.has("soup") {
        not_for(&["a", "b", "request"], "session", "soup");
        for key in ["user", "password_env"] {
            if !reader.has(key) {
                reader.missing_because(key, "a feed with `soup` logs in to a server");
            }
        }
        return FeedSource::Soup {
            soup: soup.unwrap_or(NOWHERE),
            user: user.unwrap_or_default(),
            password_env: password_env.unwrap_or_default(),
        };
    }
    not_for(&["user", "password_env"], "line", "a");
    if !reader.has("a") && !reader.has("file") {
        reader.missing_because("a", "a feed without `file` or `soup` needs a line");
    }
    FeedSource::Lines { a: a.unwrap_or(NOWHERE), b, request, retries, requests_in_flight }
}

fn gateway(id: GatewayId, reader: &Reader<'_>, known: &Known, feeds: &[Feed]) -> Gateway {
    let session = session(&reader.table("session"), known);
    let written = reader.text_opt("venue").and_then(|venue| Symbol::new(&venue));
    let venue = match session {
        Session::Paper { feed } => {
            let of_feed = feeds.get(feed.index()).map_or(NASDAQ, |feed| feed.venue);
            if written.is_some_and(|venue| venue != of_feed) {
                let wrong = "it fills against a feed of another venue".to_owned();
                reader.cross("venue", wrong, of_feed.as_str(), "leave it out".to_owned());
            }
            of_feed
        }
        Session::Ouch50 { .. } => written.unwrap_or(NASDAQ),
    };
    let send = reader.table("send");
    Gateway {
        id,
        name: reader.text("name"),
        venue,
        session,
        send: Send {
            rate: send.int("rate"),
            reserve: send.int("reserve"),
            per: millis(send.int("per_ms")),
            order_age_max: micros(send.int("order_age_max_us")),
            send_batch_max: send.int("send_batch_max"),
        },
    }
}

fn session(reader: &Reader<'_>, known: &Known) -> Session {
    #[derive(Clone, Copy, PartialEq)]
    enum Codec {
        Ouch50,
        Paper,
    }
    let codec = reader.choice_opt("codec", &[Codec::Ouch50, Codec::Paper]);
    let soup = reader.parsed_opt("soup");
    let user = reader.text_opt("user");
    let password_env = reader.text_opt("password_env");
    let feed = reader.text_opt("feed");
    let not_for = |keys: &[&str], codec: &str| {
        for key in keys.iter().filter(|key| reader.has(key)) {
            let wrong = format!("a session of codec {codec} has no such key");
            reader.cross(key, wrong, "", "leave it out, or choose the other codec".to_owned());
        }
    };
    match codec {
        Some(Codec::Paper) => {
            not_for(&["soup", "user", "password_env"], "paper");
            let index = match feed {
                Some(name) => reference(reader, "feed", &name, "feed", &known.feeds),
                None => {
                    if known.feeds.len() > 1 {
                        reader.missing_because("feed", "there are several feeds to fill against");
                    }
                    0
                }
            };
            Session::Paper { feed: FeedId(u8::try_from(index).unwrap_or(0)) }
        }
        Some(Codec::Ouch50) | None => {
            if codec.is_some() {
                not_for(&["feed"], "ouch50");
                for key in ["soup", "user", "password_env"] {
                    if !reader.has(key) {
                        reader.missing_because(key, "codec ouch50 logs in to a server");
                    }
                }
            }
            Session::Ouch50 {
                soup: soup.unwrap_or(NOWHERE),
                user: user.unwrap_or_default(),
                password_env: password_env.unwrap_or_default(),
            }
        }
    }
}

fn strategy(id: StrategyId, reader: &Reader<'_>, known: &Known) -> Strategy {
    let wiring = reader.table("wiring");
    let kind = wiring.choice_opt("kind", keys::KINDS);
    let params =
        kind.and_then(|kind| Params::read(kind, &reader.params("params", keys::params_of(kind))));
    let account =
        reference(&wiring, "account", &wiring.text("account"), "account", &known.accounts);
    let gateway =
        reference(&wiring, "gateway", &wiring.text("gateway"), "gateway", &known.gateways);
    let feeds = wiring
        .texts("feeds")
        .iter()
        .map(|name| reference(&wiring, "feeds", name, "feed", &known.feeds))
        .map(|index| FeedId(u8::try_from(index).unwrap_or(0)))
        .collect();
    let symbols = wiring.texts("instruments");
    let instruments = if symbols.iter().any(|symbol| symbol == "*") {
        if symbols.len() > 1 {
            let wrong = "* stands beside other symbols".to_owned();
            wiring.cross(
                "instruments",
                wrong,
                "[\"*\"] or symbols",
                "write one or the other".into(),
            );
        }
        Instruments::All
    } else {
        Instruments::Symbols(symbols)
    };
    Strategy {
        id,
        name: reader.text("name"),
        account: AccountId(u16::try_from(account).unwrap_or(0)),
        feeds,
        gateway: GatewayId(u8::try_from(gateway).unwrap_or(0)),
        instruments,
        orders_max: wiring.int("orders_max"),
        params: params.unwrap_or(Params::Maker(MakerParams::default())),
    }
}
