//! A package as Clay means it, before it is an RPM file: data only, so that it can be changed by tables and compared in tests.

use std::collections::BTreeMap;

use rpm::{Dependency, DependencyFlags, FileFlags, FileVerifyFlags};

use crate::control::Version;

/// Everything that goes into one package.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The name.
    pub name: String,
    /// Epoch, version and release.
    pub version: Version,
    /// RPM's name of the architecture.
    pub arch: &'static str,
    /// One line.
    pub summary: String,
    /// Some lines.
    pub description: String,
    /// The upstream page.
    pub url: Option<String>,
    /// The source package's name.
    pub source: String,
    /// Build time and the latest mtime, in seconds.
    pub date: u32,
    /// How the payload is compressed.
    pub payload: Payload,
    /// The files by absolute path.
    pub files: BTreeMap<String, File>,
    /// The relations.
    pub relations: Vec<(Relates, Dependency)>,
    /// The scriptlets.
    pub scripts: Vec<(Phase, rpm::Scriptlet)>,
    /// The triggers on packages and on files.
    pub triggers: Vec<Trigger>,
}

/// The payload's compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// As most packages today.
    Zstd,
    /// As openSUSE and EL 7.
    Xz,
    /// As very old ones.
    Gzip,
    /// Rare.
    Bzip2,
    /// None at all.
    Plain,
}

/// Which list a dependency is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relates {
    /// `Provides`
    Provides,
    /// `Requires`, perhaps of a scriptlet (in the flags)
    Requires,
    /// `Conflicts`
    Conflicts,
    /// `Obsoletes`
    Obsoletes,
    /// `Recommends`
    Recommends,
    /// `Supplements`
    Supplements,
}

/// When a scriptlet runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the transaction.
    PreTrans,
    /// Before the files.
    Pre,
    /// After the files.
    Post,
    /// Before removal.
    PreUn,
    /// After removal.
    PostUn,
    /// After the transaction.
    PostTrans,
}

/// A trigger.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// What sets it off, and when it runs.
    pub on: On,
    /// The package or the path prefix.
    pub target: &'static str,
    /// Higher runs earlier; file triggers only.
    pub priority: u32,
    /// The script.
    pub script: rpm::Scriptlet,
}

/// What sets a trigger off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A package is installed.
    Package,
    /// A file is installed; once for each package.
    File,
    /// Files are installed; once at the end of the transaction.
    Transaction,
    /// Files were removed; once at the end of the transaction.
    TransactionRemoval,
}

/// RPM's priority of a file trigger that does not say.
pub const DEFAULT_PRIORITY: u32 = 1_000_000;

/// A file of a package.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is.
    pub content: Content,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub user: String,
    /// Group.
    pub group: String,
    /// Modification time.
    pub mtime: u32,
    /// `%config`, `%doc`, `%ghost` and the like.
    pub flags: FileFlags,
    /// What `rpm -V` looks at.
    pub verify: FileVerifyFlags,
    /// `%lang`
    pub language: Option<String>,
    /// `%caps`
    pub capabilities: Option<&'static str>,
    /// Names of the same file share this.
    pub hardlink: Option<String>,
}

/// What a file is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A directory.
    Directory,
    /// A regular file.
    Bytes(Vec<u8>),
    /// A symbolic link.
    Symlink(String),
}

impl File {
    /// A file of root's with nothing special about it.
    pub fn new(content: Content, mode: u16, mtime: u32) -> Self {
        Self {
            content,
            mode,
            user: "root".into(),
            group: "root".into(),
            mtime,
            flags: FileFlags::empty(),
            verify: FileVerifyFlags::ALL_FLAGS,
            language: None,
            capabilities: None,
            hardlink: None,
        }
    }

    /// The same, with these flags too.
    pub fn flagged(mut self, flags: FileFlags) -> Self {
        self.flags |= flags;
        self
    }
}

impl Recipe {
    /// A package of Clay's own, without content yet.
    pub fn own(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.into(),
            version: Version { epoch: None, version: version.into(), release: Some("1.cl1".into()) },
            arch: "noarch",
            summary: summary.into(),
            description: format!("{summary}."),
            url: None,
            source: name.into(),
            date: crate::own::DATE,
            payload: Payload::Zstd,
            files: BTreeMap::new(),
            relations: Vec::new(),
            scripts: Vec::new(),
            triggers: Vec::new(),
        }
    }

    /// Adds a relation on a bare name.
    pub fn relate(&mut self, kind: Relates, name: &str) {
        self.relations.push((kind, Dependency::any(name)));
    }

    /// Adds a requirement that a scriptlet or trigger of this package has.
    pub fn require_for(&mut self, flags: DependencyFlags, name: &str) {
        self.relations
            .push((Relates::Requires, Dependency { name: name.into(), flags, version: String::new() }));
    }

    /// Adds a text file of mode 644.
    pub fn text(&mut self, path: &str, text: impl Into<String>) -> &mut File {
        self.put(path, Content::Bytes(text.into().into_bytes()), 0o644)
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str, mode: u16) -> &mut File {
        self.put(path, Content::Directory, mode)
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> &mut File {
        self.put(path, Content::Symlink(target.into()), 0o777)
    }

    fn put(&mut self, path: &str, content: Content, mode: u16) -> &mut File {
        let file = File::new(content, mode, self.date);
        self.files.entry(path.to_owned()).insert_entry(file).into_mut()
    }

    /// The name of the file that the package is in.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.{}.rpm", self.name, self.version.version, self.version.release(), self.arch)
    }
}
