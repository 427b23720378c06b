//! ITCH bytes to by-order books: decode, apply, say what changed.

use std::hint::black_box;

use feed::book::{BooksConfig, ItchBooks};

use wirelane_benches::flow::{self, Flow};

pub(crate) fn run(events: usize) -> u64 {
    let flow = Flow::new(events);
    let config = BooksConfig { orders_max: 1 << 15, levels_max: 1 << 12, market: b'Q' };
    let mut books = ItchBooks::new(config, flow::SYMBOLS.len(), flow::instruments());
    for message in flow.opening() {
        assert!(books.apply(message).fault.is_none(), "the opening fits the books");
    }
    let messages: Vec<&[u8]> = flow.events().collect();
    let done = wirelane_measured_book(&mut books, &messages);
    assert_eq!(done, events as u64, "no message is a fault");
    done
}

#[inline(never)]
fn wirelane_measured_book(books: &mut ItchBooks, messages: &[&[u8]]) -> u64 {
    let (mut done, mut tops) = (0, 0_u64);
    for message in messages {
        let applied = books.apply(message);
        done += u64::from(applied.fault.is_none());
        if applied.top {
            tops ^= books.top(applied.instrument).bid_px.0 as u64;
        }
    }
    black_box(tops);
    done
}
