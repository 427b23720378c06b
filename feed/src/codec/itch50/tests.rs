//! The sheet's vectors, every length of every type, every unknown type, random bytes both ways.

use super::*;
use proptest::prelude::*;
use shm::message::Side;

/// The types of the table, in its order.
const KINDS: &[u8; 23] = b"SRHYLVWKJhAFECXDUPQBINO";

/// Real messages, from the protocol sheet (public captures of the exchange's own feed).
const VECTORS: [&str; 15] = [
    "41 1598 0000 1f1aced85306 000000000166b53e 42 00000640 49564f4f20202020 000d55ac",
    "46 06ca 0000 1f1aced99936 000000000120be75 53 00000064 4341535920202020 0026fd40 464c5455",
    "45 0929 0002 1f1aced8f061 000000000166929a 00000019 000000000003e63b",
    "43 13e4 0001 1f1aceebb03b 00000000013113de 0000133e 000000000003e65d 4e 00036e20",
    "51 13e4 0002 1f1aceebb03b 0000000000001503 4942544720202020 00036e20 000000000003e65e 4f",
    "58 24c5 0000 1f1acefe785d 0000000002041a00 00000064",
    "44 0dbd 0000 1f1aced85ad8 0000000001668bd6",
    "55 1db3 0000 1f1aced771e9 0000000000e6897f 000000000145f2c7 00000064 001036c8",
    "50 1193 0000 1f1acee462a9 0000000000000000 42 00000064 474f4f474c202020 001399f8 \
     000000000003e642",
    "48 2c3d 0000 1f1e7036e465 5a585a5a54202020 50 20 4c554450",
    "4a 2c3d 0000 1f1e703b4f95 5a585a5a54202020 00020918 00022344 0001aa90 00000000",
    "49 193e 0000 1f1acede0ab2 0000000000000001 0000000000000000 4e 4d44432020202020 00071610 \
     00071610 00071610 4f 4c",
    "53 0000 0000 1f1acedb02f0 51",
    "59 24bd 0000 1f1ad5cc18b7 534f504120202020 31",
    "4c 0e40 0000 1f208142f846 4d41584d 46444c5320202020 59 4e 41",
];

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Counts every call.
#[derive(Default)]
struct Calls {
    add: u32,
    other: u32,
    unknown: u32,
}

impl Listener for Calls {
    fn on_add(&mut self, _: &AddOrder) {
        self.add += 1;
    }
    fn on_delete(&mut self, _: &OrderDelete) {
        self.other += 1;
    }
    fn on_unknown(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        self.unknown += 1;
    }
}

/// Goal: real messages decode to the values of the sheet. Method: each field that the sheet prints.
#[test]
fn vectors_decode_to_the_sheet() {
    let all: Vec<Vec<u8>> = VECTORS.iter().map(|hex| bytes_of(hex)).collect();
    let decoded: Vec<Message<'_>> =
        all.iter().map(|bytes| Message::decode(bytes).unwrap().unwrap()).collect();
    let [a, f, e, c, q, x, d, u, p, h, j, i, s, y, l] = decoded.try_into().unwrap();
    let Message::AddOrder(a) = a else { panic!() };
    assert_eq!((a.head.stock_locate.get(), a.head.timestamp.get()), (5528, 34_199_999_894_278));
    assert_eq!((a.order_ref.get(), a.side(), a.shares.get()), (23_508_286, Some(Side::Buy), 1600));
    assert_eq!((a.stock.as_str(), a.px.price().to_string().as_str()), ("IVOO", "87.39"));
    let Message::AddOrderMpid(f) = f else { panic!() };
    assert_eq!((f.order_ref.get(), f.side(), f.shares.get()), (18_923_125, Some(Side::Sell), 100));
    assert_eq!((f.px.get(), &f.attribution), (2_555_200, b"FLTU"));
    let Message::OrderExecuted(e) = e else { panic!() };
    assert_eq!((e.head.tracking_number.get(), e.order_ref.get()), (2, 23_499_418));
    assert_eq!((e.shares.get(), e.match_number.get()), (25, 255_547));
    let Message::OrderExecutedPrice(c) = c else { panic!() };
    assert_eq!((c.shares.get(), c.match_number.get()), (4926, 255_581));
    assert_eq!((c.printable, c.px.get()), (b'N', 224_800));
    let Message::CrossTrade(q) = q else { panic!() };
    assert_eq!((q.shares.get(), q.stock.as_str(), q.cross_type), (5379, "IBTG", b'O'));
    let Message::OrderCancel(x) = x else { panic!() };
    assert_eq!((x.order_ref.get(), x.shares.get()), (33_823_232, 100));
    let Message::OrderDelete(d) = d else { panic!() };
    assert_eq!(d.order_ref.get(), 23_497_686);
    let Message::OrderReplace(u) = u else { panic!() };
    assert_eq!((u.order_ref.get(), u.new_order_ref.get()), (15_108_479, 21_361_351));
    assert_eq!((u.shares.get(), u.px.get()), (100, 1_062_600));
    let Message::Trade(p) = p else { panic!() };
    assert_eq!((p.stock.as_str(), p.px.get(), p.match_number.get()), ("GOOGL", 1_284_600, 255_554));
    let Message::TradingAction(h) = h else { panic!() };
    assert_eq!((h.stock.as_str(), h.state, &h.reason), ("ZXZZT", b'P', b"LUDP"));
    let Message::LuldCollar(j) = j else { panic!() };
    assert_eq!(
        (j.reference_px.get(), j.upper_px.get(), j.lower_px.get()),
        (133_400, 140_100, 109_200)
    );
    let Message::Noii(i) = i else { panic!() };
    assert_eq!((i.paired_shares.get(), i.imbalance_shares.get(), i.direction), (1, 0, b'N'));
    assert_eq!((i.near_px.get(), i.cross_type, i.price_variation), (464_400, b'O', b'L'));
    let Message::SystemEvent(s) = s else { panic!() };
    assert_eq!(s.event, b'Q');
    let Message::RegSho(y) = y else { panic!() };
    assert_eq!((y.stock.as_str(), y.action), ("SOPA", b'1'));
    let Message::ParticipantPosition(l) = l else { panic!() };
    assert_eq!((&l.mpid, l.stock.as_str(), l.state), (b"MAXM", "FDLS", b'A'));
}

/// Goal: real messages encode back to their bytes.
#[test]
fn vectors_encode_to_the_same_bytes() {
    for hex in VECTORS {
        let bytes = bytes_of(hex);
        let mut out = [0xAA; MESSAGE_BYTES_MAX];
        let length = Message::decode(&bytes).unwrap().unwrap().encode(&mut out);
        assert_eq!(length, Some(bytes.len()));
        assert_eq!(out[..bytes.len()], bytes);
        let short = &mut out[..bytes.len() - 1];
        assert_eq!(Message::decode(&bytes).unwrap().unwrap().encode(short), None);
    }
}

/// Goal: length and type must agree. Method: every type at every length from 0 to 60.
#[test]
fn every_length_of_every_type_is_judged() {
    for &kind in KINDS {
        let full = length_of(kind).unwrap();
        let mut bytes = [b' '; 60];
        bytes[0] = kind;
        for length in 0..=bytes.len() {
            let mut decoder = Decoder::new();
            let mut calls = Calls::default();
            let fit = decoder.decode(&bytes[..length], &mut calls);
            let view = Message::decode(&bytes[..length]);
            let malformed = u64::from(length < full);
            assert_eq!(decoder.counts().malformed, malformed);
            assert_eq!(decoder.counts().longer, u64::from(length > full));
            assert_eq!(decoder.counts().of(kind), 1 - malformed);
            if length == 0 {
                assert_eq!((fit, view), (Err(DecodeError::Empty), Err(DecodeError::Empty)));
            } else if length < full {
                assert_eq!((fit, view), (Err(DecodeError::Short), Err(DecodeError::Short)));
                assert_eq!(calls.add + calls.other + calls.unknown, 0);
            } else {
                assert_eq!(fit, Ok(if length == full { Fit::Exact } else { Fit::Longer }));
                assert_eq!(calls.add, u32::from(kind == b'A'));
                assert!(view.unwrap().is_some());
            }
        }
    }
}

/// Goal: a type that is not in the table is skipped and counted by kind, whatever its length.
#[test]
fn every_unknown_type_is_skipped_and_counted() {
    let mut decoder = Decoder::new();
    let mut calls = Calls::default();
    for kind in 0..=u8::MAX {
        if KINDS.contains(&kind) {
            continue;
        }
        assert_eq!(length_of(kind), None);
        for length in 1..60 {
            let bytes = vec![kind; length];
            assert_eq!(decoder.decode(&bytes, &mut calls), Ok(Fit::Unknown));
            assert_eq!(Message::decode(&bytes), Ok(None));
        }
        assert_eq!(decoder.counts().of(kind), 59);
    }
    assert_eq!(decoder.counts().unknown, 59 * (256 - 23));
    assert_eq!(u64::from(calls.unknown), decoder.counts().total());
}

/// Goal: the table is the sheet's. Method: the lengths as printed there.
#[test]
fn lengths_are_the_sheet_s() {
    let lengths = [
        12, 39, 25, 20, 26, 35, 12, 28, 35, 21, 36, 40, 31, 36, 23, 19, 35, 44, 40, 19, 50, 20, 48,
    ];
    let table: Vec<usize> = KINDS.iter().map(|kind| length_of(*kind).unwrap()).collect();
    assert_eq!(table, lengths);
}

proptest! {
    /// Goal: decode then encode is the identity on any bytes of the right length, and no bytes
    /// panic.
    #[test]
    fn any_message_survives_a_round_trip(
        kind in 0..23_usize,
        mut bytes: [u8; 64],
        length in 0..64_usize,
    ) {
        bytes[0] = KINDS[kind];
        let full = length_of(KINDS[kind]).unwrap();
        let message = Message::decode(&bytes).unwrap().unwrap();
        let mut out = [0; MESSAGE_BYTES_MAX];
        prop_assert_eq!(message.encode(&mut out), Some(full));
        prop_assert_eq!(&out[..full], &bytes[..full]);
        prop_assert_eq!(message.head().kind, KINDS[kind]);
        let mut decoder = Decoder::new();
        let short = decoder.decode(&bytes[..length], &mut Calls::default()).is_err();
        prop_assert_eq!(short, length < full);
    }

    /// Goal: integers of the wire keep their value.
    #[test]
    fn wire_integers_keep_their_value(time in 0..=TIMESTAMP_MAX, px: u32, level: u64) {
        prop_assert_eq!(U48::new(time).get(), time);
        prop_assert_eq!(Price4::from_price(Price4::new(px).price()), Some(Price4::new(px)));
        let fits = level <= i64::MAX as u64 / 10;
        prop_assert_eq!(Price8::new(level).price().is_some(), fits);
    }
}
