//! Manifests: JSON whose last field is the digest of all that comes before, so that a flipped bit is found whoever reads
//! it. Manifests of earlier versions of kiln have no such field.

use std::io::Write as _;

use crate::store::{Error, Store};
use crate::sys::{SysError, fs};
use crate::unit::{Algorithm, Digest, Hasher, HostPath};

pub(super) const MANIFEST: &str = "manifest.json";

const FIELD: &str = ",\n  \"sum\": \"";
const END: &str = "\"\n}";

/// What a manifest's sum says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    /// It is what was written.
    Right,
    /// It is not.
    Wrong,
    /// There is none.
    Missing,
}

/// The text of a manifest, from its JSON in several lines.
fn with_sum(json: &str) -> String {
    let open = json.strip_suffix("\n}").unwrap_or(json);
    format!("{open}{FIELD}{}{END}", Digest::sha256(json.as_bytes()))
}

/// Looks at a manifest's sum.
pub(super) fn sum(text: &str) -> Sum {
    let Some((open, rest)) = text.rsplit_once(FIELD) else { return Sum::Missing };
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(open.as_bytes());
    hasher.update(b"\n}");
    // Letter by letter, since a digest can be written in more than one way, and a manifest in one only.
    let right = rest.strip_suffix(END) == Some(hasher.finish().to_string().as_str());
    if right { Sum::Right } else { Sum::Wrong }
}

/// Reads a manifest.
pub(super) fn parse<T: serde::de::DeserializeOwned>(path: &HostPath, text: &str) -> Result<T, Error> {
    let damaged = |why: String| Error::Damaged { path: path.clone(), why };
    if sum(text) == Sum::Wrong {
        return Err(damaged("its content does not have the digest that it ends with".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| damaged(error.to_string()))
}

impl Store {
    pub(super) fn write_manifest(
        &self,
        directory: &HostPath,
        manifest: &impl serde::Serialize,
    ) -> Result<(), Error> {
        let path = directory.join(MANIFEST);
        let json = serde_json::to_string_pretty(manifest)
            .map_err(|error| Error::Damaged { path: path.clone(), why: error.to_string() })?;
        let mut file = fs::create_new(&path, 0o644)?;
        file.write_all(with_sum(&json).as_bytes())
            .map_err(|source| SysError::new("write", format!("{path}"), source))?;
        self.own(&path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_manifest_is_found() {
        let json = serde_json::to_string_pretty(&serde_json::json!({"a": 1, "b": ["x", "y"]})).unwrap();
        let text = with_sum(&json);
        assert_eq!(sum(&text), Sum::Right);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["b"][1], "y");
        assert_eq!(sum(&json), Sum::Missing);
        for at in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            // Where the field itself is hit, what is left is no manifest of this version, or no JSON.
            assert_ne!(sum(&flipped), Sum::Right, "{flipped}");
        }
    }
}
