//! What scriptlets changed becomes part of the layer.
//!
//! Scriptlets run over the layer and write into an overlay's upper directory, so that no inode of the store ever
//! changes. Afterwards everything in it moves into the layer: files over files, marks of absence where a lower layer has
//! the name, attributes of directories. Nothing of the overlay's own bookkeeping is kept: it names inodes.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use crate::install::lift::{Afterwards, Meeting};
use crate::install::view::{Found, Merged, OPAQUE, OVERLAY, View, ViewError, copy_attributes};
use crate::sys::entry::{self, Stat};

type Result<T> = std::result::Result<T, ViewError>;

/// Moves everything in the overlay's upper directory into the view's first layer; what is left then are lifted files that
/// stay so.
pub(super) fn fold(upper: &OwnedFd, view: &View, lifted: &mut Meeting) -> Result<()> {
    let root = view.root();
    fold_directory(upper, &root, "", lifted)?;
    copy_attributes(upper, root.first()?)
}

fn fold_directory(upper: &OwnedFd, place: &Merged, path: &str, lifted: &mut Meeting) -> Result<()> {
    for name in entry::names(upper)? {
        let Some(stat) = entry::stat(upper, &name)? else { continue };
        if stat.is_whiteout() {
            place.remove(&name)?;
            entry::remove_file(upper, &name)?;
        } else if stat.is_directory() {
            fold_child((upper, place), &name, path, lifted)?;
        } else if lifted.is_untouched(&stat) {
            if lifted.afterwards == Afterwards::Lower {
                entry::remove_file(upper, &name)?;
            }
        } else {
            lifted.moves(&stat, path, &name);
            strip(upper, &name, &stat)?;
            clear(place, &name, Stat::is_directory)?;
            entry::rename(upper, &name, place.first()?, &name)?;
        }
    }
    Ok(())
}

/// A directory: merged with the layer's own one, or moved as a whole where the layer has none.
fn fold_child(
    (upper, place): (&OwnedFd, &Merged),
    name: &OsStr,
    path: &str,
    lifted: &mut Meeting,
) -> Result<()> {
    let directory = entry::open_directory(upper, name)?;
    let own = entry::stat(place.first()?, name)?;
    let is_directory = own.as_ref().is_some_and(Stat::is_directory);
    if let Found::Directory(found) = place.lookup(name)?
        && is_directory
        && !is_opaque(&directory)?
    {
        fold_directory(&directory, &found, &below(path, name), lifted)?;
        copy_attributes(&directory, found.first()?)?;
        let empty = lifted.afterwards == Afterwards::Lower || entry::names(&directory)?.is_empty();
        return if empty { Ok(entry::remove_directory(upper, name)?) } else { Ok(()) };
    }
    if own.is_some() && !is_directory {
        // What the layer has instead hides what lies below, and an overlay does not say so again on a directory over it.
        entry::set_attribute(&directory, OPAQUE, b"y")?;
    }
    clear(place, name, |_| true)?;
    let beneath = place.below()?.lookup(name)?;
    settle(&directory, &beneath, &below(path, name), lifted)?;
    Ok(entry::rename(upper, name, place.first()?, name)?)
}

/// Cleans a directory that moves as a whole: marks stay only where they hide something.
fn settle(directory: &OwnedFd, hides: &Found, path: &str, lifted: &mut Meeting) -> Result<()> {
    let opaque = is_opaque(directory)?;
    remove_attributes(directory)?;
    if opaque && matches!(hides, Found::Nothing) {
        entry::remove_attribute(directory, OPAQUE)?;
    }
    let nothing = Merged::default();
    let hidden = match hides {
        Found::Directory(found) if !opaque => found,
        _ => &nothing,
    };
    for name in entry::names(directory)? {
        let Some(stat) = entry::stat(directory, &name)? else { continue };
        let beneath = hidden.lookup(&name)?;
        if stat.is_whiteout() {
            if matches!(beneath, Found::Nothing) {
                entry::remove_file(directory, &name)?;
            }
        } else if stat.is_directory() {
            let child = entry::open_directory(directory, &name)?;
            settle(&child, &beneath, &below(path, &name), lifted)?;
        } else {
            lifted.moves(&stat, path, &name);
            strip(directory, &name, &stat)?;
        }
    }
    Ok(())
}

fn below(path: &str, name: &OsStr) -> String {
    format!("{path}/{}", name.to_string_lossy())
}

fn is_opaque(directory: &OwnedFd) -> Result<bool> {
    Ok(entry::attribute(directory, OPAQUE)?.is_some_and(|value| value == b"y"))
}

/// Removes what the layer has under a name, if it is of that kind.
fn clear(place: &Merged, name: &OsStr, of_kind: impl Fn(&Stat) -> bool) -> Result<()> {
    let first = place.first()?;
    if entry::stat(first, name)?.is_some_and(|stat| of_kind(&stat)) {
        entry::remove(first, name)?;
    }
    Ok(())
}

fn strip(directory: &OwnedFd, name: &OsStr, stat: &Stat) -> Result<()> {
    if stat.is_file() { remove_attributes(&entry::open_file(directory, name)?) } else { Ok(()) }
}

fn remove_attributes(file: impl std::os::fd::AsFd) -> Result<()> {
    let file = file.as_fd();
    for name in entry::attributes(file)? {
        if name.starts_with(OVERLAY) && name != OPAQUE {
            entry::remove_attribute(file, &name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;

    /// `path` is a file, `path/` a directory, `path/!` an opaque one, `path~` a mark of absence.
    fn make(root: &Path, lines: &[&str]) {
        for line in lines {
            let path = root.join(line.trim_end_matches(['/', '!', '~']));
            if line.ends_with('~') {
                let parent = entry::open_root(path.parent().unwrap().to_str().unwrap()).unwrap();
                entry::make_special(&parent, path.file_name().unwrap(), entry::Special::Whiteout).unwrap();
            } else if line.ends_with(['/', '!']) {
                std::fs::create_dir_all(&path).unwrap();
                if line.ends_with('!') {
                    let directory = entry::open_root(path.to_str().unwrap()).unwrap();
                    entry::set_attribute(&directory, OPAQUE, b"y").unwrap();
                }
            } else {
                std::fs::write(path, line).unwrap();
            }
        }
    }

    fn list(root: &Path, prefix: &str, lines: &mut Vec<String>) {
        let mut names = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>();
        names.sort_by_key(std::fs::DirEntry::file_name);
        for name in names {
            let path = format!("{prefix}{}", name.file_name().to_str().unwrap());
            let stat = entry::stat(entry::open_root(root.to_str().unwrap()).unwrap(), name.file_name())
                .unwrap()
                .unwrap();
            if stat.is_directory() {
                let directory = entry::open_root(name.path().to_str().unwrap()).unwrap();
                let mark = if is_opaque(&directory).unwrap() { "!" } else { "" };
                lines.push(format!("{path}/{mark}"));
                list(&name.path(), &format!("{path}/"), lines);
            } else {
                lines.push(format!("{path}{}", if stat.is_whiteout() { "~" } else { "" }));
            }
        }
    }

    #[test]
    fn changes_move_into_the_layer_and_marks_stay_only_where_they_hide_something() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["new", "lower", "upper"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        make(
            &path("lower"),
            &["etc/", "etc/below", "etc/both", "var/", "var/cache/", "var/cache/old", "opt/", "opt/x"],
        );
        make(&path("new"), &["etc/", "etc/both", "etc/own", "usr/", "usr/keep", "usr/gone", "tmp/", "tmp/x"]);
        make(
            &path("upper"),
            &[
                "etc/",
                "etc/below~",
                "etc/both~",
                "etc/own~",
                "etc/never~",
                "etc/made",
                "var/",
                "var/cache/!",
                "var/cache/fresh",
                "opt~",
                "usr/",
                "usr/gone~",
                "usr/more/!",
                "usr/more/a",
                "tmp",
            ],
        );
        std::fs::set_permissions(path("upper/usr"), std::fs::Permissions::from_mode(0o711)).unwrap();
        let file = std::fs::File::open(path("upper/etc/made")).unwrap();
        let marked = entry::set_attribute(&file, "user.overlay.origin", b"0").is_ok();
        let layers = ["new", "lower"].map(|name| path(name).to_str().unwrap().to_owned());
        let upper = entry::open_root(path("upper").to_str().unwrap()).unwrap();
        fold(&upper, &View::open(&layers).unwrap(), &mut Meeting::new("", Afterwards::Lower).unwrap())
            .unwrap();
        let mut lines = Vec::new();
        list(&path("new"), "", &mut lines);
        let expected = [
            "etc/",
            "etc/below~",
            "etc/both~",
            "etc/made",
            "opt~",
            "tmp",
            "usr/",
            "usr/keep",
            "usr/more/",
            "usr/more/a",
            "var/",
            "var/cache/!",
            "var/cache/fresh",
        ];
        assert_eq!(lines, expected);
        assert_eq!(std::fs::read_dir(path("upper")).unwrap().count(), 0);
        assert_eq!(std::fs::metadata(path("new/usr")).unwrap().permissions().mode() & 0o7777, 0o711);
        let file = std::fs::File::open(path("new/etc/made")).unwrap();
        assert!(!marked || entry::attribute(&file, "user.overlay.origin").unwrap().is_none());
    }

    #[test]
    fn a_directory_that_was_removed_before_hides_what_it_had() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let lower = ["srv/", "srv/again/", "srv/again/old", "srv/file/", "srv/file/old"];
        // An earlier scriptlet removed one directory, and made a file of the other.
        let new = ["srv/", "srv/again~", "srv/file", "srv/new~"];
        let upper = ["srv/", "srv/again/", "srv/again/fresh", "srv/again/old~", "srv/file/", "srv/new/"];
        for (name, lines) in [("lower", &lower[..]), ("new", &new), ("upper", &upper)] {
            std::fs::create_dir(path(name)).unwrap();
            make(&path(name), lines);
        }
        let layers = ["new", "lower"].map(|name| path(name).to_str().unwrap().to_owned());
        let upper = entry::open_root(path("upper").to_str().unwrap()).unwrap();
        fold(&upper, &View::open(&layers).unwrap(), &mut Meeting::new("", Afterwards::Lower).unwrap())
            .unwrap();
        let mut lines = Vec::new();
        list(&path("new"), "", &mut lines);
        assert_eq!(lines, ["srv/", "srv/again/!", "srv/again/fresh", "srv/file/!", "srv/new/"]);
    }
}
