//! Lua scriptlets: rpm runs them itself, so kiln does too: an embedded Lua 5.4 with rpm's own functions, as the only
//! program of a sandbox. A root that has nothing yet, not even a shell, can run its `%pretrans` this way.
//!
//! What a script sees of rpm are the tables `rpm` (`rpmio/rpmlua.cc`), `posix` (`rpmio/lposix.cc`) and `macros`. Functions that
//! make no sense in a scriptlet say so when they are called.

mod accounts;
mod answer;
mod file;
mod glob;
mod mode;
mod posix;
mod process;
mod quote;
mod rename;
mod rpm;
#[cfg(test)]
mod tests;
mod version;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::rc::Rc;

use mlua::{BString, Lua, Table, Value, Variadic};

use crate::install::macros::{MacroFiles, Macros};
use crate::sys::{self, fs};

/// The job's name.
pub(super) const JOB: &str = "install-lua";

/// A script and what it is given.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Chunk {
    /// What errors call it.
    pub(super) name: String,
    /// Its text.
    pub(super) body: String,
    /// `arg[2]` and `arg[3]`.
    pub(super) args: Vec<u32>,
    /// What `rpm.next_file()` gives; other scripts do not have the function.
    pub(super) paths: Option<Vec<String>>,
    /// `RPM_INSTALL_PREFIX`.
    pub(super) prefixes: Vec<String>,
    /// The version of rpm that built the package.
    pub(super) rpm_version: String,
    /// The whole environment.
    pub(super) environment: BTreeMap<String, String>,
}

/// What the functions share.
#[derive(Debug, Default)]
struct Shared {
    /// The process that runs the script; a copy of it is a forked one.
    original: u32,
    macros: RefCell<Option<Macros>>,
}

impl Shared {
    fn forked(&self) -> bool {
        sys::process::pid() != self.original
    }

    /// The root's macros, read when they are first asked for.
    fn macros<T>(&self, work: impl FnOnce(&mut Macros) -> T) -> T {
        let mut macros = self.macros.borrow_mut();
        let load = || {
            let Ok(macros) = Macros::load(&sys::posix::uname()[4], &OwnRoot);
            macros
        };
        work(macros.get_or_insert_with(load))
    }
}

/// The files of the root that this process is in. What cannot be read defines nothing, as in rpm itself.
struct OwnRoot;

impl MacroFiles for OwnRoot {
    type Error = std::convert::Infallible;

    fn below(&self, directory: &str) -> Result<Vec<String>, Self::Error> {
        let mut paths = Vec::new();
        for name in fs::list(directory).unwrap_or_default() {
            let path = format!("{directory}/{}", name.to_string_lossy());
            match sys::posix::stat(OsStr::new(&path)).map(|status| status.mode & 0o170_000) {
                Ok(0o040_000) => paths.extend(self.below(&path)?),
                Ok(0o100_000) => paths.push(path),
                _ => {}
            }
        }
        Ok(paths)
    }

    fn read(&self, path: &str) -> Result<Option<String>, Self::Error> {
        Ok(fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// The job: runs a [`Chunk`] in the root that this process is in.
pub(super) fn lua(input: &str) -> Result<String, String> {
    let chunk: Chunk = serde_json::from_str(input).map_err(|error| error.to_string())?;
    for (name, _) in sys::posix::environment() {
        sys::posix::set_environment(&name, None);
    }
    for (name, value) in &chunk.environment {
        sys::posix::set_environment(OsStr::new(name), Some(OsStr::new(value)));
    }
    let shared = Rc::new(Shared { original: sys::process::pid(), macros: RefCell::default() });
    let result = run(&chunk, &shared).map_err(|error| format!("lua script failed: {error}\n"));
    if shared.forked() {
        let text = result.err().unwrap_or_else(|| "warning: runaway fork() in a Lua script\n".to_owned());
        let _ = sys::posix::write(2, text.as_bytes());
        sys::posix::exit(1);
    }
    result.map(|()| String::new())
}

fn run(chunk: &Chunk, shared: &Rc<Shared>) -> mlua::Result<()> {
    let lua = state(chunk, shared)?;
    let arguments = lua.create_table()?;
    arguments.push("<lua>")?;
    for number in &chunk.args {
        arguments.push(*number)?;
    }
    let text = format!("local opt, arg = ...;{}", chunk.body);
    let script = lua.load(text).set_name(format!("={}", chunk.name)).set_mode(mlua::chunk::ChunkMode::Text);
    script.call::<()>((lua.create_table()?, arguments))
}

/// Lua with everything that a script finds there.
fn state(chunk: &Chunk, shared: &Rc<Shared>) -> mlua::Result<Lua> {
    let lua = Lua::new();
    let globals = lua.globals();
    globals.set("posix", posix::table(&lua, shared)?)?;
    globals.set("rpm", rpm::table(&lua, shared)?)?;
    globals.set("macros", rpm::macros(&lua, shared)?)?;
    globals.set("print", lua.create_function(print)?)?;
    let os = globals.get::<Table>("os")?;
    os.set("exit", process::exit(&lua, shared)?)?;
    os.set("rename", lua.create_function(rename::rename)?)?;
    globals.get::<Table>("package")?.set("path", "/usr/lib/rpm/lua/?.lua")?;
    // Both write to the same stream, and neither may keep what the other has not written yet.
    lua.load("io.stdout:setvbuf('no') io.stderr:setvbuf('no')").exec()?;
    if !chunk.prefixes.is_empty() {
        globals.set("RPM_INSTALL_PREFIX", chunk.prefixes.clone())?;
    }
    if let Some(paths) = &chunk.paths {
        let mut paths = paths.clone().into_iter();
        let next = lua.create_function_mut(move |_, ()| Ok(paths.next()))?;
        globals.get::<Table>("rpm")?.set("next_file", next)?;
    }
    Ok(lua)
}

/// `print`, which in rpm separates with tabulators and writes at once.
fn print(lua: &Lua, values: Variadic<Value>) -> mlua::Result<()> {
    let mut line: Vec<u8> = Vec::new();
    let to_string = lua.globals().get::<mlua::Function>("tostring")?;
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            line.push(b'\t');
        }
        line.extend_from_slice(&to_string.call::<BString>(value)?);
    }
    line.push(b'\n');
    sys::posix::write(1, &line).map_err(mlua::Error::external)
}
