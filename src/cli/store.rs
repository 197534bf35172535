//! `kiln store usage` and `kiln clean`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::engine::CleanScope;
use crate::unit::Bytes;

/// Looks after the store.
#[derive(Debug, Args)]
pub(super) struct Store {
    #[command(subcommand)]
    verb: StoreVerb,
}

#[derive(Debug, clap::Subcommand)]
enum StoreVerb {
    /// Prints what the store holds and how much room it takes.
    Usage,
}

impl Store {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let StoreVerb::Usage = self.verb;
        let usage = common.engine(output)?.usage()?;
        for row in &usage {
            if output.is_json() {
                Output::object(row)?;
            } else {
                let kind = format!("{:?}", row.kind).to_lowercase();
                Output::line(&format!("{kind:<9} {:>7}  {}", row.items, Bytes(row.bytes)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Removes what interrupted runs left in the store.
#[derive(Debug, Args)]
pub(super) struct Clean {
    /// Also removes every layer; the packages stay, so that the next root is made from them.
    #[arg(long)]
    layers: bool,
    /// Removes everything: layers, packages and metadata.
    #[arg(long, conflicts_with = "layers")]
    all: bool,
}

impl Clean {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let scope = match (self.all, self.layers) {
            (true, _) => CleanScope::Everything,
            (false, true) => CleanScope::Layers,
            (false, false) => CleanScope::Leftovers,
        };
        common.engine(output)?.clean(scope)?;
        Ok(ExitCode::SUCCESS)
    }
}
