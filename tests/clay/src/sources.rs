//! Upstream sources from the host's Debian archive, for building real packages in Clay.
//!
//! Few hosts have the source entries of their archive switched on, so the configured entries are copied, as source entries, into a private
//! apt state below Clay's directory. What is kept is the upstream archive, as `NAME-VERSION.tar.*`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archive::run;
use crate::control::stanzas;
use crate::error::Error;

/// What the tests build.
pub const WANTED: &[&str] = &["hello", "zlib", "lua5.4", "tree", "jq", "htop", "sqlite3", "git"];

/// Fetches what is not there yet; returns the upstream archives, in the order of the names.
pub fn fetch(directory: &Path, names: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let place = directory.join("sources");
    fs::create_dir_all(&place).map_err(Error::io("make", &place))?;
    let place = fs::canonicalize(&place).map_err(Error::io("find", &place))?;
    let mut found: Vec<Option<PathBuf>> = Vec::new();
    for name in names {
        found.push(kept(&place, name)?);
    }
    if found.iter().any(Option::is_none) {
        let options = private_apt(&directory.join("apt"))?;
        run(apt("apt-get", &options).arg("update"))?;
        for (name, found) in names.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            *found = Some(fetch_one(&place, name, &options)?);
        }
    }
    Ok(found.into_iter().flatten().collect())
}

fn kept(place: &Path, name: &str) -> Result<Option<PathBuf>, Error> {
    Ok(files(place)?.into_iter().find(|path| {
        let rest = path.file_name().and_then(|file| file.to_str()?.strip_prefix(name)?.strip_prefix('-'));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }))
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(directory).map_err(Error::io("list", directory))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::io("list", directory))?;
    paths.sort();
    Ok(paths)
}

/// Any version that the archive still has will do: a mirror may list a newer one that it does not carry.
fn fetch_one(place: &Path, name: &str, options: &[OsString]) -> Result<PathBuf, Error> {
    let listed = run(apt("apt-cache", options).args(["showsrc", "--only-source", name]))?;
    let versions = stanzas(&listed)
        .filter(|stanza| stanza.field("Package") == Some(name))
        .filter_map(|stanza| stanza.field("Version"));
    let mut outcome =
        Err(Error::NotInArchive { name: format!("{name} (source)"), by: "the list of sources".into() });
    for version in versions {
        outcome = fetch_version(place, &format!("{name}={version}"), options);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn fetch_version(place: &Path, wish: &str, options: &[OsString]) -> Result<PathBuf, Error> {
    let work = tempfile::tempdir_in(place).map_err(Error::io("make a directory in", place))?;
    run(apt("apt-get", options).current_dir(work.path()).args(["source", "--download-only", wish]))?;
    let upstream = files(work.path())?
        .into_iter()
        .find_map(|path| upstream_name(path.file_name()?.to_str()?).map(|kept| (path, kept)));
    let (path, kept) = upstream.ok_or_else(|| Error::NotInArchive {
        name: format!("{wish} (source)"),
        by: "the list of sources".into(),
    })?;
    let target = place.join(kept);
    fs::rename(&path, &target).map_err(Error::io("keep", &target))?;
    Ok(target)
}

/// `hello_2.10.orig.tar.gz` is kept as `hello-2.10.tar.gz`; what is not the upstream archive is not kept.
fn upstream_name(file: &str) -> Option<String> {
    let (name, rest) = file.split_once('_')?;
    let (version, suffix) = rest.split_once(".orig.tar.")?;
    (!suffix.contains('.')).then(|| format!("{name}-{version}.tar.{suffix}"))
}

/// An apt of our own with the host's entries as source entries: the options that select it.
fn private_apt(state: &Path) -> Result<Vec<OsString>, Error> {
    let parts = state.join("parts");
    for directory in [&parts, &state.join("lists/partial"), &state.join("cache/archives/partial")] {
        fs::create_dir_all(directory).map_err(Error::io("make", directory))?;
    }
    let state = fs::canonicalize(state).map_err(Error::io("find", state))?;
    for (number, path) in configured()?.into_iter().enumerate() {
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let copy = parts.join(format!("{number}.{extension}"));
        fs::write(&copy, as_source_entries(&text)).map_err(Error::io("write", &copy))?;
    }
    let settings = [
        ("Etc::sourcelist", "none"),
        ("Etc::sourceparts", "parts"),
        ("State::lists", "lists"),
        ("Cache", "cache"),
    ];
    Ok(settings
        .into_iter()
        .flat_map(|(key, value)| {
            let mut setting = OsString::from(format!("Dir::{key}="));
            setting.push(state.join(value));
            ["-o".into(), setting]
        })
        .collect())
}

/// The files in which apt's entries are.
fn configured() -> Result<Vec<PathBuf>, Error> {
    let shown = run(Command::new("apt-config").args([
        "shell",
        "LIST",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]))?;
    let value = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        PathBuf::from(line.unwrap_or_default().trim_matches('\''))
    };
    let (list, parts) = (value("LIST"), value("PARTS"));
    let mut found: Vec<PathBuf> = if parts.is_dir() { files(&parts)? } else { Vec::new() };
    found.retain(|path| {
        path.extension().is_some_and(|extension| extension == "list" || extension == "sources")
    });
    found.extend(Some(list).filter(|list| list.is_file()));
    Ok(found)
}

/// Entries of binary packages in either of apt's formats, as entries of sources.
fn as_source_entries(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("deb ").or_else(|| line.strip_prefix("deb\t")) {
        Some(rest) => format!("deb-src {rest}\n"),
        None if line.to_ascii_lowercase().starts_with("types:") => "Types: deb-src\n".to_owned(),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn apt(program: &str, options: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.arg("-q").args(options);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_source_entries() {
        assert_eq!(
            as_source_entries("# x\ndeb [a=b] u s main\ndeb-src u s main\n"),
            "# x\ndeb-src [a=b] u s main\ndeb-src u s main\n"
        );
        assert_eq!(as_source_entries("Types: deb\nURIs: u\n"), "Types: deb-src\nURIs: u\n");
    }

    #[test]
    fn only_the_upstream_archive_is_kept() {
        for (file, kept) in [
            ("hello_2.10.orig.tar.gz", Some("hello-2.10.tar.gz")),
            ("lua5.4_5.4.4.orig.tar.xz", Some("lua5.4-5.4.4.tar.xz")),
            ("hello_2.10.orig.tar.gz.asc", None),
            ("hello_2.10-3.debian.tar.xz", None),
            ("hello_2.10-3.dsc", None),
        ] {
            assert_eq!(upstream_name(file).as_deref(), kept, "{file}");
        }
    }
}
