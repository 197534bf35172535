//! Files: what becomes of each, with whose owner and mode, under which name; and who may not be installed beside whom.

use std::path::PathBuf;

use kiln::install::Error;
use rpm::{FileOptions, PackageBuilder, Scriptlet};

use crate::oracle::{self, DATABASE};
use crate::support::{Numbers, now, package};
use crate::transaction::{Bench, EPOCH};
use crate::tree;

const PATHS: [&str; 10] = [
    "/usr/bin/tool",
    "/bin/tool",
    "/usr/lib/lib.so",
    "/lib/lib.so",
    "/opt/a/one",
    "/opt/a/two",
    "/etc/conf",
    "/etc/conf.d/more",
    "/usr/share/doc/x/README",
    "/srv/data",
];

/// Directories, links among them, and the users that the others name.
fn base() -> PackageBuilder {
    let mut builder = package("base");
    let passwd = "root:x:0:0::/root:/bin/sh\nalice:x:1001:1002::/:/bin/sh\n";
    let group = "root:x:0:\nmakers:x:1002:\n";
    for (path, text) in [("/etc/passwd", passwd), ("/etc/group", group)] {
        builder.with_file_contents(text, FileOptions::new(path)).unwrap();
    }
    for directory in ["/etc", "/usr", "/usr/bin", "/usr/lib", "/opt"] {
        builder.with_dir_entry(FileOptions::dir(directory).permissions(0o755)).unwrap();
    }
    for (path, target) in [("/bin", "usr/bin"), ("/lib", "usr/lib")] {
        builder.with_symlink(FileOptions::symlink(path, target)).unwrap();
    }
    builder
}

/// Owner, mode, marks of a file: mostly the usual ones.
fn dressed(numbers: &mut Numbers, path: &str) -> FileOptions {
    let mut options = FileOptions::new(path);
    options = match numbers.below(8) {
        0 => options.permissions(0o4755),
        1 => options.permissions(0o600),
        _ => options.permissions(0o644),
    };
    options = match numbers.below(8) {
        0 => options.user("alice").group("makers"),
        1 => options.user("nobody-here"),
        _ => options,
    };
    if path.starts_with("/etc") {
        options = match numbers.below(3) {
            0 => options.config(),
            1 => options.config().noreplace(),
            _ => options,
        };
    }
    if path.contains("/doc/") {
        options = options.doc();
    }
    if numbers.below(10) == 0 {
        options = options.caps("cap_net_raw,cap_setuid=ep").unwrap();
    }
    options.into()
}

fn random(numbers: &mut Numbers, index: u64) -> PackageBuilder {
    let mut builder = package(&format!("p{index}"));
    builder.requires(rpm::Dependency::script_pre("base"));
    for path in PATHS {
        // Some content is the same in all packages, some is not.
        let content = if numbers.below(4) == 0 { format!("{index}") } else { "same".to_owned() };
        // No pipe among them: rpm 4.18 waits for ever for a writer of one.
        match numbers.below(8) {
            0 => drop(builder.with_file_contents(content, dressed(numbers, path)).unwrap()),
            1 => drop(builder.with_ghost(FileOptions::ghost(path)).unwrap()),
            2 => drop(builder.with_symlink(FileOptions::symlink(path, "elsewhere")).unwrap()),
            3 => {
                let path = format!("{path}-{index}");
                builder.with_file_contents(content, dressed(numbers, &path)).unwrap();
            }
            4 => {
                let set = format!("{path}-{index}");
                let file =
                    |end: &str| FileOptions::new(format!("{path}-{index}-{end}")).hardlink(set.clone());
                builder.with_file_contents("linked", file("1")).unwrap();
                builder.with_file_contents("linked", file("2")).unwrap();
            }
            _ => {}
        }
    }
    let mode = [0o755, 0o700, 0o1777][numbers.below(3) as usize];
    builder.with_dir_entry(FileOptions::dir(format!("/opt/dir-{index}")).permissions(mode)).unwrap();
    if numbers.below(3) == 0 {
        let script = "local file = io.open('/etc/conf', 'w') file:write('changed') file:close()";
        builder.post_install_script(Scriptlet::new(script).prog(vec!["<lua>"]));
    }
    builder
}

/// One comparison; whether rpm let the packages be installed.
fn compare(numbers: &mut Numbers, round: u64) -> bool {
    let began = now();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let write = |name: String, mut builder: PackageBuilder| {
        let path = directory.path().join(name);
        builder.build().unwrap().write_file(&path).unwrap();
        path
    };
    let mut packages = vec![write("base.rpm".to_owned(), base())];
    for index in 0..=numbers.below(3) {
        packages.push(write(format!("{index}.rpm"), random(numbers, index)));
    }
    let split = 1 + numbers.below(packages.len() as u64) as usize;
    let bench = Bench::new();
    let shift = bench.keeper.ids().uids[0].outside;
    let mut layers = Vec::new();
    for part in [&packages[..split], &packages[split..]].into_iter().filter(|part| !part.is_empty()) {
        let parents =
            layers.iter().map(|layer: &kiln::store::Layer| layer.manifest.id.clone()).collect::<Vec<_>>();
        let (layer, log) = bench.install(bench.unpack(part), &parents);
        match (oracle::install(&root, part, &[]), layer) {
            (Ok(()), Ok(layer)) => layers.insert(0, layer),
            (Err(told), Err(Error::Conflict { clashes })) => {
                for clash in &clashes {
                    assert!(told.contains(&clash.path), "round {round}: {clash:?}, but rpm said {told}");
                }
                return false;
            }
            (theirs, ours) => panic!("round {round}: rpm {theirs:?}, kiln {ours:?}\n{log}"),
        }
    }
    let trees = layers.iter().map(|layer| layer.fs().as_path().to_owned()).collect::<Vec<_>>();
    let trees = trees.iter().map(PathBuf::as_path).collect::<Vec<_>>();
    let times = tree::Times { began, epoch: EPOCH };
    let differences = tree::differences(&tree::read(&trees, shift), &tree::read(&[&root], 0), times);
    assert!(differences.is_empty(), "round {round}: {}", differences.join("\n"));
    let ours = oracle::database(&trees[0].join(DATABASE));
    let differences = ours.differences(&oracle::database(&root.join(DATABASE)));
    assert!(differences.is_empty(), "round {round}: {}", differences.join("\n"));
    true
}

#[test]
fn files_are_placed_as_rpm_places_them() {
    if !oracle::can_install() {
        return;
    }
    let mut numbers = Numbers(0x0123_4567_89ab_cdef);
    let installed = (0..20).filter(|round| compare(&mut numbers, *round)).count();
    assert!((4..20).contains(&installed), "{installed} of 20 sets could be installed");
}
