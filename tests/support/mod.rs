//! What integration tests share: Clay on disk, a store of their own, and kiln as root or as an ordinary user.
//!
//! A test runs the program that cargo built, as a user would. As root it also runs it as an ordinary user with a
//! subordinate id range, who is made on the spot; the program and what it reads are put where that user can read them.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![expect(clippy::print_stderr, reason = "tests say what they do and skip")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use clay::make::{Freshness, Made, Options, Set};

/// The release that Clay is.
pub const CLAY: &str = "clay-1-x86_64";

/// The name of the ordinary user.
const ORDINARY: &str = "kiln-tests";

/// Who runs kiln.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Own,
    /// An ordinary user with a subordinate id range.
    Ordinary,
    /// The same one where set-id programs have no effect, as in a container: nobody can map a range.
    SingleId,
}

/// The same and one who has a single id only.
pub fn users_of_every_tier() -> Vec<User> {
    let mut users = users();
    users.push(User::SingleId);
    users.retain(|user| *user != User::SingleId || am_root());
    users
}

/// How often something is tried: as an environment variable says, else a few times.
pub fn rounds(variable: &str, few: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

/// The users that this machine can test as; says which it cannot.
pub fn users() -> Vec<User> {
    if am_root() {
        return vec![User::Own, User::Ordinary];
    }
    eprintln!("not root: running as this user only");
    vec![User::Own]
}

fn am_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Clay, made when it is not there yet.
pub fn clay() -> &'static Made {
    static CLAY: OnceLock<Made> = OnceLock::new();
    CLAY.get_or_init(|| {
        let options = Options {
            output: clay::release::default_directory(),
            debs: None,
            set: Set::All,
            freshness: Freshness::WhenNeeded,
        };
        clay::make::make(&options, &|text| eprintln!("clay: {text}")).expect("Clay is made")
    })
}

/// The ordinary user's uid; made when missing.
fn ordinary_uid() -> u32 {
    static UID: OnceLock<u32> = OnceLock::new();
    *UID.get_or_init(|| {
        let uid = || {
            let output = Command::new("id").args(["-u", ORDINARY]).output().expect("id runs");
            String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
        };
        let made = uid().unwrap_or_else(|| {
            // Another test program may be making the same user; then this fails and the name is there.
            let _ = Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", ORDINARY]).output();
            uid().expect("useradd makes an ordinary user")
        });
        let ranges = fs::read_to_string("/etc/subuid").unwrap_or_default();
        assert!(
            ranges.lines().any(|line| line.starts_with(&format!("{ORDINARY}:"))),
            "useradd gave {ORDINARY} no subordinate ids"
        );
        made
    })
}

/// A directory of a test's own, with a store in it; removed at the end, whatever a build left there.
#[derive(Debug)]
pub struct Place {
    user: User,
    directory: PathBuf,
    program: PathBuf,
}

impl Place {
    /// A new one for `user`.
    pub fn new(user: User) -> Self {
        let temporary = tempfile::Builder::new().prefix("kiln-test-").tempdir().expect("a directory in /tmp");
        let directory = temporary.keep();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("chmod");
        let program = directory.join("kiln");
        let built = env!("CARGO_BIN_EXE_kiln");
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).expect("the program");
        let place = Self { user, directory, program };
        place.write_release();
        place.give(&place.directory);
        place
    }

    /// One whose release is a handful of packages: what makes a root costs a second.
    pub fn small(user: User) -> Self {
        let place = Self::new(user);
        let text = fs::read_to_string(place.release()).expect("the release file");
        assert!(text.contains("@buildsys-build"), "{text}");
        fs::write(place.release(), text.replace("\"@buildsys-build\"", "\"dash\", \"sed\""))
            .expect("the release file");
        place
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The release file of Clay in it.
    pub fn release(&self) -> PathBuf {
        self.path(&format!("{CLAY}.toml"))
    }

    fn write_release(&self) {
        let clay = clay();
        // The repository and its key are read by whoever runs kiln, wherever the sources lie.
        let key = self.path("key");
        fs::copy(clay.directory.join("RPM-GPG-KEY-clay"), &key).expect("the key");
        let url = server().url();
        let text = clay::release::text(&url, &key, &clay.fingerprint);
        fs::write(self.release(), text).expect("the release file");
    }

    /// Makes a file of the ordinary user's.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("write");
        self.give(&path);
        path
    }

    fn give(&self, path: &Path) {
        if self.user != User::Own {
            let uid = ordinary_uid();
            chown(path, Some(uid), Some(uid)).expect("chown");
        }
    }

    /// `kiln` with the store of this place.
    pub fn kiln(&self) -> Command {
        let mut command = match self.user {
            User::Own => Command::new(&self.program),
            User::Ordinary | User::SingleId => {
                let uid = ordinary_uid().to_string();
                let mut command = Command::new("setpriv");
                if self.user == User::SingleId {
                    command.arg("--no-new-privs");
                }
                command.args(["--reuid", &uid, "--regid", &uid, "--init-groups", "--"]).arg(&self.program);
                command
            }
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &self.directory);
        command.env("KILN_STORE", self.path("store")).env("KILN_RELEASE", self.release());
        command.current_dir(&self.directory).stdin(Stdio::null());
        command
    }

    /// Runs kiln; the output.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.kiln().args(arguments).output().expect("kiln runs");
        Ran { arguments: arguments.join(" "), output }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.path("store").exists() {
            let _ = self.kiln().args(["clean", "--all"]).output();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The arguments of a verb that takes a spec file and its sources.
pub fn spec_arguments<'a>(verb: &'a str, spec: &'a Path, sources: &'a Path) -> [&'a str; 5] {
    let text = |path: &'a Path| path.to_str().expect("a path of a test is text");
    [verb, "--spec", text(spec), "--sources", text(sources)]
}

/// What a run of kiln gave.
#[derive(Debug)]
pub struct Ran {
    arguments: String,
    output: Output,
}

impl Ran {
    /// Standard output of a run that must have succeeded.
    pub fn stdout(&self) -> String {
        self.expect(0);
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard output, whatever the exit code.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Whether the exit code was zero.
    pub fn succeeded(&self) -> bool {
        self.output.status.success()
    }

    /// Standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The exit code must be this one.
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(
            self.output.status.code(),
            Some(code),
            "kiln {}\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments,
            String::from_utf8_lossy(&self.output.stdout),
            self.stderr()
        );
        self
    }

    /// Standard error must have this text.
    pub fn says(&self, text: &str) -> &Self {
        let stderr = self.stderr();
        assert!(stderr.contains(text), "kiln {}: no `{text}` in\n{stderr}", self.arguments);
        self
    }
}

/// Clay's server, one for the test program.
pub fn server() -> &'static clay::serve::Server {
    static SERVER: OnceLock<clay::serve::Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        clay::serve::Server::start(&clay().directory.join("repo")).expect("the server starts")
    })
}
