//! Raw system calls that hostile code makes, and what they must answer in both phases. What stops each of them is
//! proven in [`crate::proofs`].
//!
//! They are made by this test program itself, which is bound into the root and started there as [`inside`].

use std::collections::BTreeMap;

use kiln::plan::{Access, Command, Phase, SandboxSpec, Step, Tier};
use kiln::unit::{HostPath, RootPath};

use crate::support::{Bench, sh};

/// An argument of a system call.
#[derive(Clone, Copy)]
pub(crate) enum A {
    N(i64),
    S(&'static std::ffi::CStr),
    B(&'static [u8]),
}
use A::{B, N, S};

/// What a call must answer, in a build and while installing. A number below zero is one of i386.
pub(crate) type Case = (&'static str, i64, &'static [A], i32, i32);

pub(crate) const EPERM: i32 = libc::EPERM;
pub(crate) const EACCES: i32 = libc::EACCES;
pub(crate) const ENOSYS: i32 = libc::ENOSYS;
pub(crate) const FAMILY: i32 = libc::EAFNOSUPPORT;
const NEW_USER: i64 = 0x1000_0011;
/// Structures as bytes: no limit, a clock's tick, a place in memory, a priority.
const HIGHEST: &[u8] =
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
/// A tick of no length, which the kernel takes from nobody.
const TICK: &[u8] = &{
    let mut timex = [0; 256];
    timex[1] = 0x40;
    timex
};
/// No kind of socket: what a kernel says of it that looks beyond the family, whether it has that or not, is EINVAL.
const NO_KIND: i64 = 15;
const VECTOR: &[u8] = &[0, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
/// `CAP_SETUID`, effective, as revision 2 of the attribute.
const SETUID: &[u8] = &[1, 0, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const PRIORITY: &[u8] = &[50, 0, 0, 0];

/// Numbers are those of `x86_64`; tests of the filter itself cover the others.
pub(crate) const CALLS: &[Case] = &[
    ("mount a tmpfs", 165, &[S(c"none"), S(c"/tmp"), S(c"tmpfs"), N(0), N(0)], EPERM, EPERM),
    ("mount a second /proc", 165, &[S(c"proc"), S(c"/tmp"), S(c"proc"), N(0), N(0)], EPERM, EPERM),
    ("mount binfmt_misc", 165, &[S(c"b"), S(c"/tmp"), S(c"binfmt_misc"), N(0), N(0)], EPERM, EPERM),
    ("mount control groups", 165, &[S(c"c"), S(c"/tmp"), S(c"cgroup"), N(0), S(c"pids")], EPERM, EPERM),
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
    ("kexec_load", 246, &[N(0), N(1000), N(0), N(0)], EPERM, EPERM),
    ("reboot", 169, &[N(0xfee1_dead), N(672_274_793), N(0x1234_5678), N(0)], EPERM, EPERM),
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
    ("a block device", 133, &[S(c"/builddir/d"), N(0o060_644), N(0x700)], EACCES, EACCES),
    ("a character device", 133, &[S(c"/builddir/m"), N(0o020_644), N(0x101)], EACCES, EACCES),
    ("ptrace init", 101, &[N(0x4206), N(1), N(0), N(0)], EPERM, EPERM),
    ("signal init", 62, &[N(1), N(15)], EPERM, EPERM),
    ("a raised limit", 160, &[N(4), B(HIGHEST)], EPERM, EPERM),
    ("chroot", 161, &[S(c"/tmp")], EPERM, 0),
    ("new process namespace", 272, &[N(0x2000_0000)], EPERM, EPERM),
    ("new mount namespace", 272, &[N(0x0002_0000)], EPERM, EPERM),
    ("new ipc namespace", 272, &[N(0x0800_0000)], EPERM, EPERM),
    ("new uts namespace", 272, &[N(0x0400_0000)], EPERM, EPERM),
    ("new cgroup namespace", 272, &[N(0x0200_0000)], EPERM, EPERM),
    ("new network namespace by clone", 56, &[N(0x4000_0011), N(0), N(0), N(0), N(0)], EPERM, EPERM),
    ("finit_module", 313, &[N(0), S(c""), N(0)], EPERM, EPERM),
    ("delete_module", 176, &[S(c"x"), N(0)], EPERM, EPERM),
    ("kexec_file_load", 320, &[N(0), N(0), N(0), S(c""), N(0)], EPERM, EPERM),
    ("swapoff", 168, &[S(c"/tmp/x")], EPERM, EPERM),
    ("acct", 163, &[N(0)], EPERM, EPERM),
    ("setdomainname", 171, &[S(c"evil"), N(4)], EPERM, EPERM),
    ("fsconfig", 431, &[N(0), N(6), N(0), N(0), N(0)], EPERM, EPERM),
    ("fsmount", 432, &[N(0), N(0), N(0)], EPERM, EPERM),
    ("fspick", 433, &[N(-100), S(c"/"), N(0)], EPERM, EPERM),
    ("open_tree_attr", 467, &[N(-100), S(c"/"), N(1), N(0), N(0)], ENOSYS, ENOSYS),
    ("move_pages", 279, &[N(1), N(0), N(0), N(0), N(0), N(0)], EPERM, EPERM),
    ("migrate_pages", 256, &[N(1), N(0), N(0), N(0)], EPERM, EPERM),
    ("vhangup", 153, &[], EPERM, EPERM),
    ("uselib", 134, &[S(c"/x")], EPERM, EPERM),
    ("lookup_dcookie", 212, &[N(0), N(0), N(0)], EPERM, EPERM),
    ("quotactl_fd", 443, &[N(0), N(0), N(0), N(0)], ENOSYS, ENOSYS),
    ("request_key", 249, &[S(c"user"), S(c"a"), N(0), N(0)], ENOSYS, ENOSYS),
    ("io_uring_enter", 426, &[N(0), N(0), N(0), N(0), N(0), N(0)], ENOSYS, ENOSYS),
    ("io_uring_register", 427, &[N(0), N(0), N(0), N(0)], ENOSYS, ENOSYS),
    ("clock_adjtime", 305, &[N(0), B(TICK)], EPERM, EPERM),
    ("key management sockets", 41, &[N(15), N(3), N(2)], FAMILY, FAMILY),
    ("rds", 41, &[N(21), N(5), N(0)], FAMILY, FAMILY),
    ("llc", 41, &[N(26), N(2), N(0)], FAMILY, FAMILY),
    ("kcm", 41, &[N(41), N(5), N(0)], FAMILY, FAMILY),
    ("smc", 41, &[N(43), N(1), N(0)], FAMILY, FAMILY),
    ("qipcrtr", 41, &[N(42), N(2), N(0)], FAMILY, FAMILY),
    ("netlink generic", 41, &[N(16), N(3), N(16)], FAMILY, FAMILY),
    ("netlink netfilter", 41, &[N(16), N(3), N(12)], FAMILY, FAMILY),
    ("netlink uevents", 41, &[N(16), N(3), N(15)], FAMILY, FAMILY),
    ("vsock pair", 53, &[N(40), N(1), N(0), N(0)], FAMILY, FAMILY),
    ("raw inet6", 41, &[N(10), N(3), N(58)], EPERM, EPERM),
    ("a device by mknodat", 259, &[N(-100), S(c"/builddir/m2"), N(0o020_644), N(0x101)], EACCES, EACCES),
    ("read init's memory", 310, &[N(1), B(VECTOR), N(1), B(VECTOR), N(1), N(0)], EPERM, EPERM),
    ("compare with init", 312, &[N(1), N(1), N(2), N(0), N(0)], EPERM, EPERM),
    ("real-time priority", 144, &[N(0), N(1), B(PRIORITY)], EPERM, EPERM),
    ("a higher priority", 141, &[N(0), N(0), N(-5)], EACCES, EACCES),
    ("real-time disk priority", 251, &[N(1), N(0), N(1 << 13)], EPERM, EPERM),
    (
        "a file's capability",
        188,
        &[S(c"/var/tmp"), S(c"security.capability"), B(SETUID), N(20), N(0)],
        EPERM,
        0,
    ),
    ("alg, no kind", 41, &[N(38), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("bluetooth, no kind", 41, &[N(31), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("can, no kind", 41, &[N(29), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("tipc, no kind", 41, &[N(30), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("key management sockets, no kind", 41, &[N(15), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("rds, no kind", 41, &[N(21), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("llc, no kind", 41, &[N(26), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("kcm, no kind", 41, &[N(41), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("smc, no kind", 41, &[N(43), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("qipcrtr, no kind", 41, &[N(42), N(NO_KIND), N(0)], FAMILY, FAMILY),
    ("i386: mount", -21, &[N(0), N(0), N(0), N(0), N(0)], EPERM, EPERM),
    ("i386: add_key", -286, &[N(0), N(0), N(0), N(0), N(0)], ENOSYS, ENOSYS),
    ("i386: socketcall", -102, &[N(1), N(0)], ENOSYS, ENOSYS),
    ("i386: vsock", -359, &[N(40), N(1), N(0)], FAMILY, FAMILY),
    ("i386: unshare", -310, &[N(0x1000_0000)], EPERM, EPERM),
    ("i386: a call that does not exist", -1000, &[], ENOSYS, ENOSYS),
];

/// The answers of one call in a process of its own.
fn answer(call: i64, arguments: &[A]) -> i32 {
    let mut words = [0_i64; 6];
    for (word, argument) in words.iter_mut().zip(arguments) {
        *word = match argument {
            N(number) => *number,
            S(text) => text.as_ptr() as i64,
            B(bytes) => bytes.as_ptr() as i64,
        };
    }
    #[expect(unsafe_code, reason = "the attacks are raw calls")]
    // SAFETY: the child makes one call and ends; calls that are let through get pointers to constants, zero, or fail.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::alarm(10);
            let answer = if call < 0 {
                interrupt(-call, &words)
            } else {
                let answer = libc::syscall(call, words[0], words[1], words[2], words[3], words[4], words[5]);
                if answer < 0 { -i64::from(*libc::__errno_location()) } else { answer }
            };
            libc::_exit(if (-200..0).contains(&answer) { -answer as i32 } else { 0 });
        }
        let mut status = 0;
        libc::waitpid(child, &raw mut status, 0);
        if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 1000 + libc::WTERMSIG(status) }
    }
}

/// A call of i386 from a program of `x86_64`: the way around a filter that knows one architecture only.
#[expect(unsafe_code, reason = "there is no other way to make one")]
unsafe fn interrupt(call: i64, words: &[i64; 6]) -> i64 {
    let answer: i64;
    // SAFETY: the kernel reads registers only; rbx, which the compiler keeps, is put back.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) words[0] => _,
            inlateout("rax") call => answer,
            in("rcx") words[1],
            in("rdx") words[2],
            in("rsi") words[3],
            in("rdi") words[4],
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    i64::from(answer as i32)
}

/// What runs inside: makes the calls and says what they answered.
#[test]
fn inside() {
    if std::env::var_os("KILN_TEST_INSIDE").is_none() {
        return;
    }
    for (number, (_, call, arguments, ..)) in CALLS.iter().enumerate() {
        println!("answer {number} {}", answer(*call, arguments));
    }
}

/// Makes all calls in a sandbox that was changed; the answers in the order of the table.
pub(crate) fn answers(bench: &Bench, phase: Phase, change: impl FnOnce(&mut SandboxSpec)) -> Vec<i32> {
    let mut spec = sh(phase, "");
    spec.steps.push(Step::Bind {
        from: HostPath::new(std::env::current_exe().unwrap()),
        to: RootPath::new("/attack").unwrap(),
        access: Access::ReadOnly,
    });
    spec.environment.insert("KILN_TEST_INSIDE".to_owned(), "1".to_owned());
    let arguments = ["/attack", "--exact", "calls::inside", "--nocapture"];
    spec.command = Command::Program { argv: arguments.map(str::to_owned).into() };
    change(&mut spec);
    let (_, output) = bench.run(&spec);
    let found: BTreeMap<usize, i32> = output
        .lines()
        .filter_map(|line| {
            let (number, errno) = line.split_once("answer ")?.1.split_once(' ')?;
            Some((number.parse().ok()?, errno.parse().ok()?))
        })
        .collect();
    assert_eq!(found.len(), CALLS.len(), "{phase:?}: {output}");
    found.into_values().collect()
}

#[test]
fn hostile_calls_get_nowhere() {
    let bench = Bench::new();
    for phase in [Phase::Build, Phase::Install] {
        let answers = answers(&bench, phase, |_| {});
        for ((name, _, _, build, install), answer) in CALLS.iter().zip(answers) {
            let expected = match (phase, bench.keeper.ids().tier, *name) {
                (Phase::Build, ..) => *build,
                // With a single id the filter says that the node was made, and none is.
                (Phase::Install, Tier::SingleId, name) if name.contains(" device") => 0,
                (Phase::Install, ..) => *install,
            };
            assert_eq!(answer, expected, "{phase:?}: {name}");
        }
    }
}
