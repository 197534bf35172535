//! Programs that a script runs: `rpm.execute`, `rpm.spawn`, and the older `posix.fork` and its kin.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::rc::Rc;

use mlua::{BString, Function, Lua, Table, Variadic};

use crate::install::lua::Shared;
use crate::install::lua::answer::{self, Answer, answer, bad, success};
use crate::sys::posix::{self, Ended};

fn words(words: &[BString]) -> Vec<OsString> {
    words.iter().map(|word| OsString::from_vec(word.to_vec())).collect()
}

fn run(lua: &Lua, arguments: &[OsString], streams: &[Option<OsString>; 3]) -> Answer {
    let (program, rest) = arguments.split_first().ok_or_else(|| bad("command not supplied"))?;
    match posix::run(program, rest, streams) {
        Ok(Ended::Code(0)) => answer::value(lua, 0.0),
        Ok(Ended::Code(code)) => answer::failure(lua, "exit code", code),
        Ok(Ended::Signal(signal)) => answer::failure(lua, "exit signal", signal),
        Err(error) => answer::<f64>(lua, Err(error), None),
    }
}

/// `rpm.execute(program, argument…)`
pub(super) fn execute(lua: &Lua, arguments: &[BString]) -> Answer {
    run(lua, &words(arguments), &[None, None, None])
}

/// `rpm.spawn({program, argument…}, {stdin = path, stdout = path, stderr = path})`
pub(super) fn spawn(lua: &Lua, (command, directives): (Vec<BString>, Option<Table>)) -> Answer {
    let mut streams = [None, None, None];
    for pair in directives.iter().flat_map(Table::pairs::<String, BString>) {
        let (name, path) = pair?;
        let at = ["stdin", "stdout", "stderr"].iter().position(|known| *known == name);
        let at = at.ok_or_else(|| bad(format!("invalid spawn directive: {name}")))?;
        streams[at] = Some(OsString::from_vec(path.to_vec()));
    }
    run(lua, &words(&command), &streams)
}

/// `posix.fork()`: 0 in the copy, the copy's id in the original.
pub(super) fn fork(lua: &Lua, (): ()) -> Answer {
    answer(lua, posix::fork().map(|pid| f64::from(pid.unwrap_or(0))), None)
}

/// `posix.exec(program, argument…)`, in a copy only.
pub(super) fn exec(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Function> {
    let shared = Rc::clone(shared);
    lua.create_function(move |lua, arguments: Variadic<BString>| {
        if !shared.forked() {
            return Err(bad("exec not permitted in this context"));
        }
        let arguments = words(&arguments);
        let (program, rest) = arguments.split_first().ok_or_else(|| bad("command not supplied"))?;
        answer::<f64>(lua, Err(posix::exec(program, rest)), Some(program))
    })
}

/// `posix.wait([pid])`
pub(super) fn wait(lua: &Lua, pid: Option<i32>) -> Answer {
    answer(lua, posix::wait(pid.unwrap_or(-1)).map(f64::from), None)
}

/// `posix.kill(pid, [signal])`
pub(super) fn kill(lua: &Lua, (pid, signal): (i32, Option<i32>)) -> Answer {
    const TERMINATE: i32 = 15;
    success(lua, posix::kill(pid, signal.unwrap_or(TERMINATE)), None)
}

/// `os.exit([code])`, in a copy only.
pub(super) fn exit(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Function> {
    let shared = Rc::clone(shared);
    lua.create_function(move |_, code: Option<i32>| -> mlua::Result<()> {
        if shared.forked() {
            posix::exit(code.unwrap_or(0))
        } else {
            Err(bad("exit not permitted in this context"))
        }
    })
}

/// `posix.redirect2null(stream)`, in a copy only.
pub(super) fn redirect(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Function> {
    let shared = Rc::clone(shared);
    lua.create_function(move |lua, stream: i32| {
        if !shared.forked() {
            return Err(bad("redirect2null not permitted in this context"));
        }
        answer(lua, posix::silence(stream).map(|()| f64::from(stream)), None)
    })
}
