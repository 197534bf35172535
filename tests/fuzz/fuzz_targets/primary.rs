//! primary.xml, in whatever form it is stored, and the tables that are made of it.
#![no_main]

use kiln::metadata::{Metadata, Promise, open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let cap = || Promise { limit: Some(4 << 20), ..Promise::default() };
    let Ok(input) = open(data, cap(), cap()) else { return };
    let Ok(metadata) = Metadata::parse("fuzz", input) else { return };
    let again =
        Metadata::from_bytes("fuzz", metadata.as_bytes().to_vec()).expect("what was made can be loaded");
    for package in again.packages() {
        let nevra = package.nevra();
        assert_eq!(nevra.to_string().parse().as_ref(), Ok(&nevra));
        assert!(!package.location().starts_with('/'));
    }
});
