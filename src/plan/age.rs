//! What differs between the versions of rpm: a root is made as its own rpm would make it.

use crate::package::vercmp;

/// The rpm whose way is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// Before 4.19: users and groups are the business of scriptlets, file triggers are told 0 packages, weak
    /// dependencies order as others do, though none of them as a scriptlet's.
    Early,
    /// 4.19: packages bring users and groups.
    Users,
    /// From 4.20: file triggers are told how many packages there are, weak dependencies do not order.
    Counts,
}

impl Age {
    /// The age of a root whose rpm has this version; the latest where it has none.
    pub fn of(version: Option<&str>) -> Self {
        let before =
            |limit: &str| version.is_some_and(|version| vercmp(version.as_bytes(), limit.as_bytes()).is_lt());
        match (before("4.19"), before("4.20")) {
            (true, _) => Self::Early,
            (_, true) => Self::Users,
            _ => Self::Counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_an_age_and_none_is_the_latest() {
        let table = [
            (Some("4.14.3"), Age::Early),
            (Some("4.18.0"), Age::Early),
            (Some("4.19.1.1"), Age::Users),
            (Some("4.20.0"), Age::Counts),
            (Some("6.0.0"), Age::Counts),
            (None, Age::Counts),
        ];
        for (version, age) in table {
            assert_eq!(Age::of(version), age, "{version:?}");
        }
    }
}
