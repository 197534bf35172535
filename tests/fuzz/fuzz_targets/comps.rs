//! comps.xml.
#![no_main]

use kiln::metadata::Comps;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(comps) = Comps::parse("fuzz", data) else { return };
    for group in comps.groups() {
        let _ = comps.expand(&group.id);
    }
});
