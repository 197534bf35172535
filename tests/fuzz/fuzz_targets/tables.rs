//! The parsed form, as it is mapped from the store: bytes that are not what was written there must not lead anywhere.
#![no_main]

use kiln::metadata::{Kind, Metadata};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(bytes) = seeds::edited(seeds::tables(), data) else { return };
    let Ok(metadata) = Metadata::from_bytes("fuzz", bytes) else { return };
    for package in metadata.packages() {
        let _ = (package.nevra(), package.checksum(), package.location(), package.files().count());
        for dependency in package.dependencies(Kind::Requires) {
            let _ = metadata.text(dependency.name);
        }
    }
});
