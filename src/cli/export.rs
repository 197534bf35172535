//! `kiln export`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::engine::Destination;
use crate::unit::HostPath;

/// Writes the root as a tar file, with the owners that it has inside, capabilities and extended attributes (pax).
///
/// The same root gives the same bytes. Unpack it as root with `tar --xattrs --xattrs-include='*' --numeric-owner -xpf`,
/// or make a container image of it: `podman import root.tar`.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Installs these too, as `kiln run --install` does.
    #[arg(long, value_name = "REQ", num_args = 1..)]
    install: Vec<String>,
    /// The file; `-` is standard output, which must not be a terminal.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Export {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let to = if self.output.as_os_str() == "-" {
            if std::io::stdout().is_terminal() {
                let hint = "write to a file with -o FILE, or into a pipe";
                return Err(Failure::arguments("a tar file is not for a terminal", hint));
            }
            if output.is_json() {
                let hint = "write to a file with -o FILE";
                return Err(Failure::arguments("--json and a tar file cannot share standard output", hint));
            }
            Destination::Output
        } else {
            Destination::File(HostPath::new(&self.output))
        };
        let engine = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        engine.export(&release, &self.install, &to)?;
        Ok(ExitCode::SUCCESS)
    }
}
