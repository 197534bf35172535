//! Why each package of a root is there, as values and in words.

use std::fmt;

use super::resolution::Chosen;
use crate::package::Nevra;

/// The packages of a root, each with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Sorted by NEVRA as text: the same packages in the same order as in [`super::Resolution`].
    pub packages: Vec<Explained>,
}

/// One package, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Explained {
    /// The package.
    #[serde(flatten)]
    pub chosen: Chosen,
    /// The reason that brought it in; what was asked for is a better reason than what is required.
    pub why: Why,
    /// Every package of the root that requires it.
    pub needed_by: Vec<Need>,
    /// Packages that could have been taken in its place.
    pub passed_over: Vec<PassedOver>,
}

/// Why a package is there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Why {
    /// It was in the root already.
    Installed,
    /// It was asked for.
    Asked {
        /// In which words.
        request: String,
    },
    /// A package requires it.
    Required(Need),
    /// A package may be there only if this one is, too: a conflict with a condition.
    Condition(Need),
    /// It stands beside a package of another architecture, which may not come alone.
    Beside {
        /// Which.
        package: Nevra,
    },
    /// A package recommends it.
    Recommended(Need),
    /// It supplements what is there.
    Supplements {
        /// In its own words.
        condition: String,
    },
}

/// A package with one of its dependencies.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Need {
    /// The package.
    pub by: Nevra,
    /// The dependency's words.
    pub requirement: String,
}

/// A package that could have been taken for another one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PassedOver {
    /// What it is.
    pub nevra: Nevra,
    /// Its repository's id.
    pub repo: String,
    /// Why it was not taken.
    pub because: Because,
}

/// Why a package was not taken: what the rule of choice looks at first, first (see the documentation of the module).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Because {
    /// An exclude, an include or a module filter keeps it out.
    KeptOut {
        /// Which.
        phrase: String,
    },
    /// Its repository has a lower priority.
    LowerPriority,
    /// Its architecture is worse.
    WorseArchitecture,
    /// There is a newer version of it.
    Older {
        /// Which.
        than: Nevra,
    },
    /// It is the same package in a dearer repository, or a later one of equally dear ones.
    SameElsewhere,
    /// Another candidate obsoletes it.
    Obsoleted {
        /// Which.
        by: Nevra,
    },
    /// It cannot be beside what else is in the root, or lacks something.
    Impossible {
        /// What stands against it.
        phrase: String,
    },
    /// What is in the root recommends the other one.
    NotRecommended,
    /// What is in the root suggests the other one.
    NotSuggested,
    /// It provides older versions of what both provide.
    OlderProvides,
    /// It is not the newest of its name, or not in the best repository that has the name.
    NotNewest,
    /// Nothing told them apart but the order of names and the moment of the choice.
    Order,
}

impl Explanation {
    /// From a package back to what was asked for, one requirer after the other; empty if it is not in the root.
    pub fn chain(&self, nevra: &Nevra) -> Vec<&Explained> {
        let mut chain: Vec<&Explained> = Vec::new();
        let mut at = Some(nevra);
        while let Some(found) = at.and_then(|nevra| self.find(nevra)) {
            if chain.iter().any(|met| met.chosen.nevra == found.chosen.nevra) {
                break;
            }
            chain.push(found);
            at = found.why.from();
        }
        chain
    }

    fn find(&self, nevra: &Nevra) -> Option<&Explained> {
        self.packages.iter().find(|package| package.chosen.nevra == *nevra)
    }
}

impl Why {
    /// The package that brought it in, if one did.
    pub fn from(&self) -> Option<&Nevra> {
        match self {
            Self::Required(need) | Self::Condition(need) | Self::Recommended(need) => Some(&need.by),
            Self::Beside { package } => Some(package),
            Self::Installed | Self::Asked { .. } | Self::Supplements { .. } => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => f.write_str("installed before"),
            Self::Asked { request } => write!(f, "asked for: {request}"),
            Self::Required(Need { by, requirement }) => write!(f, "required by {by}: {requirement}"),
            Self::Condition(Need { by, requirement }) => {
                write!(f, "a condition of {by}, which conflicts with {requirement}")
            }
            Self::Beside { package } => write!(f, "beside {package}"),
            Self::Recommended(Need { by, requirement }) => write!(f, "recommended by {by}: {requirement}"),
            Self::Supplements { condition } => write!(f, "supplements {condition}"),
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeptOut { phrase } | Self::Impossible { phrase } => f.write_str(phrase),
            Self::LowerPriority => f.write_str("its repository has a lower priority"),
            Self::WorseArchitecture => f.write_str("its architecture is worse"),
            Self::Older { than } => write!(f, "{than} is newer"),
            Self::SameElsewhere => f.write_str("the same package, in another repository"),
            Self::Obsoleted { by } => write!(f, "{by} obsoletes it"),
            Self::NotRecommended => f.write_str("another one is recommended"),
            Self::NotSuggested => f.write_str("another one is suggested"),
            Self::OlderProvides => f.write_str("it provides older versions"),
            Self::NotNewest => f.write_str("there is a newer or better one of its name"),
            Self::Order => f.write_str("nothing told them apart but their order"),
        }
    }
}
