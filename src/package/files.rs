//! The files of a package, from its header. The payload only carries content.
//!
//! Paths are made of directory and base names, and every one is checked here: absolute, without `.`, `..`, empty
//! parts, NUL or control characters, UTF-8, and only once in a package. Nobody downstream has to ask again.

use crate::package::checksum::{FileAlgorithm, FileDigest};
use crate::package::header::{Header, HeaderError};
use crate::package::tag::Tag;
use crate::package::values::{counted, counted_or};
use crate::unit::RootPath;

type Result<T> = std::result::Result<T, HeaderError>;

/// What kind of file a mode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// The marks that a spec file gives to a file (`include/rpm/rpmfiles.h`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct FileFlags(pub u32);

impl FileFlags {
    /// `%config`
    pub const CONFIG: u32 = 1 << 0;
    /// `%doc`
    pub const DOC: u32 = 1 << 1;
    /// `%missingok`
    pub const MISSINGOK: u32 = 1 << 3;
    /// `%config(noreplace)`
    pub const NOREPLACE: u32 = 1 << 4;
    /// The spec file of a source package.
    pub const SPECFILE: u32 = 1 << 5;
    /// `%ghost`
    pub const GHOST: u32 = 1 << 6;
    /// `%license`
    pub const LICENSE: u32 = 1 << 7;
    /// `%readme`
    pub const README: u32 = 1 << 8;
    /// `%artifact`
    pub const ARTIFACT: u32 = 1 << 12;

    /// Whether any of these bits is set.
    pub fn any(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileEntry {
    /// Its position in the header; the name of its content in the store.
    pub index: usize,
    /// Where it goes. A source package's files lie side by side, so theirs is `/name`.
    pub path: RootPath,
    /// What it is.
    pub kind: FileKind,
    /// Type and permission bits.
    pub mode: u32,
    /// The owner's name.
    pub user: String,
    /// The group's name.
    pub group: String,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: u32,
    /// Its content's digest; regular files that are not ghosts have one.
    pub digest: Option<FileDigest>,
    /// What a symbolic link says.
    pub target: String,
    /// Its marks.
    pub flags: FileFlags,
    /// What `rpm -V` looks at.
    pub verify: u32,
    /// A device's number, as the kernel's old 16-bit one.
    pub rdev: u16,
    /// With `inode`: which files were one file with several names when the package was made.
    pub device: u32,
    /// See `device`.
    pub inode: u32,
    /// The languages it is for, separated by `|`; empty for all.
    pub languages: String,
    /// Capabilities in text form; empty for none.
    pub capabilities: String,
    /// 1 for 32-bit ELF, 2 for 64-bit ELF, 0 for everything else.
    pub color: u32,
}

impl FileEntry {
    /// The permission bits, setuid and its kin included.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

impl FileKind {
    /// The kind that a mode's type bits say.
    pub fn of_mode(mode: u32) -> Option<Self> {
        kind(mode)
    }
}

fn kind(mode: u32) -> Option<FileKind> {
    Some(match mode & 0o170_000 {
        0o100_000 => FileKind::Regular,
        0o040_000 => FileKind::Directory,
        0o120_000 => FileKind::Link,
        0o020_000 => FileKind::CharDevice,
        0o060_000 => FileKind::BlockDevice,
        0o010_000 => FileKind::Fifo,
        0o140_000 => FileKind::Socket,
        _ => return None,
    })
}

/// The lists of a header that have one value for each file.
struct Columns<'a> {
    sizes: Vec<u64>,
    modes: Vec<u16>,
    users: Vec<&'a str>,
    groups: Vec<&'a str>,
    mtimes: Vec<u32>,
    digests: Vec<&'a str>,
    algorithm: FileAlgorithm,
    targets: Vec<&'a str>,
    flags: Vec<u32>,
    verify: Vec<u32>,
    rdevs: Vec<u16>,
    devices: Vec<u32>,
    inodes: Vec<u32>,
    languages: Vec<&'a str>,
    capabilities: Vec<&'a str>,
    colors: Vec<u32>,
}

impl Header<'_> {
    /// The package's files, in the header's order.
    pub fn files(&self) -> Result<Vec<FileEntry>> {
        if self.has(Tag::OLDFILENAMES) {
            let value = "a package older than rpm 4.0".to_owned();
            return Err(HeaderError::Value { tag: Tag::OLDFILENAMES, value });
        }
        let paths = self.paths()?;
        let columns = self.columns(paths.len())?;
        paths.into_iter().enumerate().map(|(index, path)| columns.file(index, path)).collect()
    }

    fn columns(&self, many: usize) -> Result<Columns<'_>> {
        let text = |tag, missing| counted_or(tag, many, self.strings(tag)?, missing);
        let numbers = |tag, missing| counted_or(tag, many, self.u32s(tag)?, missing);
        let sizes = if self.has(Tag::LONGFILESIZES) {
            counted(Tag::LONGFILESIZES, many, self.u64s(Tag::LONGFILESIZES)?)?
        } else {
            let sizes = counted(Tag::FILESIZES, many, self.u32s(Tag::FILESIZES)?)?;
            sizes.into_iter().map(u64::from).collect()
        };
        let algorithm = self.u32(Tag::FILEDIGESTALGO)?.unwrap_or(FileAlgorithm::MD5);
        let algorithm = FileAlgorithm::from_number(algorithm).ok_or_else(|| HeaderError::Value {
            tag: Tag::FILEDIGESTALGO,
            value: format!("digest algorithm {algorithm}, which rpm does not have"),
        })?;
        Ok(Columns {
            sizes,
            modes: counted(Tag::FILEMODES, many, self.u16s(Tag::FILEMODES)?)?,
            users: counted(Tag::FILEUSERNAME, many, self.strings(Tag::FILEUSERNAME)?)?,
            groups: counted(Tag::FILEGROUPNAME, many, self.strings(Tag::FILEGROUPNAME)?)?,
            mtimes: counted(Tag::FILEMTIMES, many, self.u32s(Tag::FILEMTIMES)?)?,
            digests: text(Tag::FILEDIGESTS, "")?,
            algorithm,
            targets: text(Tag::FILELINKTOS, "")?,
            flags: numbers(Tag::FILEFLAGS, 0)?,
            verify: numbers(Tag::FILEVERIFYFLAGS, u32::MAX)?,
            rdevs: counted_or(Tag::FILERDEVS, many, self.u16s(Tag::FILERDEVS)?, 0)?,
            devices: numbers(Tag::FILEDEVICES, 0)?,
            inodes: numbers(Tag::FILEINODES, 0)?,
            languages: text(Tag::FILELANGS, "")?,
            capabilities: text(Tag::FILECAPS, "")?,
            colors: numbers(Tag::FILECOLORS, 0)?,
        })
    }

    fn paths(&self) -> Result<Vec<RootPath>> {
        let names = self.strings(Tag::BASENAMES)?;
        let directories = self.strings(Tag::DIRNAMES)?;
        let indexes = counted(Tag::DIRINDEXES, names.len(), self.u32s(Tag::DIRINDEXES)?)?;
        let source = self.is_source();
        let directory = |at: &u32| directories.get(*at as usize).map_or(0, |directory| directory.len());
        let bytes: usize = names.iter().zip(&indexes).map(|(name, at)| name.len() + directory(at)).sum();
        if bytes > MOST_PATHS {
            let value = format!("paths of {bytes} bytes together, of which {MOST_PATHS} are allowed");
            return Err(HeaderError::Value { tag: Tag::BASENAMES, value });
        }
        let mut paths = Vec::with_capacity(names.len());
        for (name, at) in names.into_iter().zip(indexes) {
            let directory = directories
                .get(at as usize)
                .ok_or_else(|| HeaderError::Value { tag: Tag::DIRINDEXES, value: at.to_string() })?;
            let directory = if source && directory.is_empty() { "/" } else { directory };
            let value = format!("{directory}{name}");
            let odd = name.contains('/') || !directory.ends_with('/') || value.chars().any(char::is_control);
            let path =
                RootPath::new(value.clone()).ok().filter(|path| !odd && path.as_str().len() <= MAX_PATH);
            paths.push(path.ok_or(HeaderError::Value { tag: Tag::BASENAMES, value })?);
        }
        let mut sorted: Vec<_> = paths.iter().collect();
        sorted.sort_unstable();
        match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                Err(HeaderError::Value { tag: Tag::BASENAMES, value: format!("{} twice", pair[0]) })
            }
            None => Ok(paths),
        }
    }
}

/// `PATH_MAX`, less the NUL.
const MAX_PATH: usize = 4095;

/// The most bytes of all paths of a package: a header's directories are there once, and its paths would be without end.
const MOST_PATHS: usize = 256 << 20;

impl Columns<'_> {
    fn file(&self, index: usize, path: RootPath) -> Result<FileEntry> {
        let mode = u32::from(self.modes[index]);
        let kind = kind(mode)
            .ok_or_else(|| HeaderError::Value { tag: Tag::FILEMODES, value: format!("{mode:o}") })?;
        let digest = match self.digests[index] {
            hex if hex.is_empty() || kind != FileKind::Regular => None,
            hex => Some(
                FileDigest::from_hex(self.algorithm, hex)
                    .ok_or_else(|| HeaderError::Value { tag: Tag::FILEDIGESTS, value: hex.to_owned() })?,
            ),
        };
        let target = self.targets[index];
        let bad_target = target.len() > MAX_PATH || (kind == FileKind::Link && target.is_empty());
        if bad_target || target.chars().any(char::is_control) {
            return Err(HeaderError::Value { tag: Tag::FILELINKTOS, value: target.to_owned() });
        }
        Ok(FileEntry {
            index,
            path,
            kind,
            mode,
            user: owner(Tag::FILEUSERNAME, self.users[index])?,
            group: owner(Tag::FILEGROUPNAME, self.groups[index])?,
            size: self.sizes[index],
            mtime: self.mtimes[index],
            digest,
            target: target.to_owned(),
            flags: FileFlags(self.flags[index]),
            verify: self.verify[index],
            rdev: self.rdevs[index],
            device: self.devices[index],
            inode: self.inodes[index],
            languages: self.languages[index].to_owned(),
            capabilities: self.capabilities[index].to_owned(),
            color: self.colors[index],
        })
    }
}

fn owner(tag: Tag, name: &str) -> Result<String> {
    if name.is_empty() || name.chars().any(|c| c.is_control() || c == ':' || c == '/') {
        return Err(HeaderError::Value { tag, value: name.to_owned() });
    }
    Ok(name.to_owned())
}
