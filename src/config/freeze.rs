//! A merged configuration becomes a [`Release`]: variables put in, defaults filled in, everything checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::document::{BuildTable, Config, RootTable, SandboxTable, SolveTable};
use crate::config::freeze_repo::repo;
use crate::config::nearest::nearest;
use crate::config::release::{
    Build, Nesting, Network, Release, RootPackages, SandboxOptions, SolveOptions, Syncs,
};
use crate::config::variables::{Dollars, Variables};
use crate::config::written::{Edited, Written};
use crate::config::{Error, Place, ReleaseFile, arch, scalar};

const HOSTNAME: &str = "kiln";

/// The release `name` that a merged configuration describes.
pub(super) fn freeze(name: &str, config: Config) -> Result<Release, Error> {
    let file = config.files.last().map_or_else(|| Arc::new(ReleaseFile::CommandLine), Arc::clone);
    let missing =
        |table: &str, key| Error::Missing { place: Place::whole(&file), table: table.to_owned(), key };
    let arch = config.release.arch.ok_or_else(|| missing("[release]", "arch"))?;
    let basearch = arch::basearch(&arch.value).ok_or_else(|| unknown_arch(&arch))?;
    let vars = Variables::resolve(&config.vars, &arch.value, basearch)?;
    if !config.root.packages.is_written() {
        return Err(missing("[root]", "packages"));
    }
    let description = config.release.description.map(|text| vars.expand(&text, Dollars::Text)).transpose()?;
    let (mut repos, mut disabled) = (Vec::new(), Vec::new());
    for table in config.repos {
        let enabled = table.enabled.as_ref().is_none_or(|enabled| enabled.value);
        if enabled { &mut repos } else { &mut disabled }.push(repo(table, &vars)?);
    }
    Ok(Release {
        name: name.to_owned(),
        description: description.unwrap_or_else(|| name.to_owned()),
        arch: arch.value,
        family: config.release.family.map(|family| family.value).unwrap_or_default(),
        root: root(config.root, &vars)?,
        repos,
        disabled,
        solve: solve(config.solve, &vars)?,
        build: build(config.build, &vars)?,
        limits: config.limits,
        sandbox: sandbox(config.sandbox)?,
        vars: vars.into_values(),
        files: distinct(config.files),
        tables: config.tables.into_iter().map(|(table, files)| (table, distinct(files))).collect(),
    })
}

/// Each file once, where it came first.
fn distinct(files: Vec<Arc<ReleaseFile>>) -> Vec<ReleaseFile> {
    let mut distinct: Vec<ReleaseFile> = Vec::new();
    for file in files {
        if !distinct.contains(&file) {
            distinct.push(Arc::unwrap_or_clone(file));
        }
    }
    distinct
}

fn unknown_arch(written: &Written<String>) -> Error {
    written.wrong(
        "arch",
        match nearest(&written.value, arch::known()) {
            Some(near) => format!("there is no such architecture; did you mean {near}?"),
            None => "there is no such architecture".to_owned(),
        },
    )
}

/// Every string of a list, expanded; none may be empty.
pub(super) fn strings(
    key: &str,
    list: Vec<Written<String>>,
    vars: &Variables,
    dollars: Dollars,
) -> Result<Vec<String>, Error> {
    let expand = |text: Written<String>| match vars.expand(&text, dollars)?.trim() {
        "" => Err(text.wrong(key, "it is empty")),
        expanded => Ok(expanded.to_owned()),
    };
    list.into_iter().map(expand).collect()
}

fn map(
    written: BTreeMap<String, Written<String>>,
    vars: &Variables,
) -> Result<BTreeMap<String, String>, Error> {
    written.into_iter().map(|(name, text)| Ok((name, vars.expand(&text, Dollars::Text)?))).collect()
}

fn root(table: RootTable, vars: &Variables) -> Result<RootPackages, Error> {
    Ok(RootPackages {
        packages: strings("packages", table.packages.into_items(), vars, Dollars::Text)?,
        languages: strings("languages", table.languages.into_items(), vars, Dollars::Text)?,
        docs: table.docs.is_none_or(|docs| docs.value),
    })
}

fn solve(table: SolveTable, vars: &Variables) -> Result<SolveOptions, Error> {
    let module_platform_id =
        table.module_platform_id.map(|text| vars.expand(&text, Dollars::Text)).transpose()?;
    let (enable_modules, disable_modules) = modules(table.enable_modules, table.disable_modules, vars)?;
    Ok(SolveOptions {
        best: table.best.is_none_or(|best| best.value),
        weak: table.weak.is_some_and(|weak| weak.value),
        excludepkgs: strings("excludepkgs", table.excludepkgs.into_items(), vars, Dollars::Text)?,
        module_platform_id,
        enable_modules,
        disable_modules,
    })
}

/// Module streams to enable, written `module:stream`, and modules to disable. Of two streams of one module the later
/// one counts, so that a file can change what it inherits by adding.
fn modules(
    enable: Edited<Written<String>>,
    disable: Edited<Written<String>>,
    vars: &Variables,
) -> Result<(BTreeMap<String, String>, BTreeSet<String>), Error> {
    let disabled = strings("disable_modules", disable.into_items(), vars, Dollars::Text)?;
    let disabled: BTreeSet<String> = disabled.into_iter().collect();
    let mut enabled = BTreeMap::new();
    for text in enable.into_items() {
        let expanded = vars.expand(&text, Dollars::Text)?;
        let (module, stream) = match expanded.split_once(':') {
            Some((module, stream)) if !module.is_empty() && !stream.is_empty() && !stream.contains(':') => {
                (module, stream)
            }
            _ => return Err(text.wrong("enable_modules", "it is written \"module:stream\"")),
        };
        if disabled.contains(module) {
            return Err(text.wrong("enable_modules", "the module is in `disable_modules` too"));
        }
        enabled.insert(module.to_owned(), stream.to_owned());
    }
    Ok((enabled, disabled))
}

fn build(table: BuildTable, vars: &Variables) -> Result<Build, Error> {
    let timeout =
        |text: Written<String>| scalar::duration(&text.value).map_err(|reason| text.wrong("timeout", reason));
    Ok(Build {
        macros: map(table.macros, vars)?,
        environment: map(table.environment, vars)?,
        timeout: table.timeout.map(timeout).transpose()?,
    })
}

fn sandbox(table: SandboxTable) -> Result<SandboxOptions, Error> {
    let network = match table.network {
        None => Network::None,
        Some(text) => {
            Network::from_word(&text.value).ok_or_else(|| text.wrong("network", "it is `none` or `host`"))?
        }
    };
    let hostname = match table.hostname {
        None => HOSTNAME.to_owned(),
        Some(text) => match scalar::hostname(&text.value) {
            Ok(()) => text.value,
            Err(reason) => return Err(text.wrong("hostname", reason)),
        },
    };
    let mut nesting = Nesting::Refused;
    for text in table.allow.unwrap_or_default() {
        nesting = Nesting::from_word(&text.value)
            .ok_or_else(|| text.wrong("allow", "only `userns` can be allowed"))?;
    }
    let syncs = match table.syncs {
        None => Syncs::Real,
        Some(text) => {
            Syncs::from_word(&text.value).ok_or_else(|| text.wrong("syncs", "it is `real` or `ignored`"))?
        }
    };
    Ok(SandboxOptions { network, hostname, nesting, syncs })
}
