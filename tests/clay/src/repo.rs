//! The repository: packages, their metadata, the groups, and a signed list of it all.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::Error;
use crate::key::Key;
use crate::metadata::{Described, sha256};
use crate::own;
use crate::tables;
use crate::xml::Xml;

/// The group that is a build root.
pub const GROUP: &str = "buildsys-build";

const NAMESPACES: &[(&str, &str)] = &[
    ("xmlns", "http://linux.duke.edu/metadata/common"),
    ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm"),
];
const FILELISTS: &[(&str, &str)] = &[("xmlns", "http://linux.duke.edu/metadata/filelists")];
const OTHER: &[(&str, &str)] = &[("xmlns", "http://linux.duke.edu/metadata/other")];
const REPO: &[(&str, &str)] =
    &[("xmlns", "http://linux.duke.edu/metadata/repo"), ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm")];

/// Writes `repodata` into a repository whose packages are described, in order.
pub fn write(directory: &Path, packages: &[&Described], key: &Key) -> Result<(), Error> {
    let repodata = directory.join("repodata");
    fs::create_dir_all(&repodata).map_err(Error::io("make", &repodata))?;
    let count = packages.len().to_string();
    let latest = packages.iter().map(|package| package.date).max().unwrap_or(0);
    let date = latest.to_string();
    let document = |root: &str, attributes: &[(&str, &str)], piece: fn(&Described) -> &Xml| {
        let mut xml = Xml::document();
        xml.open(root, &[attributes, &[("packages", count.as_str())]].concat());
        for package in packages {
            xml.append(piece(package));
        }
        xml.close(root);
        xml.finish()
    };
    let files = [
        ("primary", "primary.xml", document("metadata", NAMESPACES, |package| &package.primary)),
        ("filelists", "filelists.xml", document("filelists", FILELISTS, |package| &package.filelists)),
        ("other", "other.xml", document("otherdata", OTHER, |package| &package.other)),
        ("group_gz", "comps.xml", comps()),
    ];
    let mut repomd = Xml::document();
    repomd.open("repomd", REPO).text("revision", &[], &date);
    for (kind, name, text) in files {
        let packed = gzip(text.as_bytes()).map_err(Error::io("compress", Path::new(name)))?;
        if kind == "group_gz" {
            data(
                &repodata,
                &mut repomd,
                &date,
                &Data { kind: "group", name, content: text.as_bytes(), open: None },
            )?;
        }
        let name = format!("{name}.gz");
        data(
            &repodata,
            &mut repomd,
            &date,
            &Data { kind, name: &name, content: &packed, open: Some(text.as_bytes()) },
        )?;
    }
    repomd.close("repomd");
    let repomd = repomd.finish();
    put(&repodata.join("repomd.xml"), repomd.as_bytes())?;
    put(&repodata.join("repomd.xml.asc"), key.sign(repomd.as_bytes(), latest)?.as_bytes())
}

/// One metadata file and, if it is compressed, what it is inside.
struct Data<'a> {
    kind: &'a str,
    name: &'a str,
    content: &'a [u8],
    open: Option<&'a [u8]>,
}

fn data(repodata: &Path, repomd: &mut Xml, date: &str, data: &Data<'_>) -> Result<(), Error> {
    let digest = sha256(data.content);
    let name = format!("{digest}-{}", data.name);
    put(&repodata.join(&name), data.content)?;
    repomd.open("data", &[("type", data.kind)]).text("checksum", &[("type", "sha256")], &digest);
    if let Some(open) = data.open {
        repomd.text("open-checksum", &[("type", "sha256")], &sha256(open));
    }
    repomd.empty("location", &[("href", &format!("repodata/{name}"))]).text("timestamp", &[], date).text(
        "size",
        &[],
        &data.content.len().to_string(),
    );
    if let Some(open) = data.open {
        repomd.text("open-size", &[], &open.len().to_string());
    }
    repomd.close("data");
    Ok(())
}

fn put(path: &Path, content: &[u8]) -> Result<(), Error> {
    fs::write(path, content).map_err(Error::io("write", path))
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content)?;
    encoder.finish()
}

/// The groups.
fn comps() -> String {
    let mut packages: Vec<String> = own::packages().into_iter().map(|recipe| recipe.name).collect();
    packages.extend(tables::BUILD_ROOT.iter().map(|name| (*name).to_owned()));
    packages.sort();
    let mut xml = Xml::document();
    xml.raw("<!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n");
    xml.open("comps", &[]).open("group", &[]);
    xml.text("id", &[], GROUP)
        .text("name", &[], "Buildsystem building group")
        .text("description", &[], "What a build root must have.")
        .text("default", &[], "false")
        .text("uservisible", &[], "false")
        .open("packagelist", &[]);
    for package in packages {
        xml.text("packagereq", &[("type", "mandatory")], &package);
    }
    xml.close("packagelist").close("group").close("comps");
    xml.finish()
}
