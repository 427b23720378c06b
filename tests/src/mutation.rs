//! Bytes made wrong in the ways wires and files make them wrong.

use crate::random::Random;

/// Longest input made.
const BYTES_MAX: usize = 2048;

/// Values at which lengths and counts go wrong.
const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/// One of `seeds`, changed 1 to 4 times.
pub fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds.get(random.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(4) {
        mutate(random, seeds, &mut bytes);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn mutate(random: &mut Random, seeds: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(9) {
        0 => bytes.truncate(at),
        1 => {
            let count = random.below(64);
            bytes.extend((0..count).map(|_| random.bits() as u8));
        }
        2 => {
            bytes.drain(..at);
        }
        3 => {
            let other = &seeds[random.below(seeds.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[random.below(other.len())..]);
        }
        4 => bytes.extend_from_within(at..),
        kind => {
            let Some(byte) = bytes.get_mut(at) else { return };
            *byte = match kind {
                5 => *byte ^ (1 << random.below(8)),
                6 => EDGES[random.below(EDGES.len())],
                7 => byte.wrapping_add(1),
                _ => random.bits() as u8,
            };
        }
    }
}
