//! A copy of repositories whose documents have the packages in kiln's order.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use kiln::unit::Digest;

use super::repository::Repository;

/// The copies.
#[derive(Debug)]
pub(crate) struct Sorted {
    pub(crate) repos: Vec<Repository>,
    home: tempfile::TempDir,
}

impl Sorted {
    /// Copies some repositories.
    pub(crate) fn make(repos: &[Repository]) -> Result<Self, Box<dyn Error>> {
        let home = tempfile::tempdir()?;
        let mut copies = Vec::new();
        let mut sorted: Vec<&Repository> = repos.iter().collect();
        sorted.sort_by_key(|repo| repo.metadata.repo());
        for repo in sorted {
            let directory = home.path().join(repo.metadata.repo());
            copy(repo, &directory)?;
            copies.push(Repository::open(&repo.spec.at(&directory))?);
        }
        Ok(Self { repos: copies, home })
    }

    /// Removes the copies.
    pub(crate) fn close(self) -> std::io::Result<()> {
        self.home.close()
    }
}

fn copy(repo: &Repository, directory: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(directory.join("repodata"))?;
    let mut repomd =
        String::from("<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1</revision>");
    let primary = primary(repo)?;
    let mut files = vec![("primary", "repodata/primary.xml".to_owned(), primary.into_bytes())];
    for kind in ["filelists", "modules"] {
        if let Some(data) = repo.data(kind) {
            files.push((kind, data.location.clone(), std::fs::read(repo.directory.join(&data.location))?));
        }
    }
    for (kind, location, bytes) in files {
        let digest = Digest::sha256(&bytes).hex();
        write!(
            repomd,
            "<data type=\"{kind}\"><checksum type=\"sha256\">{digest}</checksum><location href=\"{location}\"/>\
             <timestamp>1</timestamp><size>{}</size></data>",
            bytes.len()
        )?;
        std::fs::write(directory.join(location), bytes)?;
    }
    std::fs::write(directory.join("repodata/repomd.xml"), repomd + "</repomd>")?;
    Ok(())
}

/// The document with its packages in kiln's order.
fn primary(repo: &Repository) -> Result<String, Box<dyn Error>> {
    let text = repo.primary()?;
    let end = "</package>";
    let (start, stop) = (text.find("<package ").ok_or("no package")?, text.rfind(end).ok_or("no package")?);
    let mut elements = std::collections::BTreeMap::new();
    for element in text[start..stop + end.len()].split_inclusive(end) {
        let href = element.split("<location").nth(1).and_then(|rest| rest.split("href=\"").nth(1));
        let href = href.and_then(|rest| rest.split('"').next()).ok_or("no location")?;
        elements.insert(href.replace("&amp;", "&"), element);
    }
    let mut sorted = String::with_capacity(text.len());
    sorted.push_str(&text[..start]);
    for package in repo.metadata.packages() {
        sorted.push_str(elements.get(package.location()).ok_or_else(|| package.location().to_owned())?);
    }
    sorted.push_str(&text[stop + end.len()..]);
    Ok(sorted)
}
