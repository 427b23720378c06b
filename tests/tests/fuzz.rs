//! Decoders under mutated bytes: none panics, and none contradicts itself. The same functions are
//! the targets under `fuzz/`.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use wirelane_tests::decoder::{DECODERS, Decoder};
use wirelane_tests::effort::Effort;
use wirelane_tests::mutation::mutated;
use wirelane_tests::random::Random;

const SEED: u64 = 0x5eed_0001;

/// Tests of this file, which share the seconds of the long form.
const PART: u32 = 32;

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
    let turns = [200_000, 100_000_000, 10_000_000_000].map(|turns| turns / decoder.cost);
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

// Goal and method: as above, on plain and compressed files; the messages are what the bytes hold.
#[test]
fn binaryfile_holds_on_any_bytes() {
    attack_named("binaryfile");
}

// Goal and method: as above, on captures of two link layers; no more comes out than went in.
#[test]
fn pcap_holds_on_any_bytes() {
    attack_named("pcap");
}

// Goal and method: as above, on levels and rows; what is converted, strict books take.
#[test]
fn lobster_holds_on_any_bytes() {
    attack_named("lobster");
}

// Goal and method: as above, on a configuration; what loads is written and loads to the same.
#[test]
fn config_holds_on_any_bytes() {
    attack_named("config");
}

// Goal and method: as above, on a segment of the journal; what verifies is read to its end.
#[test]
fn journal_holds_on_any_bytes() {
    attack_named("journal");
}

// Goal: what was found once is never lost again, and seeds are well formed. Method: every seed, cut
// at every length, and every input under `fuzz/kept/NAME`, where what once failed is put, and under
// `fuzz/corpus/NAME`, which fuzzing fills.
#[test]
fn seeds_and_kept_inputs_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for decoder in DECODERS {
        let mut count = 0;
        for seed in (decoder.seeds)() {
            for length in (0..=seed.len()).step_by(if decoder.cost > 1 { 7 } else { 1 }) {
                (decoder.run)(&seed[..length]);
                count += 1;
            }
            (decoder.run)(&seed);
        }
        let folders = ["kept", "corpus"].map(|folder| fuzz.join(folder).join(decoder.name));
        for file in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            (decoder.run)(&fs::read(path).unwrap());
            count += 1;
        }
        println!("{}: {count} inputs", decoder.name);
        assert!(count > 10, "{}: only {count} inputs", decoder.name);
    }
}

// Goal: no decoder is left out of the tests above, nor of the fuzz targets. Method: a test of this
// file, a target's file and a row of the manifest for each, by name.
#[test]
fn every_decoder_is_attacked() {
    let here = include_str!("fuzz.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for Decoder { name, .. } in DECODERS {
        assert!(here.contains(&format!("attack_named(\"{name}\")")), "{name}: no test above");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}: not in fuzz/Cargo.toml");
        let target = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("find(\"{name}\")")), "{name}: another's target");
    }
}

// Goal: the attack finds a panic. Method: a decoder that trusts a length, planted on demand by
// `cargo xtask gates`; without the demand the same decoder must be caught here.
#[test]
fn decoder_that_trusts_a_length_is_caught() {
    fn trusting(bytes: &[u8]) {
        let Some(length) = bytes.first() else { return };
        assert!(bytes[1..][..usize::from(*length)].len() < 256);
    }
    let seeds = || vec![vec![3, 1, 2, 3]];
    let decoder = Decoder { name: "planted", run: trusting, seeds, cost: 1 };
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
