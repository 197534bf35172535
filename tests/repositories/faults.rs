//! Networks and mirrors that fail, in whole runs: what passes is got over, another mirror is asked, and the rest is a
//! clear error; a bad file is never in the store.

use std::fs;
use std::path::Path;

use clay::fault::{Fault, Trouble};
use clay::serve::Server;
use kiln::unit::Digest;

use crate::support::{Bench, Ran, data, repomd, write_tool};

/// A package file of the given content: `tool-1-1.noarch`.
fn rpm(content: &str) -> Vec<u8> {
    let mut builder = rpm::PackageBuilder::new("tool", "1", "MIT", "noarch", "for a test");
    builder.using_config(rpm::BuildConfig::v4().compression(rpm::CompressionType::Gzip)).release("1");
    builder.with_file_contents(content, rpm::FileOptions::new("/opt/tool")).unwrap();
    let mut bytes = Vec::new();
    builder.build().unwrap().write(&mut bytes).unwrap();
    bytes
}

/// The repository `directory`, which has `tool` with this content.
fn write(directory: &Path, content: &str) {
    write_tool(directory, &rpm(content));
}

/// Two mirrors of one repository, and a release that has them.
struct World {
    bench: Bench,
    first: Server,
    second: Server,
}

impl World {
    fn new() -> Self {
        let bench = Bench::new();
        write(&bench.path("base"), "first");
        let (first, second) =
            (Server::start(&bench.path("base")).unwrap(), Server::start(&bench.path("base")).unwrap());
        Self { bench, first, second }
    }

    /// Fetches metadata and package and makes a root of it.
    fn run(&self, mirrors: &[&Server], options: &[&str]) -> Ran {
        let urls: Vec<String> = mirrors.iter().map(|server| format!("\"{}\"", server.url())).collect();
        self.bench.release("", &[("base", &format!("baseurl = [{}]", urls.join(", ")))]);
        let path = self.bench.path("release.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("packages = []", "packages = [\"tool\"]")).unwrap();
        self.bench.run(&[&["init", "-r", path.to_str().unwrap()], options].concat())
    }

    /// The package files in the store, each of which must be what its name says.
    fn packages(&self) -> usize {
        let Ok(files) = fs::read_dir(self.bench.path("store/rpms")) else { return 0 };
        let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        for file in &files {
            let digest = Digest::sha256(&fs::read(file).unwrap());
            assert_eq!(file.file_stem().unwrap().to_str().unwrap(), digest.hex());
        }
        files.len()
    }
}

const METADATA: &str = "/repodata/*";
const PACKAGE: &str = "*.rpm";

#[test]
fn what_passes_is_got_over_and_another_mirror_helps() {
    for (fault, mirrors) in [
        (Fault::times(2, Trouble::Status(503), METADATA), 1),
        (Fault::times(2, Trouble::Status(503), PACKAGE), 1),
        (Fault::times(1, Trouble::Truncate(100), METADATA), 1),
        (Fault::times(2, Trouble::Truncate(700), PACKAGE), 1),
        (Fault::always(Trouble::NoRange, "*"), 1),
        (Fault::always(Trouble::Status(404), "*"), 2),
        (Fault::always(Trouble::Status(404), PACKAGE), 2),
        (Fault::always(Trouble::Corrupt, "*primary*"), 2),
        (Fault::always(Trouble::Corrupt, "*repomd*"), 2),
        (Fault::always(Trouble::Corrupt, PACKAGE), 2),
        (Fault::always(Trouble::Truncate(10), PACKAGE), 2),
    ] {
        let world = World::new();
        let told = format!("{fault:?}");
        world.first.faults().add(fault);
        let mirrors = &[&world.first, &world.second][..mirrors];
        let ran = world.run(mirrors, &[]);
        assert_eq!(ran.lines().len(), 1, "{told}");
        assert_eq!(world.packages(), 1, "{told}");
    }
}

#[test]
fn what_stays_wrong_is_told_and_nothing_of_it_is_kept() {
    for (fault, what) in [
        (Fault::always(Trouble::Status(404), METADATA), "HTTP 404 not found"),
        (Fault::always(Trouble::Status(404), PACKAGE), "HTTP 404 not found"),
        (Fault::always(Trouble::Status(500), PACKAGE), "HTTP 500 internal server error"),
        (Fault::always(Trouble::Truncate(0), PACKAGE), "connection broken"),
        (Fault::always(Trouble::Corrupt, "*primary*"), "wrong bytes"),
        (Fault::always(Trouble::Corrupt, PACKAGE), "wrong bytes"),
    ] {
        let world = World::new();
        world.first.faults().add(fault);
        world.run(&[&world.first], &[]).expect(30).says(what).says(&world.first.url());
        assert_eq!(world.packages(), 0, "{what}");
        // The same store, once the mirror is well again.
        world.first.faults().clear();
        assert_eq!(world.run(&[&world.first], &[]).lines().len(), 1, "{what}");
        assert_eq!(world.packages(), 1, "{what}");
    }
}

/// The repository is built anew after its metadata came: the package is not the one that was promised any more.
#[test]
fn a_repository_that_changed_meanwhile_is_told_and_asked_again_when_the_user_says_so() {
    let world = World::new();
    let release = |options: &[&str]| world.run(&[&world.first], options);
    release(&[]).expect(0);
    let other = World::new();
    // Its metadata comes, its package does not.
    other.first.faults().add(Fault::always(Trouble::Status(503), PACKAGE));
    other.run(&[&other.first], &[]).expect(30);
    other.first.faults().clear();
    write(&other.bench.path("base"), "second, and longer");
    let ran = other.run(&[&other.first], &[]);
    ran.expect(30).says("promised").says("--refresh asks for that again");
    assert_eq!(other.packages(), 0);
    assert_eq!(other.run(&[&other.first], &["--refresh"]).lines().len(), 1);
    assert_eq!(other.packages(), 1);
    other.run(&[&other.first], &["--refresh", "--offline"]).expect(5);
}

/// A mirror that is behind has documents that the new `repomd.xml` does not name, and the other way round.
#[test]
fn mirrors_that_are_out_of_step_are_passed_over() {
    let world = World::new();
    let base = world.bench.path("base");
    let behind = world.bench.path("behind");
    write(&behind, "older, and of another length");
    let text = fs::read(behind.join("repodata/primary.xml.gz")).unwrap();
    let line = data("primary", "repodata/older.xml.gz", &text, b"");
    fs::rename(behind.join("repodata/primary.xml.gz"), behind.join("repodata/older.xml.gz")).unwrap();
    fs::write(behind.join("repodata/repomd.xml"), repomd(&[line])).unwrap();
    fs::copy(base.join("repodata/repomd.xml"), behind.join("repodata/repomd.xml")).unwrap();
    let server = Server::start(&behind).unwrap();
    // It has the new list and nothing that is in it.
    assert_eq!(world.run(&[&server, &world.second], &[]).lines().len(), 1);
    assert_eq!(world.packages(), 1);
    assert!(server.answered().iter().any(|asked| asked.status == 404), "{:?}", server.answered());
}
