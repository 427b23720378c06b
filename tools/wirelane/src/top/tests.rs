use super::*;
use crate::session::Session;
use shm::gates::{GateOpener, Gates, Scope, Shape, Trigger};
use shm::ids::InstrumentId;
use shm::message::BookTop;
use shm::record::order::PositionEvent;
use shm::region::RegionBuilder;
use shm::units::{Nanos, Price, Qty};

/// The screen of a view after two looks, as text.
fn screen_of(view: &mut View) -> String {
    let mut model = Model::default();
    let mut first = view.take();
    first.at = Nanos(first.at.0 - 1_000_000_000);
    model.look(&first);
    model.look(&view.take());
    let mut terminal = Terminal::new(TestBackend::new(TEXT_COLUMNS, TEXT_ROWS)).unwrap();
    terminal.draw(|frame| screen::draw(frame, &model)).unwrap();
    let cells = terminal.backend().buffer().content().to_vec();
    let rows = cells.chunks(usize::from(TEXT_COLUMNS));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
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
    let session = Session { config: None, symbols: vec!["AAPL".into(), "MSFT".into()] };
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
