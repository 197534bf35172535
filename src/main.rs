//! Parses the command line, runs it, gives the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().peekable();
    if arguments.peek().is_some_and(|name| kiln::sandbox::is_keeper(name)) {
        return kiln::sandbox::keeper_main(kiln::engine::JOBS);
    }
    if std::env::args_os().nth(1).is_some_and(|word| word == kiln::sandbox::KEEPER) {
        return kiln::sandbox::keeper_of_launcher();
    }
    kiln::cli::run(arguments)
}
