//! What the root has before a transaction, as far as the fates of its files depend on it.

use std::io::Read as _;

use crate::install::view::{Found, Merged, View, ViewError};
use crate::package::{FileAlgorithm, FileDigest, FileHasher, FileKind};
use crate::plan::transaction::{Disk, OnDisk};
use crate::sys::SysError;
use crate::sys::entry;

/// The question. Paths of layers are relative to the store, the others are paths in the root.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Survey {
    /// Trees, uppermost first.
    pub(super) layers: Vec<String>,
    /// Directories that the packages have files in.
    pub(super) directories: Vec<String>,
    /// Configuration files.
    pub(super) files: Vec<String>,
    /// How the packages digest their files.
    pub(super) algorithms: Vec<FileAlgorithm>,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Surveyed {
    /// Links that those directories lead through, with their targets.
    pub(super) links: Vec<(String, String)>,
    /// The configuration files that are there.
    pub(super) disk: Disk,
}

/// The job's name.
pub(super) const JOB: &str = "install-survey";

/// The job. Its input is a [`Survey`], its answer a [`Surveyed`].
pub(super) fn survey(input: &str) -> Result<String, String> {
    let survey: Survey = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let surveyed = look(&survey).map_err(|error| error.to_string())?;
    serde_json::to_string(&surveyed).map_err(|error| error.to_string())
}

fn look(survey: &Survey) -> Result<Surveyed, ViewError> {
    let view = View::open(&survey.layers)?;
    let mut links = Vec::new();
    for directory in &survey.directories {
        view.directory(directory, &mut |path, target| links.push((path.to_owned(), target.to_owned())))?;
    }
    links.sort_unstable();
    links.dedup();
    let mut disk = Disk::new();
    for path in &survey.files {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(directory) = view.directory(parent, &mut |_, _| {})? else { continue };
        if let Some(found) = file(&directory, name, &survey.algorithms)? {
            disk.insert(path.clone(), found);
        }
    }
    Ok(Surveyed { links, disk })
}

fn file(directory: &Merged, name: &str, algorithms: &[FileAlgorithm]) -> Result<Option<OnDisk>, ViewError> {
    let (layer, stat) = match directory.lookup(name)? {
        Found::Nothing => return Ok(None),
        Found::Directory(_) => {
            let (digests, target) = (Vec::new(), String::new());
            return Ok(Some(OnDisk { kind: FileKind::Directory, size: 0, digests, target }));
        }
        Found::Other { layer, stat } => (layer, stat),
    };
    let kind = FileKind::of_mode(stat.mode).unwrap_or(FileKind::Regular);
    let mut found = OnDisk { kind, size: stat.size, digests: Vec::new(), target: String::new() };
    match kind {
        FileKind::Regular => {
            found.digests = digests(entry::open_file(directory.part(layer)?, name)?, algorithms)?;
        }
        FileKind::Link => {
            let target = entry::read_link(directory.part(layer)?, name)?;
            found.target = target.to_string_lossy().into_owned();
        }
        _ => {}
    }
    Ok(Some(found))
}

fn digests(mut file: std::fs::File, algorithms: &[FileAlgorithm]) -> Result<Vec<FileDigest>, SysError> {
    let mut hashers = algorithms.iter().map(|algorithm| FileHasher::new(*algorithm)).collect::<Vec<_>>();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer).map_err(|source| SysError::new("read", String::new(), source))?;
        if count == 0 {
            return Ok(hashers.into_iter().map(FileHasher::finish).collect());
        }
        for hasher in &mut hashers {
            hasher.update(&buffer[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_configuration_are_found_through_links() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("usr/etc")).unwrap();
        std::os::unix::fs::symlink("usr/etc", root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("usr/etc/x"), "abc").unwrap();
        std::os::unix::fs::symlink("x", root.path().join("usr/etc/l")).unwrap();
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let survey = Survey {
            layers: owned(&[root.path().to_str().unwrap()]),
            directories: owned(&["/etc", "/none/x"]),
            files: owned(&["/etc/x", "/etc/l", "/etc/none", "/etc"]),
            algorithms: vec![FileAlgorithm::Md5],
        };
        let found = look(&survey).unwrap();
        assert_eq!(found.links, [("/etc".to_owned(), "usr/etc".to_owned())]);
        assert_eq!(found.disk.keys().collect::<Vec<_>>(), ["/etc", "/etc/l", "/etc/x"]);
        let file = &found.disk["/etc/x"];
        assert_eq!((file.size, file.digests[0].hex()), (3, "900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!((found.disk["/etc/l"].kind, found.disk["/etc"].kind), (FileKind::Link, FileKind::Link));
    }
}
