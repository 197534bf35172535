//! `kiln store usage`, `kiln store prune` and `kiln clean`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::lines::printable;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::config;
use crate::engine::{CleanScope, Effect, Outcome, Repair, Which};
use crate::unit::Bytes;

/// Looks after the store. A shared store below it is not touched: name it with --store.
#[derive(Debug, Args)]
pub(super) struct Store {
    #[command(subcommand)]
    verb: StoreVerb,
}

#[derive(Debug, clap::Subcommand)]
enum StoreVerb {
    /// Prints what the store holds and how much room it takes.
    Usage,
    Prune(Prune),
    Verify(Verify),
}

impl Store {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        match self.verb {
            StoreVerb::Usage => usage(common, output),
            StoreVerb::Prune(verb) => verb.run(common, output),
            StoreVerb::Verify(verb) => verb.run(common, output),
        }
    }
}

fn usage(common: &Common, output: &Output) -> Result<ExitCode, Failure> {
    let usage = common.engine(output)?.usage()?;
    for row in &usage {
        if output.is_json() {
            Output::object(row)?;
        } else {
            Output::line(&format!("{:<9} {:>7}  {}", row.kind, row.items, Bytes(row.bytes)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes what was not used for longest, and prints what went. What a running kiln uses stays.
///
/// Without options: what was not used for 30 days.
#[derive(Debug, Args)]
struct Prune {
    /// Removes what was not used for so long: 12h, 30d, 8w.
    #[arg(long, value_name = "AGE", value_parser = config::duration)]
    older_than: Option<u64>,
    /// Then removes what was not used for longest, until the store has not more than so much: 20G.
    #[arg(long, value_name = "BYTES")]
    size: Option<Bytes>,
    /// Removes everything.
    #[arg(long, conflicts_with_all = ["older_than", "size"])]
    all: bool,
    /// Removes nothing; prints what would go.
    #[arg(long)]
    dry_run: bool,
}

/// What `kiln store prune` removes when it is not told.
const OLD: u64 = 30 * 86_400;

impl Prune {
    fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let size = self.size.map(|size| size.0);
        let which = match (self.all, self.older_than, size) {
            (true, ..) => Which::Everything,
            (false, None, None) => Which::Unused { older_than: Some(OLD), size },
            (false, older_than, size) => Which::Unused { older_than, size },
        };
        let effect = if self.dry_run { Effect::Tell } else { Effect::Remove };
        let pruned = common.engine(output)?.prune(which, effect)?;
        if output.is_json() {
            pruned.removed.iter().try_for_each(Output::object)?;
            Output::object(&serde_json::json!({ "in_use": pruned.in_use, "left": pruned.left }))?;
        } else {
            for row in &pruned.removed {
                Output::line(&format!("{}  {}", row.object, Bytes(row.bytes)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Looks at everything in the store again, and prints what is not as it was made.
///
/// Where all is well it also waits until the disk has all of it: then the store can be given to others, as a shared one.
#[derive(Debug, Args)]
struct Verify {
    /// Removes what is damaged and makes it again; layers and metadata are made again when they are next needed.
    #[arg(long)]
    repair: bool,
}

impl Verify {
    fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let repair = if self.repair { Repair::Yes } else { Repair::No };
        let engine = common.engine(output)?;
        let verified = engine.verify(repair)?;
        for found in &verified.found {
            if output.is_json() {
                Output::object(found)?;
            } else {
                let outcome = match found.outcome {
                    Some(Outcome::MadeAgain) => "  [made again]",
                    Some(Outcome::Removed) => "  [removed]",
                    Some(Outcome::InUse) => "  [in use, left]",
                    Some(Outcome::Foreign) | None => "",
                };
                Output::line(&format!("{}{outcome}", printable(&found.fault.to_string())))?;
            }
        }
        if output.is_json() {
            Output::object(&serde_json::json!({ "verified": verified.looked_at }))?;
        }
        engine.damage(&verified, repair).map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()))
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
