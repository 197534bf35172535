//! filelists.xml.
#![no_main]

use kiln::metadata::{Metadata, Owners};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let metadata = Metadata::from_bytes("fuzz", seeds::tables().to_vec()).expect("the seed is whole");
    let _ = Owners::find(&metadata, data, ["/bin/sh", "/etc/x"]);
});
