//! /dev: six nodes of the host's that are harmless to everybody, own terminals, own shared memory.

use std::os::fd::OwnedFd;

use crate::plan::Phase;
use crate::sys::mount::{self, Attributes, Extent, Parameter};
use crate::sys::{SysError, at};

/// The host's nodes that are bound in; a user namespace cannot make nodes.
const NODES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// Links that programs expect.
const LINKS: &[(&str, &str)] = &[
    ("pts/ptmx", "ptmx"),
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
];

/// The directory of the scratch file system that is shown as /dev.
pub(super) const DIRECTORY: &str = "dev";

/// `tty`, the group of terminals in every distribution.
const TTY_GROUP: &str = "5";

/// Mounts /dev with everything in it. A build adds nothing to it, also where its only id owns it.
pub(super) fn mount(root: &OwnedFd, scratch: &OwnedFd, phase: Phase) -> Result<(), SysError> {
    let target = at::ensure_directory(root, "/dev")?;
    let no_programs = Attributes::NO_SUID.and(Attributes::NO_EXEC);
    let dev = mount::clone_tree(scratch, DIRECTORY, Extent::This)?;
    mount::add_attributes(&dev, no_programs, Extent::This)?;
    mount::attach(&dev, target)?;
    let host = at::open_directory("/dev")?;
    for name in NODES {
        let node = mount::clone_tree(&host, name, Extent::This)?;
        mount::add_attributes(&node, no_programs, Extent::This)?;
        drop(at::create(&dev, name, 0o644)?);
        mount::attach_at(&node, &dev, name)?;
    }
    for (target, name) in LINKS {
        at::symlink(target, &dev, name)?;
    }
    at::make_directory(&dev, "pts", 0o755)?;
    mount::attach_at(terminals(no_programs)?, &dev, "pts")?;
    // Programs are allowed here: just-in-time compilers map code from shared memory.
    let shm =
        mount::new("tmpfs", &texts(&[("mode", "1777")]), Attributes::NO_SUID.and(Attributes::NO_DEVICES))?;
    at::make_directory(&dev, "shm", 0o755)?;
    mount::attach_at(shm, &dev, "shm")?;
    match phase {
        Phase::Build => mount::add_attributes(&dev, Attributes::READ_ONLY, Extent::This),
        Phase::Install => Ok(()),
    }
}

/// An own devpts; where the group of terminals is not mapped, without it.
fn terminals(attributes: Attributes) -> Result<OwnedFd, SysError> {
    let mut parameters = texts(&[("ptmxmode", "0666"), ("mode", "0620"), ("gid", TTY_GROUP)]);
    parameters.insert(0, Parameter::Flag("newinstance"));
    match mount::new("devpts", &parameters, attributes) {
        Err(error) if error.errno() == Some(libc::EINVAL) => {
            parameters.pop();
            mount::new("devpts", &parameters, attributes)
        }
        made => made,
    }
}

fn texts<'a>(list: &[(&'a str, &str)]) -> Vec<Parameter<'a>> {
    list.iter().map(|(name, value)| Parameter::Text(name, (*value).to_owned())).collect()
}
