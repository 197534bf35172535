//! `kiln srpm`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::build::{RpmbuildOptions, SpecOptions};
use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::engine::BuildRequest;
use crate::unit::HostPath;

/// Makes a source package in the root, so that the target's macros decide its header.
#[derive(Debug, Args)]
pub(super) struct Srpm {
    #[command(flatten)]
    spec: SpecOptions,
    #[command(flatten)]
    rpmbuild: RpmbuildOptions,
    /// Where the source package and the logs go [default: ./RELEASE/NAME-VERSION-RELEASE].
    #[arg(long, value_name = "DIR")]
    result: Option<PathBuf>,
}

impl Srpm {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let Some(source) = self.spec.input() else {
            return Err(Failure::arguments(
                "`kiln srpm` needs a spec file and its sources",
                "give --spec FILE --sources DIR",
            ));
        };
        let engine = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        let options = self.rpmbuild.into_options();
        let request = BuildRequest { source, options, result: self.result.map(HostPath::new) };
        let artifact = engine.srpm(&release, &request)?;
        if output.is_json() {
            Output::object(&artifact)?;
        } else {
            Output::line(&artifact.path.to_string())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
