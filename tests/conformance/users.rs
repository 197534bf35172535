//! Users and groups that packages bring, beside what `systemd-sysusers` makes of the same lines.

use std::path::Path;
use std::process::{Command, Stdio};

use rpm::{Dependency, FileOptions, PackageBuilder};

use crate::support::{Numbers, available, package};
use crate::transaction::{Bench, EPOCH};
use crate::tree;

const FILES: [&str; 4] = ["passwd", "group", "shadow", "gshadow"];

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\ntaken:x:71:72::/:/bin/sh\nhigh:x:999:998::/:/bin/sh\n";
const GROUP: &str = "root:x:0:\nwheel:x:10:\ntaken:x:72:\nhigh:x:998:taken\nlonely:x:75:\n";
const SHADOW: &str = "root:!:19000::::::\ntaken:!:19000::::::\nhigh:!:19000::::::\n";
const GSHADOW: &str = "root:::\nwheel:::\ntaken:::\nhigh:::\nlonely:::\n";

/// Lines for sysusers.d, some of which meet others or what is there already.
fn lines(numbers: &mut Numbers) -> Vec<String> {
    let name = |numbers: &mut Numbers| {
        ["one", "two", "three", "taken", "lonely", "new-er"][numbers.below(6) as usize]
    };
    let id = |numbers: &mut Numbers| match numbers.below(5) {
        0 => "71".to_owned(),
        1 => "75".to_owned(),
        2 => format!("{}", 60 + numbers.below(20)),
        _ => "-".to_owned(),
    };
    let mut lines = Vec::new();
    for _ in 0..=numbers.below(5) {
        let (user, number) = (name(numbers), id(numbers));
        lines.push(match numbers.below(8) {
            0 | 1 => format!("g {user} {number}"),
            2 => format!("u {user} {number} \"Full name\" /var/lib/{user} /bin/sh"),
            3 => format!("u {user} {number} \"Full name\" - -"),
            4 => format!("u {user} {}:wheel - /home", 60 + numbers.below(20)),
            5 => format!("u {user} {}:72", 60 + numbers.below(20)),
            6 => format!("m {user} wheel"),
            _ => format!("u {user} {number}"),
        });
    }
    lines
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let number = (0..3).fold(0_u32, |sum, at| sum << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at) & 63) as usize] as char;
            encoded.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    encoded
}

/// What systemd makes; nothing where it refuses.
fn oracle(root: &Path, lines: &[String]) -> Option<Vec<String>> {
    std::fs::create_dir_all(root.join("etc")).unwrap();
    for (name, text) in FILES.iter().zip([PASSWD, GROUP, SHADOW, GSHADOW]) {
        std::fs::write(root.join("etc").join(name), text).unwrap();
    }
    let mut command = Command::new("systemd-sysusers");
    command.arg(format!("--root={}", root.display())).args(["--replace=/usr/lib/sysusers.d/x.conf", "-"]);
    command.env("SOURCE_DATE_EPOCH", EPOCH.to_string()).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let read = |name: &&str| std::fs::read_to_string(root.join("etc").join(name)).unwrap();
    output.status.success().then(|| FILES.iter().map(read).collect())
}

fn base() -> PackageBuilder {
    let mut builder = package("base");
    for (name, text) in FILES.iter().zip([PASSWD, GROUP, SHADOW, GSHADOW]) {
        builder.with_file_contents(text, FileOptions::new(format!("/etc/{name}"))).unwrap();
    }
    builder
}

#[test]
fn packages_bring_users_as_systemd_makes_them() {
    if !available("systemd-sysusers") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, mut builder: PackageBuilder| {
        let path = directory.path().join(format!("{name}.rpm"));
        builder.build().unwrap().write_file(&path).unwrap();
        path
    };
    // Older ones leave users to scriptlets.
    let rpm = PackageBuilder::new("rpm", "4.20.0", "MIT", "noarch", "rpm");
    let first = [write("base", base()), write("rpm", rpm)];
    let bench = Bench::new();
    let (base, _) = bench.install(bench.unpack(&first), &[]);
    let base = base.unwrap();
    let shift = bench.keeper.ids().uids[0].outside;
    let mut numbers = Numbers(0x5851_f42d_4c95_7f2d);
    let mut compared = 0;
    for round in 0..60 {
        let lines = lines(&mut numbers);
        let mut builder = package("users");
        for (at, line) in lines.iter().enumerate() {
            // rpm's builder sorts them by name.
            builder.provides(Dependency::eq(format!("user(x{at})"), base64(line)));
        }
        let theirs = oracle(&directory.path().join(format!("root{round}")), &lines);
        let path = write(&format!("users{round}"), builder);
        let (layer, log) = bench.install(bench.unpack(&[path]), std::slice::from_ref(&base.manifest.id));
        let (layer, theirs) = match (layer, theirs) {
            (Ok(layer), Some(theirs)) => (layer, theirs),
            (Err(_), None) => continue,
            (ours, theirs) => panic!("{round} {lines:?}: kiln {ours:?}, systemd {theirs:?}\n{log}"),
        };
        let trees = [layer.fs().as_path().to_owned(), base.fs().as_path().to_owned()];
        let tree = tree::read(&[&trees[0], &trees[1]], shift);
        let ours = FILES.map(|name| tree[&format!("/etc/{name}")].content.clone());
        let theirs = FILES
            .iter()
            .zip(theirs)
            .map(|(name, text)| tree::content(text.as_bytes(), &format!("/etc/{name}")));
        assert_eq!(ours.to_vec(), theirs.collect::<Vec<_>>(), "round {round}: {lines:?}\n{log}");
        compared += 1;
    }
    assert!(compared > 30, "only {compared} compared");
}
