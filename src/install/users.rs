//! Users and groups that packages bring: what `systemd-sysusers` would do to the root's files, so that the owners of a
//! package's files exist before the files do, in a root that has no systemd yet.

use crate::install::accounts::{Accounts, lines};
use crate::install::base64;
use crate::package::Relation;
use crate::plan::transaction::Member;

/// Numbers are given from here downwards to those who ask for none in particular.
const HIGHEST: u32 = 999;
const LOWEST: u32 = 1;

const NO_LOGIN: &str = "/usr/sbin/nologin";

/// A line that cannot be understood or done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sysusers line `{line}`: {why}")]
pub(super) struct UsersError {
    line: String,
    why: &'static str,
}

/// One line: `u name id "full name" home shell`.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    text: &'a str,
    kind: &'a str,
    fields: Vec<String>,
}

/// The lines that a package brings, which its provides carry.
pub(super) fn lines_of(member: &Member) -> Result<Vec<String>, UsersError> {
    let line = |provide: &Relation| {
        let wrong = |why| UsersError { line: format!("{} = {}", provide.name, provide.evr), why };
        let bytes = base64::decode(provide.evr.as_bytes()).ok_or_else(|| wrong("it is not base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        Ok(text.trim_end_matches(['\n', '\0']).to_owned())
    };
    member.sysusers.iter().map(line).collect()
}

impl Accounts {
    /// Does what lines for sysusers.d ask for: all groups first, then users, then memberships. `day` is the date for
    /// `/etc/shadow`, in days since 1970.
    pub(super) fn add_all(&mut self, texts: &[String], day: u64) -> Result<(), UsersError> {
        let mut parsed = Vec::with_capacity(texts.len());
        for text in texts {
            let line = parse(text)?;
            // Of several lines about one user or group, the first counts.
            let same =
                |other: &Line<'_>| other.is_user() == line.is_user() && other.field(0) == line.field(0);
            if line.kind == "m" || !parsed.iter().any(|other: &Line<'_>| other.kind != "m" && same(other)) {
                parsed.push(line);
            }
        }
        let of = |kinds: [&'static str; 2]| parsed.iter().filter(move |line| kinds.contains(&line.kind));
        let named = |kinds, name: &str| of(kinds).any(|line| line.field(0) == name);
        let groups = lines(self.group.as_ref()).map(|fields| fields[0].to_owned()).collect();
        let mut hunt = Hunt { next: HIGHEST, groups };
        for line in of(["g", "g"]) {
            self.ensure_group(line.field(0), (line.number(1)?, None), &mut hunt);
        }
        for line in of(["m", "m"]) {
            let group = line.field(1);
            if group.is_empty() {
                return Err(line.wrong("it names no group"));
            }
            if !named(["u", "u!"], group) && !named(["g", "g"], group) {
                self.ensure_group(group, (None, None), &mut hunt);
            }
        }
        for line in of(["u", "u!"]) {
            let queued = named(["g", "g"], line.field(0));
            self.ensure_user(line, if queued { Kind::Queued } else { Kind::Own }, &mut hunt, day)?;
        }
        for line in of(["m", "m"]).filter(|line| !named(["u", "u!"], line.field(0))) {
            let text = format!("u {} -", line.field(0));
            let queued = named(["g", "g"], line.field(0));
            self.ensure_user(&parse(&text)?, if queued { Kind::Queued } else { Kind::Own }, &mut hunt, day)?;
        }
        for line in of(["m", "m"]) {
            self.add_member(line.field(0), line.field(1));
        }
        Ok(())
    }

    /// A group's number; it is made with the wanted one, else with its user's, else with the next free one.
    fn ensure_group(&mut self, name: &str, wanted: (Option<u32>, Option<u32>), hunt: &mut Hunt) -> u32 {
        if let Some(gid) = self.group(name).filter(|_| self.has_group(name)) {
            return gid;
        }
        let own = wanted.0.filter(|gid| self.named(Which::Group, *gid).is_none());
        let users = || wanted.1.filter(|uid| self.is_free_group(*uid, name));
        let gid = own.or_else(users).unwrap_or_else(|| hunt.find(|gid| self.is_free_group(gid, name)));
        Self::append(&mut self.group, &format!("{name}:x:{gid}:"));
        Self::append(&mut self.gshadow, &format!("{name}:!*::"));
        gid
    }

    fn ensure_user(
        &mut self,
        line: &Line<'_>,
        kind: Kind,
        hunt: &mut Hunt,
        day: u64,
    ) -> Result<(), UsersError> {
        let name = line.field(0);
        let (id, group) = match line.field(1).split_once(':') {
            Some((id, group)) => (id, Some(group)),
            None => (line.field(1), None),
        };
        let wanted = number(id, line)?;
        let missing = || line.wrong("its group does not exist");
        let gid = match group.map(|group| (group, group.parse::<u32>())) {
            None => self.ensure_group(name, (None, wanted), hunt),
            // systemd: a group of the user's own name that was there before wins over a number.
            Some((_, Ok(_))) if hunt.groups.iter().any(|group| group == name) => {
                self.ensure_group(name, (None, None), hunt)
            }
            Some((_, Ok(gid))) => self.named(Which::Group, gid).map(|_| gid).ok_or_else(missing)?,
            Some((group, Err(_))) => self.group(group).ok_or_else(missing)?,
        };
        if lines(self.passwd.as_ref()).any(|fields| fields[0] == name) {
            return Ok(());
        }
        // A number given together with a group is meant, whoever's group has it.
        let strict = group.is_some() || kind == Kind::Queued;
        let own = wanted.filter(|uid| {
            if strict { self.named(Which::User, *uid).is_none() } else { self.is_free_user(*uid, name) }
        });
        let same = || Some(gid).filter(|gid| self.is_free_user(*gid, name));
        let uid = own.or_else(same).unwrap_or_else(|| hunt.find(|uid| self.is_free_user(uid, name)));
        let or = |at: usize, default: &str| match line.field(at) {
            "" | "-" => default.to_owned(),
            given => given.to_owned(),
        };
        let shell = or(4, if uid == 0 { "/bin/sh" } else { NO_LOGIN });
        Self::append(&mut self.passwd, &format!("{name}:x:{uid}:{gid}:{}:{}:{shell}", or(2, ""), or(3, "/")));
        let expired = if line.kind == "u!" { "1" } else { "" };
        Self::append(&mut self.shadow, &format!("{name}:!*:{day}:::::{expired}:"));
        Ok(())
    }

    fn add_member(&mut self, user: &str, group: &str) {
        for file in [&mut self.group, &mut self.gshadow] {
            let Some(text) = file else { continue };
            *text = text.lines().map(|line| with_member(line, group, user) + "\n").collect();
        }
    }

    fn has_group(&self, name: &str) -> bool {
        lines(self.group.as_ref()).any(|fields| fields[0] == name)
    }

    /// Who has a number.
    fn named(&self, which: Which, id: u32) -> Option<&str> {
        let file = if which == Which::User { &self.passwd } else { &self.group };
        let id = id.to_string();
        lines(file.as_ref()).find(|fields| fields.get(2) == Some(&id.as_str())).map(|fields| fields[0])
    }

    /// Whether no user has a number, and no group but that of the same name.
    fn is_free_user(&self, uid: u32, name: &str) -> bool {
        let group = self.named(Which::Group, uid);
        self.named(Which::User, uid).is_none() && group.is_none_or(|group| group == name)
    }

    /// Whether no group has a number, and no user but that of the same name.
    fn is_free_group(&self, gid: u32, name: &str) -> bool {
        let user = self.named(Which::User, gid);
        self.named(Which::Group, gid).is_none() && user.is_none_or(|user| user == name)
    }
}

/// Whose number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    User,
    Group,
}

/// Where a user's group comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is made with the user, where no other one is named.
    Own,
    /// A line of its own asks for it.
    Queued,
}

/// The search for free numbers, from above; users and groups share it.
struct Hunt {
    next: u32,
    /// The groups that were there before.
    groups: Vec<String>,
}

impl Hunt {
    fn find(&mut self, is_free: impl Fn(u32) -> bool) -> u32 {
        while self.next >= LOWEST {
            let id = self.next;
            self.next -= 1;
            if is_free(id) {
                return id;
            }
        }
        HIGHEST + 1
    }
}

fn with_member(line: &str, group: &str, name: &str) -> String {
    match line.rsplit_once(':') {
        Some((front, members)) if front.split(':').next() == Some(group) => {
            if members.split(',').any(|member| member == name) {
                return line.to_owned();
            }
            let mut all =
                members.split(',').filter(|member| !member.is_empty()).chain([name]).collect::<Vec<_>>();
            all.sort_unstable();
            format!("{front}:{}", all.join(","))
        }
        _ => line.to_owned(),
    }
}

impl Line<'_> {
    fn is_user(&self) -> bool {
        self.kind.starts_with('u')
    }

    fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", String::as_str)
    }

    fn number(&self, at: usize) -> Result<Option<u32>, UsersError> {
        number(self.field(at), self)
    }

    fn wrong(&self, why: &'static str) -> UsersError {
        UsersError { line: self.text.to_owned(), why }
    }
}

/// A number, or none where any will do. An id taken from a file's owner is left to chance too.
fn number(text: &str, line: &Line<'_>) -> Result<Option<u32>, UsersError> {
    match text {
        "" | "-" => Ok(None),
        path if path.starts_with('/') => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| line.wrong("its id is not a number")),
    }
}

/// Splits a line at white space; a field in quotes may have some.
fn parse(text: &str) -> Result<Line<'_>, UsersError> {
    let wrong = |why| UsersError { line: text.to_owned(), why };
    let mut rest = text.trim();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (field, after) = match rest.strip_prefix(['"', '\'']) {
            Some(inner) => inner.split_once(&rest[..1]).ok_or_else(|| wrong("a quote is not closed"))?,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        fields.push(field.to_owned());
        rest = after.trim_start();
    }
    let kind = text.split_whitespace().next().unwrap_or_default();
    let name = fields.get(1).map_or("", String::as_str);
    let clean = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-$".contains(c));
    if !["u", "u!", "g", "m", "r"].contains(&kind) || (!clean && kind != "r") {
        return Err(wrong("it is not of the form TYPE NAME [ID …]"));
    }
    let broken = |field: &String| field.contains('\n') || field.contains(':');
    if fields.iter().skip(3).any(broken) {
        return Err(wrong("a colon is not allowed in a name, a directory or a shell"));
    }
    Ok(Line { text, kind, fields: fields.split_off(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(lines: &[&str]) -> Result<Accounts, UsersError> {
        let mut accounts = Accounts {
            passwd: Some("root:x:0:0:root:/root:/bin/bash\nold:x:999:999::/:/bin/sh".to_owned()),
            group: Some("root:x:0:\nwheel:x:10:\n".to_owned()),
            ..Accounts::default()
        };
        let lines = lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        accounts.add_all(&lines, 19_000).map(|()| accounts)
    }

    #[test]
    fn users_and_groups_are_added_as_systemd_adds_them() {
        let accounts = added(&[
            "u dbus 81 \"System Message Bus\" - -",
            "g tape 33",
            "u any - \"\" /var/lib/any /bin/sh",
            "u games 12:10",
            "u old 5",
            "m dbus wheel",
            "u! locked 81",
        ])
        .unwrap();
        let passwd = "root:x:0:0:root:/root:/bin/bash
old:x:999:999::/:/bin/sh
dbus:x:81:81:System Message Bus:/:/usr/sbin/nologin
any:x:998:998::/var/lib/any:/bin/sh
games:x:12:10::/:/usr/sbin/nologin
locked:x:997:997::/:/usr/sbin/nologin
";
        assert_eq!(accounts.passwd.as_deref(), Some(passwd));
        let group =
            "root:x:0:\nwheel:x:10:dbus\ntape:x:33:\ndbus:x:81:\nany:x:998:\nold:x:5:\nlocked:x:997:\n";
        assert_eq!(accounts.group.as_deref(), Some(group));
        assert!(accounts.shadow.unwrap().starts_with("dbus:!*:19000::::::\n"));
        assert!(accounts.gshadow.unwrap().contains("tape:!*::\n"));
    }

    #[test]
    fn lines_that_would_write_more_than_one_are_refused() {
        for line in ["u", "x a", "u a:b", "u a\nb -", "u a - \"x:y\"", "u a one", "u a - \"x", "m a", "g a/b"]
        {
            assert!(added(&[line]).is_err(), "{line}");
        }
    }
}
