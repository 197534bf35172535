//! `kiln solve`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;

/// Prints the packages that a root would have: their NEVRAs, sorted, one a line.
#[derive(Debug, Args)]
pub(super) struct Solve {
    /// What to install besides nothing: names, NEVRAs, globs, provides, paths, @groups, package files. Without any,
    /// the release's own root packages.
    #[arg(value_name = "REQ")]
    requirements: Vec<String>,
}

impl Solve {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        let requirements =
            if self.requirements.is_empty() { release.root.packages.clone() } else { self.requirements };
        for chosen in engine.solve(&release, &requirements)? {
            if output.is_json() {
                Output::object(&chosen)?;
            } else {
                Output::line(&chosen.nevra.to_string())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
