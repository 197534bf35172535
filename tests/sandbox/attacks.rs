//! Hostile code in both phases: what it tries, and what it must get.
//!
//! Raw system calls are made by this test program itself, which is bound into the root and started there as
//! [`inside`]; the rest are lines of shell.

use std::collections::BTreeMap;

use kiln::plan::{Access, Command, Network, Phase, Step, Tier};
use kiln::unit::{HostPath, RootPath};

use crate::support::{Bench, sh};

/// An argument of a system call.
#[derive(Clone, Copy)]
enum A {
    N(i64),
    S(&'static std::ffi::CStr),
}
use A::{N, S};

/// What a call must answer, in a build and while installing.
type Case = (&'static str, i64, &'static [A], i32, i32);

const EPERM: i32 = libc::EPERM;
const ENOSYS: i32 = libc::ENOSYS;
const FAMILY: i32 = libc::EAFNOSUPPORT;
const NEW_USER: i64 = 0x1000_0011;

/// Numbers are those of `x86_64`; tests of the filter itself cover the others.
const CALLS: &[Case] = &[
    ("mount a tmpfs", 165, &[S(c"none"), S(c"/tmp"), S(c"tmpfs"), N(0), N(0)], EPERM, EPERM),
    ("mount a second /proc", 165, &[S(c"proc"), S(c"/tmp"), S(c"proc"), N(0), N(0)], EPERM, EPERM),
    ("mount binfmt_misc", 165, &[S(c"b"), S(c"/tmp"), S(c"binfmt_misc"), N(0), N(0)], EPERM, EPERM),
    ("remount /usr writable", 165, &[N(0), S(c"/usr"), N(0), N(0x1020), N(0)], EPERM, EPERM),
    ("unmount a mask", 166, &[S(c"/proc/keys"), N(2)], EPERM, EPERM),
    ("fsopen", 430, &[S(c"tmpfs"), N(0)], EPERM, EPERM),
    ("open_tree", 428, &[N(-100), S(c"/"), N(1)], EPERM, EPERM),
    ("mount_setattr", 442, &[N(-100), S(c"/"), N(0), N(0), N(0)], EPERM, EPERM),
    ("move_mount", 429, &[N(-100), S(c"/"), N(-100), S(c"/tmp"), N(0)], EPERM, EPERM),
    ("pivot_root", 155, &[S(c"/"), S(c"/tmp")], EPERM, EPERM),
    ("open_by_handle_at", 304, &[N(-100), N(0), N(0)], EPERM, EPERM),
    ("new user namespace by clone", 56, &[N(NEW_USER), N(0), N(0), N(0), N(0)], EPERM, EPERM),
    ("new user namespace by unshare", 272, &[N(0x1000_0000)], EPERM, EPERM),
    ("new network namespace", 272, &[N(0x4000_0000)], EPERM, EPERM),
    ("new time namespace", 272, &[N(0x80)], EPERM, EPERM),
    ("clone3", 435, &[N(0), N(88)], ENOSYS, ENOSYS),
    ("setns", 308, &[N(0), N(0)], EPERM, EPERM),
    ("bpf", 321, &[N(0), N(0), N(0)], EPERM, EPERM),
    ("perf_event_open", 298, &[N(0), N(0), N(-1), N(-1), N(0)], EPERM, EPERM),
    ("userfaultfd", 323, &[N(1)], EPERM, EPERM),
    ("io_uring_setup", 425, &[N(4), N(0)], ENOSYS, ENOSYS),
    ("add_key", 248, &[S(c"user"), S(c"a"), S(c"v"), N(1), N(-3)], ENOSYS, ENOSYS),
    ("keyctl", 250, &[N(0), N(-3), N(1)], ENOSYS, ENOSYS),
    ("init_module", 175, &[N(0), N(0), S(c"x")], EPERM, EPERM),
    ("kexec_load", 246, &[N(0), N(0), N(0), N(0)], EPERM, EPERM),
    ("reboot", 169, &[N(0xfee1_dead), N(672_274_793), N(0x0123_4567), N(0)], EPERM, EPERM),
    ("swapon", 167, &[S(c"/tmp/x"), N(0)], EPERM, EPERM),
    ("clock_settime", 227, &[N(0), N(0)], EPERM, EPERM),
    ("settimeofday", 164, &[N(0), N(0)], EPERM, EPERM),
    ("sethostname", 170, &[S(c"evil"), N(4)], EPERM, EPERM),
    ("iopl", 172, &[N(3)], EPERM, EPERM),
    ("ioperm", 173, &[N(0), N(1), N(1)], EPERM, EPERM),
    ("modify_ldt", 154, &[N(0), N(0), N(0)], EPERM, EPERM),
    ("syslog", 103, &[N(3), N(0), N(0)], EPERM, EPERM),
    ("quotactl", 179, &[N(0), N(0), N(0), N(0)], EPERM, EPERM),
    ("fanotify_init", 300, &[N(0), N(0)], EPERM, EPERM),
    ("TIOCSTI", 16, &[N(0), N(0x5412), S(c"x")], EPERM, EPERM),
    ("TIOCSTI with a bit above", 16, &[N(0), N(0x1_0000_5412), S(c"x")], EPERM, EPERM),
    ("TIOCLINUX", 16, &[N(0), N(0x541C), S(c"x")], EPERM, EPERM),
    ("x32", 0x4000_0027, &[], ENOSYS, ENOSYS),
    ("a call that does not exist", 1000, &[], ENOSYS, ENOSYS),
    ("vsock", 41, &[N(40), N(1), N(0)], FAMILY, FAMILY),
    ("alg", 41, &[N(38), N(5), N(0)], FAMILY, FAMILY),
    ("bluetooth", 41, &[N(31), N(3), N(0)], FAMILY, FAMILY),
    ("can", 41, &[N(29), N(3), N(1)], FAMILY, FAMILY),
    ("tipc", 41, &[N(30), N(1), N(0)], FAMILY, FAMILY),
    ("xdp", 41, &[N(44), N(3), N(0)], FAMILY, FAMILY),
    ("packet", 41, &[N(17), N(3), N(768)], FAMILY, FAMILY),
    ("netlink audit", 41, &[N(16), N(3), N(9)], FAMILY, FAMILY),
    ("raw inet", 41, &[N(2), N(3), N(1)], EPERM, EPERM),
    ("a block device", 133, &[S(c"/builddir/d"), N(0o060_644), N(0x700)], libc::EACCES, libc::EACCES),
    ("a character device", 133, &[S(c"/builddir/m"), N(0o020_644), N(0x101)], libc::EACCES, libc::EACCES),
    ("ptrace init", 101, &[N(0x4206), N(1), N(0), N(0)], EPERM, EPERM),
    ("signal init", 62, &[N(1), N(15)], EPERM, EPERM),
    (
        "a raised limit",
        160,
        &[N(7), S(c"\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x7f")],
        EPERM,
        EPERM,
    ),
    // Last, because paths mean something else after it.
    ("chroot", 161, &[S(c"/tmp")], EPERM, 0),
];

/// What runs inside: makes the calls and says what they answered.
#[test]
fn inside() {
    if std::env::var_os("KILN_TEST_INSIDE").is_none() {
        return;
    }
    for (number, (_, call, arguments, ..)) in CALLS.iter().enumerate() {
        let mut words = [0_i64; 6];
        for (word, argument) in words.iter_mut().zip(*arguments) {
            *word = match argument {
                N(number) => *number,
                S(text) => text.as_ptr() as i64,
            };
        }
        #[expect(unsafe_code, reason = "the attacks are raw calls")]
        // SAFETY: calls that are let through get pointers to strings, zero, or fail.
        let answer =
            unsafe { libc::syscall(*call, words[0], words[1], words[2], words[3], words[4], words[5]) };
        let errno = if answer < 0 { std::io::Error::last_os_error().raw_os_error().unwrap_or(0) } else { 0 };
        println!("answer {number} {errno}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn hostile_calls_get_nowhere() {
    let bench = Bench::new();
    for phase in [Phase::Build, Phase::Install] {
        let mut spec = sh(phase, "");
        spec.steps.push(Step::Bind {
            from: HostPath::new(std::env::current_exe().unwrap()),
            to: RootPath::new("/attack").unwrap(),
            access: Access::ReadOnly,
        });
        spec.environment.insert("KILN_TEST_INSIDE".to_owned(), "1".to_owned());
        let arguments = ["/attack", "--exact", "attacks::inside", "--nocapture"];
        spec.command = Command::Program { argv: arguments.map(str::to_owned).into() };
        let (_, output) = bench.run(&spec);
        let answers: BTreeMap<usize, i32> = output
            .lines()
            .filter_map(|line| {
                let (number, errno) = line.split_once("answer ")?.1.split_once(' ')?;
                Some((number.parse().ok()?, errno.parse().ok()?))
            })
            .collect();
        for (number, (name, _, _, build, install)) in CALLS.iter().enumerate() {
            let expected = match (phase, bench.keeper.ids().tier, *name) {
                (Phase::Build, ..) => *build,
                // With a single id the filter says that the node was made, and none is.
                (Phase::Install, Tier::SingleId, "a block device" | "a character device") => 0,
                (Phase::Install, ..) => *install,
            };
            assert_eq!(answers.get(&number), Some(&expected), "{phase:?}: {name}\n{output}");
        }
    }
}

/// A line of shell, and what it must print.
const LINES: &[(&str, &str)] = &[
    ("ls /proc/1/root/ /proc/1/cwd/ 2>&1 | grep -c 'Permission denied'", "2"),
    ("cat /proc/1/maps /proc/1/environ 2>&1 | grep -c 'Permission denied'", "2"),
    ("ls /proc/1/fd 2>&1 | grep -c 'Permission denied'", "1"),
    ("head -c 1 /proc/1/exe 2>&1 | grep -c 'Permission denied'", "1"),
    ("(: > /proc/1/mem) 2>&1 | grep -ci denied", "1"),
    ("tr '\\0' ' ' < /proc/1/cmdline", "kiln-keeper "),
    ("ls /dev | tr '\\n' ' '", "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero "),
    ("ls -A /dev/shm /dev/mqueue 2>/dev/null | grep -v : | tr -d '\\n'", ""),
    ("ls -A /sys/fs/cgroup /sys/kernel/security /sys/firmware 2>/dev/null | grep -v '^/' | tr -d '\\n'", ""),
    ("cat /proc/keys /proc/kallsyms /proc/timer_list /proc/kmsg", ""),
    ("(echo '|/tmp/x' > /proc/sys/kernel/core_pattern) 2>&1 | grep -c .", "1"),
    ("(echo 1 > /proc/sys/vm/drop_caches) 2>&1 | grep -c .", "1"),
    ("(echo x > /sys/kernel/uevent_helper) 2>&1 | grep -c .", "1"),
    ("(echo -1000 > /proc/self/oom_score_adj) 2>&1 | grep -c .", "1"),
    ("grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:1"),
    ("grep ^Seccomp: /proc/self/status | tr -d '\\t'", "Seccomp:2"),
    ("cat /proc/self/cgroup | sed 's/.*://' | sort -u", "/"),
    ("ls -l /proc/self/fd | grep -c ' [012] ->'", "3"),
    ("ls /proc/self/fd | wc -l", "4"),
    ("(echo ok >&3) 2>&1 | grep -c 'Bad file descriptor'", "1"),
    ("ls -A /run /tmp /var/tmp | grep -v : | tr -d '\\n'", ""),
    ("env | cut -d= -f1 | grep -vE '^(HOME|LANG|PATH|PWD|TERM|TZ|SHLVL|_|OLDPWD)$'; :", ""),
    ("(: < /dev/tty) 2>&1 | grep -c 'No such device'", "1"),
    ("ulimit -c", "0"),
    ("uname -n", "build"),
    ("test $(cut -d. -f1 /proc/uptime) -lt 60 && echo fresh", "fresh"),
    ("test $(ls /proc | grep -c '^[0-9]') -lt 8 && echo few", "few"),
    ("chrt -f 50 true 2>&1 | grep -c 'not permitted'", "1"),
    ("nice -n -5 true 2>&1 | grep -c denied", "1"),
    ("(ulimit -n 10000000) 2>&1 | grep -c 'not permitted'", "1"),
    ("ipcs -m | grep -c 0x", "0"),
    ("grep -c : /proc/net/dev", "1"),
    ("cat /proc/net/route | wc -l", "1"),
];

#[test]
fn hostile_lines_find_nothing() {
    let bench = Bench::new();
    for phase in [Phase::Build, Phase::Install] {
        let script =
            LINES.iter().fold(String::new(), |script, (line, _)| script + line + "; echo; echo ===; ");
        let (_, output) = bench.run(&sh(phase, &script));
        let answers: Vec<_> = output.split("===\n").collect();
        for ((line, expected), answer) in LINES.iter().zip(answers) {
            assert_eq!(answer.trim_matches('\n'), *expected, "{phase:?}: {line}");
        }
    }
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
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    let mut spec =
        sh(Phase::Build, &format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo connected"));
    spec.network = Network::Host;
    assert_eq!(bench.run(&spec).1, "connected\n");
}

#[test]
fn what_honest_builds_need_works() {
    let bench = Bench::new();
    let table: &[(&str, &str)] = &[
        ("setarch -R true && echo ok", "ok"),
        ("setsid true && nice -n 5 true && echo ok", "ok"),
        ("mkfifo /builddir/f && test -p /builddir/f && echo ok", "ok"),
        ("touch /builddir/s && chmod 4755 /builddir/s && test -u /builddir/s && echo ok", "ok"),
        ("bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' 2>&1 | grep -o refused | head -n 1", "refused"),
        ("bash -c 'exec 3<>/dev/tcp/::1/9' 2>&1 | grep -o refused | head -n 1", "refused"),
        ("script -qec true /dev/null && echo ok", "ok"),
        ("id -u", "1000"),
        ("getconf _NPROCESSORS_ONLN >/dev/null && echo ok", "ok"),
        ("ln -s a /builddir/l && mv /builddir/l /builddir/m && echo ok", "ok"),
        ("cd /builddir && mkdir -p a/b && mv a c && rm -r c && echo ok", "ok"),
        ("cp /usr/bin/true /tmp/true && /tmp/true && echo ok", "ok"),
    ];
    let script = table.iter().fold(String::new(), |script, (line, _)| script + "(" + line + "); echo ===; ");
    let (_, output) = bench.run(&sh(Phase::Build, &script));
    for ((line, expected), answer) in table.iter().zip(output.split("===\n")) {
        assert_eq!(answer.trim(), *expected, "{line}");
    }
}
