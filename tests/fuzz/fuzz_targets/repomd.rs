//! repomd.xml.
#![no_main]

use kiln::metadata::Repomd;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(repomd) = Repomd::parse("fuzz", data) {
        for (_, document) in repomd.all() {
            assert!(
                !document.location.starts_with('/') && !document.location.split('/').any(|part| part == "..")
            );
        }
    }
});
