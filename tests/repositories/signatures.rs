//! Who signed it, in whole runs: what the release file says of keys reaches every package and every list of them.

use std::fs;

use clay::key::Key;
use kiln::package::file::PackageFile;

use crate::support::{Bench, Ran, write_tool};

/// When everything is signed; before any clock.
const DATE: u32 = 1_600_000_000;

fn rpm(key: Option<&Key>) -> Vec<u8> {
    let mut builder = rpm::PackageBuilder::new("tool", "1", "MIT", "noarch", "for a test");
    builder.using_config(rpm::BuildConfig::v4().compression(rpm::CompressionType::Gzip)).release("1");
    builder.with_file_contents("content", rpm::FileOptions::new("/opt/tool")).unwrap();
    let mut package = builder.build().unwrap();
    if let Some(key) = key {
        key.sign_package(&mut package, DATE).unwrap();
    }
    let mut bytes = Vec::new();
    package.write(&mut bytes).unwrap();
    bytes
}

struct World {
    bench: Bench,
    ours: Key,
    stranger: Key,
}

impl World {
    fn new() -> Self {
        let bench = Bench::new();
        let key = |name: &str| {
            let key = Key::load_or_make(&bench.path(&format!("{name}.secret"))).unwrap();
            fs::write(bench.path(name), key.public().unwrap()).unwrap();
            key
        };
        let (ours, stranger) = (key("ours"), key("stranger"));
        Self { bench, ours, stranger }
    }

    /// The line that names the key in a file, with a fingerprint.
    fn keys(&self, file: &str, fingerprint: &str) -> String {
        let path = self.bench.path(file);
        format!("keys = [{{ path = \"{}\", fingerprint = \"{fingerprint}\" }}]", path.display())
    }

    fn init(&self, lines: &str) -> Ran {
        self.bench.release("", &[("base", lines)]);
        let path = self.bench.path("release.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("packages = []", "packages = [\"tool\"]")).unwrap();
        self.bench.run(&["init", "-r", path.to_str().unwrap()])
    }
}

#[test]
fn packages_are_signed_by_the_keys_that_the_release_names() {
    let world = World::new();
    let base = world.bench.path("base");
    let ours = world.keys("ours", &world.ours.fingerprint());
    let refused = "package tool-1-1.noarch of repository `base` is not accepted";
    write_tool(&base, &rpm(Some(&world.stranger)));
    world.init(&ours).expect(30).says(refused).says("which is not a key of the repository");
    write_tool(&base, &rpm(None));
    let metadata_expire = format!("{ours}\nmetadata_expire = 0");
    world.init(&metadata_expire).expect(30).says("it is not signed, and the repository has gpgcheck on");
    write_tool(&base, &rpm(Some(&world.ours)));
    let pinned = world.keys("ours", &world.stranger.fingerprint());
    world.init(&pinned).expect(30).says("has no key with the fingerprint");
    world.init(&world.keys("nothing", &world.ours.fingerprint())).expect(30).says("cannot read the key");
    world.init("gpgcheck = true").expect(3).says("keys");
    assert_eq!(world.init(&metadata_expire).lines().len(), 1);
}

#[test]
fn digests_in_a_package_are_checked_whoever_signed_it() {
    let world = World::new();
    let base = world.bench.path("base");
    let good = rpm(None);
    let header = PackageFile::parse(&good).unwrap().header_range;
    for (at, why) in [
        (header.end - 40, "its header does not have the digest"),
        (header.end + 20, "its payload does not have the digest"),
    ] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        // The metadata vouches for the spoilt bytes.
        write_tool(&base, &bytes);
        world.init("gpgcheck = false\nmetadata_expire = 0").expect(30).says(why);
    }
    write_tool(&base, &good);
    assert_eq!(world.init("gpgcheck = false\nmetadata_expire = 0").lines().len(), 1);
}

#[test]
fn metadata_is_signed_where_the_release_wants_it() {
    let world = World::new();
    let base = world.bench.path("base");
    write_tool(&base, &rpm(Some(&world.ours)));
    let ours = world.keys("ours", &world.ours.fingerprint());
    let lines = format!("repo_gpgcheck = true\nmetadata_expire = 0\n{ours}");
    let solve = |lines: &str| {
        world.bench.release("", &[("base", lines)]);
        world.bench.solve_release(&["tool"])
    };
    let missing = "there is no signature (repomd.xml.asc), and repo_gpgcheck is on";
    solve(&lines).expect(30).says(missing);
    // It may be missing, but not be forged.
    solve(&format!("skip_if_unavailable = true\n{lines}")).expect(30).says(missing);
    let repomd = fs::read(base.join("repodata/repomd.xml")).unwrap();
    let sign = |key: &Key, bytes: &[u8]| {
        fs::write(base.join("repodata/repomd.xml.asc"), key.sign(bytes, DATE).unwrap()).unwrap();
    };
    sign(&world.ours, b"something else");
    solve(&lines).expect(30).says("is bad: the bytes are not the ones that were signed");
    sign(&world.stranger, &repomd);
    solve(&lines).expect(30).says("which is not a key of the repository");
    sign(&world.ours, &repomd);
    assert_eq!(solve(&lines).lines(), ["tool-1-1.noarch"]);
}
