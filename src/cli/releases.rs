//! `kiln releases` and `kiln config show`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;

/// Lists the releases that can be built for.
#[derive(Debug, Args)]
pub(super) struct Releases {}

impl Releases {
    pub(super) fn run(common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        let releases = engine.releases()?;
        let width = releases.iter().map(|listed| listed.name.len()).max().unwrap_or(0);
        for listed in &releases {
            let description = match &listed.release {
                Ok(release) => release.description.clone(),
                Err(error) => format!("(unusable: {error})"),
            };
            if output.is_json() {
                let file = listed.file.to_string();
                Output::object(&serde_json::json!({
                    "name": listed.name, "description": description, "file": file, "usable": listed.release.is_ok(),
                }))?;
            } else {
                Output::line(&format!("{:<width$}  {description}", listed.name))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows what a release file resolves to.
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigVerb {
    /// Prints the release with everything merged and every variable replaced; the output is a release file.
    Show,
}

impl Config {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let ConfigVerb::Show = self.verb;
        let engine = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        let text = engine.shown(&release);
        if output.is_json() {
            Output::object(&serde_json::json!({ "release": release.name, "text": text }))?;
        } else {
            Output::line(text.trim_end())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
