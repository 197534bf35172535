//! Packages made on the spot, and the host's rpm.

use std::process::Command;

use rpm::{BuildConfig, CompressionType, PackageBuilder};

/// Whether the host has a program; says so where it has not.
pub(crate) fn available(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: no {program} on this host");
    }
    found
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// A package to be filled.
pub(crate) fn package(name: &str) -> PackageBuilder {
    let mut builder = PackageBuilder::new(name, "1", "MIT", "noarch", name);
    builder.using_config(BuildConfig::v4().compression(CompressionType::None).source_date(1_700_000_000_u32));
    builder.release("1");
    builder
}

/// A small, repeatable sequence of numbers.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
