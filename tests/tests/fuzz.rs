//! Decoders under mutated bytes: none panics, and none contradicts itself. The same functions are
//! the targets under `fuzz/`.
#![forbid(unsafe_code)]

use std::env;
use std::panic::{self, AssertUnwindSafe};

use wirelane_tests::decoder::{DECODERS, Decoder};
use wirelane_tests::effort::Effort;
use wirelane_tests::mutation::mutated;
use wirelane_tests::random::Random;

const SEED: u64 = 0x5eed_0001;

/// Tests of this file, which share the seconds of the long form.
const PART: u32 = 24;

fn attack(decoder: Decoder, again: &mut dyn FnMut() -> bool) {
    let seeds = (decoder.seeds)();
    assert!(!seeds.is_empty(), "{}: no bytes to start from", decoder.name);
    let mut random = Random::new(SEED);
    println!("seed {SEED:#x}");
    let mut turn = 0_u64;
    while again() {
        turn += 1;
        let bytes = mutated(&mut random, &seeds);
        let held = panic::catch_unwind(AssertUnwindSafe(|| (decoder.run)(&bytes)));
        let name = decoder.name;
        assert!(held.is_ok(), "{name}: seed {SEED:#x}, turn {turn}, bytes {bytes:02x?}");
    }
    assert!(turn > 0, "{}: not one turn", decoder.name);
}

fn attack_named(name: &str) {
    let decoder = wirelane_tests::decoder::find(name).unwrap();
    let turns = [200_000, 100_000_000, 10_000_000_000];
    let mut effort = Effort::new(&format!("fuzz: {name}"), turns, PART);
    attack(decoder, &mut || effort.again());
}

// Goal: no bytes make a decoder panic or contradict itself (F10). Method: well-formed bytes of
// every kind, mutated 200,000 times by a printed seed; what still decodes must encode to the same
// bytes.
#[test]
fn itch50_holds_on_any_bytes() {
    attack_named("itch50");
}

// Goal and method: as above, with books of 8 orders and 8 levels behind the decoder.
#[test]
fn itch_books_hold_on_any_bytes() {
    attack_named("itch_books");
}

// Goal and method: as above, on datagrams and requests.
#[test]
fn moldudp64_holds_on_any_bytes() {
    attack_named("moldudp64");
}

// Goal and method: as above, client to venue.
#[test]
fn ouch50_inbound_holds_on_any_bytes() {
    attack_named("ouch50_inbound");
}

// Goal and method: as above, venue to client.
#[test]
fn ouch50_outbound_holds_on_any_bytes() {
    attack_named("ouch50_outbound");
}

// Goal and method: as above, on a stream cut into reads of 100 bytes and a buffer of 256.
#[test]
fn soupbintcp_holds_on_any_bytes() {
    attack_named("soupbintcp");
}

// Goal: no decoder is left out of the tests above. Method: their number.
#[test]
fn every_decoder_is_attacked() {
    assert_eq!(DECODERS.len(), 6, "a decoder was added: give it a test above, and a fuzz target");
}

// Goal: the attack finds a panic. Method: a decoder that trusts a length, planted on demand by
// `cargo xtask gates`; without the demand the same decoder must be caught here.
#[test]
fn decoder_that_trusts_a_length_is_caught() {
    fn trusting(bytes: &[u8]) {
        let Some(length) = bytes.first() else { return };
        assert!(bytes[1..][..usize::from(*length)].len() < 256);
    }
    let decoder = Decoder { name: "planted", run: trusting, seeds: || vec![vec![3, 1, 2, 3]] };
    let mut left = 10_000;
    let mut again = || {
        left -= 1;
        left > 0
    };
    if env::var_os("WIRELANE_PLANT").is_some_and(|plant| plant == "decode_panic") {
        attack(decoder, &mut again);
    } else {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| attack(decoder, &mut again)));
        assert!(caught.is_err(), "a panicking decoder passed");
    }
}
