//! `kiln build`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::options::Common;
use crate::cli::output::Output;
use crate::engine::{BuildOptions, BuildRequest, SourceInput};
use crate::unit::HostPath;

/// Builds binary packages from source packages, or from a spec file and its sources.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// Source packages.
    #[arg(value_name = "SOURCE.src.rpm", required_unless_present = "spec", conflicts_with = "spec")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    spec: SpecOptions,
    #[command(flatten)]
    rpmbuild: RpmbuildOptions,
    /// Where the artifacts, logs and report.json go [default: ./RELEASE/NAME-VERSION-RELEASE].
    #[arg(long, value_name = "DIR")]
    result: Option<PathBuf>,
}

/// A spec file and where its sources are.
#[derive(Debug, Args)]
pub(super) struct SpecOptions {
    /// Spec file.
    #[arg(long, value_name = "FILE", requires = "source_dir")]
    pub(super) spec: Option<PathBuf>,
    /// Directory with the sources and patches that the spec file names.
    #[arg(long = "sources", id = "source_dir", value_name = "DIR", requires = "spec")]
    pub(super) source_dir: Option<PathBuf>,
}

/// What rpmbuild is told.
#[derive(Debug, Args)]
pub(super) struct RpmbuildOptions {
    /// Enables a build condition of the spec file.
    #[arg(long, value_name = "CONDITION")]
    with: Vec<String>,
    /// Disables a build condition of the spec file.
    #[arg(long, value_name = "CONDITION")]
    without: Vec<String>,
    /// Defines a macro: `NAME VALUE`.
    #[arg(short = 'D', long, value_name = "NAME VALUE", value_parser = definition)]
    define: Vec<(String, String)>,
    /// Loads a macro file of the host into the root.
    #[arg(long, value_name = "FILE")]
    macro_file: Option<PathBuf>,
    /// Skips %check.
    #[arg(long)]
    nocheck: bool,
    /// Builds for another architecture that the root can run, such as i686.
    #[arg(long, value_name = "ARCH")]
    target: Option<String>,
}

fn definition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.trim().split_once(char::is_whitespace).ok_or("write it as 'NAME VALUE'")?;
    let name = name.strip_prefix('%').unwrap_or(name);
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(valid) {
        return Err(format!("`{name}` is not a macro's name"));
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

impl RpmbuildOptions {
    pub(super) fn into_options(self) -> BuildOptions {
        BuildOptions {
            with: self.with,
            without: self.without,
            define: self.define,
            macro_file: self.macro_file.map(HostPath::new),
            nocheck: self.nocheck,
            target: self.target,
        }
    }
}

impl SpecOptions {
    pub(super) fn input(self) -> Option<SourceInput> {
        let (spec, sources) = self.spec.zip(self.source_dir)?;
        Some(SourceInput::Spec { spec: HostPath::new(spec), sources: HostPath::new(sources) })
    }
}

impl Build {
    pub(super) fn run(self, common: &Common, output: &Output) -> Result<ExitCode, Failure> {
        let engine = common.engine(output)?;
        let release = engine.release(common.release()?)?;
        let packages = self.sources.into_iter().map(|path| SourceInput::Package(HostPath::new(path)));
        let inputs: Vec<SourceInput> = packages.chain(self.spec.input()).collect();
        if self.result.is_some() && inputs.len() > 1 {
            return Err(Failure::arguments(
                "--result takes one source package",
                "give one source package, or leave --result out: each gets a directory of its own",
            ));
        }
        let options = self.rpmbuild.into_options();
        for source in inputs {
            let result = self.result.clone().map(HostPath::new);
            let request = BuildRequest { source, options: options.clone(), result };
            let built = engine.build(&release, &request)?;
            for artifact in &built.artifacts {
                if output.is_json() {
                    Output::object(artifact)?;
                } else {
                    Output::line(&artifact.path.to_string())?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_a_name_and_a_value() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(definition("dist .fc43"), pair("dist", ".fc43"));
        assert_eq!(definition("%_x  a b "), pair("_x", "a b"));
        for wrong in ["dist", "a-b c", "% x"] {
            assert!(definition(wrong).is_err(), "{wrong}");
        }
    }
}
