//! What the command line changes: the last file of every chain, so to speak.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::document::{Config, RepoTable};
use crate::config::limits::LIMITS;
use crate::config::release::Network;
use crate::config::scalar;
use crate::config::written::Written;
use crate::config::{Error, Place, ReleaseFile};
use crate::unit::Limits;

/// Options that change a release, already read. In the order of the command line; later ones win.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    repos: Vec<(String, String)>,
    enabled: Vec<(String, bool)>,
    macros: Vec<(String, String)>,
    limits: Limits,
    network: Option<Network>,
    allow: Vec<Written<String>>,
}

impl Overrides {
    /// `--repo ID=URL`. A repository that the release has moves there and keeps its keys and checks; a new one is
    /// used unchecked, since nobody said by what to check it.
    pub fn repo(&mut self, option: &str) -> Result<(), Error> {
        let text = written(option);
        let wrong = |reason: &str| text.wrong("--repo", reason);
        let (id, url) = option.split_once('=').ok_or_else(|| wrong("it is written ID=URL"))?;
        scalar::repo_id(id).map_err(wrong)?;
        self.repos.push((id.to_owned(), url.to_owned()));
        Ok(())
    }

    /// `--enablerepo ID`.
    pub fn enable(&mut self, id: &str) {
        self.enabled.push((id.to_owned(), true));
    }

    /// `--disablerepo ID`.
    pub fn disable(&mut self, id: &str) {
        self.enabled.push((id.to_owned(), false));
    }

    /// `--define "NAME VALUE"`, as rpmbuild takes it; `NAME=VALUE` is not.
    pub fn define(&mut self, option: &str) -> Result<(), Error> {
        let text = written(option);
        let wrong = |reason: &str| text.wrong("--define", reason);
        let (name, value) = option
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| wrong("it is written \"NAME VALUE\""))?;
        scalar::macro_name(name).map_err(wrong)?;
        self.macros.push((name.to_owned(), value.trim_start().to_owned()));
        Ok(())
    }

    /// `--limit memory=4G,cpus=2`.
    pub fn limit(&mut self, option: &str) -> Result<(), Error> {
        for pair in option.split(',') {
            let text = written(pair);
            let wrong = |reason: String| text.wrong("--limit", reason);
            let known = || LIMITS.iter().map(|row| row.key).collect::<Vec<_>>().join(", ");
            let (key, value) =
                pair.split_once('=').ok_or_else(|| wrong("it is written KEY=VALUE".to_owned()))?;
            let row = LIMITS.iter().find(|row| row.key == key);
            let row = row.ok_or_else(|| wrong(format!("limits are {}", known())))?;
            (row.read)(&mut self.limits, value).map_err(wrong)?;
        }
        Ok(())
    }

    /// `--network none|host`.
    pub fn network(&mut self, network: Network) {
        self.network = Some(network);
    }

    /// `--allow userns`.
    pub fn allow(&mut self, word: &str) {
        self.allow.push(written(word));
    }

    /// The tables that these change, for the record.
    fn tables(&self) -> BTreeMap<String, Vec<Arc<ReleaseFile>>> {
        let rows = [
            ("limits", self.limits != Limits::default()),
            ("build", !self.macros.is_empty()),
            ("sandbox", self.network.is_some() || !self.allow.is_empty()),
        ];
        let tables = rows.into_iter().filter(|row| row.1).map(|row| row.0.to_owned());
        let ids = self.repos.iter().map(|row| &row.0).chain(self.enabled.iter().map(|row| &row.0));
        let tables = tables.chain(ids.map(|id| format!("repo {id}")));
        tables.map(|table| (table, vec![Arc::new(ReleaseFile::CommandLine)])).collect()
    }

    /// `config` with these written over it; `release` is its name.
    pub(super) fn over(&self, config: Config, release: &str) -> Result<Config, Error> {
        let mut over = Config { limits: self.limits.clone(), tables: self.tables(), ..Config::default() };
        let table = |id: &str, enabled: bool| {
            let mut table = RepoTable::new(written(id));
            table.enabled = Some(at_command_line(enabled));
            table
        };
        for (id, url) in &self.repos {
            let mut repo = table(id, true);
            repo.origin.baseurl = Some(vec![written(url)]);
            if !config.repos.iter().any(|known| known.id.value == *id) {
                repo.gpgcheck = Some(at_command_line(false));
            }
            over = over.merge(Config { repos: vec![repo], ..Config::default() });
        }
        let config = config.merge(over);
        let mut over = Config::default();
        for (id, enabled) in &self.enabled {
            if !config.repos.iter().any(|known| known.id.value == *id) {
                let known = config.repos.iter().map(|repo| repo.id.value.clone()).collect();
                return Err(Error::UnknownRepo { release: release.to_owned(), id: id.clone(), known });
            }
            over = over.merge(Config { repos: vec![table(id, *enabled)], ..Config::default() });
        }
        let macros = self.macros.iter().map(|(name, value)| (name.clone(), literal(value)));
        over.build.macros.extend(macros);
        over.sandbox.network = self.network.map(|network| written(network.as_str()));
        over.sandbox.allow = Some(self.allow.clone()).filter(|allow| !allow.is_empty());
        Ok(config.merge(over))
    }
}

pub(super) fn at_command_line<T>(value: T) -> Written<T> {
    Written { value, place: Place::whole(&Arc::new(ReleaseFile::CommandLine)) }
}

fn written(text: &str) -> Written<String> {
    at_command_line(text.to_owned())
}

/// A macro's value from the command line is rpm's alone: no variables in it.
fn literal(text: &str) -> Written<String> {
    written(&crate::config::variables::escaped(text))
}
