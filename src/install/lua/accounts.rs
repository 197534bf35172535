//! Users and groups of the root that the script runs in, as its own files name them.

use mlua::{IntoLua as _, Lua, Value};

use crate::install::accounts::lines;
use crate::install::lua::answer::{self, Answer, bad, select};
use crate::sys::{fs, posix};

/// The line of a user or group: by number, by name.
fn line(file: &str, wanted: &Value) -> mlua::Result<Option<Vec<String>>> {
    let text = fs::read_text(file).ok();
    let by_number = |number: i64| (2, number.to_string());
    let (field, expected) = match wanted {
        Value::Integer(number) => by_number(*number),
        Value::Number(number) => by_number(*number as i64),
        Value::String(name) => (0, name.to_string_lossy()),
        other => return Err(bad(format!("string or number expected, got {}", other.type_name()))),
    };
    let found = lines(text.as_ref()).find(|fields| fields.get(field) == Some(&expected.as_str()));
    Ok(found.map(|fields| fields.into_iter().map(str::to_owned).collect()))
}

/// An id, as a number or a name; nothing leaves it as it is.
pub(super) fn id(file: &str, wanted: &Value) -> mlua::Result<Option<u32>> {
    match wanted {
        Value::Nil => Ok(None),
        Value::Integer(number) => Ok(u32::try_from(*number).ok()),
        Value::Number(number) => Ok(Some(*number as u32)),
        name => Ok(line(file, name)?.and_then(|fields| fields.get(2)?.parse().ok())),
    }
}

/// `posix.getpasswd([name or id], [selector])`
pub(super) fn passwd(lua: &Lua, (wanted, selector): (Value, Option<String>)) -> Answer {
    let wanted = if wanted.is_nil() { Value::Integer(i64::from(posix::ids()[1])) } else { wanted };
    let Some(fields) = line("/etc/passwd", &wanted)? else { return answer::value(lua, Value::Nil) };
    let text = |at: usize| fields.get(at).cloned().unwrap_or_default().into_lua(lua);
    let number =
        |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0).into_lua(lua);
    let values = vec![
        ("name", text(0)?),
        ("uid", number(2)?),
        ("gid", number(3)?),
        ("dir", text(5)?),
        ("shell", text(6)?),
        ("gecos", text(4)?),
        ("passwd", text(1)?),
    ];
    select(lua, selector, values)
}

/// `posix.getgroup(name or id)`: its name and number, and its members as a list.
pub(super) fn group(lua: &Lua, wanted: &Value) -> Answer {
    let Some(fields) = line("/etc/group", wanted)? else { return answer::value(lua, Value::Nil) };
    let table = lua.create_table()?;
    table.set("name", fields[0].clone())?;
    table.set("gid", fields.get(2).and_then(|gid| gid.parse::<f64>().ok()))?;
    let members = fields.get(3).map_or("", String::as_str).split(',').filter(|member| !member.is_empty());
    for member in members {
        table.push(member)?;
    }
    answer::value(lua, table)
}
