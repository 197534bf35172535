//! Sizes as people write them: `512M`, `4G`, `65536`.

use std::fmt;
use std::str::FromStr;

/// A number of bytes. Suffixes are powers of 1024, as in systemd and cgroup files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A size that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size; write a number with an optional K, M, G or T, such as 4G")]
pub struct BytesError {
    text: String,
}

const SUFFIXES: &[(&str, u32)] = &[("K", 10), ("M", 20), ("G", 30), ("T", 40)];

impl FromStr for Bytes {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Self, BytesError> {
        let wrong = || BytesError { text: text.to_owned() };
        let upper = text.trim().to_ascii_uppercase();
        let plain = upper.strip_suffix("IB").or(upper.strip_suffix('B')).unwrap_or(&upper);
        let (digits, shift) = SUFFIXES
            .iter()
            .find_map(|(suffix, shift)| plain.strip_suffix(suffix).map(|digits| (digits, *shift)))
            .unwrap_or((plain, 0));
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        number.checked_mul(1 << shift).map(Bytes).ok_or_else(wrong)
    }
}

impl Bytes {
    /// As a release file and `--limit` take it: `4G`, or the plain number where no suffix fits.
    pub fn option(self) -> String {
        let fits = |row: &&(&str, u32)| self.0 > 0 && self.0.is_multiple_of(1 << row.1);
        let suffix = SUFFIXES.iter().rev().find(fits);
        suffix.map_or_else(|| self.0.to_string(), |(suffix, shift)| format!("{}{suffix}", self.0 >> shift))
    }
}

impl fmt::Display for Bytes {
    /// For people: `1.5 GiB`, `12 KiB`, `17 B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (suffix, shift) in SUFFIXES.iter().rev() {
            if self.0 >> shift > 0 {
                let value = self.0 as f64 / (1_u64 << shift) as f64;
                let decimals = usize::from(value < 10.0 && !self.0.is_multiple_of(1 << shift));
                return write!(f, "{value:.decimals$} {suffix}iB");
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl serde::Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Bytes(number)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_binary_suffixes() {
        let table =
            [("0", 0), ("17", 17), ("4G", 4 << 30), ("4GiB", 4 << 30), ("512m", 512 << 20), ("1KB", 1024)];
        for (text, bytes) in table {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "G", "-1", "4X", "99999999999T", "1.5G"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_short() {
        let table = [(17, "17 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (448 << 20, "448 MiB")];
        for (bytes, text) in table {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
