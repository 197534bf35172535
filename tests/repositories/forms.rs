//! Metadata in every form that it is stored in.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{
    Bench, FORMS, Form, data, package, primary, relations, repomd, requires, write_repository,
};

/// What the requests below need of every kind of document.
const GROUPS: &str = "<comps><group><id>tools</id><name>Tools</name><packagelist>\
                      <packagereq type=\"mandatory\">tool</packagereq></packagelist></group></comps>";

fn packages() -> Vec<String> {
    vec![
        package("tool-1-1.x86_64", &requires(&["/opt/tool/data", "lib.so()(64bit)"])),
        package("data-1-1.noarch", ""),
        package("lib-1-1.x86_64", &relations("provides", &["lib.so()(64bit)"])),
    ]
}

fn filelists() -> String {
    let id = |nevra: &str| {
        let text = package(nevra, "");
        let start = text.find("pkgid=\"YES\">").unwrap() + 12;
        text[start..start + 64].to_owned()
    };
    format!(
        "<filelists xmlns=\"http://linux.duke.edu/metadata/filelists\" packages=\"1\">\
         <package pkgid=\"{}\" name=\"data\" arch=\"noarch\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/>\
         <file>/opt/tool/data</file></package></filelists>",
        id("data-1-1.noarch")
    )
}

const MODULES: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: old\n  stream: 1\n  version: 1\n  \
                       context: c\n  artifacts:\n    rpms:\n    - lib-0:2-1.x86_64\n...\n";

#[test]
fn the_answer_is_the_same_however_documents_are_stored() {
    for form in FORMS {
        let bench = Bench::new();
        let mut all = packages();
        // Hidden by the modules: were they not read, it would be taken.
        all.push(package("lib-2-1.x86_64", &relations("provides", &["lib.so()(64bit)"])));
        write_repository(
            &bench.path("base"),
            form,
            &[
                ("primary", &primary(&all)),
                ("filelists", &filelists()),
                ("group", GROUPS),
                ("modules", MODULES),
            ],
        );
        let repository = format!("base={}", bench.path("base").display());
        let solved = bench.solve(&[&repository], &["@tools"]).lines();
        assert_eq!(solved, ["data-1-1.noarch", "lib-1-1.x86_64", "tool-1-1.x86_64"], "{form:?}");
        let again = bench.solve(&[&repository], &["@tools", "--offline"]).lines();
        assert_eq!(again, solved, "{form:?}, from the store");
    }
}

#[test]
fn a_document_whose_name_lies_about_its_form_is_read_all_the_same() {
    let bench = Bench::new();
    let text = primary(&packages());
    let stored = Form::Zstd.store(text.as_bytes());
    let base = bench.path("base");
    fs::create_dir_all(base.join("repodata")).unwrap();
    fs::write(base.join("repodata/primary.xml.gz"), &stored).unwrap();
    let line = data("primary", "repodata/primary.xml.gz", &stored, text.as_bytes());
    fs::write(base.join("repodata/repomd.xml"), repomd(&[line])).unwrap();
    let solved = bench.solve(&[&format!("base={}", base.display())], &["lib"]).lines();
    assert_eq!(solved, ["lib-1-1.x86_64"]);
}

#[test]
fn a_zchunk_document_beside_the_plain_one_is_left_alone_and_by_itself_is_refused() {
    let bench = Bench::new();
    let base = bench.path("base");
    let text = primary(&packages());
    write_repository(&base, Form::Gzip, &[("primary", &text)]);
    let repomd_path = base.join("repodata/repomd.xml");
    let both = fs::read_to_string(&repomd_path).unwrap();
    // Its bytes are never asked for: there is no such file.
    let zck = data("primary_zck", "repodata/primary.xml.zck", b"x", text.as_bytes());
    fs::write(&repomd_path, both.replace("</repomd>", &format!("{zck}</repomd>"))).unwrap();
    let repository = format!("base={}", base.display());
    assert_eq!(bench.solve(&[&repository], &["lib"]).lines(), ["lib-1-1.x86_64"]);

    let alone = Bench::new();
    let base = alone.path("base");
    fs::create_dir_all(base.join("repodata")).unwrap();
    fs::write(base.join("repodata/repomd.xml"), repomd(std::slice::from_ref(&zck))).unwrap();
    let ran = alone.solve(&[&format!("base={}", base.display())], &["lib"]);
    ran.expect(30).says("it names no list of packages (primary)");
    // Under the plain name it is told from its first bytes.
    fs::write(base.join("repodata/primary.xml.zck"), b"\0ZCK1 and so on").unwrap();
    let line = data("primary", "repodata/primary.xml.zck", b"\0ZCK1 and so on", b"");
    fs::write(base.join("repodata/repomd.xml"), repomd(&[line])).unwrap();
    let ran = alone.solve(&[&format!("base={}", base.display())], &["lib"]);
    ran.expect(30).says("it is compressed with zchunk, which kiln does not read");
}

/// The tool that most repositories are made with, in every form it can write.
#[test]
fn what_createrepo_writes_is_read() {
    for options in
        [&[][..], &["--general-compress-type=xz"], &["--general-compress-type=bz2"], &["--no-database"]]
    {
        let bench = Bench::new();
        let base = bench.path("base");
        fs::create_dir_all(&base).unwrap();
        write_rpms(&base);
        let made = Command::new("createrepo_c").args(options).arg("--quiet").arg(&base).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let solved = bench.solve(&[&format!("base={}", base.display())], &["tool"]).lines();
        assert_eq!(solved, ["data-1-1.noarch", "tool-1-1.x86_64"], "{options:?}");
    }
}

fn write_rpms(directory: &Path) {
    let config = rpm::BuildConfig::v4().compression(rpm::CompressionType::Gzip);
    let builder = |name: &str, arch: &str| {
        let mut builder = rpm::PackageBuilder::new(name, "1", "MIT", arch, "for a test");
        builder.using_config(config).release("1");
        builder
    };
    let mut tool = builder("tool", "x86_64");
    tool.requires(rpm::Dependency::any("/opt/tool/data"));
    let mut with_file = builder("data", "noarch");
    with_file.with_file_contents("content", rpm::FileOptions::new("/opt/tool/data")).unwrap();
    for (name, mut builder) in [("tool", tool), ("data", with_file)] {
        builder.build().unwrap().write_file(directory.join(format!("{name}.rpm"))).unwrap();
    }
}

/// Repositories list their groups plain and compressed; a mirror that has only one of the two will do.
#[test]
fn a_document_that_a_mirror_lacks_in_one_form_is_had_in_the_other() {
    let tool = [package("tool-1-1.x86_64", "")];
    for gone in ["repodata/group.xml", "repodata/small.xml.xz"] {
        let bench = Bench::new();
        let base = bench.path("base");
        write_repository(&base, Form::Plain, &[("primary", &primary(&tool)), ("group", GROUPS)]);
        let path = base.join("repodata/repomd.xml");
        let text = fs::read_to_string(&path).unwrap();
        let stored = Form::Xz.store(GROUPS.as_bytes());
        fs::write(base.join("repodata/small.xml.xz"), &stored).unwrap();
        let line = data("group_xz", "repodata/small.xml.xz", &stored, GROUPS.as_bytes());
        fs::write(&path, text.replace("</repomd>", &format!("{line}</repomd>"))).unwrap();
        fs::remove_file(base.join(gone)).unwrap();
        let repository = format!("base={}", base.display());
        for options in [&["@tools"][..], &["@tools", "--offline"], &["@tools", "--refresh"]] {
            assert_eq!(bench.solve(&[&repository], options).lines(), ["tool-1-1.x86_64"], "without {gone}");
        }
    }
}
