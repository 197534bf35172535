//! A set of processors as the kernel writes it: `0-3,8`.

use std::fmt;
use std::str::FromStr;

/// Numbers of processors, in ranges. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuList(Vec<(u32, u32)>);

/// Text that is no set of processors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a set of processors; write numbers and ranges, such as 0-3 or 0-1+4")]
pub struct CpuListError {
    text: String,
}

/// The kernel's own limit.
const MOST: u32 = 8192;

impl CpuList {
    /// Every number in it.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The first `count` processors.
    pub fn first(count: u32) -> Self {
        Self(vec![(0, count.clamp(1, MOST) - 1)])
    }
}

impl FromStr for CpuList {
    type Err = CpuListError;

    /// `+` may stand for the comma, which has another meaning on the command line.
    fn from_str(text: &str) -> Result<Self, CpuListError> {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last && last < MOST).then_some((first, last))
        };
        let ranges: Option<Vec<_>> = text.split([',', '+']).map(range).collect();
        ranges.map(Self).ok_or_else(|| CpuListError { text: text.to_owned() })
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

impl serde::Serialize for CpuList {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for CpuList {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_numbers_and_ranges() {
        let table = [("0", "0"), ("0-3", "0-3"), ("0-1+4", "0-1,4"), ("1,3,5-5", "1,3,5")];
        for (text, shown) in table {
            assert_eq!(text.parse::<CpuList>().unwrap().to_string(), shown);
        }
        for text in ["", "a", "3-1", "-1", "0,", "99999"] {
            assert!(text.parse::<CpuList>().is_err(), "{text}");
        }
        assert_eq!("0-1+4".parse::<CpuList>().unwrap().numbers().collect::<Vec<_>>(), [0, 1, 4]);
    }
}
