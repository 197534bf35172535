//! The message that describes a sandbox.
#![no_main]

use kiln::plan::SandboxSpec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(spec) = serde_json::from_slice::<SandboxSpec>(data) {
        let text = serde_json::to_vec(&spec).expect("a specification can be written");
        serde_json::from_slice::<SandboxSpec>(&text).expect("and read again");
    }
});
