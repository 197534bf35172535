//! What a build left: names, and the answers that name them.
#![no_main]

use kiln::package::Nevra;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    if let Ok(nevra) = data.parse::<Nevra>() {
        assert_eq!(nevra.to_string().parse::<Nevra>().as_ref(), Ok(&nevra));
    }
    if let Ok(names) = kiln::engine::read_taken(data) {
        for name in names {
            assert!(!name.contains('/') && name != ".." && name != "." && !name.is_empty(), "{name:?}");
        }
    }
});
