//! The tables `rpm` and `macros`.

use std::rc::Rc;

use mlua::{BString, Function, Lua, MultiValue, Table, Value, Variadic};

use crate::install::base64;
use crate::install::lua::answer::bad;
use crate::install::lua::posix::set;
use crate::install::lua::{Shared, file, glob, process, quote, version};

/// `rpm`
pub(super) fn table(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    set(lua, &table, "execute", |lua, arguments: Variadic<BString>| process::execute(lua, &arguments))?;
    set(lua, &table, "spawn", process::spawn)?;
    table.set("redirect2null", process::redirect(lua, shared)?)?;
    set(lua, &table, "ver", |lua, parts: Variadic<Option<String>>| version::new(lua, &parts))?;
    set(lua, &table, "vercmp", version::compare)?;
    set(lua, &table, "open", file::open)?;
    set(lua, &table, "splitargs", |_, text: String| Ok(quote::split(&text)))?;
    set(lua, &table, "unsplitargs", |_, words: Vec<String>| Ok(quote::join(&words)))?;
    set(lua, &table, "glob", |_, (pattern, flags): (String, Option<String>)| {
        let found = glob::glob(&pattern);
        let keep = found.is_empty() && flags.is_some_and(|flags| flags.contains('c'));
        Ok(if keep { vec![pattern] } else { found })
    })?;
    set(lua, &table, "b64encode", |_, bytes: BString| Ok(base64::encode(&bytes)))?;
    set(lua, &table, "b64decode", |_, text: BString| Ok(base64::decode(&text).map(BString::from)))?;
    for name in ["interactive", "load", "undefine"] {
        let refuse = lua.create_function(move |_, _: MultiValue| -> mlua::Result<()> {
            Err(bad(format!("rpm.{name}() is not for scriptlets")))
        })?;
        table.set(name, refuse)?;
    }
    hooks(lua, &table)?;
    definitions(lua, &table, shared)?;
    Ok(table)
}

fn definitions(lua: &Lua, table: &Table, shared: &Rc<Shared>) -> mlua::Result<()> {
    let macros = Rc::clone(shared);
    set(lua, table, "expand", move |_, text: String| expand(&macros, &text))?;
    let macros = Rc::clone(shared);
    set(lua, table, "isdefined", move |_, name: String| {
        Ok((
            macros.macros(|macros| macros.is_defined(&name)),
            macros.macros(|macros| macros.is_parametric(&name)),
        ))
    })?;
    let macros = Rc::clone(shared);
    set(lua, table, "define", move |_, definition: String| {
        let text = definition.trim_start();
        let (name, body) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain {
            return Err(bad(format!("macros with parameters are not for scriptlets: {name}")));
        }
        macros.macros(|macros| macros.define(name, body.trim_start()));
        Ok(())
    })
}

fn expand(shared: &Shared, text: &str) -> mlua::Result<String> {
    shared
        .macros(|macros| macros.expand(text))
        .map_err(|error| bad(format!("error expanding macro: {error}")))
}

/// `rpm.register`, `rpm.unregister`, `rpm.call`: functions by the name of an event. rpm itself has no event left.
fn hooks(lua: &Lua, table: &Table) -> mlua::Result<()> {
    let registered = lua.create_table()?;
    let to = registered.clone();
    set(lua, table, "register", move |_, (name, function): (String, Function)| {
        to.set(name, function.clone())?;
        Ok(function)
    })?;
    let from = registered.clone();
    set(lua, table, "unregister", move |_, (name, _): (String, Value)| from.set(name, Value::Nil))?;
    set(lua, table, "call", move |_, (name, arguments): (String, MultiValue)| {
        match registered.get::<Option<Function>>(name)? {
            Some(function) => function.call::<MultiValue>(arguments),
            None => Ok(MultiValue::new()),
        }
    })
}

/// `macros`: `macros.name` is the macro's value, an assignment defines it.
pub(super) fn macros(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Table> {
    let (table, behaviour) = (lua.create_table()?, lua.create_table()?);
    let macros = Rc::clone(shared);
    set(lua, &behaviour, "__index", move |_, (_, name): (Table, String)| {
        if macros.macros(|macros| macros.is_defined(&name)) {
            expand(&macros, &format!("%{{{name}}}")).map(Some)
        } else {
            Ok(None)
        }
    })?;
    let macros = Rc::clone(shared);
    set(lua, &behaviour, "__newindex", move |_, (_, name, body): (Table, String, Option<String>)| {
        let body = body.ok_or_else(|| bad("macros cannot be undefined in a scriptlet"))?;
        macros.macros(|macros| macros.define(&name, &body));
        Ok(())
    })?;
    table.set_metatable(Some(behaviour))?;
    Ok(table)
}
