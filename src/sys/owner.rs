//! Who owns a file, and the rest of what an inode says besides its content.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

/// A user id and a group id, as the host sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Owner {
    /// This process's own ids.
    pub fn current() -> Self {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        Self { uid: uid.as_raw(), gid: gid.as_raw() }
    }

    fn raw(self) -> (Option<rustix::fs::Uid>, Option<rustix::fs::Gid>) {
        (Some(rustix::fs::Uid::from_raw(self.uid)), Some(rustix::fs::Gid::from_raw(self.gid)))
    }
}

/// Gives a file or directory to an owner; a symbolic link itself, not what it leads to.
pub fn chown(path: impl AsRef<Path>, owner: Owner) -> Result<()> {
    let path = path.as_ref();
    let (uid, gid) = owner.raw();
    rustix::fs::chownat(rustix::fs::CWD, path, uid, gid, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).map_err(
        |source| {
            SysError::new(
                "fchownat",
                format!("{path:?}, {}, {}", owner.uid, owner.gid),
                io::Error::from(source),
            )
        },
    )
}

/// Sets a file's permission bits.
pub fn chmod(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|source| SysError::new("chmod", format!("{path:?}, {mode:04o}"), source))
}

/// Finishes a file that was just written under a name: owner (where it is to be another's), mode, time. In this order,
/// because a change of owner clears setuid.
pub fn finish((name, file): (&str, &File), owner: Option<Owner>, mode: u32, mtime: u32) -> Result<()> {
    let quoted = |call, source| SysError::new(call, format!("{name:?}, {mode:04o}, {mtime}"), source);
    if let Some(owner) = owner {
        let (uid, gid) = owner.raw();
        rustix::fs::fchown(file, uid, gid).map_err(|source| quoted("fchown", io::Error::from(source)))?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(|source| quoted("fchmod", source))?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(mtime));
    file.set_times(std::fs::FileTimes::new().set_modified(time).set_accessed(time))
        .map_err(|source| quoted("futimens", source))
}
