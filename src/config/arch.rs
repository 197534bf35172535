//! Architectures: what a release may be for, and the `basearch` that dnf makes of it.

/// A base architecture and the architectures whose packages its repositories hold.
const BASES: &[(&str, &[&str])] = &[
    ("aarch64", &["aarch64"]),
    ("arm", &["armv5tejl", "armv5tel", "armv5tl", "armv6l", "armv7l", "armv8l"]),
    ("armhfp", &["armv6hl", "armv7hl", "armv7hnl", "armv8hl"]),
    ("i386", &["i386", "i486", "i586", "i686", "athlon", "geode"]),
    ("loongarch64", &["loongarch64"]),
    ("mips64el", &["mips64el"]),
    ("mipsel", &["mipsel"]),
    ("ppc", &["ppc"]),
    ("ppc64", &["ppc64", "ppc64p7", "ppc64iseries", "ppc64pseries"]),
    ("ppc64le", &["ppc64le"]),
    ("riscv64", &["riscv64"]),
    ("s390", &["s390"]),
    ("s390x", &["s390x"]),
    ("x86_64", &["x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "amd64", "ia32e"]),
];

/// The base architecture of an architecture, where there is one.
pub(super) fn basearch(arch: &str) -> Option<&'static str> {
    BASES.iter().find(|row| row.1.contains(&arch)).map(|row| row.0)
}

/// Every architecture.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    BASES.iter().flat_map(|row| row.1.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basearch_is_what_dnf_says() {
        let table = [
            ("x86_64", Some("x86_64")),
            ("x86_64_v2", Some("x86_64")),
            ("i686", Some("i386")),
            ("armv7hl", Some("armhfp")),
            ("armv7hnl", Some("armhfp")),
            ("ppc64le", Some("ppc64le")),
            ("noarch", None),
            ("x86-64", None),
        ];
        for (arch, base) in table {
            assert_eq!(basearch(arch), base, "{arch}");
        }
    }
}
