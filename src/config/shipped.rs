//! The release files that come with kiln, in the binary: a copy of kiln alone is enough to build for any of them.

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../configs/", $path)))),*]
    };
}

/// Paths below `configs/`, sorted, each with its text. A test holds the table against the directory.
pub(super) const SHIPPED: &[(&str, &str)] = shipped![
    "centos-stream-10-aarch64.toml",
    "centos-stream-10-x86_64.toml",
    "centos-stream-9-aarch64.toml",
    "centos-stream-9-x86_64.toml",
    "family/centos-stream-10.toml",
    "family/centos-stream-9.toml",
    "family/centos-stream.toml",
    "family/fedora-43.toml",
    "family/fedora-44.toml",
    "family/fedora-rawhide.toml",
    "family/fedora.toml",
    "family/opensuse-tumbleweed.toml",
    "fedora-43-aarch64.toml",
    "fedora-43-x86_64.toml",
    "fedora-44-aarch64.toml",
    "fedora-44-x86_64.toml",
    "fedora-rawhide-aarch64.toml",
    "fedora-rawhide-x86_64.toml",
    "opensuse-tumbleweed-aarch64.toml",
    "opensuse-tumbleweed-x86_64.toml",
];

/// The text of a shipped file.
pub(super) fn text(path: &str) -> Option<&'static str> {
    SHIPPED.binary_search_by(|row| row.0.cmp(path)).ok().map(|at| SHIPPED[at].1)
}
