//! A header by itself: every entry, and everything that is read out of one.
#![no_main]

use kiln::package::header::{Header, Origin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = seeds::package();
    let start = seeds::header_start(whole);
    let Some(bytes) = seeds::edited(&whole[start..], data) else { return };
    for origin in [Origin::Package, Origin::Signature, Origin::Installed] {
        if let Ok(header) = Header::parse(&bytes, origin) {
            seeds::read_all(&header);
        }
    }
});
