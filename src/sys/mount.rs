//! Mounts, by descriptors: a mount is made or cloned detached, given its attributes, and only then attached, so
//! there is never a moment in which it is visible with the wrong ones.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags,
};

use crate::sys::SysError;
use crate::sys::error::{checked, quoted};

type Result<T> = std::result::Result<T, SysError>;

/// Attributes of one mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes(u32);

impl Attributes {
    /// None.
    pub const NONE: Self = Self(0);
    /// Nothing can be written through it.
    pub const READ_ONLY: Self = Self(0x1);
    /// Set-id bits mean nothing.
    pub const NO_SUID: Self = Self(0x2);
    /// Device nodes are dead.
    pub const NO_DEVICES: Self = Self(0x4);
    /// Nothing can be executed.
    pub const NO_EXEC: Self = Self(0x8);

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One parameter of a file system.
#[derive(Debug, Clone)]
pub enum Parameter<'a> {
    /// A name alone.
    Flag(&'a str),
    /// A name with text.
    Text(&'a str, String),
}

/// Makes a detached mount of a new instance of a file system.
pub fn new(kind: &str, parameters: &[Parameter<'_>], attributes: Attributes) -> Result<OwnedFd> {
    let fs = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)
        .map_err(quoted("fsopen", format_args!("{kind:?}")))?;
    for parameter in parameters {
        let quote = |error| SysError::new("fsconfig", format!("{kind}, {parameter:?}"), error);
        match parameter {
            Parameter::Flag(name) => rustix::mount::fsconfig_set_flag(&fs, *name).map_err(quote)?,
            Parameter::Text(name, value) => {
                rustix::mount::fsconfig_set_string(&fs, *name, value.as_str()).map_err(quote)?;
            }
        }
    }
    rustix::mount::fsconfig_create(&fs).map_err(quoted("fsconfig", format_args!("{kind}, CMD_CREATE")))?;
    let flags = MountAttrFlags::from_bits_retain(attributes.0);
    rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, flags)
        .map_err(quoted("fsmount", format_args!("{kind}, {:#x}", attributes.0)))
}

/// The same with the old `mount(2)`, which takes all parameters as one text of up to a page. It mounts at a path, so
/// `scratch` is a directory that has room for one.
pub fn new_by_text(
    (kind, source): (&str, &str),
    parameters: &[Parameter<'_>],
    attributes: Attributes,
    scratch: &OwnedFd,
) -> Result<OwnedFd> {
    const PLACE: &str = "mount";
    let words = parameters.iter().map(|parameter| match parameter {
        Parameter::Flag(name) => (*name).to_owned(),
        Parameter::Text(name, value) => format!("{name}={value}"),
    });
    let text = words.collect::<Vec<_>>().join(",");
    let quote = |call| quoted(call, format!("{kind}, {text}"));
    let data = std::ffi::CString::new(text.clone())
        .map_err(|_| SysError::new("mount", text.clone(), std::io::Error::from_raw_os_error(libc::EINVAL)))?;
    let path = format!("/proc/self/fd/{}/{PLACE}", scratch.as_raw_fd());
    crate::sys::at::ensure_directory(scratch, PLACE)?;
    let flags = rustix::mount::MountFlags::from_bits_retain(attributes.0);
    rustix::mount::mount(source, &path, kind, flags, Some(data.as_c_str())).map_err(quote("mount"))?;
    let detached = clone_tree(scratch, PLACE, Extent::This);
    rustix::mount::unmount(&path, UnmountFlags::DETACH).map_err(quote("umount2"))?;
    detached
}

/// How much of a tree of mounts an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// One mount.
    This,
    /// The mount and all below it.
    Tree,
}

/// A detached copy of the mount tree at `path` below `directory`; an empty path is the descriptor itself.
pub fn clone_tree(directory: impl AsFd, path: impl AsRef<Path>, extent: Extent) -> Result<OwnedFd> {
    let path = path.as_ref();
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_NO_AUTOMOUNT
        | OpenTreeFlags::AT_EMPTY_PATH;
    if extent == Extent::Tree {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(directory, path, flags).map_err(quoted("open_tree", format_args!("{path:?}")))
}

/// Adds attributes to a mount.
pub fn add_attributes(mount: impl AsFd, attributes: Attributes, extent: Extent) -> Result<()> {
    // `struct mount_attr`: what to set, what to clear, propagation, user namespace.
    let arguments = [u64::from(attributes.0), 0, 0, 0];
    let flags = match extent {
        Extent::This => libc::AT_EMPTY_PATH,
        Extent::Tree => libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
    };
    #[expect(unsafe_code, reason = "mount_setattr has no wrapper")]
    // SAFETY: the path is an empty C string and the structure has its stated size.
    let result = unsafe {
        let size = size_of_val(&arguments);
        let fd = mount.as_fd().as_raw_fd();
        libc::syscall(libc::SYS_mount_setattr, fd, c"".as_ptr(), flags, arguments.as_ptr(), size)
    };
    checked("mount_setattr", format_args!("{:#x}, {extent:?}", attributes.0), result).map(drop)
}

/// Attaches a detached mount on what `target` is open on.
pub fn attach(mount: impl AsFd, target: impl AsFd) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, "", target, "", flags).map_err(quoted("move_mount", ""))
}

/// Attaches a detached mount at a name in `directory`, whose names nobody else decides: a file system of the kernel's or
/// one that was just made.
pub fn attach_at(mount: impl AsFd, directory: impl AsFd, name: &str) -> Result<()> {
    rustix::mount::move_mount(mount, "", directory, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .map_err(quoted("move_mount", format_args!("{name:?}")))
}

/// Stops mounts from being told to, and by, other namespaces.
#[derive(Debug, Clone, Copy)]
pub enum Propagation {
    /// Neither way.
    Private,
    /// Only inwards.
    Inwards,
}

/// Sets the propagation of every mount of this namespace.
pub fn set_propagation(propagation: Propagation) -> Result<()> {
    let flags = match propagation {
        Propagation::Private => MountPropagationFlags::PRIVATE,
        Propagation::Inwards => MountPropagationFlags::DOWNSTREAM,
    };
    rustix::mount::mount_change("/", flags | MountPropagationFlags::REC)
        .map_err(quoted("mount", format_args!("/, MS_REC, {propagation:?}")))
}

/// Makes the mount that is open as `root` the root of this mount namespace, and forgets the old one.
pub fn enter(root: impl AsFd) -> Result<()> {
    rustix::process::fchdir(root).map_err(quoted("fchdir", "the new root"))?;
    rustix::process::pivot_root(".", ".").map_err(quoted("pivot_root", "., ."))?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).map_err(quoted("umount2", "., MNT_DETACH"))?;
    rustix::process::chdir("/").map_err(quoted("chdir", "/"))
}
