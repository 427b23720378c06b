//! Invariants over random inputs.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One random input.
#[derive(Clone, Debug)]
enum Input {
    New { slot: u32, side: Side, level: i64, count: u32, tif: Tif, ord_type: OrdType },
    Replace { slot: u32, level: i64, count: u32 },
    Cancel { slot: u32 },
    Top { bid: i64, spread: i64, bid_count: u32, ask_count: u32, flags: u8 },
    Trade { side: u8, level: i64, count: u32 },
}

fn input() -> impl Strategy<Value = Input> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let tif = prop_oneof![4 => Just(Tif::Day), 1 => Just(Tif::Ioc), 1 => Just(Tif::Fok)];
    let market_flags = prop_oneof![8 => Just(0), 1 => Just(flags::HALT)];
    let ord_type = prop_oneof![
        6 => Just(OrdType::Limit), 1 => Just(OrdType::PostOnly), 1 => Just(OrdType::Market)
    ];
    prop_oneof![
        3 => (0..6_u32, side, 1..9_i64, 1..50_u32, tif, ord_type).prop_map(
            |(slot, side, level, count, tif, ord_type)| Input::New {
                slot, side, level, count, tif, ord_type,
            }
        ),
        1 => (0..6_u32, 1..9_i64, 1..80_u32)
            .prop_map(|(slot, level, count)| Input::Replace { slot, level, count }),
        1 => (0..6_u32).prop_map(|slot| Input::Cancel { slot }),
        3 => (1..8_i64, 0..3_i64, 0..60_u32, 0..60_u32, market_flags)
            .prop_map(|(bid, spread, bid_count, ask_count, flags)| Input::Top {
                bid, spread, bid_count, ask_count, flags,
            }),
        2 => (0..3_u8, 1..9_i64, 1..60_u32)
            .prop_map(|(side, level, count)| Input::Trade { side, level, count }),
    ]
}

const CENT: i64 = Price::SCALE / 100;

/// What a bystander knows of an order from approvals and reports.
#[derive(Clone, Copy, Debug)]
struct Known {
    side: Side,
    px: Price,
    is_market: bool,
    leaves: i64,
}

/// The bystander's ledger.
#[derive(Debug, Default)]
struct Ledger {
    /// Uses of each slot so far.
    uses: [u32; 6],
    orders: BTreeMap<u32, Known>,
    /// Left of what is shown: to buy, to sell.
    shown: [i64; 2],
    /// Left of the print, if the input is one.
    printed: Option<i64>,
}

impl Ledger {
    /// The approval that an input asks for; `None` for a market event.
    fn approval(&self, input: &Input) -> Option<Approved> {
        Some(match *input {
            Input::New { slot, side, level, count, tif, ord_type } => Approved {
                px: Price(level * CENT),
                tif: tif as u8,
                ord_type: ord_type as u8,
                cl_ord_id: id(slot, self.uses[slot as usize]),
                ..limit(slot, side, "1", count)
            },
            Input::Replace { slot, level, count } => Approved {
                kind: Kind::ApprovedReplace as u8,
                px: Price(level * CENT),
                cl_ord_id: id(slot, self.uses[slot as usize]),
                ..limit(slot, self.orders.get(&slot).map_or(Side::Buy, |o| o.side), "1", count)
            },
            Input::Cancel { slot } => Approved {
                kind: Kind::ApprovedCancel as u8,
                cl_ord_id: id(slot, self.uses[slot as usize].saturating_sub(1)),
                ..limit(slot, Side::Buy, "1", 1)
            },
            Input::Top { .. } | Input::Trade { .. } => return None,
        })
    }

    /// Gives an input to a venue.
    fn drive(&self, paper: &mut Paper, input: &Input) -> bool {
        match *input {
            Input::Top { bid, spread, bid_count, ask_count, flags } => {
                let update = BookTop {
                    flags,
                    bid_px: Price(bid * CENT),
                    ask_px: Price((bid + spread) * CENT),
                    ..top(("1", bid_count), ("1", ask_count))
                };
                paper.on_book_top(&update)
            }
            Input::Trade { side, level, count } => {
                let px = Price(level * CENT);
                paper.on_trade(&Trade { side, px, ..trade(None, "1", count) })
            }
            _ => self.approval(input).is_some_and(|order| paper.on_approved(&order, Nanos(1))),
        }
    }

    /// Notes what an input brings.
    fn note(&mut self, input: &Input) {
        self.printed = None;
        match *input {
            Input::Top { bid_count, ask_count, flags, .. } => {
                let usable = i64::from(flags == 0);
                self.shown = [shares(ask_count).0 * usable, shares(bid_count).0 * usable];
            }
            Input::Trade { count, .. } => self.printed = Some(shares(count).0),
            Input::New { slot, .. } | Input::Replace { slot, .. } => self.uses[slot as usize] += 1,
            Input::Cancel { .. } => {}
        }
    }

    /// Checks a report, and enters it.
    fn enter(&mut self, report: &ExecReport, input: &Input) {
        let slot = report.cl_ord_id.slot();
        let leaves = report.last_qty.0;
        match (Kind::from_u8(report.kind).unwrap(), input) {
            (Kind::Accepted, Input::New { side, level, ord_type, .. }) => {
                let is_market = *ord_type == OrdType::Market;
                let px = Price(level * CENT);
                self.orders.insert(slot, Known { side: *side, px, is_market, leaves });
            }
            (Kind::Replaced, Input::Replace { .. }) => {
                let order = self.orders.get_mut(&slot).unwrap();
                *order = Known { px: report.last_px, is_market: false, leaves, ..*order };
            }
            (Kind::Executed, _) => self.enter_fill(report),
            (Kind::Canceled, _) => {
                let order = self.orders.get_mut(&slot).unwrap();
                assert_eq!(order.leaves, leaves);
                order.leaves = 0;
            }
            (Kind::Rejected | Kind::CancelRejected, _) => {}
            other => panic!("{other:?}"),
        }
    }

    /// A fill respects the limit, the order's quantity, and what was shown or printed.
    fn enter_fill(&mut self, report: &ExecReport) {
        let order = self.orders.get_mut(&report.cl_ord_id.slot()).unwrap();
        let px = report.last_px;
        assert!(order.is_market || reaches(order.side, order.px, px), "{order:?} at {px}");
        assert!(report.last_qty.0 > 0);
        order.leaves -= report.last_qty.0;
        assert!(order.leaves >= 0, "more than was ordered");
        let left = match &mut self.printed {
            Some(printed) => printed,
            None => &mut self.shown[usize::from(order.side == Side::Sell)],
        };
        *left -= report.last_qty.0;
        assert!(*left >= 0, "more than was shown or printed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Goal: whatever comes, fills respect limits and what was shown or printed, quantities add up,
    /// and the same inputs give the same reports. Method: random inputs against a bystander's
    /// ledger, on two venues.
    #[test]
    fn fills_respect_limits_and_quantities_add_up(
        inputs in proptest::collection::vec(input(), 1..150),
    ) {
        let (mut paper, mut twin) = (paper(), paper());
        let mut ledger = Ledger::default();
        for input in inputs {
            prop_assert!(ledger.drive(&mut paper, &input));
            prop_assert!(ledger.drive(&mut twin, &input));
            ledger.note(&input);
            while let Some(report) = paper.next_report() {
                prop_assert_eq!(Some(report), twin.next_report());
                ledger.enter(&report, &input);
            }
            prop_assert_eq!(twin.next_report(), None);
            let open = ledger.orders.values().filter(|order| order.leaves > 0).count();
            prop_assert_eq!(paper.open_count() as usize, open);
        }
    }
}
