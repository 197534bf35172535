//! A package's content as files: one flat directory, each file named by its position in the header.
//!
//! No name of the package ever becomes a name on disk, so there is nothing for a hostile one to lead astray. Directories, links and
//! devices are not made at all; the header says everything about them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, Seek as _, SeekFrom, Write as _};
use std::rc::Rc;

use crate::install::unpack::Reason;
use crate::install::unpack::archive::{Archive, Entry};
use crate::package::{FileAlgorithm, FileDigest, FileEntry, FileFlags, FileHasher, FileKind};
use crate::store::stored_mode;
use crate::sys::SysError;
use crate::sys::flat::Flat;
use crate::sys::owner::{Owner, finish};

/// The files of a package while its archive is read.
pub(super) struct Contents<'a> {
    files: &'a [FileEntry],
    /// Path without its first slash, position; sorted.
    names: Vec<(&'a str, usize)>,
    /// For each file the hard-linked set it is in.
    sets: Sets,
    seen: Vec<bool>,
    directory: Flat,
    owner: Option<Owner>,
    /// What was written, counted.
    pub(super) written: Written,
}

/// Hard-linked sets by each of their members; a set is there once, however many members it has.
type Sets = BTreeMap<usize, Rc<[usize]>>;

/// How much came out of an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

fn wrong(file: &FileEntry, why: impl Into<String>) -> Reason {
    Reason::File { path: file.path.to_string(), why: why.into() }
}

impl<'a> Contents<'a> {
    /// The package's files are to be made in `directory`, for `owner` where that is not this process's own.
    pub(super) fn new(files: &'a [FileEntry], directory: Flat, owner: Option<Owner>) -> Result<Self, Reason> {
        let mut names: Vec<_> = files.iter().map(|file| (&file.path.as_str()[1..], file.index)).collect();
        names.sort_unstable();
        let sets = sets(files)?;
        let seen = vec![false; files.len()];
        Ok(Self { files, names, sets, seen, directory, owner, written: Written::default() })
    }

    /// Reads a whole archive, and gives back the input behind it.
    pub(super) fn read<R: BufRead>(&mut self, mut archive: Archive<R>) -> Result<R, Reason> {
        loop {
            match archive.next()? {
                Entry::End => break,
                Entry::Named { name, mode, size } => {
                    let file = self.named(&name)?;
                    if mode != file.mode {
                        return Err(wrong(
                            file,
                            format!("its mode is {:o} in the header and {mode:o} in the payload", file.mode),
                        ));
                    }
                    self.file(file, &mut archive, Some(size))?;
                }
                Entry::Numbered(index) => {
                    let file =
                        self.files.get(index).ok_or_else(|| Reason::Unknown { name: index.to_string() })?;
                    self.file(file, &mut archive, None)?;
                }
            }
        }
        let ghost = |file: &FileEntry| file.flags.any(FileFlags::GHOST);
        if let Some(file) = self.files.iter().find(|file| !self.seen[file.index] && !ghost(file)) {
            return Err(wrong(file, "it is in the header and not in the payload"));
        }
        Ok(archive.finish()?)
    }

    fn named(&self, name: &str) -> Result<&'a FileEntry, Reason> {
        let plain = name.strip_prefix("./").or_else(|| name.strip_prefix('/')).unwrap_or(name);
        let at = self.names.binary_search_by_key(&plain, |row| row.0);
        at.map(|at| &self.files[self.names[at].1]).map_err(|_| Reason::Unknown { name: name.to_owned() })
    }

    fn file<R: BufRead>(
        &mut self,
        file: &'a FileEntry,
        archive: &mut Archive<R>,
        claimed: Option<u64>,
    ) -> Result<(), Reason> {
        if file.flags.any(FileFlags::GHOST) {
            // Old versions of rpm put ghosts into the payload; their content counts for nothing.
            return archive.content(claimed.unwrap_or(0), |_| Ok(()));
        }
        if std::mem::replace(&mut self.seen[file.index], true) {
            return Err(wrong(file, "it is in the payload twice"));
        }
        let carries = self.sets.get(&file.index).is_none_or(|set| set.last() == Some(&file.index));
        let size = match file.kind {
            FileKind::Regular if carries => file.size,
            FileKind::Link => file.target.len() as u64,
            _ => 0,
        };
        if claimed.is_some_and(|claimed| claimed != size)
            || (file.kind == FileKind::Link && file.size != size)
        {
            let claimed = claimed.unwrap_or(file.size);
            return Err(wrong(
                file,
                format!("it has {size} bytes in the header and {claimed} in the payload"),
            ));
        }
        match file.kind {
            FileKind::Regular if carries => self.write(file, archive),
            FileKind::Link => link(file, archive),
            _ => Ok(()),
        }
    }

    fn write<R: BufRead>(&mut self, file: &FileEntry, archive: &mut Archive<R>) -> Result<(), Reason> {
        let name = file.index.to_string();
        let mut out = Sparse { file: self.directory.create(&name)?, skipped: 0 };
        let failed = |source| Reason::System(SysError::new("write", format!("{name:?}"), source));
        let algorithm = file.digest.as_ref().map_or(FileAlgorithm::Sha256, FileDigest::algorithm);
        let mut hasher = FileHasher::new(algorithm);
        archive.content(file.size, |piece| {
            if crate::sandbox::interrupted() {
                return Err(Reason::Interrupted);
            }
            hasher.update(piece);
            out.write(piece).map_err(failed)
        })?;
        let out = out.finish(file.size).map_err(failed)?;
        let found = hasher.finish();
        if file.digest.as_ref() != Some(&found) && !no_digest_needed(file) {
            let expected = file.digest.as_ref().map_or("none", FileDigest::hex).to_owned();
            return Err(Reason::Digest {
                part: file.path.to_string(),
                expected,
                found: found.hex().to_owned(),
            });
        }
        finish((&name, &out), self.owner, stored_mode(file), file.mtime)?;
        for other in self
            .sets
            .get(&file.index)
            .into_iter()
            .flat_map(|set| set.iter())
            .filter(|other| **other != file.index)
        {
            self.directory.link(&name, &other.to_string())?;
            self.written.files += 1;
        }
        self.written.files += 1;
        self.written.bytes += file.size;
        Ok(())
    }
}

/// A file in which long runs of zeros are holes.
struct Sparse {
    file: File,
    /// Zeros that come before what is written next.
    skipped: u64,
}

/// Shorter runs are not worth a call.
const LONG: usize = 64 << 10;

impl Sparse {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        if piece.len() >= LONG && piece.chunks(ZEROS.len()).all(|part| part == &ZEROS[..part.len()]) {
            self.skipped += piece.len() as u64;
            return Ok(());
        }
        if self.skipped > 0 {
            self.file.seek(SeekFrom::Current(self.skipped as i64))?;
            self.skipped = 0;
        }
        self.file.write_all(piece)
    }

    /// The file with all its bytes.
    fn finish(self, size: u64) -> std::io::Result<File> {
        if self.skipped > 0 {
            self.file.set_len(size)?;
        }
        Ok(self.file)
    }
}

/// An empty file needs no digest, and in old packages has one of zeros.
fn no_digest_needed(file: &FileEntry) -> bool {
    file.size == 0
        && file.digest.as_ref().is_none_or(|digest| digest.hex().bytes().all(|digit| digit == b'0'))
}

fn link<R: BufRead>(file: &FileEntry, archive: &mut Archive<R>) -> Result<(), Reason> {
    let mut rest = file.target.as_bytes();
    archive.content(file.target.len() as u64, |piece| match rest.strip_prefix(piece) {
        Some(after) => {
            rest = after;
            Ok(())
        }
        None => Err(wrong(file, "the link leads elsewhere in the payload than in the header")),
    })
}

/// Files that are one file with several names, by each of their positions. The last carries the content.
fn sets(files: &[FileEntry]) -> Result<Sets, Reason> {
    let mut identities: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
    for file in files {
        let linked = file.kind == FileKind::Regular && !file.flags.any(FileFlags::GHOST) && file.inode != 0;
        if linked {
            identities.entry((file.device, file.inode)).or_default().push(file.index);
        }
    }
    let mut sets = Sets::new();
    for set in identities.into_values().filter(|set| set.len() > 1) {
        let set: Rc<[usize]> = set.into();
        let first = &files[set[0]];
        for index in set.iter() {
            let file = &files[*index];
            if file.size != first.size || file.digest != first.digest {
                return Err(wrong(file, format!("it is a hard link to {} with another content", first.path)));
            }
            sets.insert(*index, Rc::clone(&set));
        }
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::RootPath;

    #[test]
    fn a_hard_linked_set_is_there_once_however_many_members_it_has() {
        let file = |index: usize| FileEntry {
            index,
            path: RootPath::new(format!("/srv/{index}")).unwrap(),
            kind: FileKind::Regular,
            mode: 0o100_644,
            user: "root".to_owned(),
            group: "root".to_owned(),
            size: 0,
            mtime: 0,
            digest: None,
            target: String::new(),
            flags: FileFlags(0),
            verify: 0,
            rdev: 0,
            device: 1,
            inode: 7,
            languages: String::new(),
            capabilities: String::new(),
            color: 0,
        };
        let files: Vec<_> = (0..60_000).map(file).collect();
        let sets = sets(&files).unwrap();
        assert_eq!(sets.len(), files.len());
        let set = &sets[&0];
        assert!(set.iter().copied().eq(0..files.len()));
        assert!(sets.values().all(|other| Rc::ptr_eq(set, other)));
    }
}
