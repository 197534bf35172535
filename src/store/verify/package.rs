//! An unpacked package against its header: which files there are, what each holds, whose it is, which are one file.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::{Findings, Looked, digest, names, read_manifest, sealed_in};
use crate::package::header::{Header, Origin};
use crate::package::{FileDigest, FileEntry, FileFlags, FileKind};
use crate::store::manifest::MANIFEST;
use crate::store::object::Object;
use crate::store::package::{PackageManifest, stored_mode};
use crate::sys::entry::{self, Stat};
use crate::sys::{SysError, fs};

pub(super) fn check(object: &Object, found: &mut Findings<'_>) -> Looked {
    let directory = entry::open_root(&object.path())?;
    found.own("", &entry::stat_open(&directory)?);
    let expected = ["files", "header", MANIFEST, "signature"].map(str::to_owned);
    found.names(&names(&directory)?, &expected);
    let Some(manifest) = read_manifest::<PackageManifest>(&directory, found)? else { return Ok(()) };
    found.name = Some(manifest.nevra.to_string());
    for fault in &mut found.faults {
        fault.name.clone_from(&found.name);
    }
    if manifest.digest.hex() != object.name {
        found.add(MANIFEST, "it is of another package");
    }
    match &manifest.signature {
        Some(digest) => drop(sealed_in(&directory, "signature", (digest, found))?),
        None => found.add(MANIFEST, "an earlier kiln wrote it, without the digest of `signature`"),
    }
    if !sealed_in(&directory, "header", (&manifest.header, found))? {
        return Ok(());
    }
    let bytes = fs::map(format!("{}/header", object.path()))?;
    let files = Header::parse(&bytes, Origin::Package).and_then(|header| header.files());
    match files {
        Ok(files) => contents(&directory, &files, found),
        Err(error) => {
            found.add("header", error.to_string());
            Ok(())
        }
    }
}

fn contents(directory: &OwnedFd, files: &[FileEntry], found: &mut Findings<'_>) -> Looked {
    let Ok(content) = entry::open_directory(directory, "files") else { return Ok(()) };
    found.own("files", &entry::stat_open(&content)?);
    let ghost = |file: &FileEntry| file.flags.any(FileFlags::GHOST);
    let with_content: BTreeMap<String, &FileEntry> = files
        .iter()
        .filter(|file| file.kind == FileKind::Regular && !ghost(file))
        .map(|file| (file.index.to_string(), file))
        .collect();
    let mut sets = BTreeMap::new();
    for name in names(&content)? {
        let shown = format!("files/{name}");
        let Some(file) = with_content.get(&name) else {
            found.add(&shown, "it is foreign: the package has no such file");
            continue;
        };
        let Some(stat) = entry::stat(&content, &name)? else { continue };
        let shown = format!("{shown} ({})", file.path);
        let set = (file.device, file.inode);
        if file.inode != 0 && *sets.entry(set).or_insert(stat.identity) != stat.identity {
            found.add(&shown, "it is a copy of what must be one file with several names");
        }
        if let Some(problem) = problem(file, &stat, &|| read(&content, &name, file))? {
            found.add(&shown, problem);
        }
    }
    let there = names(&content)?;
    for (name, file) in with_content.iter().filter(|(name, _)| there.binary_search(name).is_err()) {
        found.add(&format!("files/{name} ({})", file.path), "it is missing");
    }
    Ok(())
}

/// Whether a file has the content that the header says, and no attributes.
fn read(content: &OwnedFd, name: &str, file: &FileEntry) -> Result<Option<&'static str>, SysError> {
    let open = entry::open_file(content, name)?;
    let attributes = entry::attributes(&open)?;
    if attributes.iter().any(|name| name == "security.capability" || name.starts_with("user.")) {
        return Ok(Some("it has extended attributes"));
    }
    let Some(expected) = &file.digest else { return Ok(None) };
    let right = file.size == 0 || digest(open, FileDigest::algorithm(expected))? == *expected;
    Ok((!right).then_some("its content does not have the digest in the package's header"))
}

fn problem(
    file: &FileEntry,
    stat: &Stat,
    read: &dyn Fn() -> Result<Option<&'static str>, SysError>,
) -> Result<Option<String>, SysError> {
    if !stat.is_file() {
        return Ok(Some("it is not a file".to_owned()));
    }
    let mode = (stat.mode & 0o7777, stored_mode(file));
    if mode.0 != mode.1 {
        return Ok(Some(format!("its mode is {:04o} and not {:04o}", mode.0, mode.1)));
    }
    if (stat.uid, stat.gid) != (0, 0) {
        return Ok(Some(format!("it is owned by {}:{} and not by 0:0", stat.uid, stat.gid)));
    }
    if stat.size != file.size {
        return Ok(Some(format!("it has {} bytes and not {}", stat.size, file.size)));
    }
    if stat.mtime.0 != i64::from(file.mtime) {
        return Ok(Some("its time is not the package's".to_owned()));
    }
    Ok(read()?.map(str::to_owned))
}
