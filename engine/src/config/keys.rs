//! Every key of the configuration, once: type, range, default, reader and meaning.

mod limits;

use super::forms::Form;
use super::spec::{Field, Kind, Scale, Table, decimal, int, may, must, or};
use limits::LIMITS;
pub(super) use limits::limit_kind;

/// The version of the configuration that this program reads.
pub const VERSION: i64 = 1;

/// The greatest number of feeds.
pub const FEEDS_MAX: usize = 32;
/// The greatest number of gateways.
pub const GATEWAYS_MAX: usize = 32;
/// The greatest number of accounts.
pub const ACCOUNTS_MAX: usize = 256;
/// The greatest number of strategies: an id has 8 bits, 0 is the operator.
pub const STRATEGIES_MAX: usize = 255;
/// The greatest number of hot threads.
pub const THREADS_MAX: usize = 64;
/// The greatest number of limit tables.
pub const LIMIT_ROWS_MAX: usize = 1024;
/// The greatest number of links that are configured.
pub const LINKS_MAX: usize = 1024;

const _: () = assert!(STRATEGIES_MAX <= u8::MAX as usize);
const _: () = assert!(FEEDS_MAX <= u8::MAX as usize && GATEWAYS_MAX <= u8::MAX as usize);

pub(super) const MODES: &[&str] = &["async", "group", "sync"];
pub(super) const CAPTURES: &[&str] = &["raw", "none"];
pub(super) const LAYOUTS: &[&str] = &["auto", "fused", "split2", "split4"];
pub(super) const WAITS: &[&str] = &["spin", "spin_hint", "yield"];
pub(super) const RINGS: &[&str] = &["slot", "rtrb", "disruptor"];
pub(super) const FULLS: &[&str] = &["conflate", "hold", "busy"];
pub(super) const LOSSES: &[&str] = &["reduce", "close"];
pub(super) const UNRESOLVED: &[&str] = &["refuse", "close"];
pub(super) const AFTER_CRASH: &[&str] = &["by_hand", "arm"];
pub(super) const STOPS: &[&str] = &["cancel", "leave"];
pub(super) const OVERS: &[&str] = &["alarm", "cancel"];
pub(super) const SELF_TRADES: &[&str] = &["reject", "cancel_resting", "both", "allow"];
pub(super) const FEED_CODECS: &[&str] = &["itch50"];
pub(super) const COSTS: &[&str] = &["average", "fifo"];
pub(super) const GATEWAY_CODECS: &[&str] = &["ouch50", "paper"];
pub(super) const DRILL_ACTS: &[&str] = &["panic", "spin", "flood", "huge", "sides"];
pub(super) const KINDS: &[&str] = &["maker", "taker", "probe", "exec", "drill"];

/// The whole file.
pub(super) static ROOT: Table = Table {
    named_by: None,
    fields: &[
        must("version", int(1, VERSION, ""), "config", "Version of this file's keys."),
        or("engine", "{}", Kind::Table(&ENGINE), "config", "The engine as a whole."),
        or("journal", "{}", Kind::Table(&JOURNAL), "config", "The journal."),
        or("kill", "{}", Kind::Table(&KILL), "config", "What closes the kill gates by itself."),
        or("start", "{}", Kind::Table(&START), "config", "How a session begins."),
        or("venue", "{}", Kind::Table(&VENUE), "config", "What is expected of every venue."),
        must("market", Kind::Table(&MARKET), "config", "Instruments and session date."),
        or("position", "{}", Kind::Table(&POSITION), "config", "Positions and profit."),
        or("risk", "{}", Kind::Table(&RISK), "config", "What risk does by itself."),
        or("topology", "{}", Kind::Table(&TOPOLOGY), "config", "Which stage runs where."),
        or("thread", "[]", list(&THREAD, 0, THREADS_MAX), "topology",
            "Hot threads, instead of a layout."),
        or("link", "[]", list(&LINK, 0, LINKS_MAX), "links",
            "What joins stages on different threads."),
        must("account", list(&ACCOUNT, 1, ACCOUNTS_MAX), "config", "Accounts."),
        must("feed", list(&FEED, 1, FEEDS_MAX), "config", "Market data; numbered from 0."),
        must("gateway", list(&GATEWAY, 1, GATEWAYS_MAX), "config",
            "Venue sessions; numbered from 0."),
        or("strategy", "[]", list(&STRATEGY, 0, STRATEGIES_MAX), "config",
            "Strategies; numbered from 1."),
        or("limits", "[]", list(&LIMITS, 0, LIMIT_ROWS_MAX), "limits",
            "Limits; all that apply to an order hold."),
    ],
};

const fn list(table: &'static Table, min: usize, max: usize) -> Kind {
    Kind::Tables { table, min, max }
}

static ENGINE: Table = Table {
    named_by: None,
    fields: &[
        or("name", "wirelane", Kind::Text(Form::Name), "pipeline",
            "Name in thread names, pages and hot_dir."),
        or("dir", "wirelane-data", Kind::Text(Form::Path), "journal",
            "Where archive, marks, gates and socket lie."),
        or("hot_dir", "auto", Kind::Text(Form::PathOrAuto), "journal",
            "Where live segments lie; auto = /dev/shm."),
        or("arm", "false", Kind::Flag, "control", "Trade without being armed by hand."),
        or("on_stop", "cancel", Kind::Choice(STOPS), "gateway",
            "Working orders on a stop: cancel or leave."),
    ],
};

static VENUE: Table = Table {
    named_by: None,
    fields: &[
        or("answer_max_ms", "5000", int(1, 86_400_000, "milliseconds"), "risk E24",
            "Longest wait for the first answer to an order; then its outcome is unknown (R07)."),
    ],
};

static KILL: Table = Table {
    named_by: None,
    fields: &[
        or("heartbeat_max_ms", "unlimited",
            Kind::Int {
                min: 1, max: 86_400_000, unit: "milliseconds", power_of_two: false,
                unlimited: true,
            },
            "control",
            "Longest silence of the operator (wirelane heartbeat) before everything is killed."),
        or("overrun_max_ms", "1000",
            Kind::Int {
                min: 10, max: 60_000, unit: "milliseconds", power_of_two: false,
                unlimited: true,
            },
            "guard",
            "Longest time that a strategy may hold its thread before it is stopped (S15)."),
        or("on_loss", "reduce", Kind::Choice(LOSSES), "risk R36",
            "A loss beyond its limit: reduce leaves reductions, close closes the scope's gate."),
        or("on_unresolved", "refuse", Kind::Choice(UNRESOLVED), "risk R07",
            "Too many unknown orders: refuse new ones, or close the scope's gate."),
    ],
};

static START: Table = Table {
    named_by: None,
    fields: &[
        or("after_crash", "by_hand", Kind::Choice(AFTER_CRASH), "control",
            "After a crash: by_hand lets only cancels through until armed, arm trades on."),
    ],
};

static JOURNAL: Table = Table {
    named_by: None,
    fields: &[
        or("mode", "async", Kind::Choice(MODES), "journal",
            "What a power cut may take: async the archiver's lag, group group_us, sync nothing."),
        or("group_us", "1000", int(50, 1_000_000, "microseconds"), "archiver",
            "Longest time between two syncs in mode group."),
        or("segment_mib", "16",
            Kind::Int { min: 1, max: 1024, unit: "MiB", power_of_two: true, unlimited: false },
            "journal",
            "Size of a segment."),
        or("segments", "4", int(3, 64, "segments"), "journal", "Live segments of a lane."),
        or("capture", "raw", Kind::Choice(CAPTURES), "feed",
            "Keep the venue's bytes: without raw no replay."),
    ],
};

static MARKET: Table = Table {
    named_by: None,
    fields: &[
        must("instruments", Kind::Text(Form::Path), "instruments", "The instrument file, CSV."),
        or("zone", "America/New_York", Kind::Text(Form::Zone), "calendar",
            "Zone of the session date."),
        or("date", "auto", Kind::Text(Form::Date), "calendar",
            "Session date; auto = today in the zone."),
        or("hours", "always", Kind::Text(Form::Hours), "risk R10",
            "Hours of the zone in which orders may be entered."),
        or("regular", "always", Kind::Text(Form::Hours), "risk R12",
            "Hours of the zone in which market orders may be entered."),
    ],
};

static POSITION: Table = Table {
    named_by: None,
    fields: &[or("cost", "average", Kind::Choice(COSTS), "positions",
        "What a reduction releases: its share of the cost, or that of the oldest part (fifo).")],
};

static RISK: Table = Table {
    named_by: None,
    fields: &[or("on_over", "alarm", Kind::Choice(OVERS), "risk",
        "Working orders that a limit set loaded later would not let in: tell, or cancel too.")],
};

static TOPOLOGY: Table = Table {
    named_by: None,
    fields: &[
        or("layout", "auto", Kind::Choice(LAYOUTS), "topology",
            "fused (auto): all on one thread; split2: feeds | the rest; split4: a thread per kind."),
        or("wait", "spin_hint", Kind::Choice(WAITS), "topology", "What an idle hot thread does."),
        or("helpers", "auto", Kind::Cores, "topology", "Cores of the threads that are not hot."),
    ],
};

static THREAD: Table = Table {
    named_by: Some("name"),
    fields: &[
        must("name", Kind::Text(Form::Name), "topology", "Name of the thread."),
        may("core", int(0, 1023, ""), "topology", "Core it is pinned to."),
        may("wait", Kind::Choice(WAITS), "topology",
            "What it does when idle; topology.wait if absent."),
        must("stages", Kind::Texts(Form::Stage), "topology", "Its stages, in flow order."),
    ],
};

static LINK: Table = Table {
    named_by: None,
    fields: &[
        must("from", Kind::Text(Form::Stage), "links", "Stage or kind that writes."),
        must("to", Kind::Text(Form::Stage), "links", "Stage or kind that reads."),
        may("ring", Kind::Choice(RINGS), "links",
            "slot or rtrb point to point, disruptor one to many."),
        may("slots",
            Kind::Int {
                min: 64, max: 1 << 20, unit: "messages", power_of_two: true, unlimited: false,
            },
            "links",
            "Messages it holds."),
        may("full", Kind::Choice(FULLS), "links", "What happens when it is full."),
        may("group", Kind::Text(Form::Name), "links", "Strategies that share one disruptor."),
    ],
};

static ACCOUNT: Table = Table {
    named_by: Some("name"),
    fields: &[
        must("name", Kind::Text(Form::Name), "config", "Name of the account."),
        must("currency", Kind::Text(Form::Currency), "positions", "Its one currency."),
        or("fee_per_share", "0", decimal(Scale::Price, 0, "currency a share"), "positions",
            "Fee of a fill that took liquidity."),
        or("rebate_per_share", "0", decimal(Scale::Price, 0, "currency a share"), "positions",
            "Rebate of a fill that gave liquidity."),
        or("group", "firm", Kind::Text(Form::Name), "risk R45",
            "Accounts of one group may not trade with each other."),
        or("self_trade", "reject", Kind::Choice(SELF_TRADES), "risk R45",
            "Own orders that would meet: reject the new one, cancel_resting too, both, or allow."),
    ],
};

static FEED: Table = Table {
    named_by: Some("name"),
    fields: &[
        must("name", Kind::Text(Form::Name), "config", "Name of the feed."),
        must("codec", Kind::Choice(FEED_CODECS), "feed", "Protocol."),
        or("venue", "NASDAQ", Kind::Text(Form::Venue), "instruments",
            "Venue whose books it carries."),
        may("a", Kind::Text(Form::Address), "feed", "MoldUDP64 line A, where packets arrive."),
        may("b", Kind::Text(Form::Address), "feed", "MoldUDP64 line B."),
        may("request", Kind::Text(Form::Address), "feed", "MoldUDP64 re-request server."),
        or("retries", "5", int(0, 100, "tries"), "feed",
            "Tries without an answer before a gap is given up; the wait doubles from 100 ms."),
        or("requests_in_flight", "256", int(1, 4_096, "requests"), "feed",
            "Re-requests that may wait for their answers at once; fewer spare the server."),
        may("soup", Kind::Text(Form::Address), "feed",
            "SoupBinTCP server of the stream, instead of lines."),
        may("user", Kind::Text(Form::User), "feed", "SoupBinTCP user (soup)."),
        may("password_env", Kind::Text(Form::Variable), "feed",
            "Environment variable that holds the password (soup)."),
        may("file", Kind::Table(&FEED_FILE), "feed", "Play a file instead of listening to lines."),
        may("hash_channel", Kind::Text(Form::Address), "feed",
            "Where the exchange's book hashes arrive."),
    ],
};

static FEED_FILE: Table = Table {
    named_by: None,
    fields: &[
        must("path", Kind::Text(Form::Path), "feed",
            "BinaryFILE, pcap of MoldUDP64 or LOBSTER messages; plain, gzip or zstd."),
        or("speed", "max", Kind::Text(Form::Speed), "feed", "Times the recorded pace, or max."),
    ],
};

static GATEWAY: Table = Table {
    named_by: Some("name"),
    fields: &[
        must("name", Kind::Text(Form::Name), "config", "Name of the gateway."),
        may("venue", Kind::Text(Form::Venue), "risk R06",
            "Venue it trades at; if absent NASDAQ (ouch50), its feed's (paper)."),
        must("session", Kind::Table(&SESSION), "gateway", "Who answers, and how we log in."),
        or("send", "{}", Kind::Table(&SEND), "gateway", "What may leave, how fast."),
    ],
};

static SESSION: Table = Table {
    named_by: None,
    fields: &[
        must("codec", Kind::Choice(GATEWAY_CODECS), "gateway",
            "Protocol; paper fills against the live book."),
        may("soup", Kind::Text(Form::Address), "gateway", "SoupBinTCP server (ouch50)."),
        may("user", Kind::Text(Form::User), "gateway", "SoupBinTCP user (ouch50)."),
        may("password_env", Kind::Text(Form::Variable), "gateway",
            "Environment variable that holds the password (ouch50)."),
        may("feed", Kind::Text(Form::Name), "gateway",
            "The feed it fills against (paper); the only one if absent."),
    ],
};

static SEND: Table = Table {
    named_by: None,
    fields: &[
        or("rate", "1000", int(1, 1_000_000, "messages"), "risk R40",
            "Messages in any window of per_ms."),
        or("reserve", "100", int(0, 1_000_000, "messages"), "risk R40",
            "Of them kept for cancels."),
        or("per_ms", "1000", int(1, 60_000, "milliseconds"), "risk R40", "The window of rate."),
        or("order_age_max_us", "5000", int(1, 10_000_000, "microseconds"), "gateway",
            "Oldest order that is sent, from its decision."),
        or("send_batch_max", "1", int(1, 64, "orders"), "gateway",
            "New orders that share one send; 1 = K4 to the letter."),
    ],
};

static STRATEGY: Table = Table {
    named_by: Some("name"),
    fields: &[
        must("name", Kind::Text(Form::Name), "config", "Name of the strategy."),
        must("wiring", Kind::Table(&WIRING), "strategy", "What it is and what it is joined to."),
        or("params", "{}", Kind::Params, "strategy",
            "What it is told; the keys depend on its kind."),
    ],
};

static WIRING: Table = Table {
    named_by: None,
    fields: &[
        must("kind", Kind::Choice(KINDS), "strategy", "Which strategy it is."),
        must("account", Kind::Text(Form::Name), "risk R06", "The account it trades."),
        must("feeds", Kind::Texts(Form::Name), "pipeline",
            "The feeds it hears; the first is its primary port."),
        must("gateway", Kind::Text(Form::Name), "risk R06", "The gateway its orders leave by."),
        must("instruments", Kind::Texts(Form::SymbolOrAll), "risk R06",
            "The symbols it may trade; * for all."),
        or("orders_max", "1024", int(1, 1 << 16, "orders"), "order table",
            "Orders it may have at one time."),
    ],
};

const POSITIVE: i128 = 1;

/// The keys of `params` for a strategy kind; an unknown kind has none.
pub(super) fn params_of(kind: &str) -> &'static Table {
    match kind {
        "maker" => &MAKER,
        "taker" => &TAKER,
        "probe" => &PROBE,
        "exec" => &EXEC,
        "drill" => &DRILL,
        _ => &NO_PARAMS,
    }
}

static NO_PARAMS: Table = Table { named_by: None, fields: &[] };

const fn quantity() -> Field {
    must("qty", decimal(Scale::Qty, POSITIVE, "shares"), "strategy", "Quantity of an order.")
}

static MAKER: Table = Table {
    named_by: None,
    fields: &[
        or("spread_ticks", "2", int(1, 10_000, "ticks"), "strategy maker",
            "Distance between its bid and its offer."),
        quantity(),
        or("skew_ticks_per_lot", "1", int(0, 1000, "ticks"), "strategy maker",
            "How far a position of one qty moves both quotes against itself."),
    ],
};

static TAKER: Table = Table {
    named_by: None,
    fields: &[
        or("imbalance_bps", "8000", int(5001, 10_000, "bps"), "strategy taker",
            "Share of one side in the quantity at the touch that makes it act."),
        quantity(),
        or("cooldown_ms", "100", int(0, 3_600_000, "milliseconds"), "strategy taker",
            "Least time between two orders in one instrument."),
    ],
};

static EXEC: Table = Table {
    named_by: None,
    fields: &[
        or("every", "0", int(0, 1_000_000_000, "changes"), "strategy exec",
            "Top-of-book changes per parent that it asks for by itself; 0: only orders by hand."),
        quantity(),
        or("distance_ticks", "5", int(1, 10_000, "ticks"), "strategy exec",
            "How far from the touch the stops and exits of those parents lie."),
    ],
};

static DRILL: Table = Table {
    named_by: None,
    fields: &[
        or("act", "panic", Kind::Choice(DRILL_ACTS), "strategy drill",
            "What it does: panic, spin, flood, huge or sides (both at one price)."),
        or("after", "100", int(0, 1_000_000_000, "changes"), "strategy drill",
            "Top-of-book changes before it does so."),
        quantity(),
        or("spin_millions", "1000", int(1, 1_000_000, "million steps"), "strategy drill",
            "How long a spin holds its thread."),
    ],
};

static PROBE: Table = Table {
    named_by: None,
    fields: &[
        or("every", "100", int(1, 1_000_000_000, "changes"), "strategy probe",
            "Top-of-book changes per order."),
        quantity(),
        or("offset_ticks", "10", int(0, 10_000, "ticks"), "strategy probe",
            "How far from the touch, away from the market, it places."),
        or("bad_every", "0", int(0, 1_000_000, "orders"), "strategy probe",
            "Every n-th order is wrong on purpose, to show refusals; 0 for none."),
    ],
};
