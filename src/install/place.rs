//! The files of one package become part of the layer.
//!
//! Content is not copied where it need not be: an inode that belongs to root, has no capabilities and is not
//! configuration is linked from the store, since nobody can write to it there: scriptlets write into an overlay. The
//! rest is copied, sharing blocks where the file system can.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::install::accounts::Accounts;
use crate::install::capability;
use crate::install::change::{ChangeError, Owners, Site};
use crate::install::view::{Found, Merged, ViewError, copy_attributes};
use crate::package::header::{Header, Origin};
use crate::package::{FileEntry, FileFlags, FileKind};
use crate::plan::transaction::{Fate, Fates};
use crate::sys::SysError;
use crate::sys::entry::{self, Special};
use crate::sys::fs;

/// Why a file cannot be placed.
#[derive(Debug, thiserror::Error)]
enum PlaceError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    System(#[from] SysError),
    #[error("a directory is already there")]
    Directory,
    #[error("`{text}` is not a set of file capabilities")]
    Capabilities { text: String },
}

type Result<T> = std::result::Result<T, PlaceError>;

/// Places a package (its name and its directory in the store) as its files' fates say.
pub(super) fn place(
    site: &mut Site<'_>,
    package: (&str, &str),
    fates: &Fates,
) -> std::result::Result<(), ChangeError> {
    let (name, directory) = package;
    let failed = |error: &dyn std::fmt::Display| ChangeError::new(name, &error);
    let header = fs::map(format!("{directory}/header")).map_err(|error| failed(&error))?;
    let header = Header::parse(&header, Origin::Package).map_err(|error| failed(&error))?;
    let files = header.files().map_err(|error| failed(&error))?;
    if files.len() != fates.0.len() {
        return Err(failed(&format!("{} files, {} fates", files.len(), fates.0.len())));
    }
    let content = entry::open_root(&format!("{directory}/files")).map_err(|error| failed(&error))?;
    // Root is 0 whatever the files say, and nearly everything is root's.
    let others = files.iter().any(|file| file.user != "root" || file.group != "root");
    let accounts = if others { site.accounts() } else { Ok(Accounts::default()) };
    let accounts = accounts.map_err(|error| failed(&error))?;
    let (copied, several) = (BTreeMap::new(), several(&files));
    let mut placer = Placer { site, accounts, content, copied, several, package: name };
    for (file, fate) in files.iter().zip(&fates.0) {
        if fate.skips() || file.flags.any(FileFlags::GHOST) {
            continue;
        }
        let placed = placer.file(file, *fate);
        placed.map_err(|error| ChangeError::new(format!("{name}: {}", file.path), &error))?;
    }
    let sets = placer.several.into_values();
    site.sets.extend(sets.filter(|paths| paths.len() > 1));
    Ok(())
}

/// The files that have several names in a package, without any yet.
fn several(files: &[FileEntry]) -> BTreeMap<(u32, u32), Vec<String>> {
    let mut inodes = files
        .iter()
        .filter(|file| file.kind == FileKind::Regular && file.inode != 0)
        .map(|file| (file.device, file.inode))
        .collect::<Vec<_>>();
    inodes.sort_unstable();
    let again = inodes.windows(2).filter(|pair| pair[0] == pair[1]);
    again.map(|pair| (pair[0], Vec::new())).collect()
}

/// A directory of the root, in the layer.
type Directory = Rc<Merged>;

struct Placer<'a, 'b> {
    site: &'a mut Site<'b>,
    accounts: Accounts,
    content: OwnedFd,
    /// Copied members of hard-linked sets.
    copied: BTreeMap<(u32, u32), (Directory, String)>,
    /// Where those of such sets were placed, which one inode of the store may be.
    several: BTreeMap<(u32, u32), Vec<String>>,
    package: &'a str,
}

impl Placer<'_, '_> {
    fn file(&mut self, file: &FileEntry, fate: Fate) -> Result<()> {
        let path = file.path.as_str();
        if path == "/" {
            let root = self.site.view.root();
            return self.dress(root.first()?, file);
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or_default();
        let directory = self.site.view.ensure(parent)?;
        match fate {
            Fate::KeepOriginal => self.keep(&directory, name, "rpmorig", path)?,
            Fate::KeepSaved => self.keep(&directory, name, "rpmsave", path)?,
            Fate::Touch if self.touch(&directory, name, file)? => return Ok(()),
            _ => {}
        }
        let new_name = format!("{name}.rpmnew");
        let name = match fate {
            Fate::NewName => {
                self.warn(&format!("{path} created as {path}.rpmnew"));
                new_name.as_str()
            }
            _ => name,
        };
        match file.kind {
            FileKind::Directory => self.make_directory(&directory, name, file),
            FileKind::Regular => {
                self.make_file(&directory, name, file)?;
                if let Some(paths) = self.several.get_mut(&(file.device, file.inode)) {
                    paths.push(format!("{}/{name}", self.site.view.canonical(parent)?));
                }
                Ok(())
            }
            FileKind::Link => {
                self.clear(&directory, name)?;
                entry::make_link(&file.target, directory.first()?, name)?;
                self.dress_name(&directory, name, file)
            }
            FileKind::Fifo | FileKind::Socket => {
                self.clear(&directory, name)?;
                let what = if file.kind == FileKind::Fifo { Special::Fifo } else { Special::Socket };
                entry::make_special(directory.first()?, name, what)?;
                self.dress_name(&directory, name, file)
            }
            FileKind::CharDevice | FileKind::BlockDevice => {
                self.warn(&format!("{path}: devices cannot be made in a user namespace; left out"));
                Ok(())
            }
        }
    }

    fn warn(&mut self, text: &str) {
        self.site.warnings.push(format!("{}: {text}", self.package));
    }

    /// Makes room for a file: what the layer has under its name goes, unless it is a directory.
    fn clear(&self, directory: &Directory, name: &str) -> Result<()> {
        match directory.lookup(name)? {
            Found::Directory(_) => Err(PlaceError::Directory),
            Found::Other { layer, stat } => {
                if stat.is_link() {
                    // Ways may have led through it.
                    self.site.view.forget();
                }
                if layer > 0 { Ok(()) } else { Ok(entry::remove_file(directory.first()?, name)?) }
            }
            Found::Nothing if directory.is_alone() => Ok(()),
            // Nothing may also be a mark of absence.
            Found::Nothing => Ok(entry::remove_file(directory.first()?, name)?),
        }
    }

    /// Gives what is there another name.
    fn keep(&mut self, directory: &Directory, name: &str, suffix: &str, path: &str) -> Result<()> {
        self.site.view.forget();
        let first = directory.first()?;
        let new = format!("{name}.{suffix}");
        match directory.lookup(name)? {
            Found::Other { layer: 0, .. } => entry::rename(first, name, first, &new)?,
            Found::Other { layer, stat } if stat.is_link() => {
                entry::remove_file(first, &new)?;
                entry::make_link(entry::read_link(directory.part(layer)?, name)?, first, &new)?;
            }
            Found::Other { layer, stat } if stat.is_file() => {
                let old = entry::open_file(directory.part(layer)?, name)?;
                entry::remove_file(first, &new)?;
                let copy = entry::create_file(first, &new)?;
                entry::copy_content(&old, &copy)?;
                copy_attributes(&OwnedFd::from(old), &OwnedFd::from(copy))?;
            }
            _ => return Ok(()),
        }
        self.warn(&format!("{path} saved as {path}.{suffix}"));
        Ok(())
    }

    /// Gives what is there the package's owner, mode and time; whether it is there.
    fn touch(&mut self, directory: &Directory, name: &str, file: &FileEntry) -> Result<bool> {
        let Found::Other { layer, stat } = directory.lookup(name)? else { return Ok(false) };
        if !stat.is_file() || file.kind != FileKind::Regular {
            return Ok(false);
        }
        let old = entry::open_file(directory.part(layer)?, name)?;
        // An inode with other names may be the store's.
        if layer == 0 && stat.links == 1 {
            self.dress(&old, file)?;
            return Ok(true);
        }
        let (first, new) = (directory.first()?, format!(".{name}.kiln"));
        let copy = entry::create_file(first, &new)?;
        entry::copy_content(&old, &copy)?;
        self.dress(&copy, file)?;
        entry::rename(first, &new, first, name)?;
        Ok(true)
    }

    /// A directory; a link to one that is there already is as good.
    fn make_directory(&mut self, directory: &Directory, name: &str, file: &FileEntry) -> Result<()> {
        let full = file.path.as_str();
        match directory.lookup(name)? {
            Found::Directory(_) => {}
            Found::Other { stat, .. }
                if stat.is_link() && self.site.view.directory(full, &mut |_, _| {})?.is_some() =>
            {
                return Ok(());
            }
            Found::Other { .. } => {
                self.site.view.forget();
                directory.remove(name)?;
                directory.make(name)?;
            }
            Found::Nothing => drop(directory.make(name)?),
        }
        let made = self.site.view.ensure(full)?;
        self.dress(made.first()?, file)
    }

    fn make_file(&mut self, directory: &Directory, name: &str, file: &FileEntry) -> Result<()> {
        let first = directory.first()?;
        let index = file.index.to_string();
        let plain = file.user == "root"
            && file.group == "root"
            && file.capabilities.is_empty()
            && !file.flags.any(FileFlags::CONFIG);
        // Most names are free, and to try is the cheapest way to know.
        if plain && directory.is_alone() && entry::link_new(&self.content, &index, first, name)? {
            return Ok(());
        }
        self.clear(directory, name)?;
        if plain && entry::hard_link(&self.content, &index, first, name)? {
            return Ok(());
        }
        let identity = (file.device, file.inode);
        if let Some((other, its_name)) = self.copied.get(&identity).filter(|_| file.inode != 0)
            && entry::hard_link(other.first()?, its_name, first, name)?
        {
            return Ok(());
        }
        let copy = entry::create_file(first, name)?;
        entry::copy_content(&entry::open_file(&self.content, &index)?, &copy)?;
        self.dress(&copy, file)?;
        self.copied.insert(identity, (Rc::clone(directory), name.to_owned()));
        Ok(())
    }

    /// Owner and mode: an owner that the root does not know is root, and then nothing is set-id.
    fn owner(&mut self, file: &FileEntry) -> ((u32, u32), u32) {
        let mut mode = file.permissions();
        if self.site.owners == Owners::Ignored {
            return ((0, 0), mode);
        }
        let mut id = |found: Option<u32>, kind: &str, name: &str, bit: u32| {
            found.unwrap_or_else(|| {
                mode &= !bit;
                let text = format!("{}: {kind} {name} does not exist - using root", self.package);
                if !self.site.warnings.contains(&text) {
                    self.site.warnings.push(text);
                }
                0
            })
        };
        let uid = id(self.accounts.user(&file.user), "user", &file.user, 0o4000);
        let gid = id(self.accounts.group(&file.group), "group", &file.group, 0o2000);
        ((uid, gid), mode)
    }

    /// Owner, mode, capabilities and time of an open file or directory.
    fn dress(&mut self, open: impl std::os::fd::AsFd, file: &FileEntry) -> Result<()> {
        let (owner, mode) = self.owner(file);
        let open = open.as_fd();
        entry::set_owner_and_mode(open, owner, mode)?;
        if file.kind == FileKind::Regular && !file.capabilities.is_empty() {
            let text = file.capabilities.clone();
            let value = capability::encode(&text).ok_or(PlaceError::Capabilities { text })?;
            entry::set_attribute(open, capability::ATTRIBUTE, &value)?;
        }
        Ok(entry::set_open_time(open, (i64::from(file.mtime), 0))?)
    }

    /// The same for what cannot be opened: links, pipes, sockets.
    fn dress_name(&mut self, directory: &Directory, name: &str, file: &FileEntry) -> Result<()> {
        let ((uid, gid), mode) = self.owner(file);
        let first = directory.first()?;
        entry::chown(first, name, uid, gid)?;
        if file.kind != FileKind::Link {
            entry::chmod(first, name, mode)?;
        }
        Ok(entry::set_time(first, name, (i64::from(file.mtime), 0))?)
    }
}
