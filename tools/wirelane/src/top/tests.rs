use super::model::Panel;
use super::*;
use crate::demo::settings::{CONFIG, CONFIG_NAME};
use crate::session::Session;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use shm::gates::{GateOpener, Gates, Scope, Shape, Trigger};
use shm::ids::InstrumentId;
use shm::message::BookTop;
use shm::record::order::PositionEvent;
use shm::region::RegionBuilder;
use shm::units::{Nanos, Price, Qty};

/// A view after two looks, as text.
fn screen_of(view: &mut View) -> String {
    let mut model = Model::default();
    let mut first = view.take();
    first.at = Nanos(first.at.0 - 1_000_000_000);
    model.look(&first);
    model.look(&view.take());
    screen::text(&model, TEXT_COLUMNS)
}

/// A region with a thread, a feed, a book, a position and a latency; and its gates.
struct Shown {
    _region: shm::region::Region,
    view: View,
    opener: GateOpener,
}

fn shown() -> Shown {
    let mut builder = RegionBuilder::new(7, Nanos(1_000));
    builder.thread("hot");
    let counters = [
        ("thread:hot.polls", 4_000),
        ("thread:hot.busy_polls", 1_000),
        ("feed:itch.messages", 123_456),
        ("feed:itch.lost", 3),
        ("denied.COLLAR", 17),
    ]
    .map(|(label, value)| (builder.counter(label, "things"), value));
    let send = builder.histogram("gateway:ouch.send", "ns", 60_000_000_000, 3);
    let tops = builder.cells::<BookTop>("feed:itch.top", 2);
    let rows = builder.cells::<PositionEvent>("risk.position", 2);
    let region = builder.create_in_memory().unwrap();
    for (key, value) in counters {
        region.counter(key).unwrap().add(value);
    }
    region.histogram(send).unwrap().record(4_321);
    let top = BookTop {
        instrument: InstrumentId(1),
        bid_px: Price(185_010_000_000),
        ask_px: Price(185_020_000_000),
        bid_qty: Qty(300 * 100_000_000),
        flags: shm::message::flags::HALT,
        ..BookTop::default()
    };
    region.cells(tops).unwrap()[1].write(&top);
    let position = Qty(-200 * 100_000_000);
    let held = PositionEvent { position, strategy: 1, ..PositionEvent::default() };
    region.cells(rows).unwrap()[0].write(&held);
    let shape = Shape { gateways: 1, accounts: 1, strategies: 2, instruments: 2, names_hash: 1 };
    let (gates, opener) = Gates::in_memory(shape).unwrap();
    gates.close(Scope::Instrument(InstrumentId(1)), Trigger::Operator);
    let loaded = engine::config::Sources::text(CONFIG_NAME, CONFIG).load().unwrap();
    let symbols = vec!["AAPL".into(), "MSFT".into()];
    let session = Session { config: Some(loaded.config), symbols };
    let view = View::over(region.reader().unwrap(), Some(gates), session);
    Shown { _region: region, view, opener }
}

/// Goal: everything that a region and its gates hold is on the screen, by name. Method: one of
/// each; a gate that is closed, then one that is open.
#[test]
fn a_screen_shows_what_is_mapped() {
    let Shown { _region, mut view, mut opener } = shown();
    let text = screen_of(&mut view);
    for part in [
        "epoch 7",
        "running",
        "25.0",
        "feed:itch.messages",
        "123,456",
        "feed:itch.lost",
        "COLLAR",
        "MSFT",
        "185.01",
        "185.02",
        "HALT",
        "mm/AAPL",
        "realised USD",
        "-200",
        "send",
        "4321 ns",
        "CLOSED instrument MSFT",
        "operator",
    ] {
        assert!(text.contains(part), "{part} is not on\n{text}");
    }
    assert!(!text.contains("feed:itch.gaps"), "what is 0 is no loss");
    let closed: Vec<Scope> = opener.gates().closed().collect();
    for scope in closed {
        let judged = opener.judge(scope).unwrap();
        opener.try_open(&judged).unwrap();
    }
    let text = screen_of(&mut view);
    assert!(text.contains("all open: armed"), "{text}");
}

/// A model whose texts are as long as texts get here.
fn long_model() -> Model {
    let cells = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let panel = |name, head: &[&str], row: &[&str]| Panel {
        name,
        head: cells(head),
        rows: vec![cells(row); 12],
    };
    let panels = vec![
        panel(
            "counters",
            &["counter", "value", "unit", "per s"],
            &[
                "strategy:a_strategy_with_a_long_name.intents",
                "18,446,744,073,709,551,615",
                "allocations",
                "1,000,000,000",
            ],
        ),
        panel(
            "positions",
            &["strategy/symbol", "realised USD"],
            &["a_strategy_with_a_long_name/BRK.A", "-123,456,789.01"],
        ),
        panel("latency", &["latency", "p99.9"], &["hop_strategy_risk", "1234.5 ms"]),
    ];
    let mut model = Model::default();
    (model.title, model.panels) = ("title".to_owned(), panels);
    model
}

/// Goal: a screen printed as text cuts nothing off, and is no wider than asked for unless one panel
/// alone is. Method: long texts at widths from none to more than all need.
#[test]
fn text_cuts_nothing_off() {
    let model = long_model();
    let least = screen::width_min(&model);
    for width in [0, 40, 80, 100, 120, 160, 300] {
        let text = screen::text(&model, width);
        for panel in &model.panels {
            for cell in panel.rows.iter().flatten().chain(&panel.head) {
                assert!(text.contains(cell.as_str()), "{cell} is cut at {width}\n{text}");
            }
        }
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= usize::from(width.max(least)), "{widest} at {width}\n{text}");
    }
    let narrow = screen::text(&model, least).lines().count();
    let wide = screen::text(&model, 300).lines().count();
    assert!(wide < narrow, "panels stand side by side where there is room");
}

/// Goal: on a terminal that is too small the rest is reached by scrolling, and no further. Method:
/// 40 by 10, at the top, below, and far beyond the end.
#[test]
fn a_small_terminal_scrolls() {
    let model = long_model();
    let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
    let mut shown = |offset: u16| {
        let mut last = 0;
        terminal.draw(|frame| last = screen::draw(frame, &model, offset)).unwrap();
        let cells = terminal.backend().buffer().content().to_vec();
        let rows = cells.chunks(40).map(|row| row.iter().map(|cell| cell.symbol()).collect());
        (rows.collect::<Vec<String>>(), last)
    };
    let (top, last) = shown(0);
    assert!(top[0].contains("arrows scroll") && top[1].contains("counters"), "{top:?}");
    let (below, _) = shown(1);
    assert_eq!((&below[0], &below[1]), (&top[0], &top[2]));
    let (end, _) = shown(last);
    assert_eq!(shown(u16::MAX).0, end);
    assert!(end[9].starts_with('\u{2514}'), "the last border: {end:?}");
}
