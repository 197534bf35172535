//! kiln.

use std::process::ExitCode;

use kiln::sandbox::{JobTable, KEEPER, keeper_main};

/// kiln's own functions that run inside the user namespace.
const JOBS: JobTable = &[];

fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|name| name == KEEPER) {
        return keeper_main(JOBS);
    }
    ExitCode::SUCCESS
}
