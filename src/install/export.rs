//! A root as one tar file: POSIX.1-2001 (pax), every name once, sorted, with the numbers that owners have inside.
//!
//! The layers are read as one tree without mounting anything, so nothing that a sandbox mounts hides what is below it.
//! The same layers give the same bytes: nothing of the host's, no time of its own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt as _;

use tar::{Builder, EntryType, Header};

use crate::install::view::{Found, Merged, OVERLAY, View, ViewError};
use crate::sys::entry::{self, Stat};
use crate::sys::process;

/// What the job is told: the layers' trees, relative to the store, uppermost first.
pub(super) type Input = [String];

/// The job's name.
pub(super) const JOB: &str = "install-export";

/// The job: writes the root to its standard output; answers with the names of what a tar file cannot hold.
pub(super) fn export(input: &str) -> Result<String, String> {
    let layers: Vec<String> = serde_json::from_str(input).map_err(|error| error.to_string())?;
    let output = BufWriter::with_capacity(1 << 20, File::from(process::standard(1)));
    let left_out = write(&layers, output).map_err(|error| error.to_string())?;
    serde_json::to_string(&left_out).map_err(|error| error.to_string())
}

/// Why a root cannot be written.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    View(#[from] ViewError),
    #[error(transparent)]
    System(#[from] crate::sys::SysError),
    #[error("writing the tar file: {0}")]
    Write(#[from] std::io::Error),
}

type Result<T, E = ExportError> = std::result::Result<T, E>;

fn write(layers: &[String], output: impl Write) -> Result<Vec<String>> {
    let view = View::open(layers)?;
    let mut export = Export { tar: Builder::new(output), linked: BTreeMap::new(), left_out: Vec::new() };
    let root = view.root();
    export.directory(b"./", &root)?;
    export.tar.into_inner()?.flush()?;
    Ok(export.left_out)
}

struct Export<W: Write> {
    tar: Builder<W>,
    /// The first name of each file that may have more.
    linked: BTreeMap<(u64, u64), Vec<u8>>,
    left_out: Vec<String>,
}

/// Attributes of a file, for its pax records.
type Attributes = BTreeMap<String, Vec<u8>>;

impl<W: Write> Export<W> {
    /// A directory and all below it; its path ends with a slash.
    fn directory(&mut self, path: &[u8], directory: &Merged) -> Result<()> {
        let Some(top) = directory.uppermost() else { return Ok(()) };
        self.entry(path, &entry::stat_open(top)?, (EntryType::Directory, b""), attributes(top)?)?;
        for name in directory.names()? {
            let path = [path, name.as_bytes()].concat();
            match directory.lookup(&name)? {
                Found::Nothing => {}
                Found::Directory(below) => self.directory(&[&path, &b"/"[..]].concat(), &below)?,
                Found::Other { layer, stat } => {
                    self.other(&path, &name, (&stat, directory.part(layer)?))?;
                }
            }
        }
        Ok(())
    }

    fn other(
        &mut self,
        path: &[u8],
        name: &OsStr,
        (stat, directory): (&Stat, &std::os::fd::OwnedFd),
    ) -> Result<()> {
        if stat.links > 1
            && let Some(first) = self.linked.get(&stat.identity).cloned()
        {
            return self.entry(path, stat, (EntryType::Link, &first), Attributes::new());
        }
        if stat.is_file() {
            let file = entry::open_file(directory, name)?;
            let attributes = attributes(&file)?;
            self.linked.extend((stat.links > 1).then(|| (stat.identity, path.to_vec())));
            let header = self.head(path, stat, (EntryType::Regular, b""), attributes)?;
            return Ok(self.tar.append(&header, Exact { file, left: stat.size })?);
        }
        if stat.is_link() {
            let target = entry::read_link(directory, name)?;
            return self.entry(path, stat, (EntryType::Symlink, target.as_bytes()), Attributes::new());
        }
        if stat.is_fifo() {
            return self.entry(path, stat, (EntryType::Fifo, b""), Attributes::new());
        }
        self.left_out.push(String::from_utf8_lossy(path).into_owned());
        Ok(())
    }

    /// An entry without content.
    fn entry(
        &mut self,
        path: &[u8],
        stat: &Stat,
        kind: (EntryType, &[u8]),
        attributes: Attributes,
    ) -> Result<()> {
        let header = self.head(path, stat, kind, attributes)?;
        Ok(self.tar.append(&header, std::io::empty())?)
    }

    /// Writes the records that a header has no room for, and gives the header.
    fn head(
        &mut self,
        path: &[u8],
        stat: &Stat,
        (kind, target): (EntryType, &[u8]),
        attributes: Attributes,
    ) -> Result<Header> {
        let mut header = Header::new_ustar();
        let mut records = BTreeMap::new();
        header.set_entry_type(kind);
        header.set_mode(stat.mode & 0o7777);
        header.set_uid(u64::from(stat.uid));
        header.set_gid(u64::from(stat.gid));
        header.set_size(if kind == EntryType::Regular { stat.size } else { 0 });
        match u64::try_from(stat.mtime.0) {
            Ok(seconds) if stat.mtime.1 == 0 => header.set_mtime(seconds),
            seconds => {
                header.set_mtime(seconds.unwrap_or(0));
                records.insert("mtime".to_owned(), time(stat.mtime).into_bytes());
            }
        }
        let ustar =
            header.as_ustar_mut().map(|ustar| (&mut ustar.name, &mut ustar.prefix, &mut ustar.linkname));
        if let Some((name, prefix, linkname)) = ustar {
            if !put_path(path, name, prefix) {
                records.insert("path".to_owned(), path.to_vec());
            }
            if !put(target, linkname) {
                records.insert("linkpath".to_owned(), target.to_vec());
            }
        }
        for (name, value) in attributes {
            records.insert(format!("SCHILY.xattr.{name}"), value);
        }
        header.set_cksum();
        self.tar
            .append_pax_extensions(records.iter().map(|(key, value)| (key.as_str(), value.as_slice())))?;
        Ok(header)
    }
}

/// Seconds with a fraction, as pax writes them.
fn time((seconds, nanoseconds): (i64, u32)) -> String {
    let fraction = format!("{nanoseconds:09}");
    let fraction = fraction.trim_end_matches('0');
    match (seconds, fraction) {
        (_, "") => seconds.to_string(),
        (0.., _) => format!("{seconds}.{fraction}"),
        // Before 1970 the fraction counts back from the next second.
        _ => {
            let back = format!("{:09}", 1_000_000_000 - u64::from(nanoseconds));
            let sign = if seconds == -1 { "-" } else { "" };
            format!("{sign}{}.{}", seconds + 1, back.trim_end_matches('0'))
        }
    }
}

/// Puts bytes into a field; what has no room is cut, and said to be.
fn put(bytes: &[u8], field: &mut [u8]) -> bool {
    let length = bytes.len().min(field.len());
    field[..length].copy_from_slice(&bytes[..length]);
    length == bytes.len() && bytes.is_ascii()
}

/// Puts a path into a name and, at a slash, a prefix.
fn put_path(path: &[u8], name: &mut [u8], prefix: &mut [u8]) -> bool {
    if path.len() <= name.len() {
        return put(path, name);
    }
    let fits = |at: &usize| *at <= prefix.len() && path.len() - at - 1 <= name.len() && *at + 1 < path.len();
    let slash = (1..path.len()).filter(|at| path[*at] == b'/').find(fits);
    match slash {
        Some(at) => {
            let named = put(&path[at + 1..], name);
            put(&path[..at], prefix) && named
        }
        None => put(path, name),
    }
}

/// The extended attributes that are the root's own: not an overlay's, not the label of a host's policy.
fn attributes(file: impl std::os::fd::AsFd) -> Result<Attributes> {
    let file = file.as_fd();
    let mut found = Attributes::new();
    for name in entry::attributes(file)? {
        if name.starts_with(OVERLAY) || name == "security.selinux" {
            continue;
        }
        if let Some(value) = entry::attribute(file, &name)? {
            found.insert(name, value);
        }
    }
    Ok(found)
}

/// A file of a known size: another one is an error, and not a broken archive.
struct Exact {
    file: File,
    left: u64,
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        if count as u64 > self.left || (count == 0 && self.left > 0 && !buffer.is_empty()) {
            return Err(std::io::Error::other("a file in the store has another size than it had"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_pax_has_them() {
        let table = [
            ((5, 0), "5"),
            ((5, 500_000_000), "5.5"),
            ((0, 1), "0.000000001"),
            ((-1, 0), "-1"),
            ((-1, 500_000_000), "-0.5"),
            ((-3, 250_000_000), "-2.75"),
        ];
        for (value, text) in table {
            assert_eq!(time(value), text, "{value:?}");
        }
    }

    #[test]
    fn a_long_path_is_split_or_recorded() {
        let long = "a".repeat(90);
        let table = [
            ("./usr/bin/sh".to_owned(), true),
            (format!("./{long}/{long}"), true),
            (format!("./{long}/{long}/{long}"), false),
            ("x".repeat(101), false),
            ("./é".to_owned(), false),
        ];
        for (path, fits) in table {
            let (mut name, mut prefix) = ([0; 100], [0; 155]);
            assert_eq!(put_path(path.as_bytes(), &mut name, &mut prefix), fits, "{path}");
            let text = |field: &[u8]| String::from_utf8_lossy(field).trim_end_matches('\0').to_owned();
            let (name, prefix) = (text(&name), text(&prefix));
            let whole = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            assert!(!fits || whole == path, "{whole}");
        }
    }
}
