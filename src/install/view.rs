//! The root's files as one tree: the layer that is being made over the layers below it, with an overlay's rules, but
//! read by ourselves, because files are linked into the layer while nothing is mounted.
//!
//! Paths are walked one name at a time. A symbolic link leads to another place of the same root or nowhere.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::sys::entry::{self, Stat};
use crate::sys::{SysError, entry::Special};

/// An overlay's mark on a directory that hides what lies below it.
pub(super) const OPAQUE: &str = "user.overlay.opaque";

/// What overlays write into extended attributes begins with this.
pub(super) const OVERLAY: &str = "user.overlay.";

/// How many links one path may go through.
const DEPTH: usize = 40;

/// A path that cannot be walked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ViewError {
    /// A call failed.
    #[error(transparent)]
    System(#[from] SysError),
    /// A link leads in circles.
    #[error("`{path}` leads through too many symbolic links")]
    Links { path: String },
    /// A file is where a directory must be.
    #[error("`{path}` is not a directory")]
    NotADirectory { path: String },
}

type Result<T> = std::result::Result<T, ViewError>;

/// The layers, uppermost first; the first one may be written.
#[derive(Debug)]
pub(super) struct View {
    root: Rc<Merged>,
    /// Where [`View::ensure`] led, by the path that it was asked for.
    ensured: RefCell<Ensured>,
    /// The directories that it led to and through.
    visited: RefCell<BTreeSet<String>>,
}

/// A place that a walk came to, and the way back.
#[derive(Debug)]
struct Place {
    path: String,
    directory: Rc<Merged>,
    above: Option<Rc<Self>>,
}

/// Walks that need not be made again. Paths come sorted, so that few are enough; each keeps descriptors open.
#[derive(Debug, Default)]
struct Ensured {
    places: BTreeMap<String, Rc<Place>>,
    descriptors: usize,
}

/// At most so many descriptors are kept for [`Ensured`]: a process may have 1024.
const KEPT: usize = 512;

/// One directory of the root: its parts in the layers that have it, uppermost first.
#[derive(Debug, Default)]
pub(super) struct Merged {
    parts: Vec<(usize, OwnedFd)>,
}

/// What a name is.
#[derive(Debug)]
pub(super) enum Found {
    /// Not there.
    Nothing,
    /// A directory.
    Directory(Merged),
    /// Something else, in this layer.
    Other { layer: usize, stat: Stat },
}

/// What to do about a directory that is missing, or that the first layer does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Stop,
    Make,
}

/// Told about every link that a walk goes through: its canonical path and its target.
pub(super) type OnLink<'a> = &'a mut dyn FnMut(&str, &str);

impl View {
    /// The view of layers whose directories are these.
    pub(super) fn open(layers: &[String]) -> Result<Self> {
        let open = |(at, path): (usize, &String)| Ok((at, entry::open_root(path)?));
        let parts = layers.iter().enumerate().map(open).collect::<Result<_>>()?;
        Ok(Self { root: Rc::new(Merged { parts }), ensured: RefCell::default(), visited: RefCell::default() })
    }

    /// The root directory.
    pub(super) fn root(&self) -> Rc<Merged> {
        Rc::clone(&self.root)
    }

    /// The directory of a path; nothing where there is none.
    pub(super) fn directory(&self, path: &str, on_link: OnLink<'_>) -> Result<Option<Rc<Merged>>> {
        let found = self.walk(self.start(), path, Missing::Stop, on_link)?;
        Ok(found.map(|place| Rc::clone(&place.directory)))
    }

    /// The directory of a path, in the first layer: missing ones are made, those of lower layers made again.
    ///
    /// The way is remembered: whoever takes away a directory or a link on it calls [`View::forget`].
    pub(super) fn ensure(&self, path: &str) -> Result<Rc<Merged>> {
        Ok(Rc::clone(&self.ensured(path)?.directory))
    }

    /// The path that it leads to, without symbolic links.
    pub(super) fn canonical(&self, path: &str) -> Result<String> {
        Ok(self.ensured(path)?.path.clone())
    }

    /// The directories in which something may have been made or taken away, without symbolic links on the way.
    pub(super) fn visited(&self) -> BTreeSet<String> {
        self.visited.borrow().clone()
    }

    /// Forgets the ways of [`View::ensure`].
    pub(super) fn forget(&self) {
        *self.ensured.borrow_mut() = Ensured::default();
    }

    fn ensured(&self, path: &str) -> Result<Rc<Place>> {
        if path.is_empty() {
            return Ok(self.start());
        }
        if let Some(place) = self.ensured.borrow().places.get(path) {
            return Ok(Rc::clone(place));
        }
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let place = self.walk(self.ensured(above)?, name, Missing::Make, &mut |_, _| {})?;
        let place = place.ok_or_else(|| ViewError::NotADirectory { path: path.to_owned() })?;
        let mut ensured = self.ensured.borrow_mut();
        if ensured.descriptors > KEPT {
            *ensured = Ensured::default();
        }
        self.visited.borrow_mut().insert(place.path.clone());
        ensured.descriptors += place.directory.parts.len();
        ensured.places.insert(path.to_owned(), Rc::clone(&place));
        Ok(place)
    }

    fn start(&self) -> Rc<Place> {
        Rc::new(Place { path: String::new(), directory: self.root(), above: None })
    }

    /// The file of a path, opened for reading; nothing where there is none.
    pub(super) fn file(&self, path: &str) -> Result<Option<std::fs::File>> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(directory) = self.directory(directory, &mut |_, _| {})? else { return Ok(None) };
        match directory.lookup(name)? {
            Found::Other { layer, stat } if stat.is_file() => {
                Ok(Some(entry::open_file(directory.part(layer)?, name)?))
            }
            _ => Ok(None),
        }
    }

    fn walk(
        &self,
        from: Rc<Place>,
        path: &str,
        missing: Missing,
        on_link: OnLink<'_>,
    ) -> Result<Option<Rc<Place>>> {
        let mut here = from;
        let mut left = path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
        let mut followed = 0;
        while let Some(name) = left.pop() {
            let directory = &here.directory;
            let below = match name.as_str() {
                "" | "." => continue,
                ".." => {
                    here = here.above.clone().unwrap_or(here);
                    continue;
                }
                name => directory.lookup(name)?,
            };
            let full = format!("{}/{name}", here.path);
            let found = match below {
                Found::Directory(found) if missing == Missing::Stop || found.has_first() => found,
                Found::Directory(found) => directory.copy_up(&name, found)?,
                Found::Nothing if missing == Missing::Make => directory.make(&name)?,
                Found::Other { layer, stat } if stat.is_link() => {
                    followed += 1;
                    let target = directory.target(layer, &name)?;
                    if followed > DEPTH {
                        return Err(ViewError::Links { path: path.to_owned() });
                    }
                    on_link(&full, &target);
                    if target.starts_with('/') {
                        here = self.start();
                    }
                    left.extend(target.split('/').rev().map(str::to_owned));
                    continue;
                }
                Found::Other { .. } | Found::Nothing if missing == Missing::Stop => return Ok(None),
                Found::Other { .. } | Found::Nothing => return Err(ViewError::NotADirectory { path: full }),
            };
            here = Rc::new(Place { path: full, directory: Rc::new(found), above: Some(here) });
        }
        Ok(Some(here))
    }
}

impl Merged {
    /// What a name is: the uppermost layer that knows it says so, and directories are the sum of all layers' ones.
    pub(super) fn lookup(&self, name: impl AsRef<OsStr>) -> Result<Found> {
        let name = name.as_ref();
        let mut parts = Vec::new();
        for (at, (layer, part)) in self.parts.iter().enumerate() {
            match entry::stat(part, name)? {
                None => {}
                Some(stat) if stat.is_directory() => {
                    let directory = entry::open_directory(part, name)?;
                    // Below the last part there is nothing to hide.
                    let hides = at + 1 < self.parts.len()
                        && entry::attribute(&directory, OPAQUE)?.is_some_and(|value| value == b"y");
                    parts.push((*layer, directory));
                    if hides {
                        break;
                    }
                }
                Some(stat) if parts.is_empty() && !stat.is_whiteout() => {
                    return Ok(Found::Other { layer: *layer, stat });
                }
                Some(_) => break,
            }
        }
        Ok(if parts.is_empty() { Found::Nothing } else { Found::Directory(Self { parts }) })
    }

    /// Whether the first layer alone has it: then nothing is hidden below, and a name that is free is free.
    pub(super) fn is_alone(&self) -> bool {
        self.parts.len() == 1 && self.has_first()
    }

    /// The names in it, in all layers that have it.
    pub(super) fn names(&self) -> Result<Vec<OsString>> {
        let mut names = BTreeSet::new();
        for (_, part) in &self.parts {
            names.extend(entry::names(part)?);
        }
        Ok(names.into_iter().collect())
    }

    /// Its part in the first layer.
    pub(super) fn first(&self) -> Result<&OwnedFd> {
        self.part(0)
    }

    /// Its uppermost part: the one whose attributes it has.
    pub(super) fn uppermost(&self) -> Option<&OwnedFd> {
        self.parts.first().map(|(_, part)| part)
    }

    /// Its part in a layer.
    pub(super) fn part(&self, layer: usize) -> Result<&OwnedFd> {
        let part = self.parts.iter().find(|(found, _)| *found == layer).map(|(_, part)| part);
        part.ok_or_else(|| ViewError::NotADirectory { path: format!("layer {layer}") })
    }

    /// The same directory in the layers below the first.
    pub(super) fn below(&self) -> Result<Self> {
        let parts = self.parts.iter().filter(|(layer, _)| *layer > 0);
        let parts = parts.map(|(layer, part)| Ok((*layer, entry::reopen(part)?)));
        Ok(Self { parts: parts.collect::<Result<_>>()? })
    }

    /// What its uppermost part is; nothing where it has none.
    pub(super) fn top(&self) -> Result<Option<Stat>> {
        Ok(self.parts.first().map(|(_, part)| entry::stat_open(part)).transpose()?)
    }

    fn has_first(&self) -> bool {
        self.parts.first().is_some_and(|(layer, _)| *layer == 0)
    }

    fn target(&self, layer: usize, name: &str) -> Result<String> {
        let target = entry::read_link(self.part(layer)?, name)?;
        target.into_string().map_err(|_| ViewError::NotADirectory { path: name.to_owned() })
    }

    /// Makes a directory of a lower layer in the first one too, as it is there.
    fn copy_up(&self, name: &str, found: Self) -> Result<Self> {
        let first = self.first()?;
        entry::make_directory(first, name, 0o700)?;
        let made = entry::open_directory(first, name)?;
        if let Some((_, original)) = found.parts.first() {
            copy_attributes(original, &made)?;
        }
        let mut parts = vec![(0, made)];
        parts.extend(found.parts);
        Ok(Self { parts })
    }

    /// Makes a directory where there is none: root's, mode 0755. It hides what a mark of absence hid before.
    pub(super) fn make(&self, name: &str) -> Result<Self> {
        let first = self.first()?;
        let hidden = entry::stat(first, name)?.is_some_and(|stat| stat.is_whiteout());
        if hidden {
            entry::remove_file(first, name)?;
        }
        entry::make_directory(first, name, 0o755)?;
        let made = entry::open_directory(first, name)?;
        entry::set_owner_and_mode(&made, (0, 0), 0o755)?;
        if hidden {
            entry::set_attribute(&made, OPAQUE, b"y")?;
        }
        Ok(Self { parts: vec![(0, made)] })
    }

    /// Takes a name out of the first layer, and hides it where a lower layer has it.
    pub(super) fn remove(&self, name: impl AsRef<OsStr>) -> Result<()> {
        let name = name.as_ref();
        entry::remove(self.first()?, name)?;
        if !matches!(self.below()?.lookup(name)?, Found::Nothing) {
            entry::make_special(self.first()?, name, Special::Whiteout)?;
        }
        Ok(())
    }
}

/// Gives a directory the owner, mode, attributes and time of another.
pub(super) fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let stat = entry::stat_open(from)?;
    entry::set_owner_and_mode(to, (stat.uid, stat.gid), stat.mode)?;
    for name in entry::attributes(from)?.iter().filter(|name| !name.starts_with(OVERLAY)) {
        if let Some(value) = entry::attribute(from, name)? {
            entry::set_attribute(to, name, &value)?;
        }
    }
    Ok(entry::set_open_time(to, stat.mtime)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &[&str]) -> (tempfile::TempDir, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let layers = ["new", "upper", "lower"];
        for layer in layers {
            std::fs::create_dir(directory.path().join(layer)).unwrap();
        }
        for line in lines {
            let path = directory.path().join(line.split(" -> ").next().unwrap());
            match line.split_once(" -> ") {
                Some((_, target)) => std::os::unix::fs::symlink(target, path).unwrap(),
                None if line.ends_with('/') => std::fs::create_dir_all(path).unwrap(),
                None => std::fs::write(path, line).unwrap(),
            }
        }
        let paths = layers.map(|layer| directory.path().join(layer).to_str().unwrap().to_owned());
        (directory, paths.to_vec())
    }

    #[test]
    fn the_uppermost_layer_that_knows_a_name_decides() {
        let (_directory, layers) = tree(&[
            "lower/d/",
            "lower/d/one",
            "lower/f",
            "upper/d/",
            "upper/d/two",
            "upper/f/",
            "upper/f/three",
        ]);
        let view = View::open(&layers).unwrap();
        for (path, there) in
            [("/d/one", true), ("/d/two", true), ("/f/three", true), ("/f", false), ("/x/y", false)]
        {
            assert_eq!(view.file(path).unwrap().is_some(), there, "{path}");
        }
    }

    #[test]
    fn links_stay_in_the_root_and_circles_end() {
        let (_directory, layers) = tree(&[
            "lower/usr/bin/",
            "lower/usr/bin/sh",
            "lower/bin -> usr/bin",
            "lower/out -> ../../../../usr",
            "lower/usr/up -> /bin/../bin",
            "lower/circle -> circle",
        ]);
        let view = View::open(&layers).unwrap();
        let mut seen = Vec::new();
        for path in ["/bin", "/out/bin", "/usr/up"] {
            let found =
                view.directory(path, &mut |path, target| seen.push(format!("{path} {target}"))).unwrap();
            assert!(matches!(found.unwrap().lookup("sh").unwrap(), Found::Other { .. }), "{path}");
        }
        assert_eq!(seen, ["/bin usr/bin", "/out ../../../../usr", "/usr/up /bin/../bin", "/bin usr/bin"]);
        assert!(matches!(view.directory("/circle/x", &mut |_, _| {}), Err(ViewError::Links { .. })));
        assert!(matches!(view.ensure("/usr/bin/sh/x"), Err(ViewError::NotADirectory { .. })));
    }

    #[test]
    fn directories_are_made_again_in_the_first_layer_as_they_are_below() {
        let (directory, layers) = tree(&["lower/var/spool/", "lower/var/spool/x", "lower/run -> var/run"]);
        std::os::unix::fs::chown(directory.path().join("lower/var/spool"), None, None).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
        std::fs::set_permissions(directory.path().join("lower/var/spool"), mode).unwrap();
        let view = View::open(&layers).unwrap();
        view.ensure("/var/spool/new").unwrap();
        view.ensure("/run/lock").unwrap();
        let mode = |path: &str| {
            let stat = std::fs::symlink_metadata(directory.path().join("new").join(path)).unwrap();
            std::os::unix::fs::MetadataExt::mode(&stat) & 0o7777
        };
        let modes = ["var/spool", "var/spool/new", "var/run/lock"].map(mode);
        assert_eq!(modes, [0o1777, 0o755, 0o755]);
        assert!(!directory.path().join("new/run").exists());
        assert!(view.file("/var/spool/x").unwrap().is_some());
    }
}
