//! A repository of any size, made from Clay's: copies of all packages under other names, which need each other's copies.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Writes `output/repodata` with `count` packages; the first copy keeps its names.
pub(crate) fn multiply(repo: &Path, count: usize, output: &Path) -> Result<(), Error> {
    let repodata = output.join("repodata");
    fs::create_dir_all(&repodata).map_err(Error::io("make", &repodata))?;
    let text = primary(&repo.join("repodata"))?;
    let (head, rest) = text
        .split_once("<package ")
        .ok_or_else(|| Error::broken("Clay's primary", "there is no package in it"))?;
    let (body, tail) = rest.rsplit_once("</metadata>").unwrap_or((rest, ""));
    let packages: Vec<&str> = body.split("<package ").collect();
    let mut hasher = (Sha256::new(), 0_usize);
    let packed = repodata.join("primary.xml.gz");
    let file = File::create(&packed).map_err(Error::io("write", &packed))?;
    let mut encoder = GzEncoder::new(file, Compression::fast());
    let mut put = |text: &str| {
        hasher.0.update(text.as_bytes());
        hasher.1 += text.len();
        encoder.write_all(text.as_bytes()).map_err(Error::io("write", &packed))
    };
    put(&with_count(head, count))?;
    for number in 0..count {
        let (copy, package) = (number / packages.len(), packages[number % packages.len()]);
        put("<package ")?;
        put(&renamed(package, copy))?;
    }
    put("</metadata>")?;
    put(tail)?;
    encoder.finish().map_err(Error::io("write", &packed))?;
    let bytes = fs::read(&packed).map_err(Error::io("read", &packed))?;
    let repomd = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\
         <revision>{count}</revision><data type=\"primary\"><checksum type=\"sha256\">{}</checksum>\
         <open-checksum type=\"sha256\">{}</open-checksum><location href=\"repodata/primary.xml.gz\"/>\
         <timestamp>1</timestamp><size>{}</size><open-size>{}</open-size></data></repomd>\n",
        hex(&Sha256::digest(&bytes)),
        hex(&hasher.0.finalize()),
        bytes.len(),
        hasher.1,
    );
    let path = repodata.join("repomd.xml");
    fs::write(&path, repomd).map_err(Error::io("write", &path))
}

/// The text of the primary document in a directory.
fn primary(repodata: &Path) -> Result<String, Error> {
    let names = fs::read_dir(repodata).map_err(Error::io("list", repodata))?.flatten();
    let found =
        names.map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with("primary.xml.gz"));
    let path = found.ok_or_else(|| Error::broken(repodata.display().to_string(), "no primary.xml.gz"))?;
    let file = File::open(&path).map_err(Error::io("read", &path))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).map_err(Error::io("read", &path))?;
    Ok(text)
}

fn with_count(head: &str, count: usize) -> String {
    match head.split_once("packages=\"") {
        Some((before, after)) => {
            let after = after.split_once('"').map_or(after, |(_, after)| after);
            format!("{before}packages=\"{count}\"{after}")
        }
        None => head.to_owned(),
    }
}

/// A package of a copy: its name, what it provides and needs, its files, its digest and its place are the copy's own.
/// Rich dependencies stay as they are; they ask the first copy.
fn renamed(package: &str, copy: usize) -> String {
    if copy == 0 {
        return package.to_owned();
    }
    let mut text = String::with_capacity(package.len() + 512);
    for line in package.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let entry = trimmed.strip_prefix("<rpm:entry name=\"");
        if trimmed.starts_with("<name>") || trimmed.starts_with("<file>") || trimmed.starts_with("<file ") {
            text.push_str(&line.replacen("</", &format!("-copy{copy}</"), 1));
        } else if trimmed.starts_with("<checksum ") {
            text.push_str(&checksum(line, copy));
        } else if trimmed.starts_with("<location ") {
            text.push_str(&line.replacen("href=\"", &format!("href=\"copy{copy}/"), 1));
        } else if entry.is_some_and(|name| !name.starts_with(['(']) && !name.starts_with("rpmlib(")) {
            let at = line.len() - entry.map_or(0, str::len);
            let (start, rest) = line.split_at(at);
            let (name, rest) = rest.split_once('"').unwrap_or((rest, ""));
            text.extend([start, name, "-copy", &copy.to_string(), "\"", rest]);
        } else {
            text.push_str(line);
        }
    }
    text
}

fn checksum(line: &str, copy: usize) -> String {
    let Some((start, rest)) = line.split_once('>') else { return line.to_owned() };
    let Some((old, end)) = rest.split_once('<') else { return line.to_owned() };
    let new = Sha256::digest(format!("{old}{copy}").as_bytes());
    format!("{start}>{}<{end}", hex(&new))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from_digit(u32::from(number), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_asks_for_its_own_copies() {
        let package = "type=\"rpm\">\n  <name>a</name>\n  <checksum type=\"sha256\" pkgid=\"YES\">00</checksum>\n  \
            <location href=\"a.rpm\"/>\n      <rpm:entry name=\"b\" flags=\"EQ\"/>\n      <rpm:entry name=\"(b or c)\"/>\n  \
            <file>/usr/bin/a</file>\n";
        let copy = renamed(package, 2);
        for text in [
            "<name>a-copy2</name>",
            "href=\"copy2/a.rpm\"",
            "name=\"b-copy2\" flags",
            "(b or c)\"",
            "/a-copy2</file>",
        ] {
            assert!(copy.contains(text), "{text} is not in {copy}");
        }
        assert!(!copy.contains(">00<"));
        assert_eq!(renamed(package, 0), package);
    }
}
