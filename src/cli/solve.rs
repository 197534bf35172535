//! `kiln solve`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::config::SolveOptions;
use crate::engine::{self, Engine, Explained, Release, SolveRequest};

/// Prints the packages that a root would have: their NEVRAs, sorted, one a line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kiln solve -r fedora-43-x86_64 gcc make
  kiln solve -r fedora-43-x86_64 gcc --explain glibc
  kiln solve --repo base=https://example.org/x86_64/ --arch x86_64 bash

Exit codes: 0 solved, 3 release file, 30 no such set of packages, or its metadata cannot be had or trusted,
50 wrong arguments.")]
pub(super) struct Solve {
    /// What to install: names, NEVRAs, globs, provides, paths, @groups, package files. Without any, the release's own
    /// root packages.
    #[arg(value_name = "REQ")]
    requirements: Vec<String>,
    /// Prints why this package is there instead: what led to it, step by step, from which repository, and what would
    /// have done as well. A name will do; may be given several times.
    #[arg(long, value_name = "NEVRA")]
    explain: Vec<String>,
    /// Solves for this architecture without any release, over the repositories that --repo gives.
    #[arg(long, value_name = "ARCH", requires = "repos")]
    arch: Option<String>,
    /// Takes recommended packages too.
    #[arg(long)]
    weak: bool,
    /// Solves over these packages, which stay: NEVRAs with commas between them, or a file that lists them (one a line,
    /// as `rpm -qa` prints them, or a lock.json). The repositories must have them.
    #[arg(long, value_name = "FILE|NEVRA,...")]
    installed: Vec<String>,
}

impl Solve {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        let release = self.release(common, &engine)?;
        let install =
            if self.requirements.is_empty() { release.root.packages.clone() } else { self.requirements };
        if install.is_empty() {
            return Err(Failure::arguments("nothing to solve", "say what to install: kiln solve ... REQ..."));
        }
        let explanation = engine.solve(&release, &SolveRequest { install, installed: self.installed })?;
        if self.explain.is_empty() {
            explanation.packages.iter().try_for_each(|package| show(package, output))?;
        }
        for text in &self.explain {
            for way in engine::ways(&explanation, text)? {
                way.into_iter().try_for_each(|package| explain(package, output))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn release(&self, common: &Common, engine: &Engine<'_>) -> Result<Release, Failure> {
        let release = match (&self.arch, &common.release) {
            (None, None) => {
                return Err(Failure::arguments(
                    "no release given",
                    "add -r RELEASE (`kiln releases` lists them), or --repo ID=URL and --arch ARCH",
                ));
            }
            (None, Some(name)) => engine.release(name)?,
            (Some(arch), None) => engine.bare(arch)?,
            (Some(_), Some(name)) => {
                return Err(Failure::arguments(
                    format!("--arch is for solving without a release, and release {name} has its own"),
                    "leave --arch out, or -r RELEASE (and KILN_RELEASE)",
                ));
            }
        };
        let solve = SolveOptions { weak: release.solve.weak || self.weak, ..release.solve.clone() };
        Ok(Release { solve, ..release })
    }
}

/// A package of a resolution, as one of the lines of `--json`.
#[derive(Debug, serde::Serialize)]
struct Line<'s> {
    event: &'static str,
    #[serde(flatten)]
    package: &'s Explained,
}

fn show(package: &Explained, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        Output::object(&Line { event: "package", package })?;
    } else {
        Output::line(&package.chosen.nevra.to_string())?;
    }
    Ok(())
}

fn explain(package: &Explained, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return show(package, output);
    }
    Output::line(&package.chosen.nevra.to_string())?;
    Output::line(&format!("  {}", package.why))?;
    Output::line(&format!("  from {}", package.chosen.repo))?;
    for other in &package.passed_over {
        Output::line(&format!("  instead of {}: {}", other.nevra, other.because))?;
    }
    Ok(())
}
