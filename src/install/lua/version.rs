//! `rpm.ver`: versions that compare as rpm compares them.

use mlua::{Lua, MetaMethod, UserData, UserDataMethods, Value};

use crate::install::lua::answer::bad;
use crate::package::Evr;

/// A version in a script.
#[derive(Debug, Clone)]
struct Version {
    /// As it was given: an epoch that was not is not shown.
    epoch: Option<String>,
    evr: Evr,
}

impl Version {
    fn parse(text: &str) -> mlua::Result<Self> {
        if text.is_empty() {
            return Err(bad("invalid version"));
        }
        let epoch = text.split_once(':').map(|(epoch, _)| epoch.to_owned());
        Ok(Self { epoch, evr: Evr::parse(text) })
    }

    fn text(&self) -> String {
        let release =
            if self.evr.release.is_empty() { String::new() } else { format!("-{}", self.evr.release) };
        let epoch = self.epoch.as_ref().map(|epoch| format!("{epoch}:")).unwrap_or_default();
        format!("{epoch}{}{release}", self.evr.version)
    }

    fn part(&self, name: &str) -> mlua::Result<Option<String>> {
        match name {
            "e" => Ok(self.epoch.clone()),
            "v" => Ok(Some(self.evr.version.clone())),
            "r" => Ok(Some(self.evr.release.clone()).filter(|release| !release.is_empty())),
            _ => Err(bad(format!("invalid attribute: {name}"))),
        }
    }
}

impl UserData for Version {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::Index, |_, this, name: String| this.part(&name));
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.text()));
        methods.add_meta_method(MetaMethod::Eq, |_, this, other: mlua::UserDataRef<Self>| {
            Ok(this.evr == other.evr)
        });
        methods.add_meta_method(MetaMethod::Lt, |_, this, other: mlua::UserDataRef<Self>| {
            Ok(this.evr < other.evr)
        });
        methods.add_meta_method(MetaMethod::Le, |_, this, other: mlua::UserDataRef<Self>| {
            Ok(this.evr <= other.evr)
        });
    }
}

/// `rpm.ver(evr)` or `rpm.ver(e, v, r)`
pub(super) fn new(lua: &Lua, parts: &[Option<String>]) -> mlua::Result<Value> {
    let version = match parts {
        [Some(evr)] => Version::parse(evr)?,
        [epoch, Some(version), release] => {
            let epoch_text = epoch.as_ref().map(|epoch| format!("{epoch}:")).unwrap_or_default();
            let release = release.as_ref().map(|release| format!("-{release}")).unwrap_or_default();
            Version::parse(&format!("{epoch_text}{version}{release}"))?
        }
        _ => return Err(bad(format!("invalid number of arguments: {}", parts.len()))),
    };
    lua.create_userdata(version).map(Value::UserData)
}

/// `rpm.vercmp(a, b)`
pub(super) fn compare(_: &Lua, (a, b): (String, String)) -> mlua::Result<i64> {
    let (a, b) = (Version::parse(&a)?, Version::parse(&b)?);
    Ok(a.evr.cmp(&b.evr) as i64)
}
