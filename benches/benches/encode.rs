//! How long does it take to write an order as OUCH, or a cancel?

use std::hint::black_box;

use criterion::Criterion;
use gateway::codec::ouch50::{
    Appendage, CancelOrder, CapacityCode, CrossCode, DisplayCode, EnterOrder, IsoCode, SideCode,
    TifCode, WirePx, encode,
};

fn enter(user_ref_num: u32) -> EnterOrder {
    EnterOrder {
        user_ref_num: user_ref_num.into(),
        side: SideCode(b'B'),
        qty: 100.into(),
        symbol: *b"AAPL    ",
        px: WirePx(1_000_000.into()),
        tif: TifCode(b'0'),
        display: DisplayCode(b'Y'),
        capacity: CapacityCode(b'P'),
        iso: IsoCode(b'N'),
        cross_type: CrossCode(b'N'),
        cl_ord_id: *b"0000000000000 ",
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("encode");
    let mut out = [0; 64];
    let mut number = 0_u32;
    group.bench_function("ouch50_enter", |bencher| {
        bencher.iter(|| {
            number = number.wrapping_add(1);
            let order = enter(number);
            let length = encode(black_box(&order), Appendage::ABSENT, &mut out);
            black_box(&out);
            length.expect("room for an order")
        });
    });
    group.bench_function("ouch50_cancel", |bencher| {
        bencher.iter(|| {
            number = number.wrapping_add(1);
            let cancel = CancelOrder { user_ref_num: number.into(), qty: 0.into() };
            let length = encode(black_box(&cancel), Appendage::ABSENT, &mut out);
            black_box(&out);
            length.expect("room for a cancel")
        });
    });
    group.finish();
    criterion.final_summary();
}
