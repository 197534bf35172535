//! Files that the root does not want: documentation, other languages, other architectures, file systems of the sandbox.

use std::collections::{BTreeMap, BTreeSet};

use crate::package::{FileEntry, FileFlags, FileKind};
use crate::plan::transaction::{Fate, Policy};

/// Directories that the sandbox mounts its own file systems on; nothing is written below them.
const MOUNTED: &[&str] = &["/proc/", "/sys/", "/dev/"];

/// Why a file is left out, before anybody looks at other packages; nothing for those that stay.
pub(super) fn skipped(files: &[FileEntry], policy: &Policy) -> Vec<Option<Fate>> {
    let mut fates = files.iter().map(|file| reason(file, policy)).collect::<Vec<_>>();
    let mut emptied = BTreeSet::new();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, fate) in files.iter().zip(&fates) {
        let directory = parent(file.path.as_str());
        let count = used.entry(directory).or_default();
        match fate {
            Some(Fate::NetShared) => {}
            Some(_) => {
                emptied.insert(directory);
            }
            None => *count += 1,
        }
    }
    let is_directory = |(_, file): &(usize, &FileEntry)| file.kind == FileKind::Directory;
    let own: BTreeMap<_, _> =
        files.iter().enumerate().filter(is_directory).map(|(at, file)| (file.path.as_str(), at)).collect();
    // A directory that has lost all its files goes too, and perhaps its own directory then: deepest first.
    let mut directories = used.keys().copied().collect::<Vec<_>>();
    directories.sort_unstable_by(|a, b| b.cmp(a));
    for directory in directories {
        if used.get(directory).is_some_and(|count| *count > 0) || !emptied.contains(directory) {
            continue;
        }
        if let Some(index) = own.get(directory).copied().filter(|index| fates[*index].is_none()) {
            fates[index] = Some(Fate::NotInstalled);
            let above = parent(directory);
            if let Some(count) = used.get_mut(above) {
                *count -= 1;
            }
            emptied.insert(above);
        }
    }
    fates
}

fn reason(file: &FileEntry, policy: &Policy) -> Option<Fate> {
    let path = file.path.as_str();
    if policy.colors.transaction != 0 && file.color != 0 && file.color & policy.colors.transaction == 0 {
        return Some(Fate::WrongColor);
    }
    if MOUNTED.iter().any(|mounted| path.starts_with(mounted)) {
        return Some(Fate::NetShared);
    }
    if file.flags.any(FileFlags::LICENSE) {
        return None;
    }
    let foreign = !file.languages.is_empty() && !policy.languages.is_empty() && {
        let mut wanted = file.languages.split('|').filter(|language| !language.is_empty());
        !wanted.any(|language| policy.languages.iter().any(|kept| kept.starts_with(language)))
    };
    let unread = !policy.docs && file.flags.any(FileFlags::DOC);
    (foreign || unread).then_some(Fate::NotInstalled)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
