//! `kiln init`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;

/// Makes the root's layers, where the store does not have them yet, and prints the id of the uppermost one.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Installs these too, as `kiln run --install` does.
    #[arg(long, value_name = "REQ", num_args = 1..)]
    install: Vec<String>,
}

impl Init {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        let id = engine.init(&release, &self.install)?;
        if output.is_json() {
            Output::object(&serde_json::json!({ "layer": id }))?;
        } else {
            Output::line(&id.hex())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
