//! Lines of shell that hostile code tries in both phases, and what it must get.

use std::path::Path;

use kiln::plan::{Access, Guard, Network, Phase, SandboxSpec, Step};
use kiln::unit::{HostPath, RootPath};

use crate::support::{Bench, copy_program, sh};

/// How it is shown that a line would print something else.
#[derive(Clone, Copy)]
enum Proof {
    /// Without these protections, all of them.
    Without(&'static [Guard]),
    /// The same where the host has what the line looks for.
    WithoutWhere(Needs, &'static [Guard]),
    /// With a sandbox that gives up what protects.
    Changed(fn(&Bench, &mut SandboxSpec)),
    /// The same where the host has what the line looks for.
    ChangedWhere(Needs, fn(&Bench, &mut SandboxSpec)),
    /// Not at all, and why.
    Unproven(&'static str),
}
use Proof::{Changed, ChangedWhere, Unproven, Without, WithoutWhere};

/// What must be so on the host, and what is said where it is not.
type Needs = (fn() -> bool, &'static str);

/// A line of shell, what it must print in both phases, and its proof.
type Line = (&'static str, &'static str, Proof);

const LOOK: Proof = Without(&[Guard::Inspection, Guard::Landlock, Guard::Capabilities]);
const MASKS: Proof = Without(&[Guard::Masks]);
const PRIVILEGES: Proof = Without(&[Guard::NewPrivileges, Guard::Seccomp, Guard::Landlock]);
const LIMITS: Proof = Without(&[Guard::Limits]);
const DESCRIPTORS: Proof = Without(&[Guard::Descriptors]);
/// What two layers stop: a mask, and that nobody inside is the host's root.
const SETTINGS: &[Guard] = &[Guard::Masks, Guard::UserNamespace];
/// Two layers as well: limits or capabilities for it, and that capabilities are of the namespace's own.
const RIGHTS: &[Guard] = &[Guard::Limits, Guard::Capabilities, Guard::UserNamespace];

const AS_ROOT: Needs = (is_root, "only the host's root may do it: proven as root");
const SYSRQ: Needs =
    (|| is_root() && Path::new("/proc/sysrq-trigger").exists(), "needs root and a kernel with sysrq");
const UEVENTS: Needs = (
    || is_root() && Path::new("/sys/kernel/uevent_helper").exists(),
    "needs root and a kernel with uevent_helper",
);
const REAL_TIME: Needs = (
    || is_root() && !Path::new("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists(),
    "needs root; the control groups here give a build no time for it: proven as a call",
);
const RESOURCE: Needs =
    (|| is_root() && has_resource_capability(), "needs a host's root with CAP_SYS_RESOURCE");
const GROUPS: Needs =
    (|| host("cat /proc/self/cgroup | sed 's/.*://' | sort -u") != "/", "the tests run in no control group");
const UP: Needs = (|| host("cut -d. -f1 /proc/uptime").parse::<u64>().unwrap() > 60, "the host is just up");
const BUSY: Needs = (|| host("ls /proc | grep -c '^[0-9]'").parse::<u32>().unwrap() > 9, "nothing runs here");
const NETWORK: Needs = (|| host("grep -c : /proc/net/dev") != "1", "the host has no network");
const ROUTE: Needs = (|| host("cat /proc/net/route | wc -l") != "1", "the host has no route");
const CORES: Needs = (|| host("ulimit -Hc") == "unlimited", "the host limits core files itself");

const CORE_FILES: Needs = (
    || host("ulimit -Hc") == "unlimited" && host("cat /proc/sys/kernel/core_pattern") == "core",
    "the host keeps core files elsewhere or not at all",
);

fn is_root() -> bool {
    kiln::sandbox::started_by_root()
}

fn has_resource_capability() -> bool {
    let mask = host("grep CapEff /proc/self/status | cut -f2");
    u64::from_str_radix(&mask, 16).unwrap() & (1 << 24) != 0
}

/// What a line prints on the host.
fn host(line: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", line]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const LINES: &[Line] = &[
    ("ls /proc/1/root/ /proc/1/cwd/ 2>&1 | grep -c 'Permission denied'", "2", LOOK),
    ("cat /proc/1/maps /proc/1/environ 2>&1 | grep -c 'Permission denied'", "2", LOOK),
    ("ls /proc/1/fd 2>&1 | grep -c 'Permission denied'", "1", LOOK),
    ("head -c 1 /proc/1/exe 2>&1 | grep -c 'Permission denied'", "1", LOOK),
    ("(: > /proc/1/mem) 2>&1 | grep -ci denied", "1", LOOK),
    (
        "tr '\\0' ' ' < /proc/1/cmdline",
        "kiln-keeper ",
        Unproven("a constant: there is nothing that would hide another one"),
    ),
    (
        "(echo x > /proc/self/exe) 2>&1 | grep -ciE 'busy|read-only|denied'",
        "1",
        Unproven("the kernel lets nobody write to a program that runs"),
    ),
    ("(cat /proc/1/exe > /tmp/copy) 2>&1 | grep -c denied", "1", LOOK),
    (
        "ls /dev | tr '\\n' ' '",
        "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ",
        Without(&[Guard::Devices]),
    ),
    ("ls -A /dev/shm /dev/mqueue 2>/dev/null | grep -v : | tr -d '\\n'", "", Without(&[Guard::Devices])),
    (
        "ls -A /sys/fs/cgroup /sys/kernel/security /sys/firmware 2>/dev/null | grep -v '^/' | tr -d '\\n'",
        "",
        MASKS,
    ),
    ("cat /proc/keys /proc/kallsyms /proc/timer_list /proc/kmsg 2>/dev/null | head -c 1 | wc -c", "0", MASKS),
    ("grep -c ' /proc/sys .*ro,' /proc/self/mountinfo", "1", MASKS),
    ("grep -c ' /sys ro,' /proc/self/mountinfo", "1", MASKS),
    // Opened to be written and no more: without protection they are the host's.
    ("(: >> /proc/sys/kernel/core_pattern) 2>&1 | grep -c .", "1", WithoutWhere(AS_ROOT, SETTINGS)),
    ("(: >> /proc/sys/vm/drop_caches) 2>&1 | grep -c .", "1", WithoutWhere(AS_ROOT, SETTINGS)),
    ("(: >> /proc/sysrq-trigger) 2>&1 | grep -c .", "1", WithoutWhere(SYSRQ, SETTINGS)),
    ("(: >> /sys/kernel/uevent_helper) 2>&1 | grep -c .", "1", WithoutWhere(UEVENTS, SETTINGS)),
    ("(: >> /sys/class/mem/null/uevent) 2>&1 | grep -c .", "1", WithoutWhere(AS_ROOT, SETTINGS)),
    (
        "(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>&1 | grep -c .",
        "1",
        Without(&[Guard::Masks, Guard::Capabilities]),
    ),
    ("(echo -1000 > /proc/self/oom_score_adj) 2>&1 | grep -c .", "1", WithoutWhere(RESOURCE, RIGHTS)),
    ("grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:1", PRIVILEGES),
    ("grep ^Seccomp: /proc/self/status | tr -d '\\t'", "Seccomp:2", Without(&[Guard::Seccomp])),
    ("cat /proc/self/cgroup | sed 's/.*://' | sort -u", "/", WithoutWhere(GROUPS, &[Guard::CgroupNamespace])),
    ("grep -cE '/(\\.tmp|kiln)' /proc/self/mountinfo", "0", Changed(show_sockets)),
    ("ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ", DESCRIPTORS),
    ("bash -c 'for n in $(seq 3 254); do (echo ok >&$n) 2>/dev/null && echo $n; done'", "", DESCRIPTORS),
    ("ls -A /run /tmp /var/tmp | grep -v : | grep -v '^copy$' | tr -d '\\n'", "", Changed(show_sockets)),
    (
        "ls -d /run/docker.sock /run/dbus /tmp/.X11-unix /tmp/.ICE-unix 2>/dev/null | wc -l",
        "0",
        Changed(show_sockets),
    ),
    (
        "env | cut -d= -f1 | grep -vE '^(HOME|LANG|PATH|PWD|TERM|TZ|SHLVL|_|OLDPWD)$'; :",
        "",
        Changed(|_, spec| spec.environment.extend(std::env::vars())),
    ),
    (
        "ls -A ~ | wc -l",
        "0",
        Changed(|_, spec| drop(spec.environment.insert("HOME".to_owned(), "/etc".to_owned()))),
    ),
    (
        "(: < /dev/tty) 2>&1 | grep -c 'No such device'",
        "1",
        Unproven("tests have no terminal that a sandbox could inherit"),
    ),
    ("ulimit -Hc", "0", WithoutWhere(CORES, &[Guard::Limits])),
    ("(ulimit -c 100) 2>&1 | grep -c 'not permitted'", "1", LIMITS),
    (
        "cd /tmp; { bash -c 'ulimit -c unlimited; kill -SEGV $$'; } >/dev/null 2>&1; ls | grep -c '^core'",
        "0",
        WithoutWhere(CORE_FILES, &[Guard::Limits]),
    ),
    ("uname -n", "build", Without(&[Guard::HostName])),
    ("cat /etc/machine-id 2>/dev/null", "", Changed(|_, spec| spec.steps.push(machine_id()))),
    (
        "test $(cut -d. -f1 /proc/uptime) -lt 60 && echo fresh",
        "fresh",
        WithoutWhere(UP, &[Guard::TimeNamespace]),
    ),
    (
        "test $(ls /proc | grep -c '^[0-9]') -lt 8 && echo few",
        "few",
        WithoutWhere(BUSY, &[Guard::ProcessNamespace]),
    ),
    ("chrt -f 50 true 2>&1 | grep -c 'not permitted'", "1", WithoutWhere(REAL_TIME, RIGHTS)),
    ("nice -n -5 true 2>&1 | grep -c denied", "1", WithoutWhere(AS_ROOT, RIGHTS)),
    (
        "(su -c id </dev/null) 2>&1 | grep -c uid=0",
        "0",
        Unproven("the root of the tests has no accounts; set-id programs have a proof of their own"),
    ),
    (
        "date -s 2000-01-01 2>&1 | grep -c 'not permitted'",
        "1",
        Unproven("it would change the host's clock; its calls have a proof of their own"),
    ),
    (
        "hostname evil 2>&1 | grep -ciE 'not permitted|must be root'",
        "1",
        Without(&[Guard::Seccomp, Guard::Capabilities]),
    ),
    (
        "mkdir -p /builddir; touch /builddir/i; chattr +i /builddir/i 2>&1 | grep -c .; chattr -i /builddir/i 2>/dev/null; :",
        "1",
        WithoutWhere(AS_ROOT, RIGHTS),
    ),
    (
        "mkdir -p /tmp/m; mount -t tmpfs none /tmp/m >/dev/null 2>&1 || echo refused",
        "refused",
        Without(&[Guard::Seccomp, Guard::Capabilities, Guard::Landlock]),
    ),
    (
        "unshare -Ur id 2>&1 | grep -c 'not permitted\\|No space'",
        "1",
        Without(&[Guard::Seccomp, Guard::NamespaceLimit]),
    ),
    ("ipcs -m | grep -c 0x", "0", Without(&[Guard::IpcNamespace])),
    ("grep -c : /proc/net/dev", "1", ChangedWhere(NETWORK, |_, spec| spec.network = Network::Host)),
    ("cat /proc/net/route | wc -l", "1", ChangedWhere(ROUTE, |_, spec| spec.network = Network::Host)),
    ("getent hosts example.com | wc -l", "0", Unproven("needs the internet")),
];

/// A directory as hosts have them, shown in place of the sandbox's own.
fn show_sockets(bench: &Bench, spec: &mut SandboxSpec) {
    let marks = bench.store.join("marks");
    std::fs::create_dir_all(marks.join("dbus")).unwrap();
    std::fs::write(marks.join("docker.sock"), "").unwrap();
    bench.give(&marks);
    spec.steps.push(Step::Bind {
        from: HostPath::new("marks"),
        to: RootPath::new("/run").unwrap(),
        access: Access::ReadOnly,
    });
}

fn machine_id() -> Step {
    Step::File { at: RootPath::new("/etc/machine-id").unwrap(), content: "the host's\n".to_owned() }
}

/// What lines print in a sandbox that was changed.
fn printed(bench: &Bench, lines: &[&Line], spec: SandboxSpec) -> Vec<String> {
    let script = lines.iter().fold(String::new(), |script, (line, ..)| script + line + "; echo; echo ===; ");
    let spec = SandboxSpec { command: sh(spec.phase, &script).command, ..spec };
    let (_, output) = bench.run(&spec);
    output.split("===\n").map(|answer| answer.trim_matches('\n').to_owned()).collect()
}

#[test]
fn hostile_lines_find_nothing() {
    let bench = Bench::new();
    for phase in [Phase::Build, Phase::Install] {
        let lines: Vec<_> = LINES.iter().collect();
        for ((line, expected, _), answer) in LINES.iter().zip(printed(&bench, &lines, sh(phase, ""))) {
            assert_eq!(answer, *expected, "{phase:?}: {line}");
        }
    }
}

/// What the host has, so that lines could find it: shared memory of both kinds, and a descriptor that a careless program
/// leaves open.
#[cfg(debug_assertions)]
struct Bait {
    _file: tempfile::NamedTempFile,
    _descriptor: std::os::fd::OwnedFd,
    segment: String,
}

#[cfg(debug_assertions)]
impl Bait {
    fn new() -> Self {
        use std::os::fd::AsFd as _;
        let file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
        let descriptor = rustix::io::dup(file.as_fd()).unwrap();
        Self { _file: file, _descriptor: descriptor, segment: host("ipcmk -M 4096 | grep -o '[0-9]*$'") }
    }
}

#[cfg(debug_assertions)]
impl Drop for Bait {
    fn drop(&mut self) {
        host(&format!("ipcrm -m {}", self.segment));
    }
}

/// Why a line is not proven here.
#[cfg(debug_assertions)]
fn missing(proof: Proof) -> Option<&'static str> {
    match proof {
        Unproven(reason) => Some(reason),
        WithoutWhere((is_so, reason), _) | ChangedWhere((is_so, reason), _) => (!is_so()).then_some(reason),
        Without(_) | Changed(_) => None,
    }
}

/// What a line prints without what protects.
#[cfg(debug_assertions)]
fn unprotected(phase: Phase, row: &Line, user: (u32, u32)) -> String {
    let mut spec = SandboxSpec { user, ..sh(phase, "") };
    let bench = match row.2 {
        Without(guards) | WithoutWhere(_, guards) => {
            spec.without = guards.to_vec();
            Bench::without(guards)
        }
        _ => Bench::new(),
    };
    if let Changed(change) | ChangedWhere(_, change) = row.2 {
        change(&bench, &mut spec);
    }
    printed(&bench, &[row], spec).swap_remove(0)
}

#[test]
#[cfg(debug_assertions)]
fn hostile_lines_find_something_without_what_protects() {
    let _bait = Bait::new();
    for phase in [Phase::Build, Phase::Install] {
        let mut unproven = 0;
        for row in LINES {
            if let Some(reason) = missing(row.2) {
                println!("unproven: {}: {reason}", row.0);
                unproven += 1;
            } else {
                // Some need the builder to be the root of its namespace as well.
                let users = [sh(phase, "").user, (0, 0)];
                let found = users.iter().any(|user| unprotected(phase, row, *user) != row.1);
                assert!(found, "{phase:?}: it is the same without what protects: {}", row.0);
            }
        }
        println!("{phase:?}: {} lines, {unproven} of them unproven", LINES.len());
    }
}

#[test]
#[cfg(debug_assertions)]
fn the_root_of_a_build_is_writable_only_without_its_protection() {
    let bench = Bench::new();
    let mut spec = sh(Phase::Build, "(echo x > /etc/probe) 2>/dev/null && echo written");
    spec.user = (0, 0);
    assert_eq!(bench.run(&spec).1, "");
    spec.without = vec![Guard::ReadOnlyRoot];
    assert_eq!(bench.run(&spec).1, "written\n");
}

/// The programs of a root are its own root's, and some are set-id. Two layers keep that from meaning anything: the mount,
/// and that nobody inside gains privileges.
#[test]
#[cfg(debug_assertions)]
fn set_id_programs_of_the_root_give_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let run = |without: &[Guard]| {
        let bench = Bench::without(without);
        let program = bench.store.join("base/setid");
        copy_program(Path::new("/usr/bin/id"), &program, "755");
        bench.give(&program);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).unwrap();
        let mut spec = sh(Phase::Build, "/setid -u");
        spec.without = without.to_vec();
        (bench.run(&spec).1, bench.keeper.ids().tier)
    };
    let privileges = [Guard::NewPrivileges, Guard::Seccomp, Guard::Landlock, Guard::Capabilities];
    let both = [&privileges[..], &[Guard::NoSetId]].concat();
    for without in [&[][..], &[Guard::NoSetId], &privileges] {
        assert_eq!(run(without).0, "1000\n", "{without:?}");
    }
    let (output, tier) = run(&both);
    // With a single id there is nobody else to become.
    let expected = if tier == kiln::plan::Tier::SingleId { "1000\n" } else { "0\n" };
    assert_eq!(output, expected);
}

#[test]
fn a_root_is_read_only_for_a_build_and_only_what_is_its_own_is_writable() {
    let bench = Bench::new();
    let script = "for d in / /etc /usr /var /root /dev /proc /sys /builddir /tmp /var/tmp /dev/shm; do
        (: > $d/probe) 2>/dev/null && echo $d; done";
    let (_, output) = bench.run(&sh(Phase::Build, script));
    assert_eq!(output, "/builddir\n/tmp\n/var/tmp\n/dev/shm\n");
}

#[test]
fn capabilities_are_exactly_those_of_the_phase() {
    let bench = Bench::new();
    let script = "grep Cap /proc/self/status | tr -d '\\t\\n'";
    let none = "0000000000000000";
    let install = "00000000800405fb";
    for (phase, effective) in [(Phase::Build, none), (Phase::Install, install)] {
        let (_, output) = bench.run(&sh(phase, script));
        let expected =
            format!("CapInh:{none}CapPrm:{effective}CapEff:{effective}CapBnd:{effective}CapAmb:{none}");
        assert_eq!(output, expected, "{phase:?}");
    }
}

#[test]
fn a_symbolic_link_that_was_planted_leads_nowhere_outside() {
    let bench = Bench::new();
    let canary = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(canary.path(), "untouched").unwrap();
    let outside = canary.path().to_str().unwrap();
    let plant = |name: &str, target: &str| {
        std::os::unix::fs::symlink(target, bench.store.join("base").join(name)).unwrap();
    };
    plant("etc/hosts", outside);
    plant("dev", "/proc/self");
    plant("run", "../../../../../../tmp");
    let spec = sh(Phase::Install, "echo changed > /etc/hosts; cat /etc/hosts; ls -d /run/ /dev/null");
    match bench.keeper.spawn(&bench.prepared(&spec)) {
        // A link to nowhere cannot be mounted on.
        Err(error) => assert!(error.to_string().starts_with("sandbox: mounting"), "{error}"),
        Ok(sandbox) => drop(sandbox.wait(&mut |_| {}).unwrap()),
    }
    assert_eq!(std::fs::read_to_string(canary.path()).unwrap(), "untouched");
}

#[test]
fn without_a_network_nothing_answers_and_nothing_is_waited_for() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "for address in 1.1.1.1/53 169.254.169.254/80 127.0.0.1/{port}; do
            bash -c \"exec 3<>/dev/tcp/$address\" 2>&1 | grep -oE 'Network is unreachable|Connection refused' | head -n 1
        done"
    );
    let began = std::time::Instant::now();
    let (_, output) = bench.run(&sh(Phase::Build, &script));
    assert_eq!(output, "Network is unreachable\nNetwork is unreachable\nConnection refused\n");
    assert!(began.elapsed() < crate::support::patience(2));
    let mut spec =
        sh(Phase::Build, &format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo connected"));
    spec.network = Network::Host;
    assert_eq!(bench.run(&spec).1, "connected\n");
}
