//! What the store takes on disk.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::Error;
use crate::lab::Lab;
use crate::result::{Goal, Outcome, Unit};
use crate::sample::finish;

/// Another release with the same packages and some more: only what is new may take room.
pub(super) fn shared(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let store = lab.path("shared-store");
    finish(lab.kiln(&store).arg("init"))?;
    let (before, packages) = (size(&store)?, size(&store.join("packages"))? + size(&store.join("rpms"))?);
    let first = lab.release();
    let second = lab.path("clay-2-x86_64.toml");
    let text = std::fs::read_to_string(&first).map_err(Error::io("read", &first))?;
    let text =
        text.replace("\"@buildsys-build\"", "\"@buildsys-build\", \"meson\"").replace("\"1\"", "\"2\"");
    std::fs::write(&second, text).map_err(Error::io("write", &second))?;
    finish(lab.kiln_with(&store, &second).arg("init"))?;
    let new = size(&store.join("packages"))? + size(&store.join("rpms"))? - packages;
    let grown = size(&store)? - before;
    let outcome = Outcome {
        row: "shared".to_owned(),
        what: "a second release that shares packages: bytes on disk over those of its new packages"
            .to_owned(),
        unit: Unit::Bytes,
        ours: grown as f64,
        peer: Some(("new packages, packed and unpacked".to_owned(), new as f64)),
        remarks: vec![format!("the first release's root takes {:.1} MB", before as f64 / 1e6)],
        bar: None,
        aim: Some(Goal::AtMostTimes(2.0)),
        runs: Vec::new(),
    };
    Ok(vec![outcome])
}

/// Bytes that a tree takes; a file with several names counts once.
fn size(tree: &Path) -> Result<u64, Error> {
    let mut met = BTreeSet::new();
    let mut left = vec![tree.to_owned()];
    let mut bytes = 0;
    while let Some(path) = left.pop() {
        let stat = std::fs::symlink_metadata(&path).map_err(Error::io("look at", &path))?;
        if stat.is_dir() {
            bytes += stat.blocks() * 512;
            let entries = std::fs::read_dir(&path).map_err(Error::io("list", &path))?;
            left.extend(entries.flatten().map(|entry| entry.path()));
        } else if met.insert(stat.ino()) {
            bytes += stat.blocks() * 512;
        }
    }
    Ok(bytes)
}
