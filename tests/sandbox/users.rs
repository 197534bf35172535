//! The same tests again as ordinary users: one with subordinate ids, one without.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use kiln::plan::Tier;
use kiln::sandbox::id_map;

use crate::support::copy_program;

/// Held while the host's lists of users are changed: two tests do it.
static LISTS: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A user account that is there for one test.
struct Account(String);

impl Account {
    fn new(purpose: &str) -> Self {
        let _held = LISTS.lock();
        let name = format!("kiln-{purpose}-{}", std::process::id());
        run("useradd", &["--no-create-home", "--shell", "/bin/sh", &name]);
        Self(name)
    }

    /// Takes the account's line out of a file, or puts one in.
    fn subordinate(&self, range: Option<&str>) {
        let _held = LISTS.lock();
        for path in ["/etc/subuid", "/etc/subgid"] {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let ours = format!("{}:", self.0);
            let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with(&ours)).collect();
            let line = format!("{ours}{}", range.unwrap_or_default());
            lines.extend(range.map(|_| line.as_str()));
            std::fs::write(path, lines.join("\n") + "\n").unwrap();
        }
    }

    /// Runs this test program as the account; its own tests but not these.
    fn run_all_tests(&self, tier: Tier) {
        let place = tempfile::Builder::new().prefix("kiln-programs-").tempdir().unwrap();
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let copy = |from: &Path, name: &str| {
            let to = place.path().join(name);
            copy_program(from, &to, "755");
            to
        };
        let tests = copy(&std::env::current_exe().unwrap(), "tests");
        let kiln = copy(Path::new(env!("CARGO_BIN_EXE_kiln")), "kiln");
        let output = Command::new("setpriv")
            .args([&format!("--reuid={}", self.0), &format!("--regid={}", self.0), "--clear-groups", "--"])
            .arg(tests)
            .args(["--skip", "ordinary", "--test-threads", "2"])
            .env("KILN_TEST_PROGRAM", kiln)
            .env("KILN_TEST_TIER", serde_json::to_string(&tier).unwrap())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = Command::new("userdel").arg(&self.0).output();
        self.subordinate(None);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

#[test]
fn everything_holds_for_an_ordinary_user_with_subordinate_ids() {
    if id_map().unwrap().tier == Tier::Root {
        let account = Account::new("u");
        account.subordinate(Some("1700000000:65536"));
        account.run_all_tests(Tier::SubordinateIds);
    }
}

#[test]
fn everything_holds_for_an_ordinary_user_with_a_single_id() {
    if id_map().unwrap().tier == Tier::Root {
        let account = Account::new("s");
        account.subordinate(None);
        account.run_all_tests(Tier::SingleId);
    }
}

#[test]
fn the_tier_is_the_one_that_this_user_can_have() {
    let expected = std::env::var("KILN_TEST_TIER")
        .map_or(Ok(id_map().unwrap().tier), |text| serde_json::from_str(&text));
    assert_eq!(id_map().unwrap().tier, expected.unwrap());
}
