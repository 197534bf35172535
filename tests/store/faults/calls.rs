//! Which calls can fail, and what one call is about.

use std::path::{Path, PathBuf};

/// What a call does for kiln; faults are counted in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Read,
    Write,
    Sync,
    Rename,
    Make,
    Open,
    Change,
    Look,
}

/// Where a call's object is in its arguments.
#[derive(Debug, Clone, Copy)]
enum Object {
    /// An open file.
    Open(usize),
    /// A path.
    Path(usize),
    /// A directory and a path in it; without a path it is the directory itself.
    In(usize, usize),
}

use Object::{In, Open, Path as At};

/// Every call that is watched.
const CALLS: &[(i64, Class, Object)] = &[
    (libc::SYS_read, Class::Read, Open(0)),
    (libc::SYS_pread64, Class::Read, Open(0)),
    (libc::SYS_getdents64, Class::Read, Open(0)),
    (libc::SYS_write, Class::Write, Open(0)),
    (libc::SYS_pwrite64, Class::Write, Open(0)),
    (libc::SYS_writev, Class::Write, Open(0)),
    (libc::SYS_ftruncate, Class::Write, Open(0)),
    (libc::SYS_sendfile, Class::Write, Open(0)),
    (libc::SYS_copy_file_range, Class::Write, Open(2)),
    (libc::SYS_fsync, Class::Sync, Open(0)),
    (libc::SYS_fdatasync, Class::Sync, Open(0)),
    (libc::SYS_syncfs, Class::Sync, Open(0)),
    (libc::SYS_rename, Class::Rename, At(0)),
    (libc::SYS_renameat, Class::Rename, In(0, 1)),
    (libc::SYS_renameat2, Class::Rename, In(0, 1)),
    (libc::SYS_mkdir, Class::Make, At(0)),
    (libc::SYS_mkdirat, Class::Make, In(0, 1)),
    (libc::SYS_mknodat, Class::Make, In(0, 1)),
    (libc::SYS_link, Class::Make, At(1)),
    (libc::SYS_linkat, Class::Make, In(2, 3)),
    (libc::SYS_symlinkat, Class::Make, In(1, 2)),
    (libc::SYS_openat, Class::Open, In(0, 1)),
    (libc::SYS_fchown, Class::Change, Open(0)),
    (libc::SYS_fchmod, Class::Change, Open(0)),
    (libc::SYS_fsetxattr, Class::Change, Open(0)),
    (libc::SYS_fchownat, Class::Change, In(0, 1)),
    (libc::SYS_fchmodat, Class::Change, In(0, 1)),
    (libc::SYS_utimensat, Class::Change, In(0, 1)),
    (libc::SYS_statx, Class::Look, In(0, 1)),
    (libc::SYS_newfstatat, Class::Look, In(0, 1)),
];

/// The numbers of all of them.
pub(super) fn numbers() -> impl Iterator<Item = u32> {
    CALLS.iter().map(|row| row.0 as u32)
}

/// One call that a process makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) process: u32,
    pub(super) number: i64,
    pub(super) arguments: [u64; 6],
}

impl Call {
    /// What it does, and to which file of a store; nothing where it is about something else, or not kiln's.
    pub(super) fn about(&self, store: &Path) -> Option<(Class, PathBuf)> {
        let (_, class, object) = CALLS.iter().find(|row| row.0 == self.number)?;
        let path = match object {
            Open(at) => self.opened(*at)?,
            At(at) => self.below(&self.link("cwd")?, *at)?,
            // A library's look at the size of what it is about to read, which it does without.
            In(_, at)
                if *class == Class::Look && self.text(self.arguments[*at]).is_none_or(|it| it.is_empty()) =>
            {
                return None;
            }
            In(directory, at) => {
                let open = self.arguments[*directory] as i32;
                let base = if open == libc::AT_FDCWD { self.link("cwd") } else { self.opened(*directory) };
                self.below(&base?, *at)?
            }
        };
        let creates = self.number == libc::SYS_openat && self.arguments[2] as i32 & libc::O_CREAT != 0;
        let class = if creates { Class::Make } else { *class };
        (path.starts_with(store) && path != store && self.is_kilns()).then_some((class, path))
    }

    /// Whether kiln itself makes it, and no program of a root.
    fn is_kilns(&self) -> bool {
        let program = self.link("exe").unwrap_or_default();
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name == "kiln" || name.starts_with("memfd:kiln")
    }

    fn link(&self, name: &str) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/{name}", self.process)).ok()
    }

    fn opened(&self, at: usize) -> Option<PathBuf> {
        self.link(&format!("fd/{}", self.arguments[at] as i32))
    }

    fn below(&self, base: &Path, at: usize) -> Option<PathBuf> {
        let address = self.arguments[at];
        if address == 0 {
            return Some(base.to_owned());
        }
        let bytes = self.text(address)?;
        Some(base.join(String::from_utf8_lossy(&bytes).as_ref()))
    }

    /// The text at an address of the process.
    fn text(&self, address: u64) -> Option<Vec<u8>> {
        use std::os::unix::fs::FileExt as _;
        let memory = std::fs::File::open(format!("/proc/{}/mem", self.process)).ok()?;
        let mut bytes = vec![0; 4096];
        // Not across the end of what is mapped: up to the next page at a time.
        let mut length = 0;
        while length < bytes.len() {
            let from = address + length as u64;
            let until = ((from / 4096 + 1) * 4096 - from) as usize;
            let end = (length + until).min(bytes.len());
            let count = memory.read_at(&mut bytes[length..end], from).ok().filter(|count| *count > 0)?;
            if let Some(nul) = bytes[length..length + count].iter().position(|byte| *byte == 0) {
                bytes.truncate(length + nul);
                return Some(bytes);
            }
            length += count;
        }
        None
    }

    /// Does half of what a `read` or `write` asks for; how much that was. Nothing where that cannot be.
    pub(super) fn half(&self) -> Option<i64> {
        use std::io::{Read as _, Write as _};
        use std::os::unix::fs::FileExt as _;
        let size = self.arguments[2] as usize / 2;
        if size == 0 {
            return None;
        }
        let mut memory = std::fs::OpenOptions::new();
        let memory = memory.read(true).write(true).open(format!("/proc/{}/mem", self.process)).ok()?;
        let mut file = super::watch::descriptor(self.process, self.arguments[0] as i32)?;
        let mut bytes = vec![0; size];
        let count = match self.number {
            libc::SYS_read => file.read(&mut bytes).ok()?,
            libc::SYS_pread64 => file.read_at(&mut bytes, self.arguments[3]).ok()?,
            libc::SYS_write | libc::SYS_pwrite64 => {
                memory.read_exact_at(&mut bytes, self.arguments[1]).ok()?;
                match self.number {
                    libc::SYS_write => file.write(&bytes).ok()?,
                    _ => file.write_at(&bytes, self.arguments[3]).ok()?,
                }
            }
            _ => return None,
        };
        if [libc::SYS_read, libc::SYS_pread64].contains(&self.number) {
            memory.write_all_at(&bytes[..count], self.arguments[1]).ok()?;
        }
        Some(count as i64)
    }
}
