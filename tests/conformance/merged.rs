//! Layers as one ordinary tree with the owners that it has inside: what rpm and dnf on the host can work in.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const CAPABILITIES: &str = "security.capability";

/// Copies layers (uppermost first) into a directory that is not there yet. Only root can.
pub(crate) fn copy(layers: &[&Path], shift: u32, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for layer in layers.iter().rev() {
        let mut names = BTreeMap::new();
        copy_directory(layer, to, shift, &mut names);
    }
}

fn copy_directory(from: &Path, to: &Path, shift: u32, names: &mut BTreeMap<(u64, u64), PathBuf>) {
    for found in std::fs::read_dir(from).unwrap() {
        let found = found.unwrap();
        let (old, new) = (found.path(), to.join(found.file_name()));
        let stat = std::fs::symlink_metadata(&old).unwrap();
        let kind = stat.file_type();
        let there = std::fs::symlink_metadata(&new).ok();
        let keep = kind.is_dir() && there.as_ref().is_some_and(std::fs::Metadata::is_dir);
        match there {
            Some(there) if there.is_dir() && !keep => std::fs::remove_dir_all(&new).unwrap(),
            Some(_) if !keep => std::fs::remove_file(&new).unwrap(),
            _ => {}
        }
        if kind.is_char_device() || kind.is_fifo() {
            continue;
        }
        if kind.is_dir() {
            if !keep {
                std::fs::create_dir(&new).unwrap();
            }
            copy_directory(&old, &new, shift, names);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&old).unwrap(), &new).unwrap();
        } else if let Some(first) = names.get(&(stat.dev(), stat.ino())) {
            std::fs::hard_link(first, &new).unwrap();
            continue;
        } else {
            std::fs::copy(&old, &new).unwrap();
            names.insert((stat.dev(), stat.ino()), new.clone());
        }
        dress(&old, &new, &stat, shift);
    }
}

fn dress(old: &Path, new: &Path, stat: &std::fs::Metadata, shift: u32) {
    let id = |number: u32| Some(number.wrapping_sub(shift));
    std::os::unix::fs::lchown(new, id(stat.uid()), id(stat.gid())).unwrap();
    if stat.is_symlink() {
        let times = rustix::fs::Timestamps { last_access: time(stat), last_modification: time(stat) };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, new, &times, flags).unwrap();
        return;
    }
    std::fs::set_permissions(new, std::fs::Permissions::from_mode(stat.mode() & 0o7777)).unwrap();
    let mut value = [0_u8; 64];
    if let Ok(length) = rustix::fs::lgetxattr(old, CAPABILITIES, &mut value[..]) {
        // Of the third form, which names a namespace's root, the second one is the first twenty bytes.
        value[3] = 2;
        let value = &value[..length.min(20)];
        rustix::fs::lsetxattr(new, CAPABILITIES, value, rustix::fs::XattrFlags::empty()).unwrap();
    }
    let times = rustix::fs::Timestamps { last_access: time(stat), last_modification: time(stat) };
    rustix::fs::utimensat(rustix::fs::CWD, new, &times, rustix::fs::AtFlags::empty()).unwrap();
}

fn time(stat: &std::fs::Metadata) -> rustix::fs::Timespec {
    rustix::fs::Timespec { tv_sec: stat.mtime(), tv_nsec: stat.mtime_nsec() as _ }
}
