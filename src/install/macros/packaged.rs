//! Macro files as the root's packages bring them. They are read from the store: nothing that a scriptlet did to the
//! root is followed or believed.

use std::collections::BTreeMap;

use crate::install::macros::MacroFiles;
use crate::package::{FileEntry, FileKind};
use crate::store::StoredPackage;
use crate::sys::{SysError, fs};
use crate::unit::HostPath;

/// The macro files of packages, where their content lies.
#[derive(Debug, Clone, Default)]
pub struct PackagedMacros(BTreeMap<String, HostPath>);

/// Far more than any macro file has.
const LARGEST: u64 = 4 << 20;

impl PackagedMacros {
    /// Adds a package's files; those of other kinds and places are passed over.
    pub fn add(&mut self, package: &StoredPackage, files: &[FileEntry]) {
        for file in files {
            let path = file.path.as_str();
            let here = path.starts_with("/usr/lib/rpm/") || path.starts_with("/etc/rpm/");
            if here && file.kind == FileKind::Regular && file.size <= LARGEST {
                self.0.insert(path.to_owned(), package.file(file.index));
            }
        }
    }
}

impl MacroFiles for PackagedMacros {
    type Error = SysError;

    fn below(&self, directory: &str) -> Result<Vec<String>, SysError> {
        let inside = |path: &&String| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
        Ok(self.0.keys().filter(inside).cloned().collect())
    }

    fn read(&self, path: &str) -> Result<Option<String>, SysError> {
        let content = self.0.get(path).map(fs::read).transpose()?;
        Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}
