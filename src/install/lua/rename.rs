//! `os.rename`, also for directories that lie in a layer below: an overlay answers that they are on another file system.
//!
//! Packages that make a directory a link move the directory away in `%pretrans`, and to rpm that is one call. Here the
//! directory is made again, its entries are moved one by one, and the old one goes.

use std::io::ErrorKind;
use std::path::Path;

use mlua::{BString, IntoLua as _, Lua, MultiValue, Value};

use crate::install::lua::answer::{Answer, path};
use crate::install::view::copy_attributes;
use crate::sys::{SysError, entry, fs, posix};

/// `os.rename(old, new)`
pub(super) fn rename(lua: &Lua, (old, new): (BString, BString)) -> Answer {
    match moved(Path::new(path(&old)), Path::new(path(&new))) {
        Ok(()) => Ok(MultiValue::from_iter([Value::Boolean(true)])),
        Err(error) => {
            let text = format!("{}: {}", path(&old).to_string_lossy(), posix::message(&error));
            let number = i64::from(error.errno().unwrap_or(0));
            Ok(MultiValue::from_iter([Value::Nil, text.into_lua(lua)?, Value::Integer(number)]))
        }
    }
}

fn moved(old: &Path, new: &Path) -> Result<(), SysError> {
    let failed = match fs::rename(old, new) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => error,
        other => return other,
    };
    let directory = |path: &Path| path.to_str().map(entry::open_root);
    let Some(from) = directory(old) else { return Err(failed) };
    let from = from.map_err(|_| failed)?;
    match fs::create_dir(new, 0o700) {
        // An empty directory may be replaced, as rename(2) would.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_dir(new)?;
            fs::create_dir(new, 0o700)?;
        }
        other => other?,
    }
    for name in fs::list(old)? {
        moved(&old.join(&name), &new.join(&name))?;
    }
    if let Some(to) = directory(new) {
        copy_attributes(&from, &to?).map_err(|error| {
            SysError::new("rename", format!("{new:?}"), std::io::Error::other(error.to_string()))
        })?;
    }
    fs::remove_dir(old)
}
