//! A store in a temporary directory, a keeper over it, and a root that shows the host's /usr.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio as Streams};
use std::sync::atomic::{AtomicU32, Ordering};

use kiln::plan::{Access, Command, IdMap, Network, Phase, Root, SandboxSpec, Step, Tier, base_steps};
use kiln::sandbox::{Keeper, Outcome, Sandbox, id_map};
use kiln::unit::{HostPath, Limits, RootPath};

/// A keeper with its store.
pub(crate) struct Bench {
    pub(crate) keeper: Keeper,
    pub(crate) store: PathBuf,
    /// The namespace's root, as the host numbers it.
    first: u32,
}

/// The program that keepers are started from; another one when this test runs as another user.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("KILN_TEST_PROGRAM").map_or_else(
        || option_env!("CARGO_BIN_EXE_kiln").unwrap_or("target/debug/kiln").into(),
        PathBuf::from,
    )
}

impl Bench {
    pub(crate) fn new() -> Self {
        let first = id_map().unwrap().uids[0].outside;
        Self::with(first, |ids, store| Keeper::start_from(&program(), ids, store))
    }

    /// One whose keeper, and everything that it starts, is without some protections. Without a user namespace it has
    /// the rights of the host's root, so what runs there must be harmless.
    #[cfg(debug_assertions)]
    pub(crate) fn without(guards: &[kiln::plan::Guard]) -> Self {
        Self::of(&program(), guards)
    }

    /// The same from a copy of kiln.
    #[cfg(debug_assertions)]
    pub(crate) fn of(program: &Path, guards: &[kiln::plan::Guard]) -> Self {
        let is_host = guards.contains(&kiln::plan::Guard::UserNamespace);
        let first = if is_host { 0 } else { id_map().unwrap().uids[0].outside };
        Self::with(first, |ids, store| Keeper::start_without(program, ids, store, guards))
    }

    fn with(
        first: u32,
        start: impl FnOnce(&IdMap, &HostPath) -> Result<Keeper, kiln::sandbox::Error>,
    ) -> Self {
        let ids = id_map().unwrap();
        let store = tempfile::tempdir().unwrap().keep();
        let base = store.join("base");
        for directory in ["base/usr", "base/etc", "base/var", "base/root", "tmp"] {
            std::fs::create_dir_all(store.join(directory)).unwrap();
        }
        for name in ["bin", "lib", "lib64", "sbin"] {
            symlink(format!("usr/{name}"), base.join(name)).unwrap();
        }
        if ids.tier == Tier::Root {
            own(&store, first);
        }
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o700)).unwrap();
        let keeper = start(&ids, &HostPath::new(&store)).unwrap();
        Self { keeper, store, first }
    }

    /// Makes a file or directory of the store the property of the namespace's root.
    pub(crate) fn give(&self, path: &Path) {
        if self.keeper.ids().tier == Tier::Root {
            own(path, self.first);
        }
    }

    /// Upper and work directories that nobody has used.
    fn fresh(&self) -> (String, String) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let paths = [format!("tmp/upper{number}"), format!("tmp/work{number}")];
        for path in &paths {
            let path = self.store.join(path);
            std::fs::create_dir(&path).unwrap();
            self.give(&path);
        }
        paths.into()
    }

    pub(crate) fn prepared(&self, spec: &SandboxSpec) -> SandboxSpec {
        let mut spec = spec.clone();
        spec.root.upper = spec.root.upper.is_some().then(|| self.fresh());
        spec
    }

    /// Which control groups there are.
    pub(crate) fn groups(&self) -> String {
        self.keeper.record(&Limits::default(), Network::None).cgroup
    }

    /// Control groups that a process has made and not removed.
    pub(crate) fn left_groups(maker: u32) -> Vec<PathBuf> {
        let ours = format!("kiln-{maker}-");
        let mut left = Vec::new();
        let mut waiting = vec![PathBuf::from("/sys/fs/cgroup")];
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    waiting.push(entry.path());
                    // Other tests of this program may have theirs; an empty one is nobody's.
                    let empty =
                        std::fs::read(entry.path().join("cgroup.procs")).is_ok_and(|text| text.is_empty());
                    if empty && entry.file_name().to_string_lossy().starts_with(&ours) {
                        left.push(entry.path());
                    }
                }
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        left.retain(|path| path.exists());
        left
    }

    /// The process id of the keeper.
    pub(crate) fn keeper_pid(&self) -> Option<String> {
        let store = std::fs::canonicalize(&self.store).unwrap();
        let here =
            |pid: &String| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|path| path == store);
        pids().into_iter().find(here)
    }

    /// How many processes the keeper of this bench has.
    pub(crate) fn children(&self) -> usize {
        let parent = |pid: &str| -> Option<String> {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.split(' ').nth(1).map(str::to_owned)
        };
        let keeper = self.keeper_pid();
        pids().iter().filter(|pid| keeper.is_some() && parent(pid) == keeper).count()
    }

    pub(crate) fn start(&self, spec: &SandboxSpec) -> Sandbox {
        self.keeper.spawn(&self.prepared(spec)).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn run(&self, spec: &SandboxSpec) -> (Outcome, String) {
        self.run_with(spec, Vec::new())
    }

    pub(crate) fn run_with(&self, spec: &SandboxSpec, input: Vec<u8>) -> (Outcome, String) {
        let mut sandbox = self.start(spec);
        sandbox.feed(input);
        let mut output = Vec::new();
        let outcome = sandbox.wait(&mut |bytes| output.extend_from_slice(bytes)).unwrap();
        (outcome, String::from_utf8_lossy(&output).into_owned())
    }

    /// Starts a sandbox under another process of this test program.
    pub(crate) fn start_apart(&self, spec: &SandboxSpec) -> Child {
        let spec = self.prepared(spec);
        Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "supervisor", "--nocapture"])
            .env(STORE, &self.store)
            .env(SPEC, serde_json::to_string(&spec).unwrap())
            .stdin(Streams::piped())
            .stdout(Streams::piped())
            .stderr(Streams::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a sandbox in another process of this test program, for specs that use the supervisor's own streams.
    pub(crate) fn run_apart(&self, spec: &SandboxSpec, input: &str) -> String {
        let mut child = self.start_apart(spec);
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                let _ = stdin.write_all(input.as_bytes());
            });
            child.wait_with_output().unwrap()
        });
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, text) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{output:?}"));
        text.split_once(END).unwrap_or_else(|| panic!("{output:?}")).0.to_owned()
    }
}

/// All processes of the host.
fn pids() -> Vec<String> {
    let names = std::fs::read_dir("/proc").unwrap().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

const STORE: &str = "KILN_TEST_STORE";
const SPEC: &str = "KILN_TEST_SPEC";
const BEGIN: &str = "<begin>";
const END: &str = "<end>";

/// The other process of `run_apart`.
pub(crate) fn supervise() {
    let (Ok(store), Ok(spec)) = (std::env::var(STORE), std::env::var(SPEC)) else { return };
    let keeper = Keeper::start_from(&program(), &id_map().unwrap(), &HostPath::new(store)).unwrap();
    let spec: SandboxSpec = serde_json::from_str(&spec).unwrap();
    let print = |text: &str| {
        let mut stdout = std::io::stdout();
        stdout.write_all(text.as_bytes()).unwrap();
        stdout.flush().unwrap();
    };
    kiln::sandbox::catch_signals().unwrap();
    print(BEGIN);
    keeper.spawn(&spec).unwrap().wait(&mut |_| {}).unwrap();
    print(END);
}

impl Drop for Bench {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(&self.store).into_iter().flatten().flatten() {
            let _ = self.keeper.remove(&entry.file_name().to_string_lossy());
        }
        let _ = std::fs::remove_dir(&self.store);
    }
}

fn own(path: &Path, id: u32) {
    std::os::unix::fs::lchown(path, Some(id), Some(id)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path(), id);
        }
    }
}

/// A sandbox that runs a shell script.
pub(crate) fn sh(phase: Phase, script: &str) -> SandboxSpec {
    let mut steps = base_steps("build");
    for name in ["/usr", "/etc/alternatives"] {
        steps.push(Step::Bind {
            from: HostPath::new(name),
            to: RootPath::new(name).unwrap(),
            access: Access::ReadOnly,
        });
    }
    let root = Root { lower: vec!["base".to_owned()], upper: Some((String::new(), String::new())) };
    let command = Command::Program { argv: ["sh", "-c", script].map(str::to_owned).into() };
    SandboxSpec { steps, ..SandboxSpec::new(root, phase, command) }
}

/// How long something may take that takes `seconds` on a quiet machine: this one may be at other work, or
/// `KILN_TEST_PATIENCE` says that it is so many times slower.
pub(crate) fn patience(seconds: u64) -> std::time::Duration {
    let times = std::env::var("KILN_TEST_PATIENCE").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    std::time::Duration::from_secs(seconds * times)
}

/// Makes a program that can be run at once: a copy of this process's own could still be held open for writing by a
/// child that another test is just starting, and nobody runs such a file.
pub(crate) fn copy_program(from: &Path, to: &Path, mode: &str) {
    let status = std::process::Command::new("install").args(["-m", mode]).args([from, to]).status();
    assert!(status.unwrap().success(), "{}", to.display());
}
