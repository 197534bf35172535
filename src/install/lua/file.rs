//! `rpm.open`: a file as rpm's own streams present it. Compressed streams are for packaging and not for scriptlets.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use mlua::{AnyUserData, BString, Lua, MetaMethod, UserData, UserDataMethods, Value};

use crate::install::lua::answer::{bad, path};
use crate::sys::posix;

/// An open file of a script.
#[derive(Debug)]
struct Stream {
    name: String,
    file: Option<File>,
}

impl Stream {
    fn file(&mut self) -> mlua::Result<&mut File> {
        let closed = || bad(format!("{}: the stream is closed", self.name));
        self.file.as_mut().ok_or_else(closed)
    }

    fn read(&mut self, count: Option<i64>) -> mlua::Result<BString> {
        let mut bytes = Vec::new();
        let limit = count.and_then(|count| u64::try_from(count).ok()).unwrap_or(u64::MAX);
        let name = self.name.clone();
        let read = std::io::Read::by_ref(self.file()?).take(limit).read_to_end(&mut bytes);
        read.map_err(|error| bad(format!("error reading {name}: {error}")))?;
        Ok(BString::from(bytes))
    }

    fn write(&mut self, bytes: &[u8], count: Option<usize>) -> mlua::Result<i64> {
        let bytes = &bytes[..count.unwrap_or(bytes.len()).min(bytes.len())];
        let name = self.name.clone();
        self.file()?.write_all(bytes).map_err(|error| bad(format!("error writing {name}: {error}")))?;
        Ok(bytes.len() as i64)
    }

    fn seek(&mut self, whence: &str, offset: i64) -> mlua::Result<i64> {
        let to = match whence {
            "set" => SeekFrom::Start(u64::try_from(offset).unwrap_or(0)),
            "cur" => SeekFrom::Current(offset),
            "end" => SeekFrom::End(offset),
            other => return Err(bad(format!("invalid option '{other}'"))),
        };
        let name = self.name.clone();
        self.file()?.seek(to).map(|at| at as i64).map_err(|_| bad(format!("{name}: seek failed")))
    }
}

impl UserData for Stream {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method_mut("read", |_, this, count: Option<i64>| this.read(count));
        methods.add_method_mut("write", |_, this, (bytes, count): (BString, Option<usize>)| {
            this.write(&bytes, count)
        });
        methods.add_method_mut("seek", |_, this, (whence, offset): (Option<String>, Option<i64>)| {
            this.seek(&whence.unwrap_or_else(|| "cur".to_owned()), offset.unwrap_or(0))
        });
        methods.add_method_mut("flush", |_, this, ()| {
            this.file()?.flush().map(|()| 0).map_err(mlua::Error::external)
        });
        methods.add_method_mut("close", |_, this, ()| {
            this.file = None;
            Ok(0)
        });
        methods.add_function("reopen", |_, (this, mode): (AnyUserData, String)| {
            check(&mode)?;
            Ok(this)
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.name.clone()));
    }
}

/// The letters of a mode, which may be followed by the name of a plain stream.
fn check(mode: &str) -> mlua::Result<&str> {
    let (letters, kind) = mode.split_once('.').unwrap_or((mode, "ufdio"));
    match kind {
        "ufdio" | "fdio" | "fpio" => Ok(letters),
        other => Err(bad(format!("streams of the kind `{other}` are not for scriptlets"))),
    }
}

/// `rpm.open(path, [mode])`
pub(super) fn open(lua: &Lua, (name, mode): (BString, Option<String>)) -> mlua::Result<Value> {
    let mode = mode.unwrap_or_else(|| "r".to_owned());
    let shown = path(&name).to_string_lossy().into_owned();
    let file = posix::open(path(&name), check(&mode)?);
    let file = file.map_err(|error| bad(format!("{shown} open failed: {}", posix::message(&error))))?;
    lua.create_userdata(Stream { name: shown, file: Some(file) }).map(Value::UserData)
}
