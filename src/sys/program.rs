//! This program's own file, shown so that nobody who gets hold of it through /proc can write to it.
//!
//! What runs inside a sandbox under kiln's name is kiln's file on the host. Whoever could open `/proc/1/exe` would
//! hold that file, and its owner could write to it when nobody runs it any more (CVE-2019-5736). So the keeper runs
//! from a mount of its own that shows this one file, read-only: the kernel refuses through it every write and every change,
//! whoever owns the file, and nobody can change the mount, which is in no namespace. It costs no copy. Where such a
//! mount cannot be had, the keeper runs from a sealed copy in memory.

use std::fs::File;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::fs::{MemfdFlags, SealFlags};

use crate::sys::error::quoted;
use crate::sys::mount::{self, Attributes, Extent};
use crate::sys::process::{self, Namespaces};
use crate::sys::{SysError, child, fs, socket};

type Result<T> = std::result::Result<T, SysError>;

const OWN: &str = "/proc/self/exe";

/// Becomes this same program again as `name`, from a file that cannot be written to through it, with an empty
/// environment; comes back only when that fails. Only for a process with one thread.
pub fn become_sealed(name: &str) -> SysError {
    let file = match view().or_else(|_| copy()) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let source = Command::new(&path).arg0(name).env_clear().exec();
    SysError::new("execve", format!("{path} as {name:?}"), source)
}

/// A mount of this program's file alone. Making one takes rights over mounts, so a child makes it, in namespaces that
/// end with it: this process stays in the host's, and the kernel keeps what it made after that from whoever is root
/// in a namespace only.
fn view() -> Result<OwnedFd> {
    let path = fs::read_link(OWN)?;
    let (ours, theirs) = socket::pair()?;
    // Nobody waits for the child: to take its namespaces down takes it longer than everything else here.
    child::forget_children();
    let Some(_) = process::fork()? else {
        let sent = make_view(&path).and_then(|view| socket::send(&theirs, b"view", &[view.as_fd()]));
        process::exit(i32::from(sent.is_err()))
    };
    drop(theirs);
    let received = socket::receive(&ours);
    let view = received?.and_then(|(_, mut descriptors)| descriptors.pop());
    let missing = || SysError::new("open_tree", format!("{path:?}"), std::io::Error::other("no answer"));
    let view = view.ok_or_else(missing)?;
    // The name may lead to another file by now.
    let (own, shown) = (fs::stat(OWN)?, fs::stat(format!("/proc/self/fd/{}", view.as_raw_fd()))?);
    if (own.dev(), own.ino()) == (shown.dev(), shown.ino()) {
        return Ok(view);
    }
    Err(SysError::new("open_tree", format!("{path:?}"), std::io::Error::other("another file")))
}

fn make_view(path: &Path) -> Result<OwnedFd> {
    process::unshare(Namespaces::MOUNT)
        .or_else(|_| process::unshare(Namespaces::USER.and(Namespaces::MOUNT)))?;
    let view = mount::clone_tree(rustix::fs::CWD, path, Extent::This)?;
    let sealed = Attributes::READ_ONLY.and(Attributes::NO_SUID).and(Attributes::NO_DEVICES);
    mount::add_attributes(&view, sealed, Extent::This)?;
    Ok(view)
}

/// A copy in memory that can never be changed.
fn copy() -> Result<OwnedFd> {
    let memory =
        |flags| rustix::fs::memfd_create("kiln", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | flags);
    // Older kernels do not know the flag, and need none.
    let copy = memory(MemfdFlags::EXEC).or_else(|_| memory(MemfdFlags::empty()));
    let mut copy = File::from(copy.map_err(quoted("memfd_create", "kiln"))?);
    std::io::copy(&mut fs::open(OWN)?, &mut copy).map_err(quoted("sendfile", OWN))?;
    let all = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&copy, all).map_err(quoted("fcntl", "F_ADD_SEALS"))?;
    Ok(copy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_and_never_written_to() {
        let copy = File::from(copy().unwrap());
        assert_eq!(copy.metadata().unwrap().len(), std::fs::metadata(OWN).unwrap().len());
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        for result in [std::fs::write(&path, "x"), copy.set_len(0)] {
            assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EPERM));
        }
    }
}
