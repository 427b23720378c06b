//! Vectors, every truncation, every type byte, and round trips of random messages of every type.

use super::*;
use proptest::prelude::*;
use shm::units::Price;
use zerocopy::IntoBytes;

/// Turns spaced hex into bytes.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter_map(|byte| (byte as char).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Real frames of the protocol sheet (`ouch50.md`, vectors), SoupBinTCP header included.
const ENTER: &str = "0036 55 4f 00000071 54 000000e1 43564c5420202020 0000000000099db8 \
    30 59 41 4e 4e 4838465542384956202020202020 0006 05 02 4c494d45";
const ACCEPTED: &str = "004a 53 41 0000289b4d64af87 00753a8d 42 00000028 4144424520202020 \
    000000000048e748 35 59 000000000f56b4f5 41 4e 4e 4c 3736383237303120202020202020 \
    0009 05 02 4d4c524f 02 12 30";
const CANCEL: &str = "000a 55 58 00752e71 00000000";
const CANCELED: &str = "0013 53 43 0000289b4d681317 00753a8d 00000028 55";

/// Goal: the captured Enter Order decodes to what the sheet says, and encodes to its bytes.
#[test]
fn captured_enter_order_decodes_and_encodes() {
    let bytes = hex(ENTER);
    let message = Inbound::decode(&bytes[3..]).unwrap();
    let Inbound::Enter(view) = message else { panic!("{message:?}") };
    let fields = view.fields;
    assert_eq!(
        (fields.user_ref_num.get(), fields.side, fields.qty.get()),
        (113, SideCode::SHORT, 225)
    );
    assert_eq!(&fields.symbol, b"CVLT    ");
    assert_eq!(fields.px.to_price().unwrap().to_string(), "63.02");
    assert_eq!((fields.tif, fields.display), (TifCode::DAY, DisplayCode::VISIBLE));
    assert_eq!((fields.capacity, fields.iso), (CapacityCode::AGENCY, IsoCode::NO));
    assert_eq!(fields.cross_type, CrossCode::CONTINUOUS);
    assert_eq!(&fields.cl_ord_id, b"H8FUB8IV      ");
    assert_eq!(view.appendage.options().collect::<Vec<_>>(), [Tag::Firm(*b"LIME")]);
    let mut out = [0; 256];
    assert_eq!(message.encode(&mut out).map(|len| &out[..len]), Ok(&bytes[3..]));
}

/// Goal: the captured Accepted decodes to what the sheet says, and encodes to its bytes.
#[test]
fn captured_accepted_decodes_and_encodes() {
    let bytes = hex(ACCEPTED);
    let message = Outbound::decode(&bytes[3..]).unwrap();
    let Outbound::Accepted(view) = message else { panic!("{message:?}") };
    let fields = view.fields;
    assert_eq!(fields.timestamp.get(), 44_647_483_486_087);
    assert_eq!((fields.user_ref_num.get(), fields.qty.get()), (7_682_701, 40));
    assert_eq!(fields.px.to_price().unwrap().to_string(), "477.78");
    assert_eq!((fields.tif, fields.order_ref.get()), (TifCode::GTX, 257_340_661));
    assert_eq!(fields.state, OrderStateCode::LIVE);
    let options: Vec<_> = view.appendage.options().collect();
    assert_eq!(options, [Tag::Firm(*b"MLRO"), Tag::BboWeight(b'0')]);
    let mut out = [0; 256];
    assert_eq!(message.encode(&mut out).map(|len| &out[..len]), Ok(&bytes[3..]));
}

/// Goal: the captured short forms decode without an appendage and keep their length.
#[test]
fn captured_short_forms_decode_and_encode() {
    let bytes = hex(CANCEL);
    let message = Inbound::decode(&bytes[3..]).unwrap();
    let Inbound::Cancel(view) = message else { panic!("{message:?}") };
    assert_eq!((view.fields.user_ref_num.get(), view.fields.qty.get()), (7_679_601, 0));
    assert_eq!(view.appendage, Appendage::ABSENT);
    let mut out = [0; 64];
    assert_eq!(message.encode(&mut out).map(|len| &out[..len]), Ok(&bytes[3..]));

    let bytes = hex(CANCELED);
    let message = Outbound::decode(&bytes[3..]).unwrap();
    let Outbound::Canceled(view) = message else { panic!("{message:?}") };
    assert_eq!((view.fields.qty.get(), view.fields.reason), (40, CancelReasonCode::USER));
    assert_eq!(message.encode(&mut out).map(|len| &out[..len]), Ok(&bytes[3..]));
}

/// Sizes of the sheet's tables: type, shortest form.
const INBOUND_BYTES: [(u8, usize); 8] =
    [(b'O', 47), (b'U', 40), (b'X', 9), (b'M', 10), (b'C', 19), (b'D', 11), (b'E', 11), (b'Q', 1)];
const OUTBOUND_BYTES: [(u8, usize); 17] = [
    (b'S', 10),
    (b'A', 64),
    (b'U', 68),
    (b'C', 18),
    (b'D', 32),
    (b'E', 36),
    (b'B', 36),
    (b'J', 29),
    (b'P', 13),
    (b'I', 13),
    (b'T', 30),
    (b'M', 18),
    (b'R', 16),
    (b'X', 27),
    (b'G', 19),
    (b'K', 19),
    (b'Q', 13),
];

/// The inbound types whose length field may be absent, and the outbound ones.
const SHORT_FORMS: (&[u8], &[u8]) = (b"XMQ", b"CDBJPITMQ");

fn decode_in(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let message = Inbound::decode(bytes)?;
    assert_eq!(message.kind(), bytes[0]);
    let mut out = vec![0xEE; bytes.len()];
    let len = message.encode(&mut out).unwrap();
    out.truncate(len);
    Ok(out)
}

fn decode_out(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let message = Outbound::decode(bytes)?;
    assert_eq!(message.kind(), bytes[0]);
    let mut out = vec![0xEE; bytes.len()];
    let len = message.encode(&mut out).unwrap();
    out.truncate(len);
    Ok(out)
}

type Decode = fn(&[u8]) -> Result<Vec<u8>, DecodeError>;

/// Each message type of both directions: decoder, type, shortest form, whether it has a short form
/// without the length field, whether it has an appendage at all.
fn every_type() -> Vec<(Decode, u8, usize, bool, bool)> {
    let inbound = INBOUND_BYTES
        .map(|(kind, len)| (decode_in as Decode, kind, len, SHORT_FORMS.0.contains(&kind), true));
    let outbound = OUTBOUND_BYTES.map(|(kind, len)| {
        (decode_out as Decode, kind, len, SHORT_FORMS.1.contains(&kind), kind != b'S')
    });
    inbound.into_iter().chain(outbound).collect()
}

/// The fixed part filled with a pattern, then the appendage with its length field.
fn build(kind: u8, len: usize, short_form: bool, options: Option<&[u8]>) -> Vec<u8> {
    let fixed = if short_form { len } else { len - 2 };
    let mut bytes: Vec<u8> = (0..fixed).map(|at| (at * 7 + 3) as u8).collect();
    bytes[0] = kind;
    if let Some(options) = options {
        bytes.extend_from_slice(&(options.len() as u16).to_be_bytes());
        bytes.extend_from_slice(options);
    }
    bytes
}

/// Two known options around an unknown one.
const OPTIONS: [u8; 13] = [5, 2, b'F', b'I', b'R', b'M', 3, 200, 9, 9, 2, 12, b'P'];

/// Goal: the declared types are those of the sheet, each once.
#[test]
fn types_are_those_of_the_sheet() {
    assert_eq!(Inbound::KINDS, INBOUND_BYTES.map(|(kind, _)| kind));
    assert_eq!(Outbound::KINDS, OUTBOUND_BYTES.map(|(kind, _)| kind));
}

/// Goal: a type byte that a direction does not have is named so. Method: all 256 bytes, many
/// lengths.
#[test]
fn unknown_types_are_refused_by_name() {
    for kind in 0..=u8::MAX {
        for len in [1, 9, 47, 64, 100] {
            let mut bytes = vec![0; len];
            bytes[0] = kind;
            let known = INBOUND_BYTES.iter().any(|&(known, _)| known == kind);
            assert_eq!(Inbound::decode(&bytes) == Err(DecodeError::UnknownType), !known);
            let known = OUTBOUND_BYTES.iter().any(|&(known, _)| known == kind);
            assert_eq!(Outbound::decode(&bytes) == Err(DecodeError::UnknownType), !known);
        }
    }
    assert_eq!(Inbound::decode(&[]), Err(DecodeError::Empty));
    assert_eq!(Outbound::decode(&[]), Err(DecodeError::Empty));
}

/// Goal: every form of every type survives, at its length only. Method: short, empty and full
/// appendage; every truncation; one byte too many.
#[test]
fn every_form_survives_and_every_truncation_is_short() {
    for (decode, kind, len, has_short, has_appendage) in every_type() {
        let bare = has_short || !has_appendage;
        let mut forms = Vec::new();
        if bare {
            forms.push(build(kind, len, true, None));
        }
        if has_appendage {
            forms.push(build(kind, len, bare, Some(&[])));
            forms.push(build(kind, len, bare, Some(&OPTIONS)));
        }
        for bytes in forms {
            assert_eq!(decode(&bytes).as_deref(), Ok(bytes.as_slice()), "{}", kind as char);
            for cut in 1..bytes.len() {
                let expected = if has_short && cut == len {
                    Ok(bytes[..cut].to_vec())
                } else {
                    Err(DecodeError::Short)
                };
                assert_eq!(decode(&bytes[..cut]), expected, "{} cut at {cut}", kind as char);
            }
            if bytes.len() > len || !has_short {
                let longer = [bytes.as_slice(), &[0]].concat();
                assert_eq!(decode(&longer), Err(DecodeError::Trailing), "{}", kind as char);
            }
            for room in 0..bytes.len() {
                let mut out = vec![0; room];
                let refused = match Outbound::decode(&bytes) {
                    Ok(message) if OUTBOUND_BYTES.contains(&(kind, len)) => {
                        message.encode(&mut out)
                    }
                    _ => Inbound::decode(&bytes).unwrap().encode(&mut out),
                };
                assert_eq!(refused, Err(EncodeError::NoRoom), "{} in {room}", kind as char);
            }
        }
    }
}

/// Goal: options are judged by their size, unknown tags are skipped and kept.
#[test]
fn options_are_checked_and_unknown_ones_are_skipped() {
    let view = Appendage::parse(&OPTIONS).unwrap();
    assert_eq!(view.options().collect::<Vec<_>>(), [Tag::Firm(*b"FIRM"), Tag::PostOnly(b'P')]);
    assert_eq!(Appendage::parse(&[0]), Err(DecodeError::BadOption), "no tag");
    assert_eq!(Appendage::parse(&[2, 200]), Err(DecodeError::BadOption), "runs past the end");
    assert!(Appendage::parse(&[1, 200]).is_ok(), "an unknown tag without a value");
    for tag in 0..=u8::MAX {
        for size in 0..12_u8 {
            let mut bytes = vec![size + 1, tag];
            bytes.resize(2 + usize::from(size), b'x');
            let fits = Tag::value_bytes(tag).is_none_or(|known| known == usize::from(size));
            assert_eq!(Appendage::parse(&bytes).is_ok(), fits, "tag {tag} size {size}");
            let read = Appendage::parse(&bytes).map_or(0, |view| view.options().count());
            assert_eq!(read, usize::from(fits && Tag::value_bytes(tag).is_some()));
        }
    }
}

/// Goal: the builder's bytes are read back, and it holds every tag once, no more than its bytes.
#[test]
fn built_options_are_read_back() {
    let all = [
        Tag::SecondaryOrdRefNum(u64::MAX - 1),
        Tag::Firm(*b"ABCD"),
        Tag::MinQty(100),
        Tag::CustomerType(b'R'),
        Tag::MaxFloor(7),
        Tag::PriceType(b'm'),
        Tag::PegOffset(-5),
        Tag::DiscretionPrice(9),
        Tag::DiscretionPriceType(b'L'),
        Tag::DiscretionPegOffset(i32::MIN),
        Tag::PostOnly(b'P'),
        Tag::RandomReserves(2),
        Tag::Route(*b"SCAN"),
        Tag::ExpireTime(86_399),
        Tag::TradeNow(b'Y'),
        Tag::HandleInst(b'I'),
        Tag::BboWeight(b'3'),
        Tag::DisplayQty(6),
        Tag::DisplayPrice(10_000),
        Tag::GroupId(0xFFFE),
        Tag::SharesLocated(b'Y'),
        Tag::LocateBroker(*b"BRKR"),
        Tag::Side(b'B'),
        Tag::UserRefIdx(2),
    ];
    assert_eq!(all.map(Tag::number), Tag::KNOWN);
    let mut built = AppendageBuf::new();
    for option in all {
        built.push(option).unwrap();
    }
    assert_eq!(built.view().options().collect::<Vec<_>>(), all);
    assert_eq!(Appendage::parse(built.view().bytes().unwrap()), Ok(built.view()));
    let before = built.view().bytes().unwrap().len();
    assert_eq!(before, 124);
    built.push(Tag::PostOnly(b'N')).unwrap();
    assert_eq!(built.push(Tag::PostOnly(b'N')), Err(EncodeError::NoRoom));
    assert_eq!(built.view().bytes().unwrap().len(), 127);
}

/// Goal: options where the type has none, or too long for the length field, are refused.
#[test]
fn appendages_that_cannot_be_sent_are_refused() {
    let mut out = [0; 64];
    let event = SystemEvent { timestamp: 1.into(), event: EventCode::START_OF_DAY };
    assert_eq!(encode(&event, Appendage::EMPTY, &mut out), Err(EncodeError::BadAppendage));
    let long: Vec<u8> = [2, 12, b'P'].repeat(21_846);
    let mut room = vec![0; 70_000];
    let fields = CancelOrder { user_ref_num: 1.into(), qty: 0.into() };
    let appendage = Appendage::parse(&long).unwrap();
    assert_eq!(encode(&fields, appendage, &mut room), Err(EncodeError::BadAppendage));
}

/// Goal: prices convert exactly both ways, and what the venue does not take is refused.
#[test]
fn prices_convert_exactly_or_not_at_all() {
    assert_eq!(WirePx::from_price("199999.99".parse().unwrap()), Some(WirePx::MAX));
    assert_eq!(WirePx::from_price("199999.9901".parse().unwrap()), None);
    assert_eq!(WirePx::from_price(Price(-100_000)), None);
    assert_eq!(WirePx::from_price(Price(1)), None);
    assert_eq!(WirePx::MARKET.to_price().unwrap().to_string(), "214748.3647");
    assert_eq!(WirePx(u64::MAX.into()).to_price(), None);
    for raw in [0_u64, 1, 630_200, 0x7735_939C] {
        let px = WirePx(raw.into());
        assert_eq!(px.to_price().and_then(WirePx::from_price), Some(px));
    }
}

/// Goal: each known code and reason has one meaning.
#[test]
fn codes_and_reasons_are_unique_and_named() {
    for byte in 0..=u8::MAX {
        let side = SideCode(byte);
        assert_eq!(side.side().is_some(), side.is_known());
        let reason = CancelReasonCode(byte);
        assert_eq!(cancel_reason_text(reason).is_some(), reason.is_known(), "{reason:?}");
    }
    assert_eq!(RejectReason::KNOWN.len(), 0x33);
    for (at, reason) in RejectReason::KNOWN.iter().enumerate() {
        assert_eq!(usize::from(reason.0.get()), at + 1);
        assert!(reason.text().is_some());
    }
    assert_eq!(RejectReason(0x34.into()).text(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Goal: no bytes panic, and what decodes encodes to itself. Method: random bytes behind every
    /// type byte, half of them with a consistent appendage length.
    #[test]
    fn any_bytes_decode_to_themselves_or_to_an_error(
        which in 0_usize..25,
        mut bytes in proptest::collection::vec(any::<u8>(), 1..120),
        fix_length: bool,
    ) {
        let (decode, kind, len, has_short, has_appendage) = every_type()[which];
        bytes[0] = kind;
        let fixed = if has_short || !has_appendage { len } else { len - 2 };
        if fix_length && let Some(rest) = bytes.len().checked_sub(fixed + 2) {
            bytes[fixed..fixed + 2].copy_from_slice(&(rest as u16).to_be_bytes());
        }
        if let Ok(again) = decode(&bytes) {
            prop_assert_eq!(again, bytes);
        }
    }

    /// Goal: fields are written where the sheet says. Method: random values of an order of each
    /// kind.
    #[test]
    fn fields_lie_at_the_sheets_offsets(
        urn: u32, orig: u32, qty: u32, px: u64, order_ref: u64, reason: u16, id: [u8; 14],
        codes: [u8; 6], symbol: [u8; 8],
    ) {
        let mut out = [0; 128];
        let enter = EnterOrder {
            user_ref_num: urn.into(), side: SideCode(codes[0]), qty: qty.into(), symbol,
            px: WirePx(px.into()), tif: TifCode(codes[1]), display: DisplayCode(codes[2]),
            capacity: CapacityCode(codes[3]), iso: IsoCode(codes[4]),
            cross_type: CrossCode(codes[5]), cl_ord_id: id,
        };
        prop_assert_eq!(encode(&enter, Appendage::ABSENT, &mut out), Ok(47));
        prop_assert_eq!(&out[1..5], urn.to_be_bytes());
        prop_assert_eq!((out[5], &out[10..18]), (codes[0], &symbol[..]));
        prop_assert_eq!(&out[6..10], qty.to_be_bytes());
        prop_assert_eq!(&out[18..26], px.to_be_bytes());
        prop_assert_eq!(&out[26..31], &codes[1..6]);
        prop_assert_eq!((&out[31..45], &out[45..47]), (&id[..], &[0, 0][..]));

        let replaced = Replaced {
            timestamp: order_ref.into(), orig_user_ref_num: orig.into(), user_ref_num: urn.into(),
            side: SideCode(codes[0]), qty: qty.into(), symbol, px: WirePx(px.into()),
            tif: TifCode(codes[1]), display: DisplayCode(codes[2]), order_ref: order_ref.into(),
            capacity: CapacityCode(codes[3]), iso: IsoCode(codes[4]),
            cross_type: CrossCode(codes[5]), state: OrderStateCode::DEAD, cl_ord_id: id,
        };
        prop_assert_eq!(encode(&replaced, Appendage::EMPTY, &mut out), Ok(68));
        prop_assert_eq!(&out[9..13], orig.to_be_bytes());
        prop_assert_eq!(&out[13..17], urn.to_be_bytes());
        prop_assert_eq!(&out[30..38], px.to_be_bytes());
        prop_assert_eq!(&out[40..48], order_ref.to_be_bytes());
        prop_assert_eq!((out[51], &out[52..66]), (b'D', &id[..]));

        let rejected = Rejected {
            timestamp: px.into(),
            user_ref_num: urn.into(),
            reason: RejectReason(reason.into()),
            cl_ord_id: id,
        };
        prop_assert_eq!(encode(&rejected, Appendage::ABSENT, &mut out), Ok(29));
        prop_assert_eq!((&out[13..15], &out[15..29]), (&reason.to_be_bytes()[..], &id[..]));
        prop_assert_eq!(decode::<Rejected>(&out[..29]).map(|view| *view.fields), Ok(rejected));
        prop_assert_eq!(rejected.as_bytes().len(), 28);
    }
}
