//! ITCH bytes to a listener that looks at every field a book needs.

use std::hint::black_box;

use feed::codec::itch50::{
    AddOrder, Decoder, Listener, OrderCancel, OrderDelete, OrderExecuted, OrderReplace,
};

use wirelane_benches::flow::Flow;

/// Folds fields into one number, so that no load is left out.
#[derive(Default)]
struct Fold(u64);

impl Listener for Fold {
    fn on_add(&mut self, message: &AddOrder) {
        self.0 ^= message.order_ref.get() ^ u64::from(message.shares.get());
        self.0 ^= message.px.price().0 as u64 ^ u64::from(message.side);
    }

    fn on_executed(&mut self, message: &OrderExecuted) {
        self.0 ^= message.order_ref.get() ^ u64::from(message.shares.get());
    }

    fn on_cancel(&mut self, message: &OrderCancel) {
        self.0 ^= message.order_ref.get() ^ u64::from(message.shares.get());
    }

    fn on_delete(&mut self, message: &OrderDelete) {
        self.0 ^= message.order_ref.get();
    }

    fn on_replace(&mut self, message: &OrderReplace) {
        self.0 ^= message.order_ref.get() ^ message.new_order_ref.get();
        self.0 ^= message.px.price().0 as u64 ^ u64::from(message.shares.get());
    }
}

pub(crate) fn run(events: usize) -> u64 {
    let flow = Flow::new(events);
    let messages: Vec<&[u8]> = flow.events().collect();
    let done = wirelane_measured_decode(&messages);
    assert_eq!(done, events as u64, "every message is well formed");
    done
}

#[inline(never)]
fn wirelane_measured_decode(messages: &[&[u8]]) -> u64 {
    let (mut decoder, mut fold, mut done) = (Decoder::new(), Fold::default(), 0);
    for message in messages {
        done += u64::from(decoder.decode(message, &mut fold).is_ok());
    }
    black_box(fold.0);
    done
}
