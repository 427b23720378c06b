//! Good and bad instrument files.

use super::*;

const HEADER: &str =
    "venue,symbol,currency,multiplier,lot,qty_min,qty_max,px_min,px_max,prior_close,ticks";

fn parse(rows: &str) -> Result<Instruments, Vec<InstrumentFault>> {
    Instruments::parse("demo.csv", &format!("# demo\n{HEADER}\n\n{rows}"))
}

/// Goal: ids are dense in (venue, symbol) order whatever the order of lines, and fields keep their
/// values.
#[test]
fn ids_are_dense_in_venue_and_symbol_order() {
    let table = parse(
        "NASDAQ,MSFT,USD,1,1,1,1000000,0.0001,199999.99,,0:0.0001|1:0.01\n\
         BINANCE,BTCUSDT,USDT,1,0.00001,0.00001,9000,0.01,1000000,61000.5,0:0.01\n\
         NASDAQ,AAPL,USD,1,1,1,1000000,0.0001,199999.99,187.5,0:0.0001|1:0.01",
    )
    .unwrap();
    let names: Vec<_> = table.iter().map(|row| (row.id.0, row.symbol.as_str())).collect();
    assert_eq!(names, [(0, "BTCUSDT"), (1, "AAPL"), (2, "MSFT")]);
    let nasdaq = Symbol::new("NASDAQ").unwrap();
    let aapl = table.find(nasdaq, Symbol::new("AAPL").unwrap()).unwrap();
    assert_eq!(table.get(aapl.id), Some(aapl));
    assert_eq!(aapl.prior_close.to_string(), "187.50");
    assert_eq!(aapl.tick_at("0.5".parse().unwrap()), Some(Price(100_000)));
    assert_eq!(aapl.tick_at("1".parse().unwrap()), Some(Price(10_000_000)));
    assert_eq!(aapl.tick_at(Price(-1)), None);
    assert_eq!(table.of_venue(nasdaq).count(), 2);
    assert_eq!(table.get(InstrumentId(2)).unwrap().prior_close, Price::NONE);
    assert!(table.get(InstrumentId(3)).is_none());
}

/// Goal: each fault names file, line and column. Method: one bad field at a time.
#[test]
fn every_fault_names_its_place() {
    let good = "NASDAQ,AAPL,USD,1,1,1,1000000,0.0001,199999.99,187.5,0:0.0001|1:0.01";
    assert!(parse(good).is_ok());
    let cases = [
        (0, "", "venue"),
        (1, "TOOLONGNAME", "symbol"),
        (2, "US D", "currency"),
        (3, "0", "multiplier"),
        (3, "1.5", "multiplier"),
        (4, "0", "lot"),
        (4, "x", "lot"),
        (5, "0", "qty_min"),
        (5, "1.5", "qty_min"),
        (6, "0.5", "qty_max"),
        (7, "1e3", "px_min"),
        (8, "0", "px_max"),
        (9, "200000", "prior_close"),
        (10, "0:0", "ticks"),
        (10, "0.01", "ticks"),
        (10, "1:0.01|0:0.01", "ticks"),
        (10, "1:0.01", "ticks"),
        (10, "0:1|1:1|2:1|3:1|4:1", "ticks"),
    ];
    for (at, text, column) in cases {
        let mut fields: Vec<&str> = good.split(',').collect();
        fields[at] = text;
        let faults = parse(&fields.join(",")).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.column == column && fault.line == 4),
            "{text}: {faults:?}"
        );
        assert!(faults[0].to_string().starts_with("demo.csv:4: column `"), "{}", faults[0]);
    }
}

/// Goal: all faults of a file come in one report; a bad header, a doubled symbol, a short line too.
#[test]
fn all_faults_come_at_once() {
    let row = "NASDAQ,AAPL,USD,1,1,1,10,1,9,,0:1";
    let faults = parse(&format!("{row}\n{row}\nshort\nNASDAQ,MSFT,USD,0,1,1,10,9,1,,0:1"));
    let faults = faults.unwrap_err();
    let places: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
    assert!(
        [(5, "symbol"), (6, ""), (7, "multiplier"), (7, "px_max")]
            .iter()
            .all(|place| places.contains(place)),
        "{places:?}"
    );
    assert_eq!(Instruments::parse("x", "").unwrap_err()[0].line, 0);
    let header = Instruments::parse("x", "venue,symbol,colour").unwrap_err();
    assert!(header.iter().any(|fault| fault.what.contains("colour")));
    assert!(header.iter().any(|fault| fault.column == "ticks"));
    let doubled = format!("{HEADER},lot");
    assert_eq!(Instruments::parse("x", &doubled).unwrap_err().len(), 1);
    assert!(Instruments::load(Path::new("/no/such/file")).is_err());
}
