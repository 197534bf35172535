//! A release file as it was written: every field optional, every value with its place.
//!
//! A file alone decides nothing. Files are merged first, the extended one below, and only then looked at as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeTable;

use crate::config::limits::LIMITS;
use crate::config::read::{Reader, Text};
use crate::config::scalar::{environment_name, macro_name, variable_name};
use crate::config::written::{Edited, Written};
use crate::config::{Error, Place, ReleaseFile};
use crate::unit::Limits;

/// One file, or several merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Config {
    pub(super) release: ReleaseTable,
    pub(super) vars: BTreeMap<String, Written<String>>,
    pub(super) root: RootTable,
    pub(super) repos: Vec<RepoTable>,
    pub(super) solve: SolveTable,
    pub(super) build: BuildTable,
    pub(super) limits: Limits,
    pub(super) sandbox: SandboxTable,
    /// The files, the lowest first.
    pub(super) files: Vec<Arc<ReleaseFile>>,
    /// Which files wrote a table.
    pub(super) tables: BTreeMap<String, Vec<Arc<ReleaseFile>>>,
}

/// `[release]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ReleaseTable {
    pub(super) description: Option<Written<String>>,
    pub(super) arch: Option<Written<String>>,
    pub(super) family: Option<Written<String>>,
}

/// `[root]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RootTable {
    pub(super) packages: Edited<Written<String>>,
    pub(super) languages: Edited<Written<String>>,
    pub(super) docs: Option<Written<bool>>,
}

/// `[solve]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SolveTable {
    pub(super) best: Option<Written<bool>>,
    pub(super) weak: Option<Written<bool>>,
    pub(super) excludepkgs: Edited<Written<String>>,
    pub(super) module_platform_id: Option<Written<String>>,
    pub(super) enable_modules: Edited<Written<String>>,
    pub(super) disable_modules: Edited<Written<String>>,
}

/// `[build]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BuildTable {
    pub(super) macros: BTreeMap<String, Written<String>>,
    pub(super) environment: BTreeMap<String, Written<String>>,
    pub(super) timeout: Option<Written<String>>,
}

/// `[sandbox]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SandboxTable {
    pub(super) network: Option<Written<String>>,
    pub(super) hostname: Option<Written<String>>,
    pub(super) allow: Option<Vec<Written<String>>>,
    pub(super) syncs: Option<Written<String>>,
}

/// `[[repo]]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RepoTable {
    pub(super) id: Written<String>,
    pub(super) name: Option<Written<String>>,
    pub(super) origin: OriginKeys,
    pub(super) keys: Edited<KeyTable>,
    pub(super) gpgcheck: Option<Written<bool>>,
    pub(super) repo_gpgcheck: Option<Written<bool>>,
    pub(super) enabled: Option<Written<bool>>,
    pub(super) priority: Option<Written<i32>>,
    pub(super) cost: Option<Written<u32>>,
    pub(super) includepkgs: Edited<Written<String>>,
    pub(super) excludepkgs: Edited<Written<String>>,
    pub(super) skip_if_unavailable: Option<Written<bool>>,
    pub(super) module_hotfixes: Option<Written<bool>>,
    pub(super) metadata_expire: Option<Written<String>>,
    pub(super) connection: ConnectionKeys,
}

/// How a repository's servers are reached, and how they and kiln prove themselves, by dnf's keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ConnectionKeys {
    pub(super) sslverify: Option<Written<bool>>,
    pub(super) sslcacert: Option<Written<String>>,
    pub(super) sslclientcert: Option<Written<String>>,
    pub(super) sslclientkey: Option<Written<String>>,
    pub(super) username: Option<Written<String>>,
    pub(super) password: Option<Written<String>>,
    pub(super) proxy: Option<Written<String>>,
    pub(super) proxy_username: Option<Written<String>>,
    pub(super) proxy_password: Option<Written<String>>,
}

/// The three ways to say where a repository is. A file that says any replaces what it inherited, whichever way that
/// was said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OriginKeys {
    pub(super) baseurl: Option<Vec<Written<String>>>,
    pub(super) mirrorlist: Option<Written<String>>,
    pub(super) metalink: Option<Written<String>>,
}

/// One of a repository's `keys`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyTable {
    pub(super) place: Place,
    pub(super) path: Option<Written<String>>,
    pub(super) url: Option<Written<String>>,
    pub(super) fingerprint: Option<Written<String>>,
    pub(super) accept_expired: Option<Written<bool>>,
}

/// Reads a file's text: what it extends, and what it says.
pub(super) fn parse(file: ReleaseFile, text: &str) -> Result<(Vec<Written<String>>, Config), Error> {
    let text = Text { file: Arc::new(file), text };
    let table = DeTable::parse(text.text).map_err(|error| syntax(&text, &error))?;
    let mut reader = Reader::new(&text, table.get_ref());
    let extends = reader.one_or_many("extends")?.unwrap_or_default();
    let mut tables = BTreeMap::new();
    let mut wrote = |table: &str| {
        tables.insert(table.to_owned(), vec![Arc::clone(&text.file)]);
    };
    let mut config = Config { files: vec![Arc::clone(&text.file)], ..Config::default() };
    for section in SECTIONS {
        if let Some(mut below) = reader.table(section.key)? {
            (section.read)(&mut config, &mut below)?;
            below.finish()?;
            wrote(section.key);
        }
    }
    config.vars = reader.map("vars", variable_name)?;
    for below in reader.tables("repo")?.unwrap_or_default() {
        let repo = RepoTable::read(below)?;
        if let Some(first) = config.repos.iter().find(|other| other.id.value == repo.id.value) {
            let (place, id) = (repo.id.place, repo.id.value);
            return Err(Error::DuplicateRepo { place, id, first: first.id.place.clone() });
        }
        wrote(&format!("repo {}", repo.id.value));
        config.repos.push(repo);
    }
    if !config.vars.is_empty() {
        wrote("vars");
    }
    config.tables = tables;
    reader.finish()?;
    Ok((extends, config))
}

fn syntax(text: &Text<'_>, error: &toml::de::Error) -> Error {
    let place = error.span().map_or(Place::whole(&text.file), |span| text.place(span.start));
    Error::Syntax { place, message: error.message().trim().replace('\n', ", ") }
}

/// A table of a file, by its key.
struct Section {
    key: &'static str,
    read: fn(&mut Config, &mut Reader<'_>) -> Result<(), Error>,
}

const SECTIONS: &[Section] = &[
    Section { key: "release", read: |config, table| read_release(&mut config.release, table) },
    Section { key: "root", read: |config, table| read_root(&mut config.root, table) },
    Section { key: "solve", read: |config, table| read_solve(&mut config.solve, table) },
    Section { key: "build", read: |config, table| read_build(&mut config.build, table) },
    Section { key: "limits", read: |config, table| read_limits(&mut config.limits, table) },
    Section { key: "sandbox", read: |config, table| read_sandbox(&mut config.sandbox, table) },
];

fn read_release(release: &mut ReleaseTable, table: &mut Reader<'_>) -> Result<(), Error> {
    *release = ReleaseTable {
        description: table.string("description")?,
        arch: table.string("arch")?,
        family: table.string("family")?,
    };
    Ok(())
}

fn read_root(root: &mut RootTable, table: &mut Reader<'_>) -> Result<(), Error> {
    *root = RootTable {
        packages: table.strings("packages", "packages_add")?,
        languages: table.strings("languages", "languages_add")?,
        docs: table.boolean("docs")?,
    };
    Ok(())
}

fn read_solve(solve: &mut SolveTable, table: &mut Reader<'_>) -> Result<(), Error> {
    *solve = SolveTable {
        best: table.boolean("best")?,
        weak: table.boolean("weak")?,
        excludepkgs: table.strings("excludepkgs", "excludepkgs_add")?,
        module_platform_id: table.string("module_platform_id")?,
        enable_modules: table.strings("enable_modules", "enable_modules_add")?,
        disable_modules: table.strings("disable_modules", "disable_modules_add")?,
    };
    Ok(())
}

fn read_build(build: &mut BuildTable, table: &mut Reader<'_>) -> Result<(), Error> {
    *build = BuildTable {
        macros: table.map("macros", macro_name)?,
        environment: table.map("environment", environment_name)?,
        timeout: table.scalar("timeout", "seconds, or a duration such as \"2h\"")?,
    };
    Ok(())
}

fn read_limits(limits: &mut Limits, table: &mut Reader<'_>) -> Result<(), Error> {
    for row in LIMITS {
        if let Some(written) = table.scalar(row.key, row.expected)? {
            (row.read)(limits, &written.value).map_err(|reason| written.wrong(row.key, reason))?;
        }
    }
    Ok(())
}

fn read_sandbox(sandbox: &mut SandboxTable, table: &mut Reader<'_>) -> Result<(), Error> {
    *sandbox = SandboxTable {
        network: table.string("network")?,
        hostname: table.string("hostname")?,
        allow: table.one_or_many("allow")?,
        syncs: table.string("syncs")?,
    };
    Ok(())
}

impl RepoTable {
    /// A table that says nothing but its id.
    pub(super) fn new(id: Written<String>) -> Self {
        Self {
            id,
            name: None,
            origin: OriginKeys::default(),
            keys: Edited::default(),
            gpgcheck: None,
            repo_gpgcheck: None,
            enabled: None,
            priority: None,
            cost: None,
            includepkgs: Edited::default(),
            excludepkgs: Edited::default(),
            skip_if_unavailable: None,
            module_hotfixes: None,
            metadata_expire: None,
            connection: ConnectionKeys::default(),
        }
    }

    fn read(mut table: Reader<'_>) -> Result<Self, Error> {
        let id = table.string("id")?.ok_or_else(|| Error::Missing {
            place: table.place.clone(),
            table: table.name.clone(),
            key: "id",
        })?;
        crate::config::scalar::repo_id(&id.value).map_err(|reason| id.wrong("id", reason))?;
        table.name = format!("repository `{}`", id.value);
        let repo = Self {
            name: table.string("name")?,
            origin: OriginKeys {
                baseurl: table.one_or_many("baseurl")?,
                mirrorlist: table.string("mirrorlist")?,
                metalink: table.string("metalink")?,
            },
            keys: Edited {
                set: table.tables("keys")?.map(read_keys).transpose()?,
                add: table.tables("keys_add")?.map(read_keys).transpose()?.unwrap_or_default(),
            },
            gpgcheck: table.boolean("gpgcheck")?,
            repo_gpgcheck: table.boolean("repo_gpgcheck")?,
            enabled: table.boolean("enabled")?,
            priority: table.integer("priority")?,
            cost: table.integer("cost")?,
            includepkgs: table.strings("includepkgs", "includepkgs_add")?,
            excludepkgs: table.strings("excludepkgs", "excludepkgs_add")?,
            skip_if_unavailable: table.boolean("skip_if_unavailable")?,
            module_hotfixes: table.boolean("module_hotfixes")?,
            metadata_expire: table
                .scalar("metadata_expire", "seconds, a duration such as \"6h\", or \"never\"")?,
            connection: ConnectionKeys {
                sslverify: table.boolean("sslverify")?,
                sslcacert: table.string("sslcacert")?,
                sslclientcert: table.string("sslclientcert")?,
                sslclientkey: table.string("sslclientkey")?,
                username: table.string("username")?,
                password: table.string("password")?,
                proxy: table.string("proxy")?,
                proxy_username: table.string("proxy_username")?,
                proxy_password: table.string("proxy_password")?,
            },
            id,
        };
        table.finish()?;
        Ok(repo)
    }
}

fn read_keys(tables: Vec<Reader<'_>>) -> Result<Vec<KeyTable>, Error> {
    let read = |mut table: Reader<'_>| {
        "a key".clone_into(&mut table.name);
        let key = KeyTable {
            place: table.place.clone(),
            path: table.string("path")?,
            url: table.string("url")?,
            fingerprint: table.string("fingerprint")?,
            accept_expired: table.boolean("accept_expired")?,
        };
        table.finish()?;
        Ok(key)
    };
    tables.into_iter().map(read).collect()
}
