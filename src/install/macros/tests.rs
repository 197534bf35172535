//! Macro files and expansion, also against the host's rpm.

use std::collections::BTreeMap;

use crate::install::macros::{Backend, MacroError, MacroFiles, Macros};

impl MacroFiles for BTreeMap<&str, &str> {
    type Error = std::convert::Infallible;

    fn below(&self, directory: &str) -> Result<Vec<String>, Self::Error> {
        let inside = |path: &&&str| path.starts_with(&format!("{directory}/"));
        Ok(self.keys().filter(inside).map(|path| (*path).to_owned()).collect())
    }

    fn read(&self, path: &str) -> Result<Option<String>, Self::Error> {
        Ok(self.get(path).map(|text| (*text).to_owned()))
    }
}

const FILE: &str = "\
# %comment out
%_usr /usr
  %_var\t%{_usr}/var
%long one \\
two
%braces %{?_usr:
  three
}
%with() %{1}
%empty
%loop %{loop}
%escaped a\\tb\\\\c  \t
%grouped {one %{_usr}} two
%lib lib%{?_is64:64}%{!?_is64:32}
";

fn macros() -> Macros {
    let mut macros = Macros::default();
    macros.read(FILE);
    macros
}

const TABLE: &[(&str, &str)] = &[
    ("%_var and %{_usr}", "/usr/var and /usr"),
    ("100%% %Y %{nothing} %", "100% %Y %{nothing} %"),
    ("%{nothing%_usr}", "%{nothing/usr}"),
    ("a%{?nothing}b%{?_usr}c%{!?_usr}d", "ab/usrcd"),
    ("%{?_usr:x %{_usr}}%{!?_usr:y}%{!?nothing:z}", "x /usrz"),
    ("%?_usr%!?nothing-%!!?_usr", "/usr-/usr"),
    ("%lib", "lib32"),
    ("%{long}|", "one \ntwo|"),
    ("%{escaped}|%{grouped}|", "atb\\c|one /usr|"),
    ("%{braces}|", "\n  three\n|"),
    ("%{-f}%_usr.", "/usr."),
];

#[test]
fn plain_macros_and_conditions_are_expanded() {
    for (text, expanded) in TABLE {
        assert_eq!(macros().expand(text).as_deref(), Ok(*expanded), "{text}");
    }
}

#[test]
fn the_hosts_rpm_expands_the_same() {
    if !std::path::Path::new("/usr/bin/rpm").exists() {
        println!("skipped: the host has no rpm to compare with");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("macros");
    std::fs::write(&file, FILE).unwrap();
    for (text, expanded) in TABLE {
        let output = std::process::Command::new("rpm")
            .args(["--macros", file.to_str().unwrap(), "--eval", text])
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{expanded}\n"), "{text}");
    }
}

#[test]
fn what_needs_rpm_itself_is_refused_by_name() {
    for text in
        ["%(id)", "%[1+1]", "%{lua:print(1)}", "%with", "%{with:x}", "%define a b", "%{expand:%%_usr}"]
    {
        let error = macros().expand(text).unwrap_err();
        assert!(matches!(error, MacroError::Unsupported { .. }) && error.hint().is_some(), "{text}: {error}");
    }
    assert!(matches!(macros().expand("%{loop}"), Err(MacroError::TooDeep { .. })));
    assert!(matches!(macros().expand("%{_usr"), Err(MacroError::Unterminated { .. })));
    let mut bomb = Macros::default();
    bomb.define("a0", "0123456789");
    for level in 1..60 {
        let below = level - 1;
        bomb.define(&format!("a{level}"), &format!("%a{below}%a{below}"));
    }
    assert!(matches!(bomb.expand("%a59"), Err(MacroError::TooDeep { .. })));
    bomb.define("a0", "");
    assert_eq!(bomb.expand("%a9 %a12").unwrap(), " ");
    assert!(matches!(bomb.expand("%a59"), Err(MacroError::TooDeep { .. })), "without any output");
    let nested = ["%{".repeat(20_000), "}".repeat(20_000)].concat();
    assert!(matches!(bomb.expand(&nested), Err(MacroError::TooDeep { .. })), "read again and again");
}

#[test]
fn the_database_lies_where_the_roots_macro_files_say() {
    let mut files = BTreeMap::from([
        ("/usr/lib/rpm/macros", "%_var /var\n%_dbpath %{_var}/lib/rpm\n%_db_backend sqlite\n"),
        ("/usr/lib/rpm/redhat/macros", "%vendor redhat\n"),
        ("/usr/lib/rpm/platform/x86_64-linux/macros", "%_transaction_color 3\n"),
        ("/usr/lib/rpm/platform/aarch64-linux/macros", "%_transaction_color 7\n"),
    ]);
    let load = |files: &BTreeMap<_, _>| Macros::load("x86_64", files).unwrap();
    let database = load(&files).database().unwrap();
    assert_eq!((database.directory.as_str(), database.backend), ("/var/lib/rpm", Backend::Sqlite));
    assert_eq!(load(&files).number("_transaction_color"), Ok(3));
    assert_eq!(load(&files).value("vendor"), Ok(Some("redhat".to_owned())));
    files.insert("/usr/lib/rpm/macros.d/macros.db", "%_dbpath /usr/lib/sysimage/rpm\n%_db_backend ndb\n");
    files.insert("/etc/rpm/macros.local", "%vendor me\n");
    let database = load(&files).database().unwrap();
    assert_eq!((database.directory.as_str(), database.backend), ("/usr/lib/sysimage/rpm", Backend::Ndb));
    assert_eq!(load(&files).value("vendor"), Ok(Some("me".to_owned())));
    let none = load(&BTreeMap::new()).database().unwrap();
    assert_eq!((none.directory.as_str(), none.backend), ("/var/lib/rpm", Backend::Sqlite));
    files.insert("/etc/rpm/macros", "%_db_backend tape\n");
    assert!(matches!(load(&files).database(), Err(MacroError::Value { .. })));
}
