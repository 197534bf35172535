//! The readers on real repositories: those below the directory that `KILN_TEST_DATA` names.

use std::fs::File;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::{Comps, Kind, Member, Metadata, ModuleChoice, Modules, Owners, Repomd};

/// A repository of the test data; nothing, with a word why, where there is none.
fn repository(name: &str) -> Option<(PathBuf, Repomd)> {
    let Some(data) = std::env::var_os("KILN_TEST_DATA") else {
        println!("skipped: KILN_TEST_DATA does not name a directory of repositories");
        return None;
    };
    let path = Path::new(&data).join(name);
    let Ok(bytes) = std::fs::read(path.join("repodata/repomd.xml")) else {
        println!("skipped: no {}", path.display());
        return None;
    };
    Some((path, Repomd::parse(name, &bytes).unwrap()))
}

fn open(path: &Path, repomd: &Repomd, kind: &'static str) -> impl BufRead + use<> {
    let data = repomd.data(kind).unwrap();
    data.open("test", kind, File::open(path.join(&data.location)).unwrap(), 1 << 30).unwrap()
}

fn metadata(path: &Path, repomd: &Repomd) -> Metadata {
    Metadata::parse("test", open(path, repomd, "primary")).unwrap()
}

#[test]
fn a_whole_distribution_is_read_and_kept() {
    let Some((path, repomd)) = repository("debian-scale") else { return };
    let metadata = metadata(&path, &repomd);
    assert_eq!(metadata.len(), 65_503);
    let requires: usize = metadata.packages().map(|package| package.dependencies(Kind::Requires).len()).sum();
    let provides: usize = metadata.packages().map(|package| package.dependencies(Kind::Provides).len()).sum();
    println!("{requires} requires, {provides} provides, {} strings", metadata.strings());
    let kept = Metadata::from_bytes("test", metadata.as_bytes().to_vec()).unwrap();
    assert_eq!(kept.len(), metadata.len());
}

#[test]
fn both_readers_make_the_same_tables_of_real_documents() {
    for name in ["centos-stream-9/appstream", "centos-stream-9/baseos"] {
        let Some((path, repomd)) = repository(name) else { return };
        let slow = Metadata::parse_slowly("test", open(&path, &repomd, "primary")).unwrap();
        let fast = metadata(&path, &repomd);
        assert!(fast.as_bytes() == slow.as_bytes(), "{name}");
    }
}

#[test]
fn groups_of_real_comps_expand() {
    let Some((path, repomd)) = repository("centos-stream-9/baseos") else { return };
    let mut comps = Comps::parse("test", open(&path, &repomd, "group_gz")).unwrap();
    let core = comps.expand("core").unwrap().len();
    let comps_of = |path: PathBuf| {
        std::fs::read_dir(path.join("repodata"))
            .unwrap()
            .flatten()
            .find(|entry| entry.file_name().to_string_lossy().contains("comps"))
    };
    if let Some((path, _)) = repository("centos-stream-9/appstream") {
        let bytes = std::fs::read(comps_of(path).unwrap().path()).unwrap();
        comps.merge(Comps::parse("test", bytes.as_slice()).unwrap());
        assert!(comps.expand("core").unwrap().len() > core, "both repositories' members");
    }
    println!("{} groups, {} environments", comps.groups().len(), comps.environments().len());
    let requests = |name: &str| comps.expand(name).unwrap().iter().map(Member::request).collect::<Vec<_>>();
    assert!(requests("core").contains(&"bash".to_owned()));
    assert_eq!(requests("core"), requests("Core"));
    assert!(requests("minimal-environment").contains(&"bash".to_owned()));
}

#[test]
fn without_an_active_stream_every_artifact_is_hidden() {
    let Some((path, repomd)) = repository("centos-stream-9/appstream") else { return };
    let metadata = metadata(&path, &repomd);
    let modules = Modules::parse("test", open(&path, &repomd, "modules")).unwrap();
    let platform = Some("platform:el9".to_owned());
    let active =
        modules.activate(&ModuleChoice { platform: platform.clone(), ..ModuleChoice::default() }).unwrap();
    assert!(active.streams.is_empty(), "{:?}", active.streams);
    assert_eq!(active.hidden(&metadata).len(), 516);
    let enabled = [("nodejs".to_owned(), "20".to_owned())].into();
    let active = modules.activate(&ModuleChoice { enabled, platform, ..ModuleChoice::default() }).unwrap();
    assert_eq!(active.streams, ["nodejs:20"]);
    let hidden = active.hidden(&metadata);
    let nodejs: Vec<String> = metadata
        .packages()
        .filter(|package| metadata.text(package.name()) == "nodejs" && !hidden.contains(&package.id()))
        .map(|package| package.nevra().to_string())
        .collect();
    println!("visible: {nodejs:?}; hidden {}", hidden.len());
    assert!(!nodejs.is_empty() && nodejs.iter().all(|nevra| nevra.starts_with("nodejs-1:20.")));
}

#[test]
fn owners_are_found_in_real_file_lists() {
    let Some((path, repomd)) = repository("centos-stream-9/baseos") else { return };
    let metadata = metadata(&path, &repomd);
    let wanted = ["/usr/bin/bash", "/usr/share/zoneinfo/UTC", "/lib64/libc.so.6", "/nowhere"];
    let owners = Owners::find(&metadata, open(&path, &repomd, "filelists"), wanted).unwrap();
    let names = |path: &str| {
        owners.of(path).iter().map(|id| metadata.text(metadata.package(*id).name())).collect::<Vec<_>>()
    };
    for (path, name) in
        [("/usr/bin/bash", "bash"), ("/usr/share/zoneinfo/UTC", "tzdata"), ("/lib64/libc.so.6", "glibc")]
    {
        assert!(names(path).contains(&name), "{path}: {:?}", names(path));
    }
    assert!(names("/nowhere").is_empty());
}
