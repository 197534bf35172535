//! modules.yaml, and which streams become active.
#![no_main]

use kiln::metadata::{Metadata, ModuleChoice, Modules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(modules) = Modules::parse("fuzz", data) else { return };
    let choice = ModuleChoice { platform: Some("platform:el9".to_owned()), ..ModuleChoice::default() };
    let active = modules.activate(&choice).expect("nothing is enabled, so nothing can be in the way");
    let metadata = Metadata::from_bytes("fuzz", seeds::tables().to_vec()).expect("the seed is whole");
    let _ = active.hidden(&metadata);
});
