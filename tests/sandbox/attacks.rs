//! Lines of shell that hostile code tries in both phases, and what it must get.

use kiln::plan::{Guard, Network, Phase};

use crate::support::{Bench, sh};

/// A line of shell, what it must print, and the protections without which it prints something else.
type Line = (&'static str, &'static str, &'static [Guard]);

const LOOK: &[Guard] = &[Guard::Inspection, Guard::Landlock, Guard::Capabilities];
const MASKS: &[Guard] = &[Guard::Masks];
const PRIVILEGES: &[Guard] = &[Guard::NewPrivileges, Guard::Seccomp, Guard::Landlock];
/// What cannot be left out: that the files are the sandbox's own, the pipes, the fresh namespaces, the host's rules.
const UNPROVEN: &[Guard] = &[];

const LINES: &[Line] = &[
    ("ls /proc/1/root/ /proc/1/cwd/ 2>&1 | grep -c 'Permission denied'", "2", LOOK),
    ("cat /proc/1/maps /proc/1/environ 2>&1 | grep -c 'Permission denied'", "2", LOOK),
    ("ls /proc/1/fd 2>&1 | grep -c 'Permission denied'", "1", LOOK),
    ("head -c 1 /proc/1/exe 2>&1 | grep -c 'Permission denied'", "1", LOOK),
    ("(: > /proc/1/mem) 2>&1 | grep -ci denied", "1", LOOK),
    ("tr '\\0' ' ' < /proc/1/cmdline", "kiln-keeper ", UNPROVEN),
    ("(echo x > /proc/self/exe) 2>&1 | grep -ciE 'busy|read-only|denied'", "1", UNPROVEN),
    ("(cat /proc/1/exe > /tmp/copy) 2>&1 | grep -c denied", "1", LOOK),
    (
        "ls /dev | tr '\\n' ' '",
        "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ",
        UNPROVEN,
    ),
    ("ls -A /dev/shm /dev/mqueue 2>/dev/null | grep -v : | tr -d '\\n'", "", UNPROVEN),
    (
        "ls -A /sys/fs/cgroup /sys/kernel/security /sys/firmware 2>/dev/null | grep -v '^/' | tr -d '\\n'",
        "",
        MASKS,
    ),
    ("cat /proc/keys /proc/kallsyms /proc/timer_list /proc/kmsg 2>/dev/null | head -c 1 | wc -c", "0", MASKS),
    ("grep -c ' /proc/sys .*ro,' /proc/self/mountinfo", "1", MASKS),
    ("grep -c ' /sys ro,' /proc/self/mountinfo", "1", MASKS),
    ("(echo '|/tmp/x' > /proc/sys/kernel/core_pattern) 2>&1 | grep -c .", "1", UNPROVEN),
    ("(echo 1 > /proc/sys/vm/drop_caches) 2>&1 | grep -c .", "1", UNPROVEN),
    ("(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>&1 | grep -c .", "1", &[Guard::Masks, Guard::Capabilities]),
    ("(echo b > /proc/sysrq-trigger) 2>&1 | grep -c .", "1", UNPROVEN),
    ("(echo x > /sys/kernel/uevent_helper) 2>&1 | grep -c .", "1", UNPROVEN),
    ("(echo change > /sys/class/mem/null/uevent) 2>&1 | grep -c .", "1", UNPROVEN),
    ("(echo -1000 > /proc/self/oom_score_adj) 2>&1 | grep -c .", "1", UNPROVEN),
    ("grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:1", PRIVILEGES),
    ("grep ^Seccomp: /proc/self/status | tr -d '\\t'", "Seccomp:2", &[Guard::Seccomp]),
    ("cat /proc/self/cgroup | sed 's/.*://' | sort -u", "/", UNPROVEN),
    ("grep -cE '/(tmp|home|var/lib)/[^ ]*(kiln|store|\\.tmp)' /proc/self/mountinfo", "0", UNPROVEN),
    ("ls -l /proc/self/fd | grep -c ' [012] ->'", "3", UNPROVEN),
    ("ls /proc/self/fd | wc -l", "4", UNPROVEN),
    ("(echo ok >&3) 2>&1 | grep -c 'Bad file descriptor'", "1", UNPROVEN),
    ("ls -A /run /tmp /var/tmp | grep -v : | grep -v '^copy$' | tr -d '\\n'", "", UNPROVEN),
    ("ls -d /run/docker.sock /run/dbus /tmp/.X11-unix /tmp/.ICE-unix 2>/dev/null | wc -l", "0", UNPROVEN),
    ("env | cut -d= -f1 | grep -vE '^(HOME|LANG|PATH|PWD|TERM|TZ|SHLVL|_|OLDPWD)$'; :", "", UNPROVEN),
    ("(: < /dev/tty) 2>&1 | grep -c 'No such device'", "1", UNPROVEN),
    ("ulimit -c", "0", UNPROVEN),
    ("uname -n", "build", UNPROVEN),
    ("cat /etc/machine-id 2>/dev/null", "", UNPROVEN),
    ("test $(cut -d. -f1 /proc/uptime) -lt 60 && echo fresh", "fresh", UNPROVEN),
    ("test $(ls /proc | grep -c '^[0-9]') -lt 8 && echo few", "few", UNPROVEN),
    ("chrt -f 50 true 2>&1 | grep -c 'not permitted'", "1", UNPROVEN),
    ("nice -n -5 true 2>&1 | grep -c denied", "1", UNPROVEN),
    ("(ulimit -n 10000000) 2>&1 | grep -c 'not permitted'", "1", UNPROVEN),
    ("(su -c id </dev/null) 2>&1 | grep -c uid=0", "0", UNPROVEN),
    ("date -s 2000-01-01 2>&1 | grep -c 'not permitted'", "1", UNPROVEN),
    (
        "hostname evil 2>&1 | grep -ciE 'not permitted|must be root'",
        "1",
        &[Guard::Seccomp, Guard::Capabilities],
    ),
    ("touch /tmp/i; chattr +i /tmp/i 2>&1 | grep -c .", "1", UNPROVEN),
    (
        "mkdir -p /tmp/m; mount -t tmpfs none /tmp/m >/dev/null 2>&1 || echo refused",
        "refused",
        &[Guard::Seccomp, Guard::Capabilities, Guard::Landlock],
    ),
    (
        "unshare -Ur id 2>&1 | grep -c 'not permitted\\|No space'",
        "1",
        &[Guard::Seccomp, Guard::NamespaceLimit],
    ),
    ("ipcs -m | grep -c 0x", "0", UNPROVEN),
    ("grep -c : /proc/net/dev", "1", UNPROVEN),
    ("cat /proc/net/route | wc -l", "1", UNPROVEN),
    ("getent hosts example.com | wc -l", "0", UNPROVEN),
];

/// What each line prints in a sandbox that lacks some protections.
fn printed(bench: &Bench, phase: Phase, without: &[Guard]) -> Vec<String> {
    let script = LINES.iter().fold(String::new(), |script, (line, ..)| script + line + "; echo; echo ===; ");
    #[cfg_attr(
        not(debug_assertions),
        expect(unused_mut, reason = "only a build for tests can leave one out")
    )]
    let mut spec = sh(phase, &script);
    #[cfg(debug_assertions)]
    {
        spec.without = without.to_vec();
    }
    #[cfg(not(debug_assertions))]
    assert!(without.is_empty());
    let (_, output) = bench.run(&spec);
    output.split("===\n").map(|answer| answer.trim_matches('\n').to_owned()).collect()
}

#[test]
fn hostile_lines_find_nothing() {
    let bench = Bench::new();
    for phase in [Phase::Build, Phase::Install] {
        for ((line, expected, _), answer) in LINES.iter().zip(printed(&bench, phase, &[])) {
            assert_eq!(answer, *expected, "{phase:?}: {line}");
        }
    }
}

#[test]
#[cfg(debug_assertions)]
fn hostile_lines_find_something_without_what_protects() {
    let mut sets: Vec<&[Guard]> = LINES.iter().map(|row| row.2).filter(|set| !set.is_empty()).collect();
    sets.sort_by_key(|set| format!("{set:?}"));
    sets.dedup();
    for set in sets {
        let answers = printed(&Bench::new(), Phase::Install, set);
        for ((line, expected, guards), answer) in LINES.iter().zip(answers) {
            assert!(*guards != set || answer != *expected, "without {set:?} it is still {expected}: {line}");
        }
    }
    let unproven = LINES.iter().filter(|row| row.2.is_empty()).count();
    println!("{} lines, {unproven} of them unproven", LINES.len());
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
