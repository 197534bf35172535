//! How rpm's functions answer: a value; or nil, what went wrong, and its number.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use mlua::{BString, IntoLua, Lua, MultiValue, Value};

use crate::sys::{SysError, posix};

/// What a function gives back.
pub(super) type Answer = mlua::Result<MultiValue>;

/// A value.
pub(super) fn value(lua: &Lua, value: impl IntoLua) -> Answer {
    Ok(MultiValue::from_iter([value.into_lua(lua)?]))
}

/// A call's result; a failure is named after `what`, where that says more than the error alone.
pub(super) fn answer<T: IntoLua>(lua: &Lua, result: Result<T, SysError>, what: Option<&OsStr>) -> Answer {
    match result {
        Ok(found) => value(lua, found),
        Err(error) => {
            let message = posix::message(&error);
            let text = match what {
                Some(what) => format!("{}: {message}", what.to_string_lossy()),
                None => message,
            };
            failure(lua, &text, error.errno().unwrap_or(0))
        }
    }
}

/// The result of a call that only succeeds or fails: 0 is success.
pub(super) fn success(lua: &Lua, result: Result<(), SysError>, what: Option<&OsStr>) -> Answer {
    answer(lua, result.map(|()| 0.0), what)
}

/// nil, what went wrong, and its number.
pub(super) fn failure(lua: &Lua, text: &str, number: i32) -> Answer {
    Ok(MultiValue::from_iter([Value::Nil, text.into_lua(lua)?, f64::from(number).into_lua(lua)?]))
}

/// A path as Lua gives it.
pub(super) fn path(text: &BString) -> &OsStr {
    OsStr::from_bytes(text)
}

/// A path for Lua.
pub(super) fn text(path: OsString) -> BString {
    BString::from(path.into_vec())
}

/// A wrong argument.
pub(super) fn bad(text: impl Into<String>) -> mlua::Error {
    mlua::Error::runtime(text.into())
}

/// A table of all named values, or the one that is asked for.
pub(super) fn select(lua: &Lua, wanted: Option<String>, values: Vec<(&str, Value)>) -> Answer {
    let Some(wanted) = wanted else {
        let table = lua.create_table()?;
        for (name, found) in values {
            table.set(name, found)?;
        }
        return value(lua, table);
    };
    let found = values.into_iter().find(|(name, _)| *name == wanted);
    let found = found.ok_or_else(|| bad(format!("invalid option '{wanted}'")))?;
    value(lua, found.1)
}
