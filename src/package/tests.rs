//! Packages made by the `rpm` crate, read by our reader.

use rpm::{BuildConfig, CompressionType, Dependency, FileOptions, PackageBuilder};

use crate::package::file::{PackageFile, PackageFileError};
use crate::package::header::HeaderError;
use crate::package::tag::Tag;
use crate::package::{FileKind, RelationFlags, RelationKind, ScriptletKind, Sense, TriggerFamily};

fn package(config: BuildConfig) -> Vec<u8> {
    let script =
        rpm::Scriptlet::new("echo $1").flags(rpm::ScriptletFlags::EXPAND).prog(vec!["/bin/sh", "-e"]);
    let package = PackageBuilder::new("demo", "1.2", "MIT", "x86_64", "A package to read")
        .using_config(config.compression(CompressionType::None).source_date(1_700_000_000_u32))
        .epoch(3)
        .release("4.el9")
        .requires(Dependency::script_pre("coreutils"))
        .requires(Dependency::greater_eq("libdemo", "2:1.0"))
        .pre_install_script(script)
        .post_install_script("true")
        .file_trigger_in("/usr/lib", None, "touch /x")
        .with_file_contents("hello", FileOptions::new("/usr/bin/demo").permissions(0o4755).user("bin"))
        .unwrap()
        .with_dir_entry(FileOptions::dir("/usr/share/demo"))
        .unwrap()
        .with_symlink(FileOptions::symlink("/usr/bin/demo-link", "demo"))
        .unwrap()
        .with_ghost(FileOptions::ghost("/var/log/demo.log"))
        .unwrap()
        .build()
        .unwrap();
    let mut bytes = Vec::new();
    package.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_header_says_what_the_package_was_made_with() {
    for config in [BuildConfig::v4(), BuildConfig::v6()] {
        let bytes = package(config);
        let file = PackageFile::parse(&bytes).unwrap();
        let header = &file.header;
        assert_eq!(header.nevra().unwrap().to_string(), "demo-3:1.2-4.el9.x86_64");
        assert!(!header.is_source());
        let requires = header.relations(RelationKind::Requires).unwrap();
        let find = |name: &str| requires.iter().find(|line| line.name == name).unwrap();
        assert!(find("coreutils").flags.any(RelationFlags::SCRIPT_PRE));
        assert_eq!(
            (find("libdemo").range().sense, find("libdemo").evr.as_str()),
            (Sense::GREATER_EQUAL, "2:1.0")
        );
        let scriptlets = header.scriptlets().unwrap();
        assert_eq!(scriptlets.len(), 2);
        assert_eq!(scriptlets[0].kind, ScriptletKind::PreIn);
        assert_eq!(scriptlets[0].script.program, ["/bin/sh", "-e"]);
        assert!(scriptlets[0].script.expands_macros() && !scriptlets[1].script.expands_macros());
        assert_eq!(scriptlets[1].script.body.as_deref(), Some("true"));
        let triggers = header.triggers(TriggerFamily::File).unwrap();
        assert!(
            triggers[0].runs_on(RelationFlags::TRIGGERIN) && triggers[0].conditions[0].name == "/usr/lib"
        );
        let files = header.files().unwrap();
        let shown: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.kind, file.size)).collect();
        let expected = [
            ("/usr/bin/demo", FileKind::Regular, 5),
            ("/usr/bin/demo-link", FileKind::Link, 4),
            ("/usr/share/demo", FileKind::Directory, 0),
            ("/var/log/demo.log", FileKind::Regular, 0),
        ];
        assert_eq!(shown, expected);
        assert_eq!((files[0].permissions(), files[0].user.as_str()), (0o4755, "bin"));
        assert!(files[0].digest.as_ref().unwrap().matches(b"hello"));
        assert_eq!(files[1].target, "demo");
    }
}

#[test]
fn a_header_cut_anywhere_is_refused() {
    let bytes = package(BuildConfig::v4());
    let end = PackageFile::parse(&bytes).unwrap().header_range.end;
    for length in 0..end {
        assert!(PackageFile::parse(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_damaged_header_is_refused_or_read_without_a_panic() {
    let bytes = package(BuildConfig::v4());
    let range = PackageFile::parse(&bytes).unwrap().header_range;
    for at in range.start..range.end {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0xff;
        let Ok(file) = PackageFile::parse(&bytes) else { continue };
        let _ = (file.header.nevra(), file.header.files(), file.header.scriptlets());
        let _ = (file.header.triggers(TriggerFamily::File), file.header.relations(RelationKind::Requires));
    }
}

#[test]
fn an_entry_that_overlaps_another_is_refused() {
    let mut bytes = package(BuildConfig::v4());
    let range = PackageFile::parse(&bytes).unwrap().header_range;
    let third = range.start + 16 + 3 * 16;
    bytes.copy_within(third - 8..third - 4, third + 8);
    let error = PackageFile::parse(&bytes).unwrap_err();
    assert!(matches!(error, PackageFileError::Header(HeaderError::Entry { index: 3, .. })), "{error}");
    assert!(Tag::NAME.expected().is_some());
}
