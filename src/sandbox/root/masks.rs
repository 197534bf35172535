//! What of /proc and /sys a build may see. Both are fresh: they show the sandbox's own processes and network.

use std::os::fd::{AsFd, OwnedFd};

use crate::plan::Network;
use crate::sys::mount::{self, Attributes, Extent, Parameter};
use crate::sys::{SysError, at};

const SEALED: Attributes = Attributes::NO_SUID.and(Attributes::NO_DEVICES).and(Attributes::NO_EXEC);

/// Parts of /proc that change the whole machine.
const PROC_READ_ONLY: &[&str] = &["sys", "irq", "bus", "fs", "sysrq-trigger"];
/// Files of /proc that tell about the whole machine, or give access to it.
const PROC_HIDDEN_FILES: &[&str] = &[
    "kcore",
    "keys",
    "key-users",
    "timer_list",
    "kallsyms",
    "kmsg",
    "config.gz",
    "vmallocinfo",
    "slabinfo",
    "iomem",
    "ioports",
    "sched_debug",
    "latency_stats",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
];
/// Directories of /proc that belong to drivers.
const PROC_HIDDEN_DIRECTORIES: &[&str] = &["acpi", "scsi", "driver", "asound", "dynamic_debug"];
/// Directories of /sys that lead to the firmware, the kernel's insides and the host's control groups.
const SYS_HIDDEN_DIRECTORIES: &[&str] = &[
    "firmware",
    "kernel/security",
    "kernel/debug",
    "kernel/tracing",
    "kernel/config",
    "fs/cgroup",
    "fs/bpf",
    "fs/fuse/connections",
];

/// What is covered, and made read-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Everything in the tables here.
    Dangerous,
    /// Nothing; for a proof that the tables are needed.
    Nothing,
}

/// A fresh /proc of this process namespace.
pub(super) fn proc(root: &OwnedFd, scratch: &OwnedFd, cover: Cover) -> Result<(), SysError> {
    let target = at::ensure_directory(root, "/proc")?;
    let proc = mount::new("proc", &[Parameter::Text("source", "proc".to_owned())], SEALED)?;
    mount::attach(&proc, target)?;
    if cover == Cover::Nothing {
        return Ok(());
    }
    for name in PROC_READ_ONLY.iter().filter(|name| at::has(&proc, name)) {
        let part = mount::clone_tree(&proc, name, Extent::Tree)?;
        mount::add_attributes(&part, SEALED.and(Attributes::READ_ONLY), Extent::Tree)?;
        mount::attach_at(&part, &proc, name)?;
    }
    hide(&proc, PROC_HIDDEN_FILES, null)?;
    hide(&proc, PROC_HIDDEN_DIRECTORIES, || nothing(scratch))
}

/// Whole ones besides, which nobody can reach: the kernel gives a fresh /proc or /sys to a user namespace only where a
/// whole one is mounted already. They are mounted in a directory that is covered right after.
pub(super) fn unreachable(root: &OwnedFd, network: Network) -> Result<(), SysError> {
    for (kind, at) in [("proc", "/tmp/proc"), ("sysfs", "/tmp/sys")] {
        if kind == "sysfs" && network == Network::Host {
            continue;
        }
        let target = at::ensure_directory(root, at)?;
        mount::attach(mount::new(kind, &[Parameter::Text("source", kind.to_owned())], SEALED)?, target)?;
    }
    let cover = [Parameter::Text("mode", "1777".to_owned())];
    let cover = mount::new("tmpfs", &cover, Attributes::NO_SUID.and(Attributes::NO_DEVICES))?;
    mount::attach(cover, at::ensure_directory(root, "/tmp")?)
}

/// A fresh /sys of this network namespace. The kernel allows none in the host's, nor where the surrounding container
/// hides parts of its own; then that is shown, with what it hides.
pub(super) fn sys(
    root: &OwnedFd,
    scratch: &OwnedFd,
    (network, cover): (Network, Cover),
) -> Result<(), SysError> {
    let target = at::ensure_directory(root, "/sys")?;
    let read_only = match cover {
        Cover::Dangerous => SEALED.and(Attributes::READ_ONLY),
        Cover::Nothing => SEALED,
    };
    let fresh = || mount::new("sysfs", &[Parameter::Text("source", "sysfs".to_owned())], read_only);
    let shown = || {
        let sys = mount::clone_tree(at::open_directory("/sys")?, "", Extent::Tree)?;
        mount::add_attributes(&sys, read_only, Extent::Tree).map(|()| sys)
    };
    let sys = match network {
        Network::None => match fresh() {
            Err(error) if error.errno() == Some(libc::EPERM) => shown()?,
            fresh => fresh?,
        },
        Network::Host => shown()?,
    };
    mount::attach(&sys, target)?;
    if cover == Cover::Nothing {
        return Ok(());
    }
    hide(&sys, SYS_HIDDEN_DIRECTORIES, || nothing(scratch))
}

/// Covers those of `names` that are there with a mount that `make` makes for the first, and that is copied for the others:
/// a new file system for each would be most of what a sandbox costs.
fn hide(
    parent: impl AsFd,
    names: &[&str],
    make: impl Fn() -> Result<OwnedFd, SysError>,
) -> Result<(), SysError> {
    let mut first: Option<OwnedFd> = None;
    for name in names.iter().filter(|name| at::has(&parent, name)) {
        let cover = match &first {
            Some(first) => mount::clone_tree(first, "", Extent::This)?,
            None => make()?,
        };
        mount::attach_at(&cover, &parent, name)?;
        first.get_or_insert(cover);
    }
    Ok(())
}

/// The host's null device, which is checked to be one.
fn null() -> Result<OwnedFd, SysError> {
    let null = mount::clone_tree(at::open_directory("/dev")?, "null", Extent::This)?;
    if !at::is_null_device(&null)? {
        let wrong = std::io::Error::other("/dev/null is not the null device");
        return Err(SysError::new("fstat", "/dev/null", wrong));
    }
    mount::add_attributes(&null, Attributes::NO_SUID.and(Attributes::NO_EXEC), Extent::This)?;
    Ok(null)
}

/// The empty directory of the scratch file system that covers others.
pub(super) const NOTHING: &str = "nothing";

/// A directory with nothing in it, in which nothing can be made.
fn nothing(scratch: &OwnedFd) -> Result<OwnedFd, SysError> {
    let nothing = mount::clone_tree(scratch, NOTHING, Extent::This)?;
    mount::add_attributes(&nothing, SEALED.and(Attributes::READ_ONLY), Extent::This)?;
    Ok(nothing)
}
