//! Order entry: the life of orders, numbers, resumption, faults.

use crate::kit::{Heard, Running, Trader, order, replace};
use exchange::order_log::OrderLogEntry;
use feed::codec::itch50::Message as Itch;
use gateway::codec::ouch50::{
    AccountQuery, Appendage, AppendageBuf, CancelOrder, CancelReasonCode, EnterOrder,
    LiquidityCode, MassCancel, ModifyOrder, Outbound, RejectReason, SideCode, Tag, TifCode,
};

const QUIET: &str = "--start on-login --rate 500 --seed 3 --linger 0";
/// Options of a market whose recording is played at once and has no orders.
const IDLE: &str = "--speed max --linger 60";
const NONE: Appendage<'static> = Appendage::EMPTY;

fn skip_start_of_day(trader: &mut Trader) {
    trader.expect(|message| matches!(message, Outbound::SystemEvent(_)).then_some(()));
}

fn accepted(trader: &mut Trader) -> (u32, u64, u32) {
    trader.expect(|message| match message {
        Outbound::Accepted(view) => {
            let fields = view.fields;
            Some((fields.user_ref_num.get(), fields.order_ref.get(), fields.qty.get()))
        }
        _ => None,
    })
}

fn canceled(trader: &mut Trader) -> (u32, u32, CancelReasonCode) {
    trader.expect(|message| match message {
        Outbound::Canceled(view) => {
            let fields = view.fields;
            Some((fields.user_ref_num.get(), fields.qty.get(), fields.reason))
        }
        _ => None,
    })
}

fn executed(trader: &mut Trader) -> (u32, u32, u64, LiquidityCode) {
    trader.expect(|message| match message {
        Outbound::Executed(view) => {
            let fields = view.fields;
            Some((fields.user_ref_num.get(), fields.qty.get(), fields.px.0.get(), fields.liquidity))
        }
        _ => None,
    })
}

fn rejected(trader: &mut Trader) -> (u32, RejectReason) {
    trader.expect(|message| match message {
        Outbound::Rejected(view) => Some((view.fields.user_ref_num.get(), view.fields.reason)),
        _ => None,
    })
}

fn cancel(user_ref_num: u32, qty: u32) -> CancelOrder {
    CancelOrder { user_ref_num: user_ref_num.into(), qty: qty.into() }
}

/// What the tape says of an order that was replaced once: message, shares, price4.
fn steps_of(heard: &Heard, first_ref: u64, second_ref: u64) -> Vec<(char, u32, u32)> {
    let mut steps = Vec::new();
    for (_, bytes) in heard.all() {
        match Itch::decode(bytes).unwrap().unwrap() {
            Itch::AddOrder(add) if add.order_ref == first_ref => {
                steps.push(('A', add.shares.get(), add.px.get()));
            }
            Itch::OrderCancel(message)
                if [first_ref, second_ref].contains(&message.order_ref.get()) =>
            {
                steps.push(('X', message.shares.get(), 0));
            }
            Itch::OrderReplace(message) if message.order_ref == first_ref => {
                assert_eq!(message.new_order_ref, second_ref);
                steps.push(('U', message.shares.get(), message.px.get()));
            }
            Itch::OrderDelete(message) if message.order_ref == second_ref => {
                steps.push(('D', 0, 0));
            }
            _ => {}
        }
    }
    steps
}

/// Goal: enter, partial cancel, replace, modify and cancel are answered as OUCH says, and every
/// step is on the tape under the same order reference. Method: one order far from the market; then
/// the tape's messages that name its references.
#[test]
fn order_is_answered_and_shown_on_the_tape() {
    let (running, tape) = Running::start(QUIET);
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 1);
    let hearing = std::thread::spawn(move || tape.hear());
    skip_start_of_day(&mut trader);
    trader.send(&order(1, SideCode::SELL, 500, "AAPL", 3_000_000), NONE);
    let (number, first_ref, qty) = accepted(&mut trader);
    assert_eq!((number, qty), (1, 500));
    trader.send(&cancel(1, 400), Appendage::ABSENT);
    assert_eq!(canceled(&mut trader), (1, 100, CancelReasonCode::USER));
    trader.send(&replace(1, 2, 300, 3_100_000), NONE);
    let (qty, second_ref) = trader.expect(|message| match message {
        Outbound::Replaced(view) => Some((view.fields.qty.get(), view.fields.order_ref.get())),
        _ => None,
    });
    assert_eq!(qty, 300);
    let modify = ModifyOrder { user_ref_num: 2.into(), side: SideCode::SHORT, qty: 200.into() };
    trader.send(&modify, Appendage::ABSENT);
    let modified = trader.expect(|message| match message {
        Outbound::Modified(view) => Some((view.fields.side, view.fields.qty.get())),
        _ => None,
    });
    assert_eq!(modified, (SideCode::SHORT, 200));
    trader.send(&cancel(1, 0), Appendage::ABSENT);
    trader.send(&cancel(2, 900), Appendage::ABSENT);
    trader.send(&cancel(2, 0), Appendage::ABSENT);
    trader.send(&cancel(2, 0), Appendage::ABSENT);
    assert_eq!(canceled(&mut trader), (2, 200, CancelReasonCode::USER));
    trader.send(&AccountQuery {}, Appendage::ABSENT);
    let next = trader.expect(|message| match message {
        Outbound::QueryResponse(view) => Some(view.fields.next_user_ref_num.get()),
        _ => None,
    });
    assert_eq!(next, 3, "superfluous cancels were ignored in silence");
    let summary = running.stop();
    let heard = hearing.join().unwrap();
    let steps = steps_of(&heard, first_ref, second_ref);
    let expected =
        [('A', 500, 3_000_000), ('X', 100, 0), ('U', 300, 3_100_000), ('X', 100, 0), ('D', 0, 0)];
    assert_eq!(steps, expected);
    assert_eq!((summary.orders, summary.acks, summary.replaces), (1, 1, 1));
    assert_eq!(summary.users[0].open_orders, 0);
}

/// Goal: what the venue does not take is rejected with its reason, the number is spent, and nothing
/// reaches the book; a used number is ignored. Method: one fault each.
#[test]
fn unfit_orders_are_rejected_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("orders.jsonl");
    let (running, _tape) = Running::start(&format!("{QUIET} --order-log {}", log.display()));
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 1);
    skip_start_of_day(&mut trader);
    let good = order(0, SideCode::BUY, 100, "MSFT", 1_000_000);
    let faults: [(EnterOrder, RejectReason); 8] = [
        (order(0, SideCode::BUY, 100, "NOSUCH", 1_000_000), RejectReason::SYMBOL),
        (order(0, SideCode::BUY, 0, "MSFT", 1_000_000), RejectReason::QTY),
        (order(0, SideCode::BUY, 1_000_000, "MSFT", 1_000_000), RejectReason::QTY),
        (order(0, SideCode::BUY, 100, "MSFT", 0), RejectReason::PX),
        (order(0, SideCode::BUY, 100, "MSFT", 1_000_050), RejectReason::PX),
        (order(0, SideCode(b'?'), 100, "MSFT", 1_000_000), RejectReason::SIDE),
        (EnterOrder { tif: TifCode::AFTER_HOURS, ..good }, RejectReason::DESTINATION_CLOSED),
        (EnterOrder { tif: TifCode::GTT, ..good }, RejectReason::OTHER),
    ];
    let mut number = 0;
    for (fault, reason) in faults {
        number += 1;
        trader.send(&EnterOrder { user_ref_num: number.into(), ..fault }, NONE);
        assert_eq!(rejected(&mut trader), (number, reason));
    }
    for (option, reason) in [
        (Tag::MinQty(100), RejectReason::MIN_QTY),
        (Tag::PriceType(b'M'), RejectReason::PEGGING_NOT_ALLOWED),
        (Tag::Route(*b"SCAN"), RejectReason::ROUTING_NOT_ALLOWED),
    ] {
        number += 1;
        let mut options = AppendageBuf::new();
        options.push(option).unwrap();
        trader.send(&EnterOrder { user_ref_num: number.into(), ..good }, options.view());
        assert_eq!(rejected(&mut trader), (number, reason));
    }
    trader.send(&EnterOrder { user_ref_num: number.into(), ..good }, NONE);
    trader.send_bytes(b"garbage");
    trader.send(&EnterOrder { user_ref_num: (number + 5).into(), ..good }, NONE);
    assert_eq!(accepted(&mut trader).0, number + 5, "the repeat and the garbage had no answer");
    let summary = running.stop();
    let counts = summary.users[0].counts;
    assert_eq!((counts.rejects, counts.repeats, counts.malformed, counts.acks), (11, 1, 1, 1));
    let text = std::fs::read_to_string(&log).unwrap();
    let entries: Vec<OrderLogEntry> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 12, "one line per order judged");
    assert!(entries[..11].iter().all(|entry| entry.reject.is_some() && entry.order_ref.is_none()));
    assert!(entries[11].order_ref.is_some() && entries[11].cl_ord_id == "order");
}

/// A recording that lists `symbol`, lets it trade, and has no orders.
fn empty_market(folder: &std::path::Path, symbol: &str) -> std::path::PathBuf {
    use exchange::itch_out::{encode_directory, encode_trading_action};
    let symbol = shm::ids::Symbol::new(symbol).unwrap();
    let path = folder.join("empty.itch");
    let directory = encode_directory(1, symbol, 1);
    let action = encode_trading_action(1, symbol, b'T', 2);
    let messages = [directory.as_bytes(), action.as_bytes()];
    feed::binaryfile::write_file(&path, feed::binaryfile::Compression::Plain, messages).unwrap();
    path
}

/// Goal: users trade with each other at the resting price, best price first, and positions and
/// money sum to zero; an immediate order's rest, and a post-only order that would take, are
/// cancelled; a replace counts what its chain executed. Method: two users in a market without a
/// flow.
#[test]
fn users_trade_with_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let input = empty_market(folder.path(), "ZZZ");
    let text = format!("--user ALICE --user BOB {IDLE} --input {}", input.display());
    let (running, tape) = Running::start(&text);
    tape.wait_for_first();
    let mut alice = Trader::login(running.addresses.ouch, "alice", 1);
    let mut bob = Trader::login(running.addresses.ouch, "BOB", 1);
    for trader in [&mut alice, &mut bob] {
        skip_start_of_day(trader);
    }
    alice.send(&order(1, SideCode::SELL, 100, "ZZZ", 10_000_000), NONE);
    accepted(&mut alice);
    alice.send(&order(2, SideCode::SELL, 100, "ZZZ", 9_000_000), NONE);
    accepted(&mut alice);
    let sweep = EnterOrder { tif: TifCode::IOC, ..order(1, SideCode::BUY, 900, "ZZZ", 10_000_000) };
    bob.send(&sweep, NONE);
    accepted(&mut bob);
    assert_eq!(executed(&mut bob), (1, 100, 9_000_000, LiquidityCode::REMOVED));
    assert_eq!(executed(&mut bob), (1, 100, 10_000_000, LiquidityCode::REMOVED));
    assert_eq!(canceled(&mut bob), (1, 700, CancelReasonCode::IOC));
    assert_eq!(executed(&mut alice), (2, 100, 9_000_000, LiquidityCode::ADDED));
    assert_eq!(executed(&mut alice), (1, 100, 10_000_000, LiquidityCode::ADDED));
    // Post-only against Alice's new ask.
    alice.send(&order(3, SideCode::SELL, 300, "ZZZ", 9_000_000), NONE);
    accepted(&mut alice);
    let mut options = AppendageBuf::new();
    options.push(Tag::PostOnly(b'P')).unwrap();
    bob.send(&order(2, SideCode::BUY, 100, "ZZZ", 9_000_000), options.view());
    accepted(&mut bob);
    assert_eq!(canceled(&mut bob), (2, 100, CancelReasonCode::POST_ONLY_MEETS));
    // A chain: 300 entered, 100 executed, replaced by a total of 250, so 150 are exposed.
    bob.send(&order(3, SideCode::BUY, 100, "ZZZ", 9_000_000), NONE);
    accepted(&mut bob);
    assert_eq!(executed(&mut bob).1, 100);
    assert_eq!(executed(&mut alice).0, 3);
    alice.send(&replace(3, 4, 250, 9_500_000), NONE);
    let exposed = alice.expect(|message| match message {
        Outbound::Replaced(view) => Some(view.fields.qty.get()),
        _ => None,
    });
    assert_eq!(exposed, 150);
    // Total of 200 for the chain: 100 are left.
    alice.send(&cancel(4, 200), Appendage::ABSENT);
    assert_eq!(canceled(&mut alice), (4, 50, CancelReasonCode::USER));
    // Bad terms kill the original.
    alice.send(&replace(4, 5, 0, 9_500_000), NONE);
    assert_eq!(canceled(&mut alice), (4, 100, CancelReasonCode::SYSTEM));
    alice.send(&order(5, SideCode::SELL, 100, "ZZZ", 9_000_000), NONE);
    assert_eq!(accepted(&mut alice).0, 5, "the replace did not spend its number");
    let all = MassCancel { user_ref_num: 6.into(), firm: *b"    ", symbol: [b' '; 8] };
    alice.send(&all, NONE);
    alice.expect(|message| matches!(message, Outbound::MassCancelResponse(_)).then_some(()));
    assert_eq!(canceled(&mut alice).0, 5);
    let summary = running.stop();
    let [alice, bob] = &summary.users[..] else { panic!("two users") };
    assert_eq!(alice.positions["ZZZ"].qty, -300);
    assert_eq!(bob.positions["ZZZ"].qty, 300);
    assert_eq!(bob.positions["ZZZ"].cash_px4, -alice.positions["ZZZ"].cash_px4);
    assert_eq!(alice.positions["ZZZ"].cash_px4, 100 * (9_000_000 + 10_000_000 + 9_000_000));
}

/// Goal: a stream survives its connections: what happened while nobody listened is told later,
/// under the same numbers; orders live on; the newest login takes the place of an older one.
/// Method: three connections of one user.
#[test]
fn stream_survives_its_connections() {
    let (running, _tape) = Running::start(&format!("{QUIET} --user DEMO01 --user OTHER:secret"));
    let address = running.addresses.ouch;
    assert!(Trader::try_login(address, "DEMO01", "wrong", 1).is_none());
    assert!(Trader::try_login(address, "NOBODY", "loopback", 1).is_none());
    let mut first = Trader::login(address, "DEMO01", 1);
    let mut told = vec![first.receive()];
    for number in 1..=20 {
        first.send(&order(number, SideCode::SELL, 100, "TSLA", 9_000_000), NONE);
        told.push(first.receive());
    }
    drop(first);
    let mut other = Trader::try_login(address, "OTHER", "secret", 0).unwrap();
    let buy =
        EnterOrder { tif: TifCode::IOC, ..order(1, SideCode::BUY, 999_999, "TSLA", 9_000_000) };
    other.send(&buy, NONE);
    while !matches!(Outbound::decode(&other.receive()), Ok(Outbound::Canceled(_))) {}
    let mut second = Trader::login(address, "DEMO01", 22);
    for number in 1..=20 {
        let bytes = second.try_receive().unwrap();
        assert_eq!(bytes.0, 21 + u64::from(number));
        assert!(matches!(Outbound::decode(&bytes.1), Ok(Outbound::Executed(view))
            if view.fields.user_ref_num.get() == number));
        told.push(bytes.1);
    }
    let mut third = Trader::login(address, "DEMO01", 1);
    assert_eq!(third.session, second.session);
    assert!(second.try_receive().is_none(), "the older connection is closed");
    for message in &told {
        assert_eq!(&third.receive(), message, "the whole stream again, the same bytes");
    }
    // A repeat of an order already judged changes nothing.
    third.send(&order(20, SideCode::SELL, 100, "TSLA", 9_000_000), NONE);
    third.send(&order(21, SideCode::SELL, 100, "TSLA", 9_000_000), NONE);
    assert_eq!(accepted(&mut third).0, 21);
    let summary = running.stop();
    assert_eq!(summary.users[0].positions["TSLA"].qty, -2_000);
    assert_eq!(summary.users[0].open_orders, 1);
    assert_eq!(summary.users[0].counts.logins, 3);
}

/// Goal: a user's orders that meet are kept apart when told so: the incoming one's rest is
/// cancelled, the resting one stays. Method: one user on both sides of a market without a flow.
#[test]
fn orders_of_one_user_are_kept_apart_when_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let input = empty_market(folder.path(), "ZZZ");
    let text = format!("--self-match prevent {IDLE} --input {}", input.display());
    let (running, tape) = Running::start(&text);
    tape.wait_for_first();
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 2);
    trader.send(&order(1, SideCode::SELL, 100, "ZZZ", 500_000), NONE);
    accepted(&mut trader);
    trader.send(&order(2, SideCode::BUY, 300, "ZZZ", 500_000), NONE);
    accepted(&mut trader);
    let canceled = trader.expect(|message| match message {
        Outbound::AiqCanceled(view) => {
            let fields = view.fields;
            Some((fields.user_ref_num.get(), fields.qty.get(), fields.qty_prevented.get()))
        }
        _ => None,
    });
    assert_eq!(canceled, (2, 300, 100));
    let summary = running.stop();
    assert_eq!((summary.fills, summary.users[0].open_orders), (0, 1));
}

/// Goal: with cancel on disconnect a user's orders end with its connection, and it hears so when it
/// comes back. Method: two orders, a cut, a second login.
#[test]
fn orders_end_with_the_connection_when_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let input = empty_market(folder.path(), "ZZZ");
    let text = format!("--cancel-on-disconnect {IDLE} --input {}", input.display());
    let (running, tape) = Running::start(&text);
    tape.wait_for_first();
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 2);
    for number in 1..=2 {
        trader.send(&order(number, SideCode::SELL, 100, "ZZZ", 500_000), NONE);
        accepted(&mut trader);
    }
    drop(trader);
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", 4);
    for number in 1..=2 {
        assert_eq!(canceled(&mut trader), (number, 100, CancelReasonCode::SYSTEM));
    }
    assert_eq!(running.stop().users[0].open_orders, 0);
}

/// Goal: a broken trade is told to its owner and on the tape, and leaves the position. Method: one
/// trade of two users, every trade broken.
#[test]
fn broken_trade_leaves_the_position() {
    let folder = tempfile::tempdir().unwrap();
    let input = empty_market(folder.path(), "ZZZ");
    let text = format!("--user A --user B --faults break=1 {IDLE} --input {}", input.display());
    let (running, tape) = Running::start(&text);
    tape.wait_for_first();
    let mut seller = Trader::login(running.addresses.ouch, "A", 2);
    let mut buyer = Trader::login(running.addresses.ouch, "B", 2);
    seller.send(&order(1, SideCode::SELL, 100, "ZZZ", 500_000), NONE);
    accepted(&mut seller);
    buyer.send(&order(1, SideCode::BUY, 100, "ZZZ", 500_000), NONE);
    accepted(&mut buyer);
    for trader in [&mut seller, &mut buyer] {
        executed(trader);
        trader.expect(|message| matches!(message, Outbound::Broken(_)).then_some(()));
    }
    let summary = running.stop();
    for user in &summary.users {
        assert_eq!((user.positions["ZZZ"].qty, user.positions["ZZZ"].cash_px4), (0, 0));
        assert_eq!(user.counts.broken, 1);
    }
    let heard = tape.hear();
    assert!(heard.all().any(|(_, message)| message[0] == b'B'));
}

/// Goal: faults of order entry happen as asked, and nothing is lost by them. Method: 400 orders
/// with rejects, slow answers and cut connections; the client resumes and repeats by number until
/// each has its one answer.
#[test]
fn faults_of_order_entry_lose_nothing() {
    let faults = "reject=0.2,slow_ack=0.3,slow_ack_us=2000,disconnect=0.05,break=0.5";
    let (running, _tape) = Running::start(&format!("{QUIET} --faults {faults} --seed 9"));
    let (mut next_seq, mut connections) = (1, 0);
    let mut answers = vec![0; 401];
    let mut trader = Trader::login(running.addresses.ouch, "DEMO01", next_seq);
    let mut number = 1;
    while number <= 400 {
        trader.send(&order(number, SideCode::SELL, 100, "AMZN", 9_000_000), NONE);
        loop {
            let Some((seq, bytes)) = trader.try_receive() else {
                connections += 1;
                trader = Trader::login(running.addresses.ouch, "DEMO01", next_seq);
                trader.send(&order(number, SideCode::SELL, 100, "AMZN", 9_000_000), NONE);
                continue;
            };
            assert_eq!(seq, next_seq, "the stream has no hole and no repeat");
            next_seq += 1;
            let answered = match Outbound::decode(&bytes).unwrap() {
                Outbound::Accepted(view) => view.fields.user_ref_num.get(),
                Outbound::Rejected(view) => view.fields.user_ref_num.get(),
                _ => continue,
            };
            answers[answered as usize] += 1;
            if answered == number {
                break;
            }
        }
        number += 1;
    }
    assert!(answers[1..].iter().all(|&count| count == 1), "one answer each");
    let summary = running.stop();
    let counts = summary.users[0].counts;
    println!("connections {connections}, {counts:?}");
    assert_eq!(counts.orders, 400);
    assert!((50..110).contains(&counts.rejects));
    assert!(connections >= 5);
}
