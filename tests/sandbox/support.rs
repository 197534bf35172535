//! A store in a temporary directory, a keeper over it, and a root that shows the host's /usr.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use kiln::plan::{Access, Command, Phase, Root, SandboxSpec, Step, Tier, base_steps};
use kiln::sandbox::{Keeper, Outcome, id_map};
use kiln::unit::{HostPath, RootPath};

/// A keeper with its store.
pub(crate) struct Bench {
    pub keeper: Keeper,
    pub store: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let ids = id_map().unwrap();
        let store = tempfile::tempdir().unwrap();
        let path = store.path();
        let base = path.join("base");
        for directory in ["base/usr", "base/etc", "base/var", "base/root", "tmp"] {
            std::fs::create_dir_all(path.join(directory)).unwrap();
        }
        for name in ["bin", "lib", "lib64", "sbin"] {
            symlink(format!("usr/{name}"), base.join(name)).unwrap();
        }
        if ids.tier == Tier::Root {
            own(path, ids.uids[0].outside);
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_kiln"));
        let keeper = Keeper::start_from(program, &ids, &HostPath::new(path)).unwrap();
        Self { keeper, store }
    }

    /// Upper and work directories that nobody has used.
    fn fresh(&self) -> (String, String) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let paths = [format!("tmp/upper{number}"), format!("tmp/work{number}")];
        for path in &paths {
            let path = self.store.path().join(path);
            std::fs::create_dir(&path).unwrap();
            if self.keeper.ids().tier == Tier::Root {
                own(&path, self.keeper.ids().uids[0].outside);
            }
        }
        paths.into()
    }

    pub(crate) fn run(&self, spec: &SandboxSpec) -> (Outcome, String) {
        self.run_with(spec, Vec::new())
    }

    pub(crate) fn run_with(&self, spec: &SandboxSpec, input: Vec<u8>) -> (Outcome, String) {
        let mut spec = spec.clone();
        spec.root.upper = spec.root.upper.is_some().then(|| self.fresh());
        let mut sandbox = self.keeper.spawn(&spec).unwrap_or_else(|error| panic!("{error}"));
        sandbox.feed(input);
        let mut output = Vec::new();
        let outcome = sandbox.wait(&mut |bytes| output.extend_from_slice(bytes)).unwrap();
        (outcome, String::from_utf8_lossy(&output).into_owned())
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
