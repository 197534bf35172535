//! Repositories written by hand, and kiln with a store of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use kiln::unit::Digest;

/// How a document is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Gzip,
    Xz,
    Zstd,
    Bzip2,
}

pub(crate) const FORMS: [Form; 5] = [Form::Plain, Form::Gzip, Form::Xz, Form::Zstd, Form::Bzip2];

impl Form {
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
            Self::Bzip2 => ".bz2",
        }
    }

    pub(crate) fn store(self, open: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => open.to_vec(),
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(open).unwrap();
                writer.finish().unwrap()
            }
            Self::Xz => {
                let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
                writer.write_all(open).unwrap();
                writer.finish().unwrap()
            }
            Self::Zstd => zstd::encode_all(open, 3).unwrap(),
            Self::Bzip2 => {
                let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                writer.write_all(open).unwrap();
                writer.finish().unwrap()
            }
        }
    }
}

/// A package of `primary.xml`: `name-version-release.arch`, and the inside of its `format` element.
pub(crate) fn package(nevra: &str, format: &str) -> String {
    let nevra: kiln::package::Nevra = nevra.parse().unwrap();
    let (epoch, version, release) = (nevra.evr.epoch, &nevra.evr.version, &nevra.evr.release);
    let digest = Digest::sha256(format!("{nevra}{format}").as_bytes());
    format!(
        "<package type=\"rpm\"><name>{}</name><arch>{}</arch>\
         <version epoch=\"{epoch}\" ver=\"{version}\" rel=\"{release}\"/>\
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum><summary/><description/><packager/><url/>\
         <time file=\"0\" build=\"0\"/><size package=\"9\" installed=\"0\" archive=\"0\"/>\
         <location href=\"Packages/{nevra}.rpm\"/><format>{format}</format></package>",
        nevra.name,
        nevra.arch,
        digest.hex(),
    )
}

/// The `format` of a package that requires these names.
pub(crate) fn requires(names: &[&str]) -> String {
    relations("requires", names)
}

pub(crate) fn relations(kind: &str, names: &[&str]) -> String {
    let entries: Vec<String> = names.iter().map(|name| format!("<rpm:entry name=\"{name}\"/>")).collect();
    format!("<rpm:{kind}>{}</rpm:{kind}>", entries.concat())
}

pub(crate) fn primary(packages: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{}\">{}</metadata>\n",
        packages.len(),
        packages.concat()
    )
}

/// A `data` element of `repomd.xml`.
pub(crate) fn data(kind: &str, href: &str, stored: &[u8], open: &[u8]) -> String {
    format!(
        "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum>\
         <open-checksum type=\"sha256\">{}</open-checksum><location href=\"{href}\"/>\
         <timestamp>1700000000</timestamp><size>{}</size><open-size>{}</open-size></data>",
        Digest::sha256(stored).hex(),
        Digest::sha256(open).hex(),
        stored.len(),
        open.len(),
    )
}

pub(crate) fn repomd(data: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\
         <revision>1</revision>{}</repomd>\n",
        data.concat()
    )
}

/// Writes a repository of documents, each by its type, stored in one form.
pub(crate) fn write_repository(directory: &Path, form: Form, documents: &[(&str, &str)]) {
    let mut lines = Vec::new();
    fs::create_dir_all(directory.join("repodata")).unwrap();
    for (kind, text) in documents {
        let format = if *kind == "modules" { "yaml" } else { "xml" };
        let href = format!("repodata/{kind}.{format}{}", form.ending());
        let stored = form.store(text.as_bytes());
        fs::write(directory.join(&href), &stored).unwrap();
        lines.push(data(kind, &href, &stored, text.as_bytes()));
    }
    fs::write(directory.join("repodata/repomd.xml"), repomd(&lines)).unwrap();
}

/// The repository `directory`, which has these bytes for `tool-1-1.noarch`, and vouches for them.
pub(crate) fn write_tool(directory: &Path, bytes: &[u8]) {
    let entry = package("tool-1-1.noarch", "");
    let start = entry.find("\"YES\">").unwrap() + 6;
    let own = &entry[start..start + 64];
    let entry = entry
        .replace(own, Digest::sha256(bytes).hex().as_str())
        .replace("package=\"9\"", &format!("package=\"{}\"", bytes.len()));
    write_repository(directory, Form::Gzip, &[("primary", &primary(&[entry]))]);
    fs::create_dir_all(directory.join("Packages")).unwrap();
    fs::write(directory.join("Packages/tool-1-1.noarch.rpm"), bytes).unwrap();
}

/// A directory of a test's own: repositories, release files and a store; removed at the end.
#[derive(Debug)]
pub(crate) struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::Builder::new().prefix("kiln-test-").tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A repository of these packages; its `--repo` option.
    pub(crate) fn repository(&self, id: &str, packages: &[String]) -> String {
        self.documents(id, &[("primary", &primary(packages))])
    }

    /// A repository of these documents; its `--repo` option.
    pub(crate) fn documents(&self, id: &str, documents: &[(&str, &str)]) -> String {
        write_repository(&self.path(id), Form::Gzip, documents);
        format!("{id}={}", self.path(id).display())
    }

    /// A release over repositories of this bench: `[solve]` lines, and for each repository its id and its lines.
    pub(crate) fn release(&self, solve: &str, repositories: &[(&str, &str)]) -> String {
        let mut text = format!("[release]\narch = \"x86_64\"\n[root]\npackages = []\n[solve]\n{solve}\n");
        for (id, lines) in repositories {
            let place = if lines.contains("baseurl") {
                String::new()
            } else {
                format!("baseurl = \"{}\"\n", self.path(id).display())
            };
            let keys = ["gpgcheck", "keys"].iter().any(|key| lines.lines().any(|line| line.starts_with(key)));
            let check = if keys { "" } else { "gpgcheck = false\n" };
            write!(text, "[[repo]]\nid = \"{id}\"\n{check}{place}{lines}\n").unwrap();
        }
        let path = self.path("release.toml");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn kiln(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", self.directory.path());
        command.env("KILN_STORE", self.path("store")).current_dir(self.directory.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.kiln().args(arguments).output().unwrap();
        Ran { arguments: arguments.join(" "), output }
    }

    /// `kiln solve` without a release, over these repositories.
    pub(crate) fn solve(&self, repositories: &[&str], arguments: &[&str]) -> Ran {
        let repositories = repositories.iter().flat_map(|option| ["--repo", option]);
        let all: Vec<&str> = ["solve", "--arch", "x86_64"]
            .into_iter()
            .chain(repositories)
            .chain(arguments.iter().copied())
            .collect();
        self.run(&all)
    }

    /// `kiln solve` of the release that was written last.
    pub(crate) fn solve_release(&self, arguments: &[&str]) -> Ran {
        let release = self.path("release.toml");
        let all: Vec<&str> =
            ["solve", "-r", release.to_str().unwrap()].into_iter().chain(arguments.iter().copied()).collect();
        self.run(&all)
    }
}

impl Drop for Bench {
    /// Files of a root may be another id's, so kiln removes them.
    fn drop(&mut self) {
        if self.path("store/layers").exists() {
            let _ = self.kiln().args(["clean", "--all"]).output();
        }
    }
}

/// What a run of kiln gave.
#[derive(Debug)]
pub(crate) struct Ran {
    arguments: String,
    output: Output,
}

impl Ran {
    fn shown(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "kiln {}\n--- {}\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments,
            self.output.status,
            text(&self.output.stdout),
            text(&self.output.stderr)
        )
    }

    /// The exit code must be this one.
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.shown());
        self
    }

    /// The lines of standard output of a run that must have succeeded.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.expect(0);
        let text = String::from_utf8(self.output.stdout.clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Standard error must have this text.
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stderr().contains(text), "no `{text}` in\n{}", self.shown());
        self
    }
}
