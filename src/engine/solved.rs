//! What `kiln solve` asks, and the way from what was asked for to one package.

use crate::engine::Error;
use crate::package::Nevra;
use crate::solve::{Explained, Explanation};

/// A question to the solver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SolveRequest {
    /// What is to be there: names, NEVRAs, globs, provides, paths, @groups, package files.
    pub install: Vec<String>,
    /// What is there already and stays: NEVRAs, or files that list them (a lock, `rpm -qa`, `installed_pkgs.log`).
    pub installed: Vec<String>,
}

/// The way to each package that `text` names (a name or a NEVRA, with or without epoch, release or architecture): itself,
/// what led to it, and so on to what was asked for.
pub fn ways<'e>(explanation: &'e Explanation, text: &str) -> Result<Vec<Vec<&'e Explained>>, Error> {
    let packages = &explanation.packages;
    let named = packages.iter().map(|package| &package.chosen.nevra).filter(|nevra| is_named(nevra, text));
    let ways: Vec<_> = named.map(|nevra| explanation.chain(nevra)).collect();
    if !ways.is_empty() {
        return Ok(ways);
    }
    let mut instead = Vec::new();
    for package in packages {
        for other in package.passed_over.iter().filter(|other| is_named(&other.nevra, text)) {
            let (nevra, taken) = (&other.nevra, &package.chosen.nevra);
            instead.push(format!("{taken} was taken instead of {nevra}: {}", other.because));
        }
    }
    Err(Error::NotChosen { text: text.to_owned(), instead })
}

/// Whether a package may be called so.
pub(super) fn is_named(nevra: &Nevra, text: &str) -> bool {
    let Nevra { name, evr, arch } = nevra;
    let (version, release) = (&evr.version, &evr.release);
    let rest = text.strip_prefix(name.as_str());
    let rest = rest.map(|rest| rest.strip_suffix(&format!(".{arch}")).unwrap_or(rest));
    match rest {
        Some("") => true,
        Some(rest) => rest.strip_prefix('-').is_some_and(|rest| {
            let rest = rest.strip_prefix(&format!("{}:", evr.epoch)).unwrap_or(rest);
            rest == version || rest == format!("{version}-{release}")
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_several_names() {
        let nevra: Nevra = "perl-libs-4:5.40.0-512.fc43.x86_64".parse().unwrap();
        for text in [
            "perl-libs",
            "perl-libs.x86_64",
            "perl-libs-5.40.0",
            "perl-libs-5.40.0-512.fc43",
            "perl-libs-5.40.0-512.fc43.x86_64",
            "perl-libs-4:5.40.0-512.fc43.x86_64",
            "perl-libs-4:5.40.0-512.fc43",
        ] {
            assert!(is_named(&nevra, text), "{text}");
        }
        for text in ["perl", "perl-libs-", "perl-libs-5.40", "perl-libs.noarch", "perl-libs-3:5.40.0", ""] {
            assert!(!is_named(&nevra, text), "{text}");
        }
    }
}
