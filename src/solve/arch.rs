//! Which architectures may be in one root, and which is better.
//!
//! A score orders the compatible architectures, best first; `noarch` has its own class; 0 is incompatible. Colours are
//! rpm's: two architectures of one package may both be in a root if they share no colour.

/// The policies: a root's architecture, and what it accepts, best first (libsolv's `poolarch.c`, dnf's base architectures).
const POLICIES: &[(&str, &str)] = &[
    ("x86_64_v4", "x86_64_v4 x86_64_v3 x86_64_v2 x86_64 athlon i686 i586 i486 i386"),
    ("x86_64_v3", "x86_64_v3 x86_64_v2 x86_64 athlon i686 i586 i486 i386"),
    ("x86_64_v2", "x86_64_v2 x86_64 athlon i686 i586 i486 i386"),
    ("x86_64", "x86_64 athlon i686 i586 i486 i386"),
    ("amd64", "amd64 x86_64 athlon i686 i586 i486 i386"),
    ("ia32e", "ia32e x86_64 athlon i686 i586 i486 i386"),
    ("athlon", "athlon i686 i586 i486 i386"),
    ("i686", "i686 i586 i486 i386"),
    ("i586", "i586 i486 i386"),
    ("i486", "i486 i386"),
    ("ia64", "ia64 i686 i586 i486 i386"),
    ("s390x", "s390x s390"),
    ("ppc64", "ppc64 ppc"),
    ("ppc64p7", "ppc64p7 ppc64 ppc"),
    ("armv8hcnl", "armv8hcnl armv8hnl armv8hl armv7hnl armv7hl armv6hl"),
    ("armv8hnl", "armv8hnl armv8hl armv7hnl armv7hl armv6hl"),
    ("armv8hl", "armv8hl armv7hl armv6hl"),
    ("armv8l", "armv8l armv7l armv6l armv5tejl armv5tel armv5tl armv5l armv4tl armv4l armv3l"),
    ("armv7hnl", "armv7hnl armv7hl armv6hl"),
    ("armv7hl", "armv7hl armv6hl"),
    ("armv7l", "armv7l armv6l armv5tejl armv5tel armv5tl armv5l armv4tl armv4l armv3l"),
    ("armv6l", "armv6l armv5tejl armv5tel armv5tl armv5l armv4tl armv4l armv3l"),
    ("armv5tejl", "armv5tejl armv5tel armv5tl armv5l armv4tl armv4l armv3l"),
    ("armv5tel", "armv5tel armv5tl armv5l armv4tl armv4l armv3l"),
    ("armv5tl", "armv5tl armv5l armv4tl armv4l armv3l"),
    ("armv5l", "armv5l armv4tl armv4l armv3l"),
    ("armv4tl", "armv4tl armv4l armv3l"),
    ("armv4l", "armv4l armv3l"),
    ("sh4a", "sh4a sh4"),
    ("sparc64v", "sparc64v sparc64 sparcv9v sparcv9 sparcv8 sparc"),
    ("sparc64", "sparc64 sparcv9 sparcv8 sparc"),
    ("sparcv9v", "sparcv9v sparcv9 sparcv8 sparc"),
    ("sparcv9", "sparcv9 sparcv8 sparc"),
    ("sparcv8", "sparcv8 sparc"),
    ("e2kv6", "e2kv6 e2kv5 e2kv4 e2k"),
    ("e2kv5", "e2kv5 e2kv4 e2k"),
    ("e2kv4", "e2kv4 e2k"),
];

/// How good an architecture is for a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Score {
    /// Fits every root, and is neither better nor worse than the others.
    Any,
    /// The lower the better.
    Rank(u8),
}

/// What a root accepts.
#[derive(Debug)]
pub(super) struct Policy {
    accepted: Vec<String>,
}

impl Policy {
    /// The policy of a root's architecture; one without a row accepts itself and `noarch`.
    pub(super) fn new(arch: &str) -> Self {
        let accepted = POLICIES.iter().find(|row| row.0 == arch).map_or(arch, |row| row.1);
        Self { accepted: accepted.split(' ').map(str::to_owned).collect() }
    }

    /// None if packages of that architecture cannot be in the root.
    pub(super) fn score(&self, arch: &str) -> Option<Score> {
        if arch == "noarch" {
            return Some(Score::Any);
        }
        self.accepted.iter().position(|accepted| accepted == arch).map(|rank| Score::Rank(rank as u8))
    }
}

/// rpm's colours as bits: 1 for 32-bit, 2 for 64-bit, all for `noarch`.
pub(super) fn colours(arch: &str) -> u8 {
    match arch {
        "noarch" | "all" | "any" => 255,
        "s390x" => 2,
        _ if arch.contains("64") => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_64_bit_root_accepts_its_32_bit_architectures_after_its_own() {
        let policy = Policy::new("x86_64");
        assert!(policy.score("x86_64") < policy.score("i686"));
        assert!(policy.score("i686") < policy.score("i386"));
        assert_eq!(policy.score("noarch"), Some(Score::Any));
        assert_eq!(policy.score("aarch64"), None);
        assert_eq!(policy.score("src"), None);
        assert_eq!(Policy::new("aarch64").score("aarch64"), Some(Score::Rank(0)));
    }

    #[test]
    fn architectures_without_a_common_colour_live_side_by_side() {
        assert_eq!(colours("x86_64") & colours("i686"), 0);
        assert_ne!(colours("noarch") & colours("i686"), 0);
        assert_ne!(colours("x86_64") & colours("x86_64_v2"), 0);
    }
}
