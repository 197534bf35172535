//! A layer against its listing: every name in its tree, with what an inode says and what it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Findings, Looked, names, read_manifest, sealed_in};
use crate::package::header::{Header, Origin};
use crate::package::{FileAlgorithm, FileDigest};
use crate::store::layer::LayerManifest;
use crate::store::listing::{self, Content, Judge, LISTING, Listed};
use crate::store::manifest::MANIFEST;
use crate::sys::entry::{self, Stat};
use crate::sys::{SysError, fs};

pub(super) fn check(check: &Check, found: &mut Findings<'_>) -> Looked {
    let path = check.object.path();
    let directory = entry::open_root(&path)?;
    found.own("", &entry::stat_open(&directory)?);
    let Some(manifest) = read_manifest::<LayerManifest>(&directory, found)? else { return Ok(()) };
    if manifest.id.hex() != check.object.name {
        found.add(MANIFEST, "it is of another layer");
    }
    let mut expected: Vec<_> = manifest.records.keys().cloned().collect();
    expected.extend(["fs", MANIFEST].map(str::to_owned));
    expected.sort();
    found.names(&names(&directory)?, &expected);
    let mut sound = BTreeSet::new();
    for (name, digest) in &manifest.records {
        if entry::stat(&directory, name)?.is_some() && sealed_in(&directory, name, (digest, found))? {
            sound.insert(name.as_str());
        }
    }
    if !sound.contains(LISTING) {
        return Ok(());
    }
    match listing::parse(&fs::read_text(format!("{path}/{LISTING}"))?) {
        Ok(listing) => tree(check, (&manifest, &listing), found),
        Err(line) => {
            found.add(LISTING, format!("line {line} is none of a listing"));
            Ok(())
        }
    }
}

/// What the listing says, and the files of packages that are whole.
struct Expected<'a> {
    listing: BTreeMap<&'a str, &'a Listed>,
    known: BTreeMap<(u64, u64), FileDigest>,
}

impl Judge for Expected<'_> {
    fn content(&self, path: &str, stat: &Stat) -> Content {
        let wanted = self.listing.get(path).and_then(|listed| listed.digest.as_ref());
        match (self.known.get(&stat.identity), wanted) {
            (Some(digest), Some(wanted)) if digest == wanted => Content::Known(wanted.clone()),
            (_, Some(wanted)) => Content::Read(wanted.algorithm()),
            (_, None) => Content::Read(FileAlgorithm::Sha256),
        }
    }
}

fn tree(check: &Check, (manifest, listing): (&LayerManifest, &[Listed]), found: &mut Findings<'_>) -> Looked {
    let mut known = BTreeMap::new();
    for package in &manifest.packages {
        let hex = package.sha256.hex();
        if check.whole.contains(&hex) {
            learn(&hex, &mut known)?;
        }
    }
    let expected: BTreeMap<&str, &Listed> =
        listing.iter().map(|listed| (listed.path.as_str(), listed)).collect();
    let expected = Expected { listing: expected, known };
    let there = listing::read(&format!("{}/fs", check.object.path()), &expected)?;
    let mut left = expected.listing;
    for listed in &there {
        match left.remove(listed.path.as_str()) {
            None => found.add(&format!("fs{}", listed.path), "it is foreign: the layer was made without it"),
            Some(wanted) => {
                for problem in differences(listed, wanted) {
                    found.add(&format!("fs{}", listed.path), problem);
                }
            }
        }
    }
    for path in left.into_keys() {
        found.add(&format!("fs{path}"), "it is missing");
    }
    Ok(())
}

/// The files of a package that is whole, by identity.
fn learn(hex: &str, known: &mut BTreeMap<(u64, u64), FileDigest>) -> Looked {
    let bytes = fs::map(format!("packages/{hex}/header"))?;
    let files = Header::parse(&bytes, Origin::Package).and_then(|header| header.files());
    let content = entry::open_root(&format!("packages/{hex}/files"))?;
    // A header that was found to be whole a moment ago; if it is not any more, its files are read.
    for file in files.unwrap_or_default() {
        let Some(digest) = file.digest else { continue };
        if let Some(stat) = entry::stat(&content, file.index.to_string())? {
            known.insert(stat.identity, digest);
        }
    }
    Ok::<(), SysError>(())
}

fn differences(there: &Listed, wanted: &Listed) -> Vec<String> {
    let mut problems = Vec::new();
    if there.mode != wanted.mode {
        problems.push(format!("its mode is {:o} and not {:o}", there.mode, wanted.mode));
    }
    if (there.uid, there.gid) != (wanted.uid, wanted.gid) {
        let Listed { uid, gid, .. } = there;
        problems.push(format!("it is owned by {uid}:{gid} and not by {}:{}", wanted.uid, wanted.gid));
    }
    if there.size != wanted.size {
        problems.push(format!("it has {} bytes and not {}", there.size, wanted.size));
    }
    let table = [
        (there.mtime != wanted.mtime, "its time is another one"),
        (there.digest != wanted.digest, "its content is not what was put there"),
        (there.target != wanted.target, "it leads elsewhere"),
        (there.link != wanted.link, "it is not the same file as its other names"),
        (attributes(there) != attributes(wanted), "it has other extended attributes"),
    ];
    problems.extend(table.iter().filter(|row| row.0).map(|row| row.1.to_owned()));
    problems
}

/// Its attributes, without the label that a host's policy gives to files, and may change.
fn attributes(listed: &Listed) -> BTreeMap<&str, &str> {
    let all = listed.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    all.filter(|(name, _)| *name != "security.selinux").collect()
}
