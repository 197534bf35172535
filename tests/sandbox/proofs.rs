//! Positive controls of [`crate::calls`]: each call reaches the kernel when no protection is there, and is stopped by
//! each of its protections alone.
//!
//! There are two beginnings to which one protection is added: a sandbox that has nothing but its user namespace, and, as
//! root, one that has not even that. What cannot be shown is printed with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use kiln::plan::{Guard, Phase, Tier};

use crate::calls::{CALLS, EACCES, ENOSYS, EPERM, FAMILY, answers};
use crate::support::Bench;

/// Everything inside of the user namespace that could stop a call.
const ALL: &[Guard] = &[
    Guard::Seccomp,
    Guard::Landlock,
    Guard::Capabilities,
    Guard::NewPrivileges,
    Guard::Inspection,
    Guard::NamespaceLimit,
    Guard::Limits,
];

/// What can be shown without the user namespace: the others are the keeper's.
const ALSO_ON_THE_HOST: &[Guard] = &[Guard::Seccomp, Guard::Landlock, Guard::Capabilities];

const NO_MODULES: &str = "this kernel has no modules";
const NO_KEXEC: &str = "this kernel has no kexec";
const AS_ROOT: &str = "only the host's root may do it: proven as root";
const NO_PORTS: &str = "this kernel lets no program at ports";
const GONE: &str = "no kernel that kiln runs on has it any more, and a filter that knows it says so too";
const FAMILY_MISSING: &str = "this kernel lacks the family; that the filter refuses it whatever the kernel has is \
    proven by the same call with no kind";
const NOWHERE: &str = "the kernel says the same of what it does not know";

/// Calls that can be refused by the kernel itself, whatever is switched off, and why.
const UNPROVEN: &[(&str, &str)] = &[
    ("init_module", NO_MODULES),
    ("finit_module", NO_MODULES),
    ("delete_module", NO_MODULES),
    ("kexec_load", NO_KEXEC),
    ("kexec_file_load", NO_KEXEC),
    ("iopl", NO_PORTS),
    ("ioperm", NO_PORTS),
    ("acct", "this kernel has no process accounting"),
    ("uselib", GONE),
    ("lookup_dcookie", GONE),
    ("quotactl_fd", "this kernel has no quotas"),
    ("x32", "this kernel was built without x32"),
    ("a call that does not exist", NOWHERE),
    ("i386: a call that does not exist", NOWHERE),
    ("alg", FAMILY_MISSING),
    ("bluetooth", FAMILY_MISSING),
    ("can", FAMILY_MISSING),
    ("tipc", FAMILY_MISSING),
    ("key management sockets", FAMILY_MISSING),
    ("rds", FAMILY_MISSING),
    ("llc", FAMILY_MISSING),
    ("kcm", FAMILY_MISSING),
    ("smc", FAMILY_MISSING),
    ("qipcrtr", FAMILY_MISSING),
];

/// Calls that only the host's root may make: an ordinary user has no host's root to show it with.
const ROOT_ONLY: &[&str] = &[
    "swapon",
    "swapoff",
    "settimeofday",
    "clock_adjtime",
    "iopl",
    "ioperm",
    "syslog",
    "fanotify_init",
    "vhangup",
    "acct",
    "a block device",
    "a character device",
    "a device by mknodat",
    "real-time priority",
    "a higher priority",
    "real-time disk priority",
];

/// In a build only: what is installed has no control groups here.
const REAL_TIME: (&str, &str) = ("real-time priority", "the control group gives it no time");

const NAMESPACES: &[&str] = &["new user namespace by clone", "new user namespace by unshare"];
const INIT: &[&str] = &["ptrace init", "read init's memory", "compare with init"];
const MOUNTS: &[&str] = &[
    "mount a tmpfs",
    "mount a second /proc",
    "mount binfmt_misc",
    "mount control groups",
    "remount /usr writable",
    "unmount a mask",
    "move_mount",
    "pivot_root",
];
const FOR_CAPABLE: &[&str] = &[
    "fsopen",
    "open_tree",
    "fsmount",
    "fspick",
    "new network namespace",
    "new mount namespace",
    "new process namespace",
    "new time namespace",
    "sethostname",
    "setdomainname",
    "reboot",
    "packet",
    "raw inet",
    "raw inet6",
];

const DEVICES: &[&str] = &["a block device", "a character device", "a device by mknodat"];
const PRIORITIES: &[&str] =
    &["clock_adjtime", "real-time priority", "a higher priority", "real-time disk priority"];

/// What protections other than the filter stop, each with the filter and all others gone.
const ALONE: &[(By, &[&str])] = &[
    (By::Guard(Guard::Landlock), MOUNTS),
    (By::Guard(Guard::Landlock), INIT),
    (By::Guard(Guard::Landlock), &["signal init"]),
    (By::Guard(Guard::Capabilities), MOUNTS),
    (By::Guard(Guard::Capabilities), FOR_CAPABLE),
    (By::Guard(Guard::Inspection), INIT),
    (By::Guard(Guard::Landlock), DEVICES),
    (By::Guard(Guard::Capabilities), DEVICES),
    (By::Guard(Guard::UserNamespace), DEVICES),
    (By::Guard(Guard::Capabilities), PRIORITIES),
    (By::Guard(Guard::Capabilities), &["a file's capability"]),
    (By::Guard(Guard::UserNamespace), PRIORITIES),
    (By::Guard(Guard::NamespaceLimit), NAMESPACES),
    (By::Guard(Guard::Limits), &["a raised limit"]),
];

/// What was added to a beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Guard(Guard),
    /// That a build is not the root of its namespace.
    Builder,
}

/// Whether an answer says that somebody refused: the kernel for want of a right, or a protection.
fn is_refusal(answer: i32) -> bool {
    [EPERM, EACCES, ENOSYS, FAMILY].contains(&answer)
}

/// Answers without everything that is not kept.
fn with_only(phase: Phase, host: &[Guard], kept: Option<By>) -> Vec<i32> {
    let missing = |guard: &Guard| kept != Some(By::Guard(*guard));
    let without: Vec<_> = ALL.iter().copied().filter(missing).chain(host.iter().copied()).collect();
    answers(&Bench::without(&without), phase, |spec| {
        spec.without.clone_from(&without);
        if kept != Some(By::Builder) {
            spec.user = (0, 0);
        }
    })
}

/// By name of a call, what stops it alone.
type Stopped = BTreeMap<&'static str, BTreeSet<By>>;

/// Adds one protection after the other to a beginning.
fn stopped(phase: Phase, host: &[Guard], added: &[By], stops: &mut Stopped) -> Vec<i32> {
    let open = with_only(phase, host, None);
    for by in added {
        for ((number, case), answer) in CALLS.iter().enumerate().zip(with_only(phase, host, Some(*by))) {
            if !is_refusal(open[number]) && answer != open[number] {
                stops.entry(case.0).or_default().insert(*by);
            }
        }
    }
    open
}

#[test]
fn every_call_is_let_through_when_no_protection_is_there_and_stopped_by_one_alone() {
    let tier = Bench::new().keeper.ids().tier;
    for phase in [Phase::Install, Phase::Build] {
        let mut stops = Stopped::new();
        let mut added: Vec<_> = ALL.iter().map(|guard| By::Guard(*guard)).collect();
        if phase == Phase::Build && tier != Tier::SingleId {
            added.push(By::Builder);
        }
        let inside = stopped(phase, &[], &added, &mut stops);
        if tier == Tier::Root {
            let added: Vec<_> = ALSO_ON_THE_HOST.iter().map(|guard| By::Guard(*guard)).collect();
            let open = stopped(phase, &[Guard::UserNamespace], &added, &mut stops);
            for (number, case) in CALLS.iter().enumerate() {
                if !is_refusal(open[number]) && is_refusal(inside[number]) {
                    stops.entry(case.0).or_default().insert(By::Guard(Guard::UserNamespace));
                }
            }
        }
        let (table, unexpected) = judge(tier, phase, &stops);
        println!("{table}");
        assert!(unexpected.is_empty(), "{tier:?} {phase:?}: {unexpected:?}");
    }
}

/// What stops each call, as text, and what is not as it should be: another kernel may prove more, never less.
fn judge(tier: Tier, phase: Phase, stops: &Stopped) -> (String, Vec<&'static str>) {
    let mut table = String::new();
    let (mut unproven, mut unexpected) = (0, Vec::new());
    let attacks = CALLS.iter().filter(|(_, _, _, build, install)| match phase {
        Phase::Build => *build != 0,
        Phase::Install => *install != 0,
    });
    for (name, ..) in attacks.clone() {
        let Some(by) = stops.get(name) else {
            let reason = UNPROVEN.iter().find(|row| row.0 == *name).map(|row| row.1);
            let reason = match *name {
                name if tier != Tier::Root && ROOT_ONLY.contains(&name) => Some(AS_ROOT),
                name if phase == Phase::Build && name == REAL_TIME.0 => Some(REAL_TIME.1),
                _ => reason,
            };
            let _ = writeln!(table, "unproven: {name}: {}", reason.unwrap_or("UNEXPECTED"));
            unproven += 1;
            unexpected.extend(reason.is_none().then_some(*name));
            continue;
        };
        let listed = ALONE.iter().filter(|(guard, names)| {
            // With a single id nothing limits the namespaces of the build's own.
            let has = !(tier == Tier::SingleId && *guard == By::Guard(Guard::NamespaceLimit));
            has && names.contains(name)
        });
        let listed: Vec<_> = listed.map(|row| row.0).collect();
        let is_as_listed = listed.iter().all(|guard| by.contains(guard));
        if !is_as_listed || (listed.is_empty() && !by.contains(&By::Guard(Guard::Seccomp))) {
            unexpected.push(name);
        }
        let _ = writeln!(table, "{name} is stopped by each of {by:?}");
    }
    let _ = writeln!(table, "{tier:?} {phase:?}: {} calls, {unproven} of them unproven", attacks.count());
    (table, unexpected)
}
