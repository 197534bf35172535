//! One `[[repo]]` becomes a [`Repo`]: an address that can be asked, and keys wherever signatures are checked.

use std::fmt::Write as _;
use std::path::Path;

use crate::config::document::{KeyTable, OriginKeys, RepoTable};
use crate::config::freeze::strings;
use crate::config::freeze_connection::connection;
use crate::config::release::{Check, Expired, Key, KeyLocation, NEVER, Origin, Repo};
use crate::config::variables::{Dollars, Variables};
use crate::config::written::Written;
use crate::config::{Error, Place, ReleaseFile, scalar};
use crate::unit::HostPath;

/// dnf's own defaults.
const PRIORITY: i32 = 99;
const COST: u32 = 1000;
const METADATA_EXPIRE: u64 = 48 * 3600;

const SCHEMES: &[&str] = &["http://", "https://", "file://"];

/// The repository that a table describes.
pub(super) fn repo(table: RepoTable, vars: &Variables) -> Result<Repo, Error> {
    let id = table.id.value;
    let place = table.id.place;
    let check = |written: Option<Written<bool>>, default: Check| match written {
        None => default,
        Some(Written { value: true, .. }) => Check::On,
        Some(Written { value: false, .. }) => Check::Off,
    };
    let (gpgcheck, repo_gpgcheck) =
        (check(table.gpgcheck, Check::On), check(table.repo_gpgcheck, Check::Off));
    let keys = table.keys.into_items().into_iter().map(|key_table| key(key_table, &id, vars));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    for (name, check) in [("gpgcheck", gpgcheck), ("repo_gpgcheck", repo_gpgcheck)] {
        if keys.is_empty() && check == Check::On {
            return Err(Error::NoKeys { place, repo: id, check: name });
        }
    }
    let name = table.name.map(|text| vars.expand(&text, Dollars::Variables)).transpose()?;
    let mut origin = origin(table.origin, &id, &place, vars)?;
    let connection = connection(table.connection, &mut origin, vars)?;
    Ok(Repo {
        name: name.unwrap_or_else(|| id.clone()),
        origin,
        gpgcheck,
        repo_gpgcheck,
        keys,
        priority: table.priority.map_or(PRIORITY, |priority| priority.value),
        cost: table.cost.map_or(COST, |cost| cost.value),
        includepkgs: strings("includepkgs", table.includepkgs.into_items(), vars, Dollars::Text)?,
        excludepkgs: strings("excludepkgs", table.excludepkgs.into_items(), vars, Dollars::Text)?,
        skip_if_unavailable: table.skip_if_unavailable.is_some_and(|skip| skip.value),
        module_hotfixes: table.module_hotfixes.is_some_and(|hotfixes| hotfixes.value),
        metadata_expire: table.metadata_expire.map_or(Ok(METADATA_EXPIRE), |text| expire(&text))?,
        connection,
        id,
    })
}

fn expire(text: &Written<String>) -> Result<u64, Error> {
    match text.value.as_str() {
        "never" | "-1" => Ok(NEVER),
        value => scalar::period(value)
            .map_err(|reason| text.wrong("metadata_expire", format!("{reason}, or \"never\""))),
    }
}

fn origin(keys: OriginKeys, repo: &str, place: &Place, vars: &Variables) -> Result<Origin, Error> {
    let wrong = |found| Error::Origins { place: place.clone(), repo: repo.to_owned(), found };
    let found = keys.found();
    match (keys.baseurl, keys.mirrorlist, keys.metalink) {
        (Some(urls), None, None) if urls.is_empty() => Err(wrong(Vec::new())),
        (Some(urls), None, None) => {
            let urls = urls.iter().map(|text| address("baseurl", text, vars));
            urls.collect::<Result<_, _>>().map(Origin::Baseurl)
        }
        (None, Some(url), None) => address("mirrorlist", &url, vars).map(Origin::Mirrorlist),
        (None, None, Some(url)) => address("metalink", &url, vars).map(Origin::Metalink),
        _ => Err(wrong(found)),
    }
}

/// A URL as it is, or a path as a `file` URL; a relative path begins beside the file it is written in.
fn address(key: &str, text: &Written<String>, vars: &Variables) -> Result<String, Error> {
    let url = vars.expand(text, Dollars::Variables)?;
    let wrong = |reason: &str| Err(text.wrong(key, reason));
    if url.chars().any(char::is_control) {
        return wrong("an address has no control characters in it");
    }
    if let Some(scheme) = SCHEMES.iter().find(|scheme| url.starts_with(**scheme)) {
        return match &url[scheme.len()..] {
            "" => wrong("it ends where the address should begin"),
            rest if rest.contains(char::is_whitespace) => {
                wrong("a URL has no white space in it; several are written as a list")
            }
            _ => Ok(url),
        };
    }
    if url.contains("://") || url.is_empty() {
        return wrong("an address begins with http://, https:// or file://, or is a path");
    }
    match beside(&url, text) {
        Some(path) if path.as_path().is_absolute() => Ok(file_url(&path)),
        _ => wrong("a relative path is relative to a file on disk; write it absolute"),
    }
}

/// A path, which when relative is relative to the file it is written in.
fn beside(path: &str, text: &Written<String>) -> Option<HostPath> {
    match &*text.place.file {
        _ if Path::new(path).is_absolute() => Some(HostPath::new(path)),
        ReleaseFile::Disk(file) => Some(HostPath::new(file.as_path().with_file_name(path))),
        ReleaseFile::Shipped(_) | ReleaseFile::CommandLine => None,
    }
}

/// The `file` URL of a path.
fn file_url(path: &HostPath) -> String {
    let mut url = "file://".to_owned();
    for char in path.to_string().chars() {
        match char {
            ' ' | '%' | '#' | '?' => {
                let _ = write!(url, "%{:02X}", u32::from(char));
            }
            char => url.push(char),
        }
    }
    url
}

fn key(table: KeyTable, repo: &str, vars: &Variables) -> Result<Key, Error> {
    let place = table.place;
    let name = format!("a key of repository `{repo}`");
    let missing = |key| Error::Missing { place: place.clone(), table: name.clone(), key };
    let fingerprint = table.fingerprint.map(|text| {
        let value = vars.expand(&text, Dollars::Text)?;
        scalar::fingerprint(&value).map_err(|reason| text.wrong("fingerprint", reason))
    });
    let fingerprint = fingerprint.transpose()?;
    let location = match (table.path, table.url) {
        (Some(path), None) => KeyLocation::Path(key_path(&path, vars)?),
        (None, Some(url)) => key_url(&url, vars)?,
        (None, None) => return Err(missing("path")),
        (Some(_), Some(url)) => return Err(url.wrong("url", "a key has a `path` or a `url`, not both")),
    };
    if fingerprint.is_none() && matches!(location, KeyLocation::Url(_)) {
        return Err(missing("fingerprint"));
    }
    let expired = match table.accept_expired {
        Some(Written { value: true, .. }) if fingerprint.is_none() => return Err(missing("fingerprint")),
        Some(Written { value: true, .. }) => Expired::Accepted,
        _ => Expired::Refused,
    };
    Ok(Key { location, fingerprint, expired })
}

pub(super) fn key_path(text: &Written<String>, vars: &Variables) -> Result<HostPath, Error> {
    let path = vars.expand(text, Dollars::Variables)?;
    match beside(&path, text) {
        _ if path.is_empty() || path.contains("://") => Err(text.wrong("path", "it is not a path")),
        Some(path) => Ok(path),
        None => Err(text.wrong("path", "a relative path is relative to a file on disk; write it absolute")),
    }
}

fn key_url(text: &Written<String>, vars: &Variables) -> Result<KeyLocation, Error> {
    let url = address("url", text, vars)?;
    if url.starts_with("file://") {
        return Err(text.wrong("url", "a file of this machine is written as `path`"));
    }
    Ok(KeyLocation::Url(url))
}
