//! A scriptlet becomes a sandbox: what rpm's child process would see, and nothing of the host.

use std::collections::BTreeMap;

use crate::install::lua::{self, Chunk};
use crate::plan::transaction::{Call, Member};
use crate::plan::{Command, Job, Machine, Phase, Root, SandboxSpec, Setup, Stdio, Step};
use crate::unit::RootPath;

/// Where a script's text lies while it runs. rpm makes a name of its own each time; scripts only see that it is there.
pub(super) const TEXT: &str = "/var/tmp/rpm-tmp.kiln00";

/// rpm's own value of `%_install_script_path`, from which no distribution departs.
const PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/X11R6/bin";

/// The sandbox of a script. `root` are the trees; reproducible tools are told the setup's time.
pub(super) fn sandbox(call: &Call, owner: &Member, root: Root, setup: &Setup) -> SandboxSpec {
    let environment = environment(&owner.prefixes, setup.epoch);
    let mut steps = vec![Step::Proc, Step::Sys, Step::Dev];
    let command = if call.script.is_lua() {
        let chunk = Chunk {
            name: format!("{}({})", call.name, owner.nevra),
            body: call.script.body.clone().unwrap_or_default(),
            args: call.args.clone(),
            paths: call.paths.clone(),
            prefixes: owner.prefixes.clone(),
            rpm_version: owner.rpm_version.clone(),
            environment: environment.clone(),
        };
        let input = serde_json::to_string(&chunk).unwrap_or_default();
        Command::Job(Job { name: lua::JOB.to_owned(), input })
    } else {
        let mut argv = call.script.program.clone();
        if let (Some(body), Ok(at)) = (&call.script.body, RootPath::new(TEXT)) {
            steps.push(Step::File { at, content: body.clone() });
            argv.push(TEXT.to_owned());
            argv.extend(call.args.iter().map(u32::to_string));
        }
        Command::Program { argv }
    };
    let stdio = if call.paths.is_some() { Stdio::Piped } else { Stdio::Captured };
    let machine = Machine::of(&setup.arch);
    SandboxSpec { steps, environment, stdio, machine, ..SandboxSpec::new(root, Phase::Install, command) }
}

/// The sandbox of a program of the root that reads what it is given.
pub(super) fn program(argv: &[&str], root: Root, setup: &Setup) -> SandboxSpec {
    let command = Command::Program { argv: argv.iter().map(|word| (*word).to_owned()).collect() };
    SandboxSpec {
        steps: vec![Step::Proc, Step::Sys, Step::Dev],
        environment: environment(&[], setup.epoch),
        stdio: Stdio::Piped,
        machine: Machine::of(&setup.arch),
        ..SandboxSpec::new(root, Phase::Install, command)
    }
}

/// The whole environment. rpm passes its caller's on, which is how a build comes to depend on who started it.
fn environment(prefixes: &[String], epoch: u64) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    let mut set = |name: &str, value: String| drop(environment.insert(name.to_owned(), value));
    set("PATH", PATH.to_owned());
    set("HOME", "/".to_owned());
    set("SHELL", "/bin/sh".to_owned());
    set("TERM", "dumb".to_owned());
    set("LANG", "C.UTF-8".to_owned());
    set("SOURCE_DATE_EPOCH", epoch.to_string());
    for (number, prefix) in prefixes.iter().enumerate() {
        set(&format!("RPM_INSTALL_PREFIX{number}"), prefix.clone());
        if number == 0 {
            set("RPM_INSTALL_PREFIX", prefix.clone());
        }
    }
    environment
}

/// What a script reads: the paths, one a line.
pub(super) fn input(call: &Call) -> Vec<u8> {
    call.paths.iter().flatten().flat_map(|path| [path.as_bytes(), b"\n"].concat()).collect()
}
