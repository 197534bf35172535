//! Parses the command line, runs it, gives the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().peekable();
    if arguments.peek().is_some_and(|name| name == kiln::sandbox::KEEPER) {
        return kiln::sandbox::keeper_main(kiln::engine::JOBS);
    }
    kiln::cli::run(arguments)
}
