//! Users and groups of a root, as its own files say. Never the host's: no library that looks there is asked.

/// The text of the four files; nothing where a file is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Accounts {
    pub(super) passwd: Option<String>,
    pub(super) group: Option<String>,
    pub(super) shadow: Option<String>,
    pub(super) gshadow: Option<String>,
}

/// The fields of the lines of such a file.
pub(super) fn lines(text: Option<&String>) -> impl Iterator<Item = Vec<&str>> {
    text.map_or("", String::as_str).lines().map(|line| line.split(':').collect())
}

/// The number in a line's field, of the line whose first field is `name`.
fn number(text: Option<&String>, name: &str, field: usize) -> Option<u32> {
    lines(text).find(|fields| fields[0] == name).and_then(|fields| fields.get(field)?.parse().ok())
}

impl Accounts {
    /// A user's number. Root is 0 whatever the files say, also before there are any.
    pub(super) fn user(&self, name: &str) -> Option<u32> {
        if name == "root" { Some(0) } else { number(self.passwd.as_ref(), name, 2) }
    }

    /// A group's number.
    pub(super) fn group(&self, name: &str) -> Option<u32> {
        if name == "root" { Some(0) } else { number(self.group.as_ref(), name, 2) }
    }

    /// Adds a line at the end of a file.
    pub(super) fn append(file: &mut Option<String>, line: &str) {
        let text = file.get_or_insert_with(String::new);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_the_files_of_the_root() {
        let accounts = Accounts {
            passwd: Some("root:x:0:0::/root:/bin/sh\nbroken\nbin:x:1:1:bin:/bin:/sbin/nologin\n".to_owned()),
            group: Some("root:x:0:\nmail:x:12:\n".to_owned()),
            ..Accounts::default()
        };
        assert_eq!(accounts.user("bin"), Some(1));
        assert_eq!(
            (accounts.user("broken"), accounts.user("mail"), accounts.group("mail")),
            (None, None, Some(12))
        );
        assert_eq!(Accounts::default().user("root"), Some(0));
    }
}
