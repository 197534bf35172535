//! Metalinks and mirror lists.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let _ = kiln::fetch::read_metalink(data);
});
