//! Orders to OUCH bytes.

use std::hint::black_box;

use gateway::codec::ouch50::{
    Appendage, CancelOrder, CapacityCode, CrossCode, DisplayCode, EnterOrder, IsoCode, SideCode,
    TifCode, WirePx, encode,
};

use wirelane_benches::flow::Random;

/// What an order is encoded from.
struct Order {
    user_ref_num: u32,
    side: u8,
    qty: u32,
    px: u64,
    is_cancel: bool,
}

pub(crate) fn run(events: usize) -> u64 {
    let mut random = Random(0x5eed_0003);
    let orders: Vec<Order> = (1..=events as u32)
        .map(|user_ref_num| Order {
            user_ref_num,
            side: if random.below(2) == 0 { b'B' } else { b'S' },
            qty: 100 * (random.below(10) as u32 + 1),
            px: 1_000_000 + 100 * random.below(100) as u64,
            is_cancel: random.below(3) == 0,
        })
        .collect();
    let done = wirelane_measured_encode(&orders);
    assert_eq!(done, events as u64, "every order is encoded");
    done
}

#[inline(never)]
fn wirelane_measured_encode(orders: &[Order]) -> u64 {
    let mut out = [0; 64];
    let mut done = 0;
    for order in orders {
        let length = if order.is_cancel {
            let cancel = CancelOrder { user_ref_num: order.user_ref_num.into(), qty: 0.into() };
            encode(&cancel, Appendage::ABSENT, &mut out)
        } else {
            encode(&enter(order), Appendage::ABSENT, &mut out)
        };
        done += u64::from(black_box(length).is_ok());
        black_box(&out);
    }
    done
}

#[inline(always)]
fn enter(order: &Order) -> EnterOrder {
    EnterOrder {
        user_ref_num: order.user_ref_num.into(),
        side: SideCode(order.side),
        qty: order.qty.into(),
        symbol: *b"AAPL    ",
        px: WirePx(order.px.into()),
        tif: TifCode(b'0'),
        display: DisplayCode(b'Y'),
        capacity: CapacityCode(b'P'),
        iso: IsoCode(b'N'),
        cross_type: CrossCode(b'N'),
        cl_ord_id: *b"0000000000000 ",
    }
}
