//! The layer's listing. Files that are still the inode of an unpacked package were verified when that was unpacked and
//! nobody could write to them since, so their digest is the package's; everything else is read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;

use crate::install::change::{ChangeError, Site};
use crate::install::times::Times;
use crate::package::header::{Header, Origin};
use crate::package::{FileAlgorithm, FileDigest};
use crate::store::listing::{self, Content, Judge, Seen};
use crate::sys::SysError;
use crate::sys::entry::{self, Stat};
use crate::sys::fs;

/// Digests of the files of unpacked packages, by device and inode.
type Known = BTreeMap<(u64, u64), FileDigest>;

impl Site<'_> {
    /// Lists the layer's tree into a file, and on the way sets the times of what the transaction touched.
    pub(super) fn list(&self, (packages, to): (&[String], &str), times: &Times) -> Result<(), ChangeError> {
        let failed = |error: &dyn std::fmt::Display| ChangeError::new("the layer's listing", &error);
        let known = learn_all(packages)?;
        let inventory = Inventory { known, times: &times.listed(), layers: self.layers };
        Times::forget(self.view)
            .and_then(|()| inventory.times.settle_root(self.view))
            .map_err(|error| failed(&error))?;
        let listing = listing::read(self.tree(), &inventory).map_err(|error| failed(&error))?;
        fs::write(to, &listing::text(&listing)).map_err(|error| failed(&error))
    }
}

/// What is known of the tree before it is read.
struct Inventory<'a> {
    known: Known,
    times: &'a Times,
    layers: &'a [String],
}

impl Judge for Inventory<'_> {
    fn content(&self, _: &str, stat: &Stat) -> Content {
        match self.known.get(&stat.identity) {
            Some(digest) => Content::Known(digest.clone()),
            None => Content::Read(FileAlgorithm::Sha256),
        }
    }

    fn time(&self, seen: &Seen<'_>, stat: &Stat) -> Result<Option<(i64, u32)>, SysError> {
        self.times.time(self.layers, seen, stat)
    }
}

/// The files of packages, which are read on all processors.
fn learn_all(packages: &[String]) -> Result<Known, ChangeError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let share = packages.len().div_ceil(processors).max(1);
    std::thread::scope(|scope| {
        let learn = |share: &[String]| {
            let mut known = Known::new();
            share.iter().try_for_each(|directory| learn(directory, &mut known)).map(|()| known)
        };
        let workers: Vec<_> = packages.chunks(share).map(|share| scope.spawn(move || learn(share))).collect();
        let mut all = Known::new();
        for worker in workers {
            all.append(&mut worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}

fn learn(directory: &str, known: &mut Known) -> Result<(), ChangeError> {
    let failed = |error: &dyn std::fmt::Display| ChangeError::new(directory, &error);
    let header = fs::map(format!("{directory}/header")).map_err(|error| failed(&error))?;
    let header = Header::parse(&header, Origin::Package).map_err(|error| failed(&error))?;
    let content = entry::open_root(&format!("{directory}/files")).map_err(|error| failed(&error))?;
    let numbers = Numbers::of(&content).map_err(|error| failed(&error))?;
    for file in header.files().map_err(|error| failed(&error))? {
        let Some(digest) = file.digest else { continue };
        if let Some(identity) = numbers.identity(&content, file.index).map_err(|error| failed(&error))? {
            known.insert(identity, digest);
        }
    }
    Ok(())
}

/// The inodes of a package's files. The directory's own list says them all at once, but on some file systems not as
/// `stat` does: then each file is asked.
struct Numbers {
    device: u64,
    listed: BTreeMap<usize, u64>,
}

impl Numbers {
    fn of(content: &OwnedFd) -> Result<Self, SysError> {
        let device = entry::stat_open(content)?.identity.0;
        let number = |(name, inode): (OsString, u64)| Some((name.to_str()?.parse().ok()?, inode));
        let mut listed: BTreeMap<usize, u64> =
            entry::inodes(content)?.into_iter().filter_map(number).collect();
        if let Some((index, inode)) = listed.first_key_value() {
            let stat = entry::stat(content, index.to_string())?;
            if stat.is_none_or(|stat| stat.identity != (device, *inode)) {
                listed.clear();
            }
        }
        Ok(Self { device, listed })
    }

    fn identity(&self, content: &OwnedFd, index: usize) -> Result<Option<(u64, u64)>, SysError> {
        if let Some(inode) = self.listed.get(&index) {
            return Ok(Some((self.device, *inode)));
        }
        Ok(entry::stat(content, index.to_string())?.map(|stat| stat.identity))
    }
}
