//! A repository in a directory.

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;

use kiln::metadata::{Metadata, Owners, Promise, Repomd, open};

/// No document of a test repository is larger.
const LARGEST: u64 = 1 << 32;

/// A repository in a directory.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) metadata: Metadata,
    pub(crate) directory: PathBuf,
    repomd: Repomd,
}

impl Repository {
    /// Opens `ID=DIRECTORY`.
    pub(crate) fn open(text: &str) -> Result<Self, Box<dyn Error>> {
        let (id, directory) = text.split_once('=').ok_or("a repository is given as ID=DIR")?;
        let directory = PathBuf::from(directory);
        let repomd = Repomd::parse(id, &std::fs::read(directory.join("repodata/repomd.xml"))?)?;
        let primary = repomd.data("primary").ok_or("no primary")?;
        let file = File::open(directory.join(&primary.location))?;
        let metadata = Metadata::parse(id, primary.open(id, "primary", file, LARGEST)?)?;
        Ok(Self { metadata, directory, repomd })
    }

    /// Who owns some paths.
    pub(crate) fn owners(&self, paths: &[String]) -> Result<Owners, Box<dyn Error>> {
        let Some(lists) = self.repomd.data("filelists") else { return Ok(Owners::default()) };
        let file = File::open(self.directory.join(&lists.location))?;
        // Some test repositories have their file lists cut down after repomd.xml was written.
        let input = open(file, Promise::default(), Promise { limit: Some(LARGEST), ..Promise::default() })?;
        Ok(Owners::find(&self.metadata, input, paths.iter().map(String::as_str))?)
    }
}
