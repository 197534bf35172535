//! A Debian package file: an ar archive with a control and a data archive, each a compressed tar.
//!
//! What comes out is already laid out for a merged /usr: `/bin/x` is `/usr/bin/x`. The place a program had before is kept,
//! since other packages may ask for it by that name.

use std::io::Read;

use crate::error::Error;

/// A package file, unpacked in memory.
#[derive(Debug)]
pub struct Deb {
    /// The control file's text.
    pub control: String,
    /// Paths that are configuration, after merging.
    pub conffiles: Vec<String>,
    /// Everything in the data archive but `.`, in its order.
    pub entries: Vec<Entry>,
}

/// One member of the data archive.
#[derive(Debug)]
pub struct Entry {
    /// The absolute path under the merged /usr.
    pub path: String,
    /// The path in the archive, if merging changed it.
    pub before_merge: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Owner by name.
    pub user: String,
    /// Group by name.
    pub group: String,
    /// Modification time.
    pub mtime: u32,
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file and its bytes.
    File(Vec<u8>),
    /// A symbolic link and its target.
    Symlink(String),
    /// Another name of an earlier file, by its path under the merged /usr.
    Hardlink(String),
}

impl Deb {
    /// Unpacks a package file; `name` is for messages.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |why: String| Error::Deb { deb: name.to_owned(), why };
        let members = ar_members(bytes).map_err(wrong)?;
        let open = |prefix: &str| {
            let (member, content) = members
                .iter()
                .find(|(member, _)| member.starts_with(prefix))
                .ok_or_else(|| wrong(format!("it has no `{prefix}`")))?;
            decompress(member, content).map_err(|error| wrong(format!("`{member}`: {error}")))
        };
        let (control, conffiles) =
            control_files(&open("control.tar")?).map_err(|error| wrong(error.to_string()))?;
        let entries = data_entries(&open("data.tar")?).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { control, conffiles, entries })
    }
}

/// The members of an ar archive.
fn ar_members(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, String> {
    let mut rest = bytes.strip_prefix(b"!<arch>\n").ok_or("it is not an ar archive")?;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let header = rest.get(..60).ok_or("an ar header is cut short")?;
        let field = |range: std::ops::Range<usize>| String::from_utf8_lossy(&header[range]).trim().to_owned();
        let size: usize = field(48..58).parse().map_err(|_| "an ar header has no size")?;
        let end = 60usize.checked_add(size).ok_or("an ar member is too large")?;
        let content = rest.get(60..end).ok_or("an ar member is cut short")?;
        members.push((field(0..16).trim_end_matches('/').to_owned(), content));
        rest = rest.get(end + size % 2..).unwrap_or_default();
    }
    Ok(members)
}

fn decompress(member: &str, content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match member.rsplit_once(".tar").map(|(_, suffix)| suffix) {
        Some("") => out.extend_from_slice(content),
        Some(".gz") => drop(flate2::read::GzDecoder::new(content).read_to_end(&mut out)?),
        Some(".xz") => drop(liblzma::read::XzDecoder::new_multi_decoder(content).read_to_end(&mut out)?),
        Some(".zst") => drop(zstd::stream::read::Decoder::new(content)?.read_to_end(&mut out)?),
        Some(".bz2") => drop(bzip2::read::BzDecoder::new(content).read_to_end(&mut out)?),
        _ => return Err(std::io::Error::other("unknown compression")),
    }
    Ok(out)
}

fn control_files(tar: &[u8]) -> std::io::Result<(String, Vec<String>)> {
    let mut control = None;
    let mut conffiles = Vec::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut text = String::new();
        match path.trim_start_matches("./") {
            "control" => {
                entry.read_to_string(&mut text)?;
                control = Some(text);
            }
            "conffiles" => {
                entry.read_to_string(&mut text)?;
                // A line may carry a flag before the path, as in `remove-on-upgrade /etc/x`: that file is not in the package.
                conffiles = text
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.starts_with('/'))
                    .map(|line| merged(line).0)
                    .collect();
            }
            _ => {}
        }
    }
    Ok((control.ok_or_else(|| std::io::Error::other("it has no control file"))?, conffiles))
}

fn data_entries(tar: &[u8]) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let Some((path, before_merge)) = absolute(&entry.path()?) else { continue };
        let link = entry.link_name()?.map(|link| link.to_string_lossy().into_owned());
        let header = entry.header().clone();
        let kind = match (header.entry_type(), link) {
            (tar::EntryType::Directory, _) => Kind::Directory,
            (tar::EntryType::Symlink, Some(target)) => Kind::Symlink(target),
            (tar::EntryType::Link, Some(target)) => Kind::Hardlink(
                absolute(std::path::Path::new(&target)).map(|(path, _)| path).unwrap_or_default(),
            ),
            (tar::EntryType::Regular, _) => {
                let mut content = Vec::with_capacity(header.size()? as usize);
                entry.read_to_end(&mut content)?;
                Kind::File(content)
            }
            (other, _) => return Err(std::io::Error::other(format!("`{path}` is of type {other:?}"))),
        };
        entries.push(Entry {
            path,
            before_merge,
            kind,
            mode: (header.mode()? & 0o7777) as u16,
            user: header
                .username()
                .ok()
                .flatten()
                .filter(|name| !name.is_empty())
                .unwrap_or("root")
                .to_owned(),
            group: header
                .groupname()
                .ok()
                .flatten()
                .filter(|name| !name.is_empty())
                .unwrap_or("root")
                .to_owned(),
            mtime: header.mtime()?.try_into().unwrap_or(u32::MAX),
        });
    }
    Ok(entries)
}

/// The absolute merged path of an archive path, and the unmerged one if different; nothing for the root.
fn absolute(path: &std::path::Path) -> Option<(String, Option<String>)> {
    let path = path.to_string_lossy();
    let path = path.trim_start_matches("./").trim_matches('/');
    if path.is_empty() || path == "." {
        return None;
    }
    let absolute = format!("/{path}");
    let (merged, changed) = merged(&absolute);
    Some((merged, changed.then_some(absolute)))
}

/// Where a path is under a merged /usr, and whether that is elsewhere.
fn merged(path: &str) -> (String, bool) {
    const MOVED: [&str; 6] = ["bin", "sbin", "lib", "lib64", "lib32", "libx32"];
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if MOVED.contains(&first) { (format!("/usr{path}"), true) } else { (path.to_owned(), false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tar_of(files: &[(&str, &[u8], tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content, kind, link) in files {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            header.set_mtime(7);
            header.set_username("root").unwrap();
            header.set_groupname("mail").unwrap();
            if !link.is_empty() {
                header.set_link_name(link).unwrap();
            }
            header.set_cksum();
            builder.append_data(&mut header, path, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn ar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = b"!<arch>\n".to_vec();
        for (name, content) in members {
            out.extend(
                format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).bytes(),
            );
            out.extend_from_slice(content);
            if content.len() % 2 == 1 {
                out.push(b'\n');
            }
        }
        out
    }

    #[test]
    fn a_package_is_unpacked_under_the_merged_usr() {
        use tar::EntryType::{Directory, Link, Regular, Symlink};
        let control = tar_of(&[
            ("./control", b"Package: x\n", Regular, ""),
            ("./conffiles", b"/etc/x.conf\nremove-on-upgrade /etc/old\n/lib/y\n", Regular, ""),
        ]);
        let data = tar_of(&[
            ("./bin/", b"", Directory, ""),
            ("./bin/x", b"abc", Regular, ""),
            ("./bin/y", b"", Link, "./bin/x"),
            ("./usr/bin/z", b"", Symlink, "x"),
        ]);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, &data).unwrap();
        let deb = ar_of(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar", &control),
            ("data.tar.gz", &gz.finish().unwrap()),
        ]);
        let deb = Deb::parse("x.deb", &deb).unwrap();
        assert_eq!(deb.control, "Package: x\n");
        assert_eq!(deb.conffiles, ["/etc/x.conf", "/usr/lib/y"]);
        let shown: Vec<_> =
            deb.entries.iter().map(|e| (e.path.as_str(), e.before_merge.as_deref(), &e.kind)).collect();
        assert_eq!(
            shown,
            [
                ("/usr/bin", Some("/bin"), &Kind::Directory),
                ("/usr/bin/x", Some("/bin/x"), &Kind::File(b"abc".to_vec())),
                ("/usr/bin/y", Some("/bin/y"), &Kind::Hardlink("/usr/bin/x".into())),
                ("/usr/bin/z", None, &Kind::Symlink("x".into())),
            ]
        );
        assert_eq!((deb.entries[1].mode, deb.entries[1].group.as_str()), (0o755, "mail"));
    }

    #[test]
    fn a_broken_archive_is_refused_with_its_name() {
        for bytes in [b"".as_slice(), b"!<arch>\nshort", &ar_of(&[("debian-binary", b"2.0\n")])] {
            let error = Deb::parse("x.deb", bytes).unwrap_err().to_string();
            assert!(error.starts_with("`x.deb` is not a usable Debian package"), "{error}");
        }
    }
}
