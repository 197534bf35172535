//! What `[limits]` and `--limit` know: one row a limit, for reading and for showing.

use crate::config::scalar::duration;
use crate::unit::{Bytes, CpuList, Limits};

/// One limit: its key, what its value must be, the reading of it, and its value as TOML.
pub(super) struct LimitRow {
    pub(super) key: &'static str,
    pub(super) expected: &'static str,
    pub(super) read: fn(&mut Limits, &str) -> Result<(), String>,
    pub(super) shown: fn(&Limits) -> Option<String>,
}

macro_rules! row {
    ($field:ident, $read:path, $shown:expr, $expected:literal) => {
        LimitRow {
            key: stringify!($field),
            expected: $expected,
            read: |limits, text| $read(text).map(|value| limits.$field = Some(value)),
            shown: |limits| limits.$field.as_ref().map($shown),
        }
    };
}

/// In the order in which they are shown.
pub(super) const LIMITS: &[LimitRow] = &[
    row!(memory, size, |size| size.0.to_string(), "a size such as \"8G\""),
    row!(memory_high, size, |size| size.0.to_string(), "a size such as \"6G\""),
    row!(swap, size_or_none, |size| size.0.to_string(), "a size such as \"1G\", or 0"),
    row!(cpus, cpus, ToString::to_string, "a number of processors such as 2 or 1.5"),
    row!(cpu_weight, weight, ToString::to_string, "a number from 1 to 10000"),
    row!(cpuset, cpuset, |set| format!("\"{set}\""), "a set of processors such as \"0-3\""),
    row!(io_weight, weight, ToString::to_string, "a number from 1 to 10000"),
    row!(io_bandwidth, size, |size| size.0.to_string(), "bytes a second such as \"50M\""),
    row!(pids, count, ToString::to_string, "a number of processes"),
    row!(disk, size, |size| size.0.to_string(), "a size such as \"20G\""),
    row!(inodes, count, ToString::to_string, "a number of files"),
    row!(log, size, |size| size.0.to_string(), "a size such as \"1G\""),
    row!(time, duration, ToString::to_string, "seconds, or a duration such as \"2h\""),
    row!(silence, duration, ToString::to_string, "seconds, or a duration such as \"30m\""),
];

fn size_or_none(text: &str) -> Result<Bytes, String> {
    text.parse().map_err(|_| "write a number of bytes with an optional K, M, G or T, such as 4G".to_owned())
}

fn size(text: &str) -> Result<Bytes, String> {
    match size_or_none(text)? {
        Bytes(0) => Err("nothing runs with none; leave it out for no limit".to_owned()),
        size => Ok(size),
    }
}

fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("nothing runs with none; leave it out for no limit".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("write a whole number".to_owned()),
    }
}

fn weight(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(weight) if (1..=10_000).contains(&weight) => Ok(weight),
        _ => Err("write a whole number from 1 to 10000; 100 is usual".to_owned()),
    }
}

fn cpus(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(cpus) if cpus.is_finite() && cpus > 0.0 => Ok(cpus),
        _ => Err("write a number above 0, such as 2 or 1.5".to_owned()),
    }
}

fn cpuset(text: &str) -> Result<CpuList, String> {
    text.parse().map_err(|_| "write numbers and ranges, such as 0-3 or 0-1+4".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_read_shown_and_merged() {
        let mut limits = Limits::default();
        for row in LIMITS {
            (row.read)(&mut limits, "7").unwrap();
            assert!((row.shown)(&limits).is_some_and(|text| text.trim_matches('"') == "7"), "{}", row.key);
        }
        assert_eq!(Limits::default().merged(&limits), limits);
        assert_eq!(limits.merged(&Limits::default()), limits);
    }
}
