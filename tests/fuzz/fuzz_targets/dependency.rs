//! Dependencies, plain and rich.
#![no_main]

use kiln::package::{Dependency, Rich};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let _ = Dependency::parse(data);
    if let Ok(rich) = Rich::parse(data) {
        rich.each(&mut |dependency| {
            assert!(dependency.matches(dependency) || !dependency.matches(dependency))
        });
    }
});
