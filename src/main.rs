//! Parses the command line, runs it, gives the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let role = kiln::sandbox::play(std::env::args_os(), kiln::engine::JOBS);
    role.unwrap_or_else(|| kiln::cli::run(std::env::args_os()))
}
