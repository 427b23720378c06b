//! The example files, the commented default, the schema and the list of keys.

use std::path::Path;

use feed::instruments::Instruments;
use shm::ids::{FeedId, StrategyId, Symbol};
use shm::units::{Nanos, Price, Qty};

use super::super::context::Context;
use super::super::limits::Limit;
use super::super::model::{self, FeedSource, Session};
use super::super::params::Params;
use super::super::spec::{Kind, Table};
use super::super::{FaultKind, Sources, init, key_list, keys, schema};
use super::{GOOD, load, with};

fn example(name: &str) -> Sources {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    Sources::read(&folder.join(name)).unwrap()
}

/// Goal: every example file loads, with its instruments. Method: all files of the folder, so that a
/// new one is tested too.
#[test]
fn every_example_file_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let mut sources = Sources::read(&path).unwrap();
            sources.environment.clear();
            if let Err(report) = sources.load_and_bind() {
                panic!("{report}");
            }
            count += 1;
        }
    }
    assert!(count >= 3, "{count} example files");
}

/// Goal: values arrive in their types and units. Method: the good file, field by field.
#[test]
fn the_good_file_means_what_it_says() {
    let loaded = load(GOOD).unwrap();
    let config = &loaded.config;
    assert!(config.engine.arm && config.engine.hot_dir.is_none());
    assert_eq!(config.journal.segment_bytes, 16 << 20);
    assert_eq!(config.journal.group, Nanos(1_000_000));
    assert_eq!(config.accounts[0].fee_per_share, Price(3_000_000));
    let FeedSource::Lines { a, b, request, retries, requests_in_flight } = &config.feeds[0].source
    else {
        panic!()
    };
    assert_eq!((a.port(), b.unwrap().port(), request.unwrap().port()), (26400, 26401, 26402));
    assert_eq!((*retries, *requests_in_flight), (5, 256));
    let Session::Ouch50 { user, .. } = &config.gateways[0].session else { panic!() };
    assert_eq!(user, "DEMO01");
    assert_eq!(config.gateways[0].send.order_age_max, Nanos(5_000_000));
    assert_eq!(config.strategies[0].id, StrategyId(1));
    assert_eq!(config.strategies[0].feeds, [FeedId(0)]);
    let Params::Maker(maker) = config.strategies[0].params else { panic!() };
    assert_eq!((maker.spread_ticks, maker.qty), (2, Qty::from_shares(100)));
    assert_eq!(config.strategies[2].instruments, model::Instruments::All);
    assert_eq!(config.limits[0].row.order.reference_age_max, Limit::Max(Nanos(2_000_000_000)));
    assert_eq!(config.limits[0].row.order.value_max, Limit::Max("500000".parse().unwrap()));
    assert_eq!(config.limits[0].row.repeat.per, Nanos(1_000_000_000));
    assert_eq!(config.limits[1].row.order.value_max, Limit::Missing);
    let minimal = example("minimal.toml").load().unwrap().config;
    assert_eq!(minimal.gateways[0].session, Session::Paper { feed: FeedId(0) });
    assert_eq!(minimal.limits[0].row.order.collar_ticks, Limit::Max(500));
}

/// Goal: the commented default loads as it is and shows every key. Method: load it; each key of the
/// list stands in it, live or in a comment.
#[test]
fn the_commented_default_loads_and_shows_every_key() {
    if let Err(report) = Sources::text("init.toml", init()).load() {
        panic!("{report}");
    }
    for key in key_list() {
        let last = key.key.rsplit('.').next().unwrap();
        let shown = format!("{last} =");
        assert!(init().contains(&shown), "{} is not shown", key.key);
    }
}

/// Goal: no key goes unread. Method: load a file that opens every table, then compare the keys the
/// loader asked for with the list.
#[test]
fn every_key_of_the_list_is_read() {
    fn expect(table: &'static Table, all: &mut Vec<(String, String)>, path: &str) {
        for field in table.fields {
            all.push((format!("{table:p} {}", field.key), format!("{path}.{}", field.key)));
            match field.kind {
                Kind::Table(inner) | Kind::Tables { table: inner, .. } => {
                    expect(inner, all, &format!("{path}.{}", field.key));
                }
                Kind::Params => {
                    for kind in keys::KINDS {
                        expect(keys::params_of(kind), all, kind);
                    }
                }
                _ => {}
            }
        }
    }
    let text = format!(
        "{GOOD}\n[[thread]]\nname = \"all\"\nstages = [\"feed\", \"strategy\", \"risk\", \"gateway\"]\n\
         [[feed]]\nname = \"file\"\ncodec = \"itch50\"\nfile = {{ path = \"x\" }}\n\
         [[strategy]]\nname = \"hand\"\nwiring = {{ kind = \"exec\", account = \"main\", \
         feeds = [\"itch\"], gateway = \"ouch\", instruments = [\"*\"] }}\n\
         params = {{ qty = \"50\" }}\n\
         [[strategy]]\nname = \"fire\"\nwiring = {{ kind = \"drill\", account = \"main\", \
         feeds = [\"itch\"], gateway = \"ouch\", instruments = [\"*\"] }}\n\
         params = {{ qty = \"50\" }}\n"
    );
    let cx = Context::default();
    assert!(Sources::text("test.toml", &text).read_all(&cx).is_some());
    assert_eq!(cx.faults.into_inner(), []);
    let asked = cx.asked.into_inner();
    let mut all = Vec::new();
    expect(&keys::ROOT, &mut all, "");
    let unread: Vec<_> = all.iter().filter(|(key, _)| !asked.contains(key)).collect();
    assert!(unread.is_empty(), "{unread:?}");
    assert!(all.len() > 80, "{} keys", all.len());
}

/// Goal: the schema names every key, and says what must be written. Method: walk both.
#[test]
fn the_schema_names_every_key() {
    let schema = schema().to_value();
    let text = schema.to_string();
    for key in key_list() {
        let last = key.key.rsplit('.').next().unwrap();
        assert!(text.contains(&format!("\"{last}\":{{")), "{}", key.key);
    }
    let gateway = &schema["properties"]["gateway"]["items"];
    assert_eq!(gateway["required"], serde_json::json!(["name", "session"]));
    assert_eq!(gateway["properties"]["send"]["properties"]["rate"]["maximum"], 1_000_000);
    assert_eq!(schema["additionalProperties"], false);
    let params = &schema["properties"]["strategy"]["items"]["allOf"][0]["then"]["properties"];
    assert_eq!(params["params"]["required"], serde_json::json!(["qty"]));
}

/// Goal: what the journal keeps loads to an equal configuration. Method: each example, written out
/// and loaded from another folder.
#[test]
fn what_is_written_out_loads_to_the_same() {
    for name in ["demo.toml", "minimal.toml", "exec.toml", "tuned-4-cores.toml"] {
        let loaded = example(name).load().unwrap();
        let text = loaded.to_toml();
        let again = Sources::text("journalled.toml", &text).load();
        let again = again.unwrap_or_else(|report| panic!("{report}\n{text}"));
        assert_eq!(again.config, loaded.config, "{text}");
    }
}

/// Goal: symbols become ids, limits rows, and an order's limits the tightest that cover it.
#[test]
fn binding_gives_ids_and_the_tightest_limits() {
    let (loaded, instruments, bound) = example("tuned-4-cores.toml").load_and_bind().unwrap();
    let id = |symbol| instruments.find(NASDAQ, Symbol::new(symbol).unwrap()).unwrap().id;
    assert_eq!(bound.instruments_of(StrategyId(1)), [id("AAPL"), id("MSFT")]);
    let account = loaded.config.accounts[0].id;
    let apple = bound.tightest(account, StrategyId(1), id("AAPL"));
    assert_eq!(apple.total.long_max, Limit::Max(Qty::from_shares(1000)));
    let other = bound.tightest(account, StrategyId(1), id("MSFT"));
    assert_eq!(other.total.long_max, Limit::Max(Qty::from_shares(2000)));
    assert_eq!(other.total.open_qty_max, Limit::Max(Qty::from_shares(20_000)));
    assert_eq!(bound.limits.version, 1);
    let slots = &bound.slots;
    assert_eq!((slots[0].strategy, slots[0].first), (StrategyId::OPERATOR, 0));
    assert_eq!((slots[1].first, slots[1].count), (slots[0].count, 1024));
}

const NASDAQ: Symbol = Symbol(*b"NASDAQ  ");

/// Goal: what the instrument file does not have, or has in another currency, is a fault at its
/// line.
#[test]
fn instruments_that_do_not_fit_are_faults() {
    let loaded = load(GOOD).unwrap();
    let bind = |rows: &str| {
        let header =
            "venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks";
        let instruments = Instruments::parse("x.csv", &format!("{header}\n{rows}")).unwrap();
        loaded.bind(&instruments).unwrap_err()
    };
    let row = |venue: &str, symbol: &str, currency: &str| {
        format!("{venue},{symbol},{currency},1,1,1,1000,0.01,1000,,0:0.01\n")
    };
    let mut rows = String::new();
    for symbol in ["AAPL", "AMZN", "GOOGL", "META", "MSFTX", "NVDA", "TSLA"] {
        rows += &row("NASDAQ", symbol, if symbol == "TSLA" { "EUR" } else { "USD" });
    }
    let report = bind(&rows);
    let text = report.to_string();
    assert_eq!(report.faults.len(), 4, "{text}");
    let line = 1 + GOOD.lines().position(|line| line.contains("kind = \"maker\"")).unwrap();
    assert!(text.contains(&format!("test.toml:{line}:")), "{text}");
    assert!(text.contains("no instrument \"MSFT\"; did you mean `MSFTX`?"), "{text}");
    assert!(text.contains("strategy.take.wiring.instruments"), "{text}");
    assert!(text.contains("not quoted in USD, the currency of its account: TSLA"), "{text}");
    let report = bind(&row("NASDAK", "AAPL", "USD"));
    assert!(report.has(FaultKind::Cross, "feed.itch.venue"), "{report}");
    assert!(report.has(FaultKind::Cross, "gateway.ouch.venue"), "{report}");
    assert!(report.to_string().contains("did you mean `NASDAK`?"), "{report}");
}

/// Goal: faults of the configuration and of the instrument file are one report.
#[test]
fn faults_of_both_files_are_one_report() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("demo-instruments.csv"), "venue,symbol\n").unwrap();
    let file = folder.path().join("test.toml");
    std::fs::write(&file, with("retries = 5", "retries = 500")).unwrap();
    let report = Sources::read(&file).unwrap().load_and_bind().unwrap_err();
    assert!(report.has(FaultKind::OutOfRange, "feed.itch.retries"), "{report}");
    assert!(report.has(FaultKind::Instruments, "currency"), "{report}");
    assert!(report.to_string().contains("demo-instruments.csv:1: currency: "), "{report}");
    std::fs::remove_file(folder.path().join("demo-instruments.csv")).unwrap();
    let report = Sources::read(&file).unwrap().load_and_bind().unwrap_err();
    assert!(report.has(FaultKind::Instruments, ""), "{report}");
}
