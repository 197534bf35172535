//! Small repositories, written as tables.

mod answers;
mod conflicts;
mod random;
mod reasons;

use std::fmt::Write as _;

use super::{RepoMetadata, Request, solve};
use crate::metadata::Metadata;

/// A repository from lines: `name-evr.arch | requires a, b >= 1 | provides c = 2 | files /usr/bin/x`.
fn repo(id: &str, lines: &str) -> Metadata {
    let mut xml = String::from(
        "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">",
    );
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split('|').map(str::trim);
        let nevra: crate::package::Nevra = parts.next().unwrap().parse().unwrap();
        let evr = &nevra.evr;
        let digest = crate::unit::Digest::sha256(line.as_bytes()).hex();
        write!(
            xml,
            "<package type=\"rpm\"><name>{}</name><arch>{}</arch><version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{digest}</checksum><time file=\"1\" build=\"1\"/>\
             <size package=\"1\" installed=\"1\" archive=\"1\"/><location href=\"{nevra}.rpm\"/><format>",
            nevra.name, nevra.arch, evr.epoch, evr.version, evr.release
        )
        .unwrap();
        for part in parts {
            let (kind, list) = part.split_once(' ').unwrap();
            if kind == "files" {
                list.split(',').for_each(|path| write!(xml, "<file>{}</file>", path.trim()).unwrap());
                continue;
            }
            write!(xml, "<rpm:{kind}>").unwrap();
            list.split(',').for_each(|dep| entry(&mut xml, dep.trim()));
            write!(xml, "</rpm:{kind}>").unwrap();
        }
        xml.push_str("</format></package>");
    }
    xml.push_str("</metadata>");
    Metadata::parse(id, xml.as_bytes()).unwrap()
}

fn entry(xml: &mut String, dep: &str) {
    let escape = |text: &str| text.replace('<', "&lt;").replace('>', "&gt;");
    if dep.starts_with('(') {
        return write!(xml, "<rpm:entry name=\"{}\"/>", escape(dep)).unwrap();
    }
    let dep = crate::package::Dependency::parse(dep).unwrap();
    let word = match dep.sense.symbol() {
        "" => return write!(xml, "<rpm:entry name=\"{}\"/>", dep.name).unwrap(),
        "=" => "EQ",
        "<" => "LT",
        "<=" => "LE",
        ">" => "GT",
        _ => "GE",
    };
    let evr = crate::package::Evr::parse(dep.evr);
    let rel = if evr.release.is_empty() { String::new() } else { format!(" rel=\"{}\"", evr.release) };
    write!(
        xml,
        "<rpm:entry name=\"{}\" flags=\"{word}\" epoch=\"{}\" ver=\"{}\"{rel}/>",
        dep.name, evr.epoch, evr.version
    )
    .unwrap();
}

fn request(install: &str) -> Request {
    let install = install.split(',').map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Request { arch: "x86_64".to_owned(), install: install.collect(), ..Request::default() }
}

fn answer(repos: &[RepoMetadata<'_>], request: &Request) -> String {
    match solve(repos, request) {
        Ok(resolution) => {
            resolution.packages.iter().map(|it| it.nevra.to_string()).collect::<Vec<_>>().join(" ")
        }
        Err(error) => format!("error: {error}"),
    }
}

fn one(lines: &str, install: &str) -> String {
    let metadata = repo("test", lines);
    answer(&[RepoMetadata::new(&metadata)], &request(install))
}
