//! What every root of a build needs besides its packages: mount points, files that the sandbox mounts over, and the user
//! that builds, with the ids that Koji's and mock's roots give it.

use crate::install::accounts::{Accounts, lines};
use crate::install::change::{Owners, Site};
use crate::install::view::{Found, ViewError};
use crate::sys::entry;

/// Directories and their modes where they are missing.
const DIRECTORIES: &[(&str, u32)] = &[
    ("/proc", 0o555),
    ("/sys", 0o555),
    ("/dev", 0o755),
    ("/run", 0o755),
    ("/tmp", 0o1777),
    ("/var/tmp", 0o1777),
    (HOME, 0o755),
];

/// Files that are made, empty, where they are missing.
const FILES: &[&str] = &["/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/machine-id"];

const HOME: &str = "/builddir";
const USER: &str = "mockbuild";
const GROUP: &str = "mock";
const UID: u32 = 1000;
const GID: u32 = 135;

impl Site<'_> {
    /// Makes all of it.
    pub(super) fn base(&self, day: u64) -> Result<(), ViewError> {
        for (path, mode) in DIRECTORIES {
            if self.view.directory(path, &mut |_, _| {})?.is_none() {
                let directory = self.view.ensure(path)?;
                entry::set_owner_and_mode(directory.first()?, (0, 0), *mode)?;
            }
        }
        for path in FILES {
            let (directory, name) = path.rsplit_once('/').unwrap_or_default();
            let directory = self.view.ensure(directory)?;
            if matches!(directory.lookup(name)?, Found::Nothing) {
                self.write(path, b"", 0o644)?;
            }
        }
        let mut accounts = self.accounts()?;
        accounts.add_builder(day);
        self.write_accounts(&accounts)?;
        let home = self.view.ensure(HOME)?;
        let owner = if self.owners == Owners::Mapped { (UID, GID) } else { (0, 0) };
        entry::set_owner_and_mode(home.first()?, owner, 0o755)?;
        Ok(())
    }
}

impl Accounts {
    /// Adds the user that builds and its group. Files for passwords are kept in step where the root has them.
    fn add_builder(&mut self, day: u64) {
        let has = |text: Option<&String>, name: &str| lines(text).any(|fields| fields[0] == name);
        if !has(self.passwd.as_ref(), USER) {
            let line = format!("{USER}:x:{UID}:{GID}:{USER}:{HOME}:/bin/bash");
            Self::append(&mut self.passwd, &line);
            if self.shadow.is_some() {
                Self::append(&mut self.shadow, &format!("{USER}:!!:{day}:0:99999:7:::"));
            }
        }
        if !has(self.group.as_ref(), GROUP) {
            Self::append(&mut self.group, &format!("{GROUP}:x:{GID}:"));
            if self.gshadow.is_some() {
                Self::append(&mut self.gshadow, &format!("{GROUP}:!::"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_building_user_is_added_once_and_to_the_files_that_exist() {
        let mut accounts =
            Accounts { passwd: Some("root:x:0:0::/root:/bin/sh\n".to_owned()), ..Accounts::default() };
        accounts.add_builder(19_000);
        let once = accounts.clone();
        accounts.add_builder(19_000);
        assert_eq!(accounts, once);
        assert!(accounts.passwd.unwrap().ends_with("\nmockbuild:x:1000:135:mockbuild:/builddir:/bin/bash\n"));
        assert_eq!(accounts.group.as_deref(), Some("mock:x:135:\n"));
        assert_eq!(accounts.shadow, None);
    }
}
