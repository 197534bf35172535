//! What a whole keeper can be without, in a build for tests only: its name says so. A product's keeper has one name.

use std::ffi::OsStr;

use crate::plan::Guard;
use crate::sandbox::serve::KEEPER;

/// Whether a program was started under a name that makes it the keeper.
pub fn is_keeper(name: &OsStr) -> bool {
    name == KEEPER || (cfg!(debug_assertions) && name.to_str().is_some_and(|name| said(name).is_some()))
}

/// The name of a keeper that is without some protections.
#[cfg(debug_assertions)]
pub(super) fn name(without: &[Guard]) -> String {
    let text = serde_json::to_string(without).unwrap_or_default();
    if without.is_empty() { KEEPER.to_owned() } else { format!("{KEEPER}{text}") }
}

fn said(name: &str) -> Option<Vec<Guard>> {
    serde_json::from_str(name.strip_prefix(KEEPER)?).ok()
}

/// What this keeper is without.
pub(super) fn lacking() -> Vec<Guard> {
    let name = if cfg!(debug_assertions) { std::env::args().next() } else { None };
    name.and_then(|name| said(&name)).unwrap_or_default()
}

/// Whether this keeper has a protection.
pub(super) fn keeper_has(guard: Guard) -> bool {
    !lacking().contains(&guard)
}
