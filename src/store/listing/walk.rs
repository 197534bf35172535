//! Reading a tree: the upper directories by one thread, those below them by as many as there are processors.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::store::listing::{Content, Judge, Listed, Seen, attributes, digest, escaped, listed, name_links};
use crate::sys::SysError;
use crate::sys::entry::{self, Stat};

/// Reads a tree, on all processors; its root directory is listed as `/`.
pub fn read(tree: &str, judge: &dyn Judge) -> Result<Vec<Listed>, SysError> {
    let root = entry::open_root(tree)?;
    let mut reading = Reading::new(judge, Deep::Left(Vec::new()));
    let stat = entry::stat_open(&root)?;
    reading.found.push(Listed { attributes: attributes(&root)?, ..listed("/", &stat) });
    reading.directory(&root, &Way::default())?;
    if let Deep::Left(left) = std::mem::replace(&mut reading.deep, Deep::Read) {
        reading.deep(&root, &left)?;
    }
    let Reading { mut found, first, several, .. } = reading;
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    // A name outside may be the store's.
    for several in several.into_values().filter(|several| several.paths.len() as u64 == several.links) {
        several.settle(&root, &mut found)?;
    }
    name_links(&mut found, &first);
    Ok(found)
}

/// The way to a directory: its path in the listing, and the names.
#[derive(Debug, Clone, Default)]
struct Way {
    path: String,
    names: Vec<OsString>,
}

/// From this depth on directories are shared out among threads.
const SHARED: usize = 3;

/// What becomes of the directories in that depth.
enum Deep {
    /// They are left for later.
    Left(Vec<Way>),
    /// They are read at once.
    Read,
}

/// A file with several names that is to get a time.
struct Several {
    links: u64,
    time: (i64, u32),
    paths: Vec<String>,
    /// The names that lead to one of its names, and that name.
    way: Vec<OsString>,
    name: OsString,
}

impl Several {
    fn settle(self, root: &OwnedFd, found: &mut [Listed]) -> Result<(), SysError> {
        entry::set_time(open(root, &self.way)?, &self.name, self.time)?;
        for path in &self.paths {
            if let Ok(at) = found.binary_search_by(|listed| listed.path.cmp(path)) {
                found[at].mtime = self.time.0;
            }
        }
        Ok(())
    }
}

fn open(root: &OwnedFd, way: &[OsString]) -> Result<OwnedFd, SysError> {
    let mut directory = entry::reopen(root)?;
    for name in way {
        directory = entry::open_directory(&directory, name)?;
    }
    Ok(directory)
}

struct Reading<'a> {
    judge: &'a dyn Judge,
    deep: Deep,
    /// By device and inode.
    several: BTreeMap<(u64, u64), Several>,
    /// The paths of files that have several names.
    first: BTreeMap<(u64, u64), Vec<String>>,
    found: Vec<Listed>,
}

impl<'a> Reading<'a> {
    fn new(judge: &'a dyn Judge, deep: Deep) -> Self {
        Self { judge, deep, several: BTreeMap::new(), first: BTreeMap::new(), found: Vec::new() }
    }

    /// Reads what was left, on all processors.
    fn deep(&mut self, root: &OwnedFd, left: &[Way]) -> Result<(), SysError> {
        let next = AtomicUsize::new(0);
        let judge = self.judge;
        let work = || {
            let mut reading = Reading::new(judge, Deep::Read);
            while let Some(way) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
                reading.directory(&open(root, &way.names)?, way)?;
            }
            Ok(reading)
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let all: Vec<Result<_, SysError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (1..processors.min(left.len())).map(|_| scope.spawn(work)).collect();
            let own = work();
            let ends = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            let others = ends.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            std::iter::once(own).chain(others).collect()
        });
        for result in all {
            let Reading { found, first, several, .. } = result?;
            self.found.extend(found);
            for (identity, paths) in first {
                self.first.entry(identity).or_default().extend(paths);
            }
            for (identity, mut more) in several {
                match self.several.entry(identity) {
                    Entry::Occupied(known) => known.into_mut().paths.append(&mut more.paths),
                    Entry::Vacant(place) => drop(place.insert(more)),
                }
            }
        }
        Ok(())
    }

    fn several(&mut self, seen: &Seen<'_>, (stat, time): (&Stat, (i64, u32))) {
        let several = self.several.entry(stat.identity).or_insert_with(|| Several {
            links: stat.links,
            time,
            paths: Vec::new(),
            way: seen.names.to_vec(),
            name: seen.name.to_owned(),
        });
        several.paths.push(seen.path.to_owned());
    }

    fn directory(&mut self, directory: &OwnedFd, way: &Way) -> Result<(), SysError> {
        for name in entry::names(directory)? {
            let Some(mut stat) = entry::stat(directory, &name)? else { continue };
            let path = format!("{}/{}", way.path, escaped(&name));
            let seen = Seen { name: &name, path: &path, names: &way.names };
            match self.judge.time(&seen, &stat)? {
                Some(time) if stat.is_directory() || stat.links == 1 => {
                    entry::set_time(directory, &name, time)?;
                    stat.mtime = time;
                }
                Some(time) => self.several(&seen, (&stat, time)),
                None => {}
            }
            let mut found = listed(&path, &stat);
            if stat.is_directory() {
                let below = entry::open_directory(directory, &name)?;
                found.attributes = attributes(&below)?;
                self.found.push(found);
                let names = way.names.iter().cloned().chain([name]).collect();
                self.below(&below, Way { path, names })?;
                continue;
            }
            if stat.is_link() {
                found.target = escaped(&entry::read_link(directory, &name)?);
            } else if stat.is_file() {
                self.file(&mut found, &stat, || entry::open_file(directory, &name))?;
            }
            self.found.push(found);
        }
        Ok(())
    }

    fn below(&mut self, directory: &OwnedFd, way: Way) -> Result<(), SysError> {
        match &mut self.deep {
            Deep::Left(left) if way.names.len() >= SHARED => {
                left.push(way);
                Ok(())
            }
            _ => self.directory(directory, &way),
        }
    }

    fn file(
        &mut self,
        found: &mut Listed,
        stat: &Stat,
        open: impl FnOnce() -> Result<File, SysError>,
    ) -> Result<(), SysError> {
        found.size = stat.size;
        if stat.links > 1 {
            self.first.entry(stat.identity).or_default().push(found.path.clone());
        }
        found.digest = Some(match self.judge.content(&found.path, stat) {
            Content::Known(digest) => digest,
            Content::Read(algorithm) => {
                let file = open()?;
                found.attributes = attributes(&file)?;
                digest(file, algorithm)?
            }
        });
        Ok(())
    }
}
