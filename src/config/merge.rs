//! One file over another: lists and single values are replaced, tables are merged, repositories are merged by id.
//!
//! Merging is associative, so a chain of files means the same wherever one starts.

use std::collections::BTreeMap;

use crate::config::document::{
    BuildTable, Config, ConnectionKeys, OriginKeys, ReleaseTable, RepoTable, RootTable, SandboxTable,
    SolveTable,
};

impl Config {
    /// This, with `over` written over it.
    pub(super) fn merge(mut self, over: Self) -> Self {
        self.files.extend(over.files);
        for (table, files) in over.tables {
            self.tables.entry(table).or_default().extend(files);
        }
        Self {
            release: self.release.merge(over.release),
            vars: merged(self.vars, over.vars),
            root: self.root.merge(over.root),
            repos: merge_repos(self.repos, over.repos),
            solve: self.solve.merge(over.solve),
            build: self.build.merge(over.build),
            limits: self.limits.merged(&over.limits),
            sandbox: self.sandbox.merge(over.sandbox),
            files: self.files,
            tables: self.tables,
        }
    }
}

fn merged<V>(mut base: BTreeMap<String, V>, over: BTreeMap<String, V>) -> BTreeMap<String, V> {
    base.extend(over);
    base
}

/// The inherited repositories in their order, each with what is written over it, then the new ones.
fn merge_repos(mut base: Vec<RepoTable>, over: Vec<RepoTable>) -> Vec<RepoTable> {
    for repo in over {
        match base.iter().position(|known| known.id.value == repo.id.value) {
            Some(at) => base[at] = base[at].clone().merge(repo),
            None => base.push(repo),
        }
    }
    base
}

impl ReleaseTable {
    fn merge(self, over: Self) -> Self {
        Self {
            description: over.description.or(self.description),
            arch: over.arch.or(self.arch),
            family: over.family.or(self.family),
        }
    }
}

impl RootTable {
    fn merge(self, over: Self) -> Self {
        Self {
            packages: self.packages.merge(over.packages),
            languages: self.languages.merge(over.languages),
            docs: over.docs.or(self.docs),
        }
    }
}

impl SolveTable {
    fn merge(self, over: Self) -> Self {
        Self {
            best: over.best.or(self.best),
            weak: over.weak.or(self.weak),
            excludepkgs: self.excludepkgs.merge(over.excludepkgs),
            module_platform_id: over.module_platform_id.or(self.module_platform_id),
            enable_modules: self.enable_modules.merge(over.enable_modules),
            disable_modules: self.disable_modules.merge(over.disable_modules),
        }
    }
}

impl BuildTable {
    fn merge(self, over: Self) -> Self {
        Self {
            macros: merged(self.macros, over.macros),
            environment: merged(self.environment, over.environment),
            timeout: over.timeout.or(self.timeout),
        }
    }
}

impl SandboxTable {
    fn merge(self, over: Self) -> Self {
        Self {
            network: over.network.or(self.network),
            hostname: over.hostname.or(self.hostname),
            allow: over.allow.or(self.allow),
            syncs: over.syncs.or(self.syncs),
        }
    }
}

impl OriginKeys {
    /// The keys that are there, by name.
    pub(super) fn found(&self) -> Vec<&'static str> {
        let rows = [
            ("baseurl", self.baseurl.is_some()),
            ("mirrorlist", self.mirrorlist.is_some()),
            ("metalink", self.metalink.is_some()),
        ];
        rows.into_iter().filter(|row| row.1).map(|row| row.0).collect()
    }

    fn merge(self, over: Self) -> Self {
        if over.found().is_empty() { self } else { over }
    }
}

impl ConnectionKeys {
    /// Without what is a secret between kiln and the servers of another address.
    fn for_another_origin(self) -> Self {
        Self { username: None, password: None, ..self }
    }

    fn merge(self, over: Self) -> Self {
        Self {
            sslverify: over.sslverify.or(self.sslverify),
            sslcacert: over.sslcacert.or(self.sslcacert),
            sslclientcert: over.sslclientcert.or(self.sslclientcert),
            sslclientkey: over.sslclientkey.or(self.sslclientkey),
            username: over.username.or(self.username),
            password: over.password.or(self.password),
            proxy: over.proxy.or(self.proxy),
            proxy_username: over.proxy_username.or(self.proxy_username),
            proxy_password: over.proxy_password.or(self.proxy_password),
        }
    }
}

impl RepoTable {
    fn merge(self, over: Self) -> Self {
        let connection = if over.origin.found().is_empty() {
            self.connection
        } else {
            self.connection.for_another_origin()
        };
        Self {
            id: over.id,
            name: over.name.or(self.name),
            origin: self.origin.merge(over.origin),
            keys: self.keys.merge(over.keys),
            gpgcheck: over.gpgcheck.or(self.gpgcheck),
            repo_gpgcheck: over.repo_gpgcheck.or(self.repo_gpgcheck),
            enabled: over.enabled.or(self.enabled),
            priority: over.priority.or(self.priority),
            cost: over.cost.or(self.cost),
            includepkgs: self.includepkgs.merge(over.includepkgs),
            excludepkgs: self.excludepkgs.merge(over.excludepkgs),
            skip_if_unavailable: over.skip_if_unavailable.or(self.skip_if_unavailable),
            module_hotfixes: over.module_hotfixes.or(self.module_hotfixes),
            metadata_expire: over.metadata_expire.or(self.metadata_expire),
            connection: connection.merge(over.connection),
        }
    }
}
