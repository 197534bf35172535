//! The module as a whole: files in, a release or a complaint out.

mod merging;
mod searching;
mod shipped;
mod showing;
mod wrong;

use std::collections::BTreeMap;

use crate::config::{Error, FileError, Files, Overrides, Release, load};
use crate::unit::HostPath;

/// Files by path, in memory.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<HostPath, String>);

impl Memory {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (HostPath::new(*path), (*text).to_owned())).collect())
    }
}

impl Files for Memory {
    fn read(&self, path: &HostPath) -> Result<Option<String>, FileError> {
        match self.0.get(path) {
            Some(text) if text == "unreadable" => Err("permission denied".into()),
            text => Ok(text.cloned()),
        }
    }

    fn list(&self, directory: &HostPath) -> Result<Vec<String>, FileError> {
        let inside = self.0.keys().filter_map(|path| path.as_path().strip_prefix(directory.as_path()).ok());
        Ok(inside
            .filter(|path| path.components().count() == 1)
            .map(|path| path.display().to_string())
            .collect())
    }
}

pub(super) fn directories() -> [HostPath; 2] {
    [HostPath::new("/home/me/.config/kiln"), HostPath::new("/etc/kiln")]
}

/// A release of these files.
pub(super) fn loaded(name: &str, files: &[(&str, &str)]) -> Result<Release, Error> {
    load(name, &Memory::new(files), &directories(), &Overrides::default())
}

/// The error as a person sees it.
pub(super) fn complaint(error: &Error) -> String {
    use std::error::Error as _;
    let because = error.source().map(|cause| format!("\nbecause: {cause}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("error: {error}{because}{hint}")
}

/// A small release that is right.
pub(super) const SMALL: &str = r#"
[release]
arch = "x86_64"
[vars]
releasever = "1"
[root]
packages = ["bash"]
[[repo]]
id = "main"
baseurl = "https://example.org/{releasever}/$basearch/"
keys = [{ path = "/keys/main" }]
"#;
