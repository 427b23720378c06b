//! The decoder `pcap` of `wirelane_tests::decoder` on any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirelane_tests::decoder;

fuzz_target!(|bytes: &[u8]| {
    if let Some(decoder) = decoder::find("pcap") {
        (decoder.run)(bytes);
    }
});
