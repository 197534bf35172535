//! Name, EVR and architecture: what a package is called.

use std::fmt;
use std::str::FromStr;

use crate::package::Evr;

/// `name-[epoch:]version-release.arch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nevra {
    /// The name.
    pub name: String,
    /// Epoch, version and release.
    pub evr: Evr,
    /// The architecture, such as `x86_64` or `noarch`.
    pub arch: String,
}

/// Text that is not a NEVRA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not of the form name-[epoch:]version-release.arch", .text.escape_default())]
pub struct NevraError {
    text: String,
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.name, self.evr, self.arch)
    }
}

impl FromStr for Nevra {
    type Err = NevraError;

    fn from_str(text: &str) -> Result<Self, NevraError> {
        let wrong = || NevraError { text: text.to_owned() };
        let (rest, arch) = text.rsplit_once('.').ok_or_else(wrong)?;
        let (rest, release) = rest.rsplit_once('-').ok_or_else(wrong)?;
        let (name, version) = rest.rsplit_once('-').ok_or_else(wrong)?;
        if [name, version, release, arch].iter().any(|part| part.is_empty()) {
            return Err(wrong());
        }
        let evr = Evr::parse(&format!("{version}-{release}"));
        if evr.version.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), evr, arch: arch.to_owned() })
    }
}

impl serde::Serialize for Nevra {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Nevra {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nevra_reads_back_what_it_writes() {
        for text in ["bash-5.2.37-1.fc43.x86_64", "perl-libs-4:5.40.0-512.noarch"] {
            assert_eq!(text.parse::<Nevra>().unwrap().to_string(), text);
        }
        for text in ["bash", "bash-5.2.x86_64", "-1-1.noarch", "a--1.noarch", "a-1:-1.noarch", "a-:-1.noarch"]
        {
            assert!(text.parse::<Nevra>().is_err(), "{text}");
        }
    }
}
