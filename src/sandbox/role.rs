//! What this program is, by its name: kiln; or the keeper; or what seals itself first and then becomes the keeper.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;

use crate::plan::{Guard, IdMap, IdRange};
use crate::sandbox::serve::{JobTable, KEEPER, keeper_main};
use crate::sys::{fs, program};

/// The name under which this program seals itself; the name that it takes on then is its only argument.
const SEALER: &str = "kiln-sealer";

/// The whole life of a process that is not kiln itself; none where this is. To be called first thing.
pub fn play(mut arguments: impl Iterator<Item = OsString>, jobs: JobTable) -> Option<ExitCode> {
    let words = [arguments.next(), arguments.next()].map(|word| word?.into_string().ok());
    match words {
        [Some(name), _] if without(&name).is_some() => Some(keeper_main(jobs)),
        [Some(name), Some(next)] if name == SEALER => Some(become_sealed(&next)),
        // A launcher cannot give a program another name.
        [_, Some(next)] if next == KEEPER => Some(become_sealed(KEEPER)),
        _ => None,
    }
}

fn become_sealed(name: &str) -> ExitCode {
    // Whoever waits for it sees the end of its socket.
    drop(program::become_sealed(name));
    ExitCode::FAILURE
}

/// The words that start a keeper of some name. Sealing costs two milliseconds, so it is done where it changes
/// something: where the program's file is one that somebody with these ids may write to. Nobody else can, whatever he
/// holds: a capability of a user namespace counts for files of its own ids only.
pub(super) fn words<'a>(name: &'a str, program: &Path, ids: &IdMap) -> Vec<&'a str> {
    let left_out = without(name).is_some_and(|guards| guards.contains(&Guard::SealedProgram));
    if left_out || !is_writable(program, ids) { vec![name] } else { vec![SEALER, name] }
}

fn is_writable(program: &Path, ids: &IdMap) -> bool {
    let Ok(file) = fs::stat(program) else { return true };
    let is_owner =
        |range: &IdRange| file.uid().checked_sub(range.outside).is_some_and(|number| number < range.count);
    file.mode() & 0o022 != 0 || ids.uids.iter().any(is_owner)
}

/// The name of a keeper that is without some protections, in a build for tests only. A product's keeper has one name.
#[cfg(debug_assertions)]
pub(super) fn name(without: &[Guard]) -> String {
    let text = serde_json::to_string(without).unwrap_or_default();
    if without.is_empty() { KEEPER.to_owned() } else { format!("{KEEPER}{text}") }
}

/// What a keeper of this name is without; none where it is no name of a keeper.
fn without(name: &str) -> Option<Vec<Guard>> {
    match name.strip_prefix(KEEPER)? {
        "" => Some(Vec::new()),
        text if cfg!(debug_assertions) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// What this keeper is without.
pub(super) fn lacking() -> Vec<Guard> {
    let name = if cfg!(debug_assertions) { std::env::args().next() } else { None };
    name.and_then(|name| without(&name)).unwrap_or_default()
}

/// Whether this keeper has a protection.
pub(super) fn keeper_has(guard: Guard) -> bool {
    !lacking().contains(&guard)
}
