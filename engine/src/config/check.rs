//! Faults between keys: what each key alone cannot know.

use shm::ids::ClOrdId;

use super::context::Context;
use super::fault::{Fault, Known, Origin};
use super::limits::{Limit, LimitRow, Scope};
use super::links::{self, Edge};
use super::model::{
    Config, FeedSource, Full, Instruments, Layout, LimitTable, Ring, ScopeName, Strategy, Thread,
};
use super::stages::StageId;
use crate::wait::Wait;

/// Slots of orders placed by hand (strategy 0).
pub const OPERATOR_ORDERS_MAX: u32 = 1024;

/// Checks everything between keys.
pub(super) fn check(cx: &Context, config: &Config) {
    sends(cx, config);
    slots(cx, config);
    addresses(cx, config);
    if !config.threads.is_empty() {
        placement(cx, config);
    }
    cores(cx, config);
    config.links.iter().enumerate().for_each(|(index, _)| link(cx, config, index));
    scopes(cx, config);
    values(cx, config);
    stated(cx, config);
}

/// A least value above the most that the same orders may have: nothing would pass.
fn values(cx: &Context, config: &Config) {
    for table in &config.limits {
        let (name, order) = (config.scope_name(&table.scope), &table.row.order);
        if let (Limit::Max(least), Limit::Max(most)) = (order.value_min, order.value_max)
            && least > most
        {
            cx.cross(
                &format!("limits.{name}.order.value_min"),
                "is above value_max of the same table: no order could pass".to_owned(),
                "at most value_max",
                "lower value_min or raise value_max".to_owned(),
            );
        }
    }
}

fn sends(cx: &Context, config: &Config) {
    for gateway in &config.gateways {
        let path = |key: &str| format!("gateway.{}.send.{key}", gateway.name);
        let send = &gateway.send;
        if send.reserve >= send.rate && send.rate > 0 {
            cx.cross(
                &path("reserve"),
                format!(
                    "{} is not less than rate = {}: no order could leave",
                    send.reserve, send.rate
                ),
                "less than rate",
                "lower reserve or raise rate".to_owned(),
            );
        }
    }
}

fn slots(cx: &Context, config: &Config) {
    let used: u64 = config.strategies.iter().map(|strategy| u64::from(strategy.orders_max)).sum();
    let free = u64::from(ClOrdId::SLOTS_MAX - OPERATOR_ORDERS_MAX);
    if used > free {
        cx.cross(
            "strategy",
            format!("orders_max of all strategies adds up to {used}"),
            &format!("{free} together"),
            "lower some of them".to_owned(),
        );
    }
}

/// Two listeners on one address would each get half of the packets.
fn addresses(cx: &Context, config: &Config) {
    let mut seen: Vec<(std::net::SocketAddr, String)> = Vec::new();
    for feed in &config.feeds {
        let path = |key: &str| format!("feed.{}.{key}", feed.name);
        let mut listens = Vec::new();
        if let FeedSource::Lines { a, b, .. } = feed.source {
            listens.push((a, path("a")));
            listens.extend(b.map(|b| (b, path("b"))));
        }
        listens.extend(feed.hash_channel.map(|hashes| (hashes, path("hash_channel"))));
        for (address, path) in listens.into_iter().filter(|(address, _)| address.port() != 0) {
            match seen.iter().find(|(other, _)| *other == address) {
                Some((_, other)) => cx.cross(
                    &path,
                    format!("{address} is also the address of {other}"),
                    "",
                    "give each its own".to_owned(),
                ),
                None => seen.push((address, path)),
            }
        }
    }
}

fn placement(cx: &Context, config: &Config) {
    let stronger =
        matches!(cx.origin_of("topology.layout"), Origin::CommandLine(_) | Origin::Environment(_));
    if config.topology.layout != Layout::Auto {
        cx.cross(
            "topology.layout",
            "a layout and thread tables stand beside each other".to_owned(),
            "",
            if stronger {
                "use --layout, which replaces the thread tables".to_owned()
            } else {
                "keep one of them".to_owned()
            },
        );
    }
    config.threads.iter().for_each(|thread| flow(cx, config, thread));
    for stage in config.stages() {
        let name = config.stage_name(stage);
        let places: Vec<&str> = config
            .threads
            .iter()
            .flat_map(|thread| thread.stages.iter().map(move |placed| (thread, placed)))
            .filter(|(_, placed)| **placed == stage)
            .map(|(thread, _)| thread.name.as_str())
            .collect();
        match places.as_slice() {
            [_] => {}
            [] => cx.cross(
                "thread",
                format!("stage {name} stands in no thread"),
                "each stage in exactly one thread",
                "add it to the stages of one".to_owned(),
            ),
            [first, second, ..] => cx.cross(
                &format!("thread.{second}.stages"),
                format!("stage {name} stands in thread {first} and again in thread {second}"),
                "each stage in exactly one thread",
                "take it out of one".to_owned(),
            ),
        }
    }
}

/// Stages of one thread stand in the order in which messages pass them.
fn flow(cx: &Context, config: &Config, thread: &Thread) {
    let path = format!("thread.{}.stages", thread.name);
    for pair in thread.stages.windows(2) {
        if let [before, after] = pair
            && before.flow() > after.flow()
        {
            cx.cross(
                &path,
                format!(
                    "{} stands after {}",
                    config.stage_name(*after),
                    config.stage_name(*before)
                ),
                "flow order: feeds, strategies, risk, gateways",
                "put them in that order".to_owned(),
            );
            break;
        }
    }
}

fn cores(cx: &Context, config: &Config) {
    let mut pinned: Vec<(usize, &str, Wait)> = Vec::new();
    for thread in &config.threads {
        let Some(core) = thread.core else { continue };
        let wait = thread.wait.unwrap_or(config.topology.wait);
        let path = format!("thread.{}.core", thread.name);
        let spins = |wait: Wait| wait != Wait::Yield;
        if let Some((_, other, _)) =
            pinned.iter().find(|(other, _, waits)| *other == core && (spins(wait) || spins(*waits)))
        {
            cx.cross(
                &path,
                format!("core {core} is also the core of thread {other}, and one of them spins"),
                "one thread per core, or wait = \"yield\" for all that share one",
                "choose another core".to_owned(),
            );
        }
        if config.topology.helpers.as_ref().is_some_and(|helpers| helpers.contains(&core)) {
            cx.cross(
                &path,
                format!("core {core} is also one of topology.helpers"),
                "helpers never run on a hot core",
                "take it out of one of them".to_owned(),
            );
        }
        pinned.push((core, &thread.name, wait));
    }
}

fn link(cx: &Context, config: &Config, index: usize) {
    let Some(link) = config.links.get(index) else { return };
    let path = |key: &str| format!("link.{index}.{key}");
    if link.from.is_empty() || link.to.is_empty() {
        return;
    }
    let edges: Vec<Edge> = links::pairs(config)
        .into_iter()
        .filter(|(from, to, _)| link.from.contains(from) && link.to.contains(to))
        .map(|(.., edge)| edge)
        .collect();
    let Some(edge) = edges.first().copied() else {
        cx.cross(
            &path("to"),
            "no message goes from the one to the other".to_owned(),
            "feed to strategy, risk or a paper gateway; strategy to risk; risk to gateway or \
             strategy; gateway to risk; for strategies, along their wiring",
            "take the link out, or name other stages".to_owned(),
        );
        return;
    };
    if link.ring == Some(Ring::Disruptor) && edge != Edge::FeedToStrategy {
        cx.cross(
            &path("ring"),
            "only market data to strategies goes from one to many".to_owned(),
            "slot, rtrb",
            "write slot or rtrb, or leave it out".to_owned(),
        );
    }
    let disruptor = edge == Edge::FeedToStrategy && link.ring.is_none_or(|r| r == Ring::Disruptor);
    if link.group.is_some() && !disruptor {
        cx.cross(
            &path("group"),
            "a group belongs to a disruptor from a feed to strategies".to_owned(),
            "",
            "leave it out".to_owned(),
        );
    }
    if let Some(full) = link.full {
        // A link from several feeds may do what each of them can.
        let sources = link.from.iter().map(|stage| match stage {
            StageId::Feed(id) => config.feeds.get(id.index()).map(|feed| &feed.source),
            StageId::Strategy(_) | StageId::Risk | StageId::Gateway(_) => None,
        });
        let each = sources.map(|source| edge.fulls(source));
        let allowed =
            each.reduce(|least, next| if next.len() < least.len() { next } else { least });
        let allowed = allowed.unwrap_or_default();
        if !allowed.contains(&full) {
            let names: Vec<&str> = allowed.iter().map(|full| full_name(*full)).collect();
            cx.cross(
                &path("full"),
                format!("{} is not what this link can do when it is full", full_name(full)),
                &names.join(", "),
                "nothing hot waits for another stage; only a file or a stream can be held"
                    .to_owned(),
            );
        }
    }
}

const fn full_name(full: Full) -> &'static str {
    match full {
        Full::Conflate => "conflate",
        Full::Hold => "hold",
        Full::Busy => "busy",
    }
}

fn scopes(cx: &Context, config: &Config) {
    for (index, table) in config.limits.iter().enumerate() {
        let earlier = config.limits.get(..index).unwrap_or_default();
        if earlier.iter().any(|other| other.scope == table.scope) {
            let name = config.scope_name(&table.scope);
            cx.cross(
                &format!("limits.{name}.scope"),
                format!("two limit tables have the scope {name}"),
                "one table per scope",
                "join them".to_owned(),
            );
        }
        if let ScopeName::Instrument(symbol) = &table.scope
            && !config.strategies.iter().any(|strategy| trades(&strategy.instruments, symbol))
        {
            let name = config.scope_name(&table.scope);
            cx.cross(
                &format!("limits.{name}.scope"),
                format!("no strategy trades {symbol}"),
                "",
                "take the table out, or add the symbol to a strategy".to_owned(),
            );
        }
    }
}

pub(super) fn trades(instruments: &Instruments, symbol: &str) -> bool {
    match instruments {
        Instruments::All => true,
        Instruments::Symbols(symbols) => symbols.iter().any(|known| known == symbol),
    }
}

/// R05: for every strategy and every instrument it may trade, some scope states each limit.
fn stated(cx: &Context, config: &Config) {
    let known = Known(cx.faults.borrow().clone());
    let is_scope = |fault: &Fault| {
        fault.key == "limits" || (fault.key.starts_with("limits.") && fault.key.ends_with(".scope"))
    };
    if known.0.iter().any(is_scope) {
        // A limit under a misspelled scope is not missing as well.
        return;
    }
    let mut lacking: Vec<(&'static str, Vec<String>)> = Vec::new();
    for strategy in &config.strategies {
        let doubtful = known.touch(&format!("strategy.{}.wiring.account", strategy.name))
            || known.touch(&format!("strategy.{}.wiring.instruments", strategy.name))
            || config.accounts.get(strategy.account.index()).is_none();
        if doubtful {
            continue;
        }
        let (missing, symbols) = unstated(config, strategy);
        for (key, count) in missing {
            let who = if count == symbols {
                format!("strategy {}", strategy.name)
            } else {
                format!("{count} of {symbols} instruments of strategy {}", strategy.name)
            };
            match lacking.iter_mut().find(|(known, _)| *known == key) {
                Some((_, all)) => all.push(who),
                None => lacking.push((key, vec![who])),
            }
        }
    }
    // One that is written, and written wrong, is not missing.
    let is_written = |key: &str| {
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        known
            .0
            .iter()
            .any(|fault| fault.key.starts_with("limits.") && last(&fault.key) == last(key))
    };
    for (key, who) in lacking.into_iter().filter(|(key, _)| !is_written(key)) {
        cx.missing_limit(key, &format!("no limit table states it for {}", who.join(", ")));
    }
}

/// The limits that no scope states for a strategy, each with the number of symbols that lack it,
/// and the number of symbols there are.
fn unstated(config: &Config, strategy: &Strategy) -> (Vec<(&'static str, usize)>, usize) {
    // A symbol that no scope names stands for all such symbols.
    let symbols: Vec<Option<&str>> = match &strategy.instruments {
        Instruments::All => vec![None],
        Instruments::Symbols(symbols) => {
            symbols.iter().map(|symbol| Some(symbol.as_str())).collect()
        }
    };
    let mut missing: Vec<(&'static str, usize)> = Vec::new();
    for symbol in &symbols {
        let covers = |table: &&LimitTable| match &table.scope {
            ScopeName::Firm => true,
            ScopeName::Account(id) => *id == strategy.account,
            ScopeName::Strategy(id) => *id == strategy.id,
            ScopeName::Instrument(named) => symbol.is_some_and(|symbol| symbol == named),
        };
        let mut all = LimitRow::silent(Scope::Firm);
        for table in config.limits.iter().filter(covers) {
            all.tighten(&table.row);
        }
        for (key, _) in all.stated().into_iter().filter(|(_, stated)| !stated) {
            match missing.iter_mut().find(|(known, _)| *known == key) {
                Some((_, count)) => *count += 1,
                None => missing.push((key, 1)),
            }
        }
    }
    (missing, symbols.len())
}
