//! The calls behind the `posix` table of Lua scriptlets, for the process itself: its own ids, files by path, children.
//! Only for a process that does nothing but run one script.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::fs::{self, Access, AtFlags, CWD, FileType, Gid, Mode, Timespec, Timestamps, Uid};

use crate::sys::SysError;

type Result<T> = std::result::Result<T, SysError>;

fn quoted<T>(result: rustix::io::Result<T>, call: &'static str, name: &OsStr) -> Result<T> {
    result.map_err(|source| SysError::new(call, format!("{name:?}"), io::Error::from(source)))
}

fn called<T>(result: rustix::io::Result<T>, call: &'static str, args: &str) -> Result<T> {
    result.map_err(|source| SysError::new(call, args, io::Error::from(source)))
}

/// What an error number means, without the number.
pub fn message(error: &SysError) -> String {
    let text = error.source.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Whether a path may be read (4), written (2) or executed (1); 0 asks whether it is there.
pub fn access(path: &OsStr, mode: u32) -> Result<()> {
    quoted(fs::access(path, Access::from_bits_truncate(mode)), "access", path)
}

/// Enters a directory.
pub fn chdir(path: &OsStr) -> Result<()> {
    quoted(rustix::process::chdir(path), "chdir", path)
}

/// The working directory.
pub fn getcwd() -> Result<OsString> {
    let path = called(rustix::process::getcwd(Vec::new()), "getcwd", "")?;
    Ok(OsString::from_vec(path.into_bytes()))
}

/// Makes a directory, mode 0777 less the umask.
pub fn mkdir(path: &OsStr) -> Result<()> {
    quoted(fs::mkdir(path, Mode::from_raw_mode(0o777)), "mkdir", path)
}

/// Removes an empty directory.
pub fn rmdir(path: &OsStr) -> Result<()> {
    quoted(fs::rmdir(path), "rmdir", path)
}

/// Removes a file.
pub fn unlink(path: &OsStr) -> Result<()> {
    quoted(fs::unlink(path), "unlink", path)
}

/// Gives a file a second name.
pub fn link(old: &OsStr, new: &OsStr) -> Result<()> {
    quoted(fs::linkat(CWD, old, CWD, new, AtFlags::empty()), "link", new)
}

/// Makes a symbolic link.
pub fn symlink(target: &OsStr, path: &OsStr) -> Result<()> {
    quoted(fs::symlink(target, path), "symlink", path)
}

/// A link's target.
pub fn readlink(path: &OsStr) -> Result<OsString> {
    let target = quoted(fs::readlink(path, Vec::new()), "readlink", path)?;
    Ok(OsString::from_vec(target.into_bytes()))
}

/// Makes a named pipe.
pub fn mkfifo(path: &OsStr) -> Result<()> {
    quoted(fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o777), 0), "mkfifo", path)
}

/// Sets permission bits, through a link.
pub fn chmod(path: &OsStr, mode: u32) -> Result<()> {
    quoted(fs::chmod(path, Mode::from_raw_mode(mode)), "chmod", path)
}

/// Gives a file an owner, through a link; `None` leaves one as it is.
pub fn chown(path: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    quoted(fs::chownat(CWD, path, uid, gid, AtFlags::empty()), "chown", path)
}

/// Sets the times of a file in seconds, through a link.
pub fn utime(path: &OsStr, mtime: i64, atime: i64) -> Result<()> {
    let time = |tv_sec| Timespec { tv_sec, tv_nsec: 0 };
    let times = Timestamps { last_access: time(atime), last_modification: time(mtime) };
    quoted(fs::utimensat(CWD, path, &times, AtFlags::empty()), "utime", path)
}

/// What `lstat` or `stat` say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Type and permission bits.
    pub mode: u32,
    /// Inode, device, names, owner, group, size, and the times of access, content and inode.
    pub numbers: [i64; 9],
}

/// What a file is; a link is not followed.
pub fn lstat(path: &OsStr) -> Result<Status> {
    quoted(fs::lstat(path), "lstat", path).map(|stat| status(&stat))
}

/// What a file is, through a link.
pub fn stat(path: &OsStr) -> Result<Status> {
    quoted(fs::stat(path), "stat", path).map(|stat| status(&stat))
}

fn status(stat: &fs::Stat) -> Status {
    let numbers = [
        stat.st_ino as i64,
        stat.st_dev as i64,
        stat.st_nlink as i64,
        i64::from(stat.st_uid),
        i64::from(stat.st_gid),
        stat.st_size,
        stat.st_atime,
        stat.st_mtime,
        stat.st_ctime,
    ];
    Status { mode: stat.st_mode, numbers }
}

/// The names in a directory, `.` and `..` among them.
pub fn entries(path: &OsStr) -> Result<Vec<OsString>> {
    let list =
        std::fs::read_dir(path).map_err(|source| SysError::new("opendir", format!("{path:?}"), source))?;
    let mut names = vec![OsString::from("."), OsString::from("..")];
    for entry in list {
        names
            .push(entry.map_err(|source| SysError::new("readdir", format!("{path:?}"), source))?.file_name());
    }
    names[2..].sort_unstable();
    Ok(names)
}

/// Makes a file with a name that nobody has, mode 0600: the last six letters of the pattern are replaced.
pub fn mkstemp(pattern: &OsStr) -> Result<OsString> {
    nix::unistd::mkstemp(pattern)
        .map(|(_, path)| path.into_os_string())
        .map_err(|source| SysError::new("mkstemp", format!("{pattern:?}"), io::Error::from(source)))
}

/// Sets the file mode mask and says what it was.
pub fn umask(mask: u32) -> u32 {
    rustix::process::umask(Mode::from_raw_mode(mask)).as_raw_mode()
}

/// Effective and real ids, process group, process and parent: egid, euid, gid, uid, pgrp, pid, ppid.
pub fn ids() -> [u32; 7] {
    use rustix::process::{getegid, geteuid, getgid, getpgrp, getpid, getppid, getuid};
    let pid = |pid: rustix::process::Pid| pid.as_raw_nonzero().get() as u32;
    [
        getegid().as_raw(),
        geteuid().as_raw(),
        getgid().as_raw(),
        getuid().as_raw(),
        pid(getpgrp()),
        pid(getpid()),
        getppid().map_or(0, pid),
    ]
}

/// Becomes another user.
pub fn setuid(uid: u32) -> Result<()> {
    nix::unistd::setuid(uid.into())
        .map_err(|source| SysError::new("setuid", uid.to_string(), io::Error::from(source)))
}

/// Becomes another group.
pub fn setgid(gid: u32) -> Result<()> {
    nix::unistd::setgid(gid.into())
        .map_err(|source| SysError::new("setgid", gid.to_string(), io::Error::from(source)))
}

/// System, host, release, version, machine.
pub fn uname() -> [String; 5] {
    let name = rustix::system::uname();
    let text = |part: &CStr| part.to_string_lossy().into_owned();
    [name.sysname(), name.nodename(), name.release(), name.version(), name.machine()].map(text)
}

/// Processor time of this process and of its children, user and system each, and the time since the machine started, in
/// clock ticks.
pub fn times() -> [f64; 5] {
    let usage = |who| nix::sys::resource::getrusage(who).ok();
    let ticks =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 100.0 + (time.tv_usec() / 10_000) as f64;
    let pair =
        |who| usage(who).map_or((0.0, 0.0), |usage| (ticks(usage.user_time()), ticks(usage.system_time())));
    let own = pair(nix::sys::resource::UsageWho::RUSAGE_SELF);
    let children = pair(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    [own.0, own.1, children.0, children.1, now.tv_sec as f64 * 100.0]
}

/// A limit of a file system, by its name in Lua; nothing where there is none.
pub fn pathconf(path: &OsStr, name: &str) -> Option<i64> {
    use nix::unistd::PathconfVar as Var;
    let variable = match name {
        "link_max" => Var::LINK_MAX,
        "max_canon" => Var::MAX_CANON,
        "max_input" => Var::MAX_INPUT,
        "name_max" => Var::NAME_MAX,
        "path_max" => Var::PATH_MAX,
        "pipe_buf" => Var::PIPE_BUF,
        "chown_restricted" => Var::_POSIX_CHOWN_RESTRICTED,
        "no_trunc" => Var::_POSIX_NO_TRUNC,
        _ => Var::_POSIX_VDISABLE,
    };
    nix::unistd::pathconf(path, variable).ok().flatten()
}

/// A limit of the system, by its name in Lua; nothing where there is none.
pub fn sysconf(name: &str) -> Option<i64> {
    use nix::unistd::SysconfVar as Var;
    let variable = match name {
        "arg_max" => Var::ARG_MAX,
        "child_max" => Var::CHILD_MAX,
        "clk_tck" => Var::CLK_TCK,
        "ngroups_max" => Var::NGROUPS_MAX,
        "stream_max" => Var::STREAM_MAX,
        "tzname_max" => Var::TZNAME_MAX,
        "open_max" => Var::OPEN_MAX,
        "job_control" => Var::_POSIX_JOB_CONTROL,
        "saved_ids" => Var::_POSIX_SAVED_IDS,
        _ => Var::_POSIX_VERSION,
    };
    nix::unistd::sysconf(variable).ok().flatten()
}

/// Changes the process's environment: `None` removes.
pub fn set_environment(name: &OsStr, value: Option<&OsStr>) {
    let bytes = name.as_bytes();
    if bytes.is_empty()
        || bytes.contains(&b'=')
        || bytes.contains(&0)
        || value.is_some_and(|v| v.as_bytes().contains(&0))
    {
        return;
    }
    #[expect(unsafe_code, reason = "the environment belongs to the script, and the process has one thread")]
    // SAFETY: the process that runs a script has no other thread that could read the environment meanwhile.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}

/// The process's environment.
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// Copies the process. The copy gets `None`, the original the copy's id.
pub fn fork() -> Result<Option<i32>> {
    #[expect(unsafe_code, reason = "posix.fork() of a script")]
    // SAFETY: the process that runs a script has one thread, so the copy may do whatever the original may.
    let forked = unsafe { nix::unistd::fork() };
    match forked {
        Ok(nix::unistd::ForkResult::Child) => Ok(None),
        Ok(nix::unistd::ForkResult::Parent { child }) => Ok(Some(child.as_raw())),
        Err(source) => Err(SysError::new("fork", "", io::Error::from(source))),
    }
}

/// Becomes another program, looked up in `PATH`; comes back only when that fails.
pub fn exec(program: &OsStr, arguments: &[OsString]) -> SysError {
    let source = Command::new(program).args(arguments).exec();
    SysError::new("execvp", format!("{program:?}"), source)
}

/// Waits for a child, or for any with -1; says which one ended.
pub fn wait(pid: i32) -> Result<i32> {
    let pid = nix::unistd::Pid::from_raw(pid);
    match nix::sys::wait::waitpid(pid, None) {
        Ok(status) => Ok(status.pid().map_or(-1, nix::unistd::Pid::as_raw)),
        Err(source) => Err(SysError::new("waitpid", pid.to_string(), io::Error::from(source))),
    }
}

/// Sends a signal.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    let wrong = |source: nix::errno::Errno| {
        SysError::new("kill", format!("{pid}, {signal}"), io::Error::from(source))
    };
    let signal =
        if signal == 0 { None } else { Some(nix::sys::signal::Signal::try_from(signal).map_err(wrong)?) };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).map_err(wrong)
}

/// Ends the process at once, with nothing written or cleaned up.
pub fn exit(code: i32) -> ! {
    #[expect(unsafe_code, reason = "a forked script ends without the original's clean-up")]
    // SAFETY: `_exit` takes a number and does not return.
    unsafe {
        nix::libc::_exit(code)
    }
}

/// Makes a standard stream of this process write nowhere.
pub fn silence(stream: i32) -> Result<()> {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null");
    let null = null.map_err(|source| SysError::new("open", "\"/dev/null\"", source))?;
    let done = match stream {
        1 => rustix::stdio::dup2_stdout(&null),
        2 => rustix::stdio::dup2_stderr(&null),
        _ => Err(rustix::io::Errno::BADF),
    };
    called(done, "dup2", &stream.to_string())
}

/// Writes to standard output (1) or standard error (2).
pub fn write(stream: i32, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let written = if stream == 1 {
            rustix::io::write(rustix::stdio::stdout(), bytes)
        } else {
            rustix::io::write(rustix::stdio::stderr(), bytes)
        };
        match written {
            Err(rustix::io::Errno::INTR) => {}
            done => bytes = &bytes[called(done, "write", &stream.to_string())?..],
        }
    }
    Ok(())
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It returned this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// Runs a program, looked up in `PATH`, to its end. The three streams may be files: the first is read, the others are
/// appended to.
pub fn run(program: &OsStr, arguments: &[OsString], streams: &[Option<OsString>; 3]) -> Result<Ended> {
    use std::os::unix::process::ExitStatusExt as _;
    let mut command = Command::new(program);
    command.args(arguments);
    for (number, path) in streams.iter().enumerate() {
        let Some(path) = path else { continue };
        let mut options = std::fs::OpenOptions::new();
        let options = if number == 0 { options.read(true) } else { options.append(true).create(true) };
        let file = options.open(path).map_err(|source| SysError::new("open", format!("{path:?}"), source))?;
        match number {
            0 => command.stdin(Stdio::from(file)),
            1 => command.stdout(Stdio::from(file)),
            _ => command.stderr(Stdio::from(file)),
        };
    }
    let status =
        command.status().map_err(|source| SysError::new("posix_spawnp", format!("{program:?}"), source))?;
    Ok(status.signal().map_or_else(|| Ended::Code(status.code().unwrap_or(-1)), Ended::Signal))
}

/// Waits for some seconds.
pub fn sleep(seconds: u64) {
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}

/// Seconds since 1970.
pub fn now() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec
}

/// The name of the terminal on a descriptor.
pub fn ttyname(stream: i32) -> Option<CString> {
    let name = match stream {
        0 => rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new()),
        1 => rustix::termios::ttyname(rustix::stdio::stdout(), Vec::new()),
        2 => rustix::termios::ttyname(rustix::stdio::stderr(), Vec::new()),
        _ => return None,
    };
    name.ok()
}

/// Opens a file as `fopen` does, by letters: `r`, `w`, `a`, and `+` for both ways.
pub fn open(path: &OsStr, letters: &str) -> Result<std::fs::File> {
    let both = letters.contains('+');
    let mut options = std::fs::OpenOptions::new();
    match letters.chars().next() {
        Some('w') => options.write(true).create(true).truncate(true).read(both),
        Some('a') => options.append(true).create(true).read(both),
        _ => options.read(true).write(both),
    };
    options.open(path).map_err(|source| SysError::new("open", format!("{path:?}, {letters:?}"), source))
}
