//! The table `posix`: about forty calls, as rpm's copy of an old Lua library has them. Numbers are floating, as there.

use std::ffi::OsStr;
use std::rc::Rc;

use mlua::{BString, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, Table, Value};

use crate::install::lua::answer::{self, Answer, answer, bad, path, select, success, text};
use crate::install::lua::{Shared, accounts, mode, process};
use crate::sys::posix::{self, Status};

/// The table.
pub(super) fn table(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    files(lua, &table)?;
    directories(lua, &table)?;
    identity(lua, &table)?;
    environment(lua, &table)?;
    set(lua, &table, "fork", process::fork)?;
    set(lua, &table, "wait", process::wait)?;
    set(lua, &table, "kill", process::kill)?;
    table.set("exec", process::exec(lua, shared)?)?;
    table.set("redirect2null", process::redirect(lua, shared)?)?;
    table.set("version", "posix library for Lua 5.4 / kiln")?;
    Ok(table)
}

pub(super) fn set<A, R, F>(lua: &Lua, table: &Table, name: &str, function: F) -> mlua::Result<()>
where
    A: FromLuaMulti,
    R: IntoLuaMulti,
    F: Fn(&Lua, A) -> mlua::Result<R> + 'static,
{
    let function: Function = lua.create_function(function)?;
    table.set(name, function)
}

fn files(lua: &Lua, table: &Table) -> mlua::Result<()> {
    set(lua, table, "access", |lua, (name, how): (BString, Option<String>)| {
        let how = how.unwrap_or_else(|| "f".to_owned());
        let mode = how.chars().try_fold(0, |mode, letter| match letter {
            ' ' | 'f' => Ok(mode),
            'r' => Ok(mode | 4),
            'w' => Ok(mode | 2),
            'x' => Ok(mode | 1),
            other => Err(bad(format!("unknown mode option '{other}'"))),
        })?;
        success(lua, posix::access(path(&name), mode), Some(path(&name)))
    })?;
    set(lua, table, "unlink", |lua, name: BString| {
        success(lua, posix::unlink(path(&name)), Some(path(&name)))
    })?;
    set(lua, table, "link", |lua, (old, new): (BString, BString)| {
        success(lua, posix::link(path(&old), path(&new)), None)
    })?;
    set(lua, table, "symlink", |lua, (target, new): (BString, BString)| {
        success(lua, posix::symlink(path(&target), path(&new)), None)
    })?;
    set(lua, table, "readlink", |lua, name: BString| {
        answer(lua, posix::readlink(path(&name)).map(text), Some(path(&name)))
    })?;
    set(lua, table, "mkfifo", |lua, name: BString| {
        success(lua, posix::mkfifo(path(&name)), Some(path(&name)))
    })?;
    set(lua, table, "chmod", |lua, (name, how): (BString, String)| {
        let changed = match posix::stat(path(&name)) {
            Err(error) => Err(error),
            Ok(status) => {
                let mode = mode::apply(status.mode, &how).ok_or_else(|| bad("bad mode"))?;
                posix::chmod(path(&name), mode & 0o7777)
            }
        };
        success(lua, changed, Some(path(&name)))
    })?;
    set(lua, table, "chown", |lua, (name, user, group): (BString, Value, Value)| {
        let uid = accounts::id("/etc/passwd", &user)?;
        let gid = accounts::id("/etc/group", &group)?;
        success(lua, posix::chown(path(&name), uid, gid), Some(path(&name)))
    })?;
    set(lua, table, "utime", |lua, (name, mtime, atime): (BString, Option<f64>, Option<f64>)| {
        let time = |given: Option<f64>| given.map_or_else(posix::now, |seconds| seconds as i64);
        success(lua, posix::utime(path(&name), time(mtime), time(atime)), Some(path(&name)))
    })?;
    set(lua, table, "stat", |lua, (name, selector): (BString, Option<String>)| {
        stat(lua, path(&name), selector)
    })?;
    set(lua, table, "mkstemp", |lua, pattern: BString| make_temporary(lua, &pattern))
}

fn make_temporary(lua: &Lua, pattern: &BString) -> Answer {
    let name = match posix::mkstemp(path(pattern)) {
        Ok(name) => text(name),
        Err(error) => return answer::<f64>(lua, Err(error), Some(path(pattern))),
    };
    let open: Function = lua.globals().get::<Table>("io")?.get("open")?;
    let file: Value = open.call((name.clone(), "a+"))?;
    (name, file).into_lua_multi(lua)
}

const KINDS: &[(u32, &str)] = &[
    (0o100_000, "regular"),
    (0o120_000, "link"),
    (0o040_000, "directory"),
    (0o020_000, "character device"),
    (0o060_000, "block device"),
    (0o010_000, "fifo"),
    (0o140_000, "socket"),
];

const STATUS: [&str; 9] = ["ino", "dev", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime"];

fn stat(lua: &Lua, name: &OsStr, selector: Option<String>) -> Answer {
    let Status { mode, numbers } = match posix::lstat(name) {
        Ok(status) => status,
        Err(error) => return answer::<f64>(lua, Err(error), Some(name)),
    };
    let kind = KINDS.iter().find(|(bits, _)| mode & 0o170_000 == *bits).map_or("?", |row| row.1);
    let mut values = vec![("mode", mode::letters(mode).into_lua(lua)?), ("type", kind.into_lua(lua)?)];
    for (field, number) in STATUS.into_iter().zip(numbers) {
        values.push((field, (number as f64).into_lua(lua)?));
    }
    values.push(("_mode", f64::from(mode).into_lua(lua)?));
    select(lua, selector, values)
}

fn directories(lua: &Lua, table: &Table) -> mlua::Result<()> {
    set(lua, table, "mkdir", |lua, name: BString| {
        success(lua, posix::mkdir(path(&name)), Some(path(&name)))
    })?;
    set(lua, table, "rmdir", |lua, name: BString| {
        success(lua, posix::rmdir(path(&name)), Some(path(&name)))
    })?;
    set(lua, table, "chdir", |lua, name: BString| {
        success(lua, posix::chdir(path(&name)), Some(path(&name)))
    })?;
    set(lua, table, "getcwd", |lua, ()| answer(lua, posix::getcwd().map(text), Some(OsStr::new("."))))?;
    set(lua, table, "dir", |lua, name: Option<BString>| {
        let name = name.unwrap_or_else(|| BString::from("."));
        let names = posix::entries(path(&name)).map(|names| names.into_iter().map(text).collect::<Vec<_>>());
        answer(lua, names, Some(path(&name)))
    })?;
    set(lua, table, "files", |lua, name: Option<BString>| {
        let name = name.unwrap_or_else(|| BString::from("."));
        match posix::entries(path(&name)) {
            Err(error) => answer::<f64>(lua, Err(error), Some(path(&name))),
            Ok(names) => {
                let mut names = names.into_iter().map(text);
                answer::value(lua, lua.create_function_mut(move |_, ()| Ok(names.next()))?)
            }
        }
    })?;
    set(lua, table, "pathconf", |lua, (name, selector): (BString, Option<String>)| {
        const NAMES: [&str; 9] = [
            "link_max",
            "max_canon",
            "max_input",
            "name_max",
            "path_max",
            "pipe_buf",
            "chown_restricted",
            "no_trunc",
            "vdisable",
        ];
        limits(lua, selector, &NAMES, |limit| posix::pathconf(path(&name), limit))
    })
}

/// Limits by name; one that the system does not have is -1.
fn limits(
    lua: &Lua,
    selector: Option<String>,
    names: &[&'static str],
    limit: impl Fn(&str) -> Option<i64>,
) -> Answer {
    let mut values = Vec::new();
    for name in names {
        values.push((*name, (limit(name).unwrap_or(-1) as f64).into_lua(lua)?));
    }
    select(lua, selector, values)
}

fn identity(lua: &Lua, table: &Table) -> mlua::Result<()> {
    set(lua, table, "getprocessid", |lua, selector: Option<String>| {
        let names = ["egid", "euid", "gid", "uid", "pgrp", "pid", "ppid"];
        let values = names.into_iter().zip(posix::ids().map(f64::from));
        let values = values.map(|(name, id)| Ok((name, id.into_lua(lua)?))).collect::<mlua::Result<_>>()?;
        select(lua, selector, values)
    })?;
    set(lua, table, "setuid", |lua, user: Value| {
        let uid = accounts::id("/etc/passwd", &user)?.ok_or_else(|| bad("no such user"))?;
        success(lua, posix::setuid(uid), None)
    })?;
    set(lua, table, "setgid", |lua, group: Value| {
        let gid = accounts::id("/etc/group", &group)?.ok_or_else(|| bad("no such group"))?;
        success(lua, posix::setgid(gid), None)
    })?;
    set(lua, table, "getpasswd", accounts::passwd)?;
    set(lua, table, "getgroup", |lua, wanted: Value| accounts::group(lua, &wanted))?;
    set(lua, table, "getlogin", |_, ()| Ok(Value::Nil))?;
    set(lua, table, "ctermid", |_, ()| Ok("/dev/tty"))?;
    set(lua, table, "ttyname", |_, stream: Option<i32>| {
        Ok(posix::ttyname(stream.unwrap_or(0)).map(|name| BString::from(name.into_bytes())))
    })?;
    set(lua, table, "errno", |lua, ()| answer::failure(lua, "no error is remembered", 0))?;
    set(lua, table, "uname", |_, format: Option<String>| {
        uname(&format.unwrap_or_else(|| "%s %n %r %v %m".to_owned()))
    })?;
    set(lua, table, "times", |lua, selector: Option<String>| {
        // The original divides clock ticks by another unit; what it gives is as small.
        const UNIT: f64 = 1_000_000.0;
        let names = ["utime", "stime", "cutime", "cstime", "elapsed"];
        let values = names.into_iter().zip(posix::times());
        let values = values.map(|(name, time)| Ok((name, (time / UNIT).into_lua(lua)?)));
        select(lua, selector, values.collect::<mlua::Result<_>>()?)
    })?;
    set(lua, table, "sysconf", |lua, selector: Option<String>| {
        const NAMES: [&str; 10] = [
            "arg_max",
            "child_max",
            "clk_tck",
            "ngroups_max",
            "stream_max",
            "tzname_max",
            "open_max",
            "job_control",
            "saved_ids",
            "version",
        ];
        limits(lua, selector, &NAMES, posix::sysconf)
    })
}

fn uname(format: &str) -> mlua::Result<String> {
    let [system, node, release, version, machine] = posix::uname();
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '%' { letters.next() } else { None }) {
            ('%', Some('s')) => text.push_str(&system),
            ('%', Some('n')) => text.push_str(&node),
            ('%', Some('r')) => text.push_str(&release),
            ('%', Some('v')) => text.push_str(&version),
            ('%', Some('m')) => text.push_str(&machine),
            ('%', Some('%')) => text.push('%'),
            ('%', other) => return Err(bad(format!("unknown format option '{}'", other.unwrap_or(' ')))),
            (plain, _) => text.push(plain),
        }
    }
    Ok(text)
}

fn environment(lua: &Lua, table: &Table) -> mlua::Result<()> {
    set(lua, table, "setenv", |_, (name, value, over): (BString, BString, Option<bool>)| {
        if over.unwrap_or(true) || variable(path(&name)).is_none() {
            posix::set_environment(path(&name), Some(path(&value)));
        }
        Ok(0.0)
    })?;
    set(lua, table, "unsetenv", |_, name: BString| {
        posix::set_environment(path(&name), None);
        Ok(())
    })?;
    set(lua, table, "putenv", |_, assignment: String| {
        match assignment.split_once('=') {
            Some((name, value)) => posix::set_environment(OsStr::new(name), Some(OsStr::new(value))),
            None => posix::set_environment(OsStr::new(&assignment), None),
        }
        Ok(0.0)
    })?;
    set(lua, table, "getenv", |lua, name: Option<BString>| {
        if let Some(name) = name {
            return answer::value(lua, variable(path(&name)));
        }
        let all = lua.create_table()?;
        for (name, value) in posix::environment() {
            all.set(text(name), text(value))?;
        }
        answer::value(lua, all)
    })?;
    set(lua, table, "umask", |lua, how: Option<String>| {
        let mask = posix::umask(0);
        posix::umask(mask);
        let mut allowed = !mask & 0o777;
        if let Some(how) = how {
            let Some(new) = mode::apply(allowed, &how) else { return answer::value(lua, Value::Nil) };
            allowed = new & 0o777;
            posix::umask(!allowed & 0o777);
        }
        answer::value(lua, mode::letters(allowed))
    })?;
    set(lua, table, "sleep", |_, seconds: u64| {
        posix::sleep(seconds);
        Ok(0.0)
    })
}

fn variable(name: &OsStr) -> Option<BString> {
    posix::environment().into_iter().find(|(known, _)| known == name).map(|(_, value)| text(value))
}
