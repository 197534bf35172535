//! A package file.
#![no_main]

use kiln::package::file::PackageFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(bytes) = seeds::edited(seeds::package(), data) else { return };
    if let Ok(file) = PackageFile::parse(&bytes) {
        seeds::read_all(&file.header);
        seeds::read_all(&file.signature);
        assert!(file.payload().len() < bytes.len());
    }
});
