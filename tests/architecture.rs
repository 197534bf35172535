//! Who may name whom, what a pure layer may not say, how long a file may be. The table in `src/lib.rs` is the
//! contract; this is its enforcement.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules with their layer, and the modules of the same layer that they may name.
const LAYERS: &[(&str, u8, &[&str])] = &[
    ("cli", 5, &[]),
    ("engine", 4, &[]),
    ("fetch", 3, &[]),
    ("store", 3, &[]),
    ("install", 3, &["sandbox", "store"]),
    ("sandbox", 3, &[]),
    ("config", 2, &[]),
    ("metadata", 2, &[]),
    ("solve", 2, &["metadata"]),
    ("lock", 2, &["solve"]),
    ("plan", 2, &["config", "lock"]),
    ("report", 2, &[]),
    ("package", 1, &["unit"]),
    ("unit", 1, &[]),
    ("sys", 0, &[]),
];

/// What the command line may name below the engine.
const CLI_MAY_NAME: &[&str] = &["config", "report", "engine", "unit"];

/// Words that a pure module must not say outside its tests.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "::now()",
    " nix::",
    "rustix::",
    "libc::",
    "reqwest::",
    "tempfile::",
    "println!",
    "crate::sys",
];

/// Words that belong to `sys` alone.
const KERNEL: &[&str] = &["std::fs::", " nix::", "(nix::", "rustix::", "libc::", "use std::fs"];

/// Names of values and types, which call nothing.
const NAMES: &[&str] = &[
    "libc::E",
    "libc::SIG",
    "rustix::process::Pid",
    "std::fs::File",
    "std::fs::Metadata",
    "rustix::fs::CWD",
];

/// The text without names of values and types; what C calls in capitals is a constant.
fn without_names(product: String) -> String {
    let text = NAMES.iter().fold(product, |text, name| text.replace(name, ""));
    ('A'..='Z').fold(text, |text, letter| text.replace(&format!("libc::{letter}"), ""))
}

const LONGEST_FILE: usize = 450;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// The code without comments and without the tests at the file's end.
    fn product(&self) -> String {
        let end = self.text.find("#[cfg(test)]\nmod tests").unwrap_or(self.text.len());
        let without_comments = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
        self.text[..end].lines().map(without_comments).collect::<Vec<_>>().join("\n")
    }

    fn is_test(&self) -> bool {
        self.path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"))
            || self.path.components().any(|part| part.as_os_str() == "tests")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut pending = vec![root.clone()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_path_buf();
                let module = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: below, module, text });
            }
        }
    }
    found.retain(|source| LAYERS.iter().any(|row| row.0 == source.module) && !source.is_test());
    assert!(found.len() > 50, "found only {} source files", found.len());
    found
}

fn layer(module: &str) -> Option<&'static (&'static str, u8, &'static [&'static str])> {
    LAYERS.iter().find(|row| row.0 == module)
}

/// Modules named as `crate::module`.
fn named(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices("crate::")
        .map(|(at, prefix)| text[at + prefix.len()..].chars().take_while(|c| is_word(*c)).collect::<String>())
        .filter(|name| layer(name).is_some())
        .collect()
}

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for source in sources() {
        let (module, level, same_layer) = layer(&source.module).unwrap();
        for name in named(&source.product()) {
            let target = layer(&name).unwrap();
            let allowed = name == *module
                || if *module == "cli" { CLI_MAY_NAME.contains(&name.as_str()) } else { target.1 < *level }
                || same_layer.contains(&name.as_str());
            if !allowed {
                wrong.push(format!("{} names {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that go up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn a_pure_layer_touches_nothing_outside() {
    let mut wrong = Vec::new();
    for source in sources() {
        let (module, level, _) = layer(&source.module).unwrap();
        let pure = matches!(level, 1 | 2) && *module != "report";
        let product = source.product();
        for word in IMPURE.iter().filter(|word| pure && product.contains(**word)) {
            wrong.push(format!("{} says {word}", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "impure words in pure modules:\n{}", wrong.join("\n"));
}

#[test]
fn only_sys_calls_the_kernel() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "sys") {
        let product = without_names(source.product());
        for word in KERNEL.iter().filter(|word| product.contains(**word)) {
            wrong.push(format!("{} says {word}", source.path.display()));
        }
        if product.contains("unsafe ") {
            wrong.push(format!("{} is unsafe", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "calls that belong to sys:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let long: BTreeMap<_, _> = sources()
        .into_iter()
        .map(|source| (source.path.clone(), source.product().lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .collect();
    assert!(long.is_empty(), "files over {LONGEST_FILE} lines, where a second idea wants its own: {long:?}");
}
