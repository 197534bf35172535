//! What can be wrong with a release file, said with its place.

use crate::config::Place;
use crate::config::nearest::nearest;
use crate::unit::HostPath;

/// Why a file could not be had from whoever reads files.
pub type FileError = Box<dyn std::error::Error + Send + Sync>;

/// A release that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is there and cannot be read.
    #[error("cannot read the release file {path}")]
    Unreadable {
        /// Which.
        path: HostPath,
        /// Why.
        source: FileError,
    },
    /// A directory is there and cannot be listed.
    #[error("cannot list the release files in {directory}")]
    Unlistable {
        /// Which.
        directory: HostPath,
        /// Why.
        source: FileError,
    },
    /// Not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Where the parser stopped.
        place: Place,
        /// What it says.
        message: String,
    },
    /// A key that means nothing.
    #[error("{place}: unknown key `{}` in {table}", shown(key))]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// The table, as messages name it.
        table: String,
        /// The keys that mean something there.
        known: Vec<&'static str>,
    },
    /// A value of another type.
    #[error("{place}: `{key}` must be {expected}, not {found}")]
    WrongType {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value of the right type that makes no sense.
    #[error("{place}: `{key}` cannot be `{}`: {reason}", shown(value))]
    WrongValue {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// Why not.
        reason: String,
    },
    /// A name that cannot be one, in a table of free names.
    #[error("{place}: `{}` cannot be a name in `{table}`: {reason}", shown(name))]
    WrongName {
        /// Where.
        place: Place,
        /// The table.
        table: &'static str,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A key that must be there.
    #[error("{place}: {table} has no `{key}`")]
    Missing {
        /// The table's place, or the file.
        place: Place,
        /// The table, as messages name it.
        table: String,
        /// The key.
        key: &'static str,
    },
    /// Two tables of one file for one repository.
    #[error("{place}: repository `{id}` is already at line {}", .first.line)]
    DuplicateRepo {
        /// The second.
        place: Place,
        /// The repository.
        id: String,
        /// The first.
        first: Place,
    },
    /// A repository that is nowhere, or in two ways somewhere.
    #[error("{place}: repository `{repo}` has {}", counted(found))]
    Origins {
        /// The repository's table.
        place: Place,
        /// The repository.
        repo: String,
        /// Which of `baseurl`, `mirrorlist` and `metalink` it has.
        found: Vec<&'static str>,
    },
    /// Signatures are to be checked, with nothing to check them against.
    #[error("{place}: repository `{repo}` has `{check}` on and no keys")]
    NoKeys {
        /// The repository's table.
        place: Place,
        /// The repository.
        repo: String,
        /// `gpgcheck` or `repo_gpgcheck`.
        check: &'static str,
    },
    /// A variable that nobody defines.
    #[error("{place}: unknown variable `{}` in `{}`", shown(variable), shown(text))]
    UnknownVariable {
        /// Where.
        place: Place,
        /// The variable.
        variable: String,
        /// The string it stands in.
        text: String,
        /// The variables that there are.
        known: Vec<String>,
    },
    /// Variables that need each other.
    #[error("{place}: variables in a circle: {}", .chain.join(" -> "))]
    VariableCycle {
        /// Where the first is defined.
        place: Place,
        /// From the variable to itself.
        chain: Vec<String>,
    },
    /// No release of that name.
    #[error("no release `{}`", shown(name))]
    NotFound {
        /// The name, or the path.
        name: String,
        /// Releases with a name like it.
        near: Vec<String>,
        /// Where it was looked for.
        searched: Vec<String>,
    },
    /// An extended file that is nowhere.
    #[error("{place}: there is no file `{}` to extend", shown(name))]
    ExtendsNotFound {
        /// Where `extends` is written.
        place: Place,
        /// The file.
        name: String,
        /// Where it was looked for.
        searched: Vec<String>,
    },
    /// Files that extend each other.
    #[error("{place}: files extend each other in a circle: {}", .chain.join(" -> "))]
    Cycle {
        /// The `extends` that closes the circle.
        place: Place,
        /// From the file to itself.
        chain: Vec<String>,
    },
    /// The command line names a repository that the release has not.
    #[error("release `{release}` has no repository `{}`", shown(id))]
    UnknownRepo {
        /// The release.
        release: String,
        /// The repository.
        id: String,
        /// Its repositories.
        known: Vec<String>,
    },
}

/// What somebody wrote, on one line.
fn shown(text: &str) -> String {
    let escape = |char: char| match char {
        char if char.is_control() => char.escape_default().to_string(),
        char => char.to_string(),
    };
    text.chars().map(escape).collect()
}

fn variable_hint(variable: &str, text: &str, known: &[String]) -> String {
    let near = nearest(variable, strs(known)).map(|near| format!("did you mean `{near}`?"));
    let near = near.unwrap_or_else(|| format!("define it in [vars]; known: {}", known.join(", ")));
    if text.contains(&format!("{{{variable}}}")) && !text.contains(&format!("${{{variable}}}")) {
        format!("{near} For the text itself write {{{{{variable}}}}}")
    } else {
        near
    }
}

fn counted(found: &[&'static str]) -> String {
    match found {
        [] => "none of `baseurl`, `mirrorlist` and `metalink`".to_owned(),
        several => {
            let quoted: Vec<String> = several.iter().map(|key| format!("`{key}`")).collect();
            format!("{}, but only one can be used", quoted.join(" and "))
        }
    }
}

impl Error {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key, known, .. } => Some(key_hint(key, known)),
            Self::Missing { key, .. } => example(key),
            Self::Origins { .. } => {
                Some("give it exactly one of `baseurl`, `mirrorlist` and `metalink`".to_owned())
            }
            Self::NoKeys { check, .. } => Some(format!(
                "add `keys = [{{ path = \"...\", fingerprint = \"...\" }}]`, or write `{check} = false` to go without"
            )),
            Self::UnknownVariable { variable, text, known, .. } => Some(variable_hint(variable, text, known)),
            Self::NotFound { near, searched, .. } => Some(match near.as_slice() {
                [] => format!("searched {}; `kiln releases` lists what there is", searched.join(", ")),
                near => format!("did you mean {}? searched {}", near.join(" or "), searched.join(", ")),
            }),
            Self::ExtendsNotFound { searched, .. } => Some(format!("searched {}", searched.join(", "))),
            Self::UnknownRepo { id, known, .. } => Some(match nearest(id, strs(known)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "it has no repositories".to_owned(),
                None => format!("it has {}", known.join(", ")),
            }),
            _ => None,
        }
    }
}

fn strs(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map(String::as_str)
}

/// Keys that are looked for in the wrong table, and their own.
const HOMES: &[(&str, &str)] = &[
    ("allow", "[sandbox]"),
    ("arch", "[release]"),
    ("baseurl", "[[repo]]"),
    ("best", "[solve]"),
    ("cpus", "[limits]"),
    ("description", "[release]"),
    ("disable_modules", "[solve]"),
    ("docs", "[root]"),
    ("enable_modules", "[solve]"),
    ("environment", "[build]"),
    ("excludepkgs", "[solve] or [[repo]]"),
    ("hostname", "[sandbox]"),
    ("keys", "[[repo]]"),
    ("languages", "[root]"),
    ("macros", "[build]"),
    ("memory", "[limits]"),
    ("module_platform_id", "[solve]"),
    ("network", "[sandbox]"),
    ("packages", "[root]"),
    ("releasever", "[vars]"),
    ("timeout", "[build]"),
    ("weak", "[solve]"),
];

fn key_hint(key: &str, known: &[&'static str]) -> String {
    let home = HOMES.iter().find(|row| row.0 == key);
    match (home, nearest(key, known.iter().copied())) {
        (Some((_, table)), _) => format!("it belongs in {table}"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => format!("known there: {}", known.join(", ")),
    }
}

/// How a missing key is written.
fn example(key: &str) -> Option<String> {
    const EXAMPLES: &[(&str, &str)] = &[
        ("arch", "write `arch = \"x86_64\"` in [release]; a family file cannot be used by itself"),
        (
            "packages",
            "write `packages = [\"@buildsys-build\"]` in [root], or `packages = []` for an empty root",
        ),
        ("id", "write `id = \"...\"` as its first line"),
        ("path", "write `path = \"/...\"` or `url = \"https://...\"`"),
        (
            "fingerprint",
            "a key that is downloaded, or accepted though it expired, must be pinned: write `fingerprint = \"...\"`",
        ),
    ];
    EXAMPLES.iter().find(|row| row.0 == key).map(|row| row.1.to_owned())
}
