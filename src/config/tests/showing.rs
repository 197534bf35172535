//! What is shown reads back to the same release.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::config::tests::{Memory, loaded};
use crate::config::{Release, list, show};

/// The release without the record of its files, which differ of course.
fn alone(release: Release) -> Release {
    Release { files: Vec::new(), tables: BTreeMap::new(), ..release }
}

fn read_back(release: &Release) -> Release {
    let path = format!("/shown/{}.toml", release.name);
    loaded(&path, &[(&path, &show(release))]).unwrap()
}

#[test]
fn every_shipped_release_reads_back() {
    for row in list(&Memory::default(), &[]).unwrap() {
        let release = row.release.unwrap();
        assert_eq!(alone(read_back(&release)), alone(release));
    }
}

const FULL: &str = r#"
[release]
description = "{{full}} \" é {basearch} %{x}"
arch = "i686"
family = "f"
[vars]
releasever = "15.6"
dollar = "5$"
[root]
packages = ["@base", "(a or b)", "perl({{x}})"]
languages = ["de", "pt_BR"]
docs = false
[solve]
best = false
weak = true
excludepkgs = ["*.i586"]
module_platform_id = "platform:el9"
enable_modules = ["perl:5.32", "nodejs:20"]
enable_modules_add = ["nodejs:22"]
disable_modules = ["php"]
[build]
macros = { "dist(x:)" = '%{?x:{{a}}}{{b}} ${c} \ "', n = 7 }
environment = { LC_ALL = "C.UTF-8", V = "{arch}" }
timeout = "2h"
[limits]
memory = "8G"
swap = 0
cpus = 1.5
cpuset = "0-3,6"
io_bandwidth = "50M"
pids = 1000
disk = 17
log = "1G"
time = "1d"
[sandbox]
network = "host"
hostname = "builder.example.org"
syncs = "ignored"
[[repo]]
id = "a.b:c+d"
name = "{releasever_minor}"
mirrorlist = "https://example.org/$releasever?a=%20{{x}}"
keys = [{ path = "keys/{basearch}" }, { url = "https://example.org/k", fingerprint = "31645531 31645531 31645531 31645531 31645531", accept_expired = true }]
repo_gpgcheck = true
sslverify = false
sslcacert = "/ca/{basearch}.pem"
sslclientcert = "client.pem"
sslclientkey = "client.key"
username = "{me}$x"
password = "a/b@c:{{"
proxy = "http://proxy.{basearch}:3128"
proxy_username = "p"
priority = -1
cost = 4294967295
includepkgs = ["a*"]
excludepkgs = ["b*"]
skip_if_unavailable = true
module_hotfixes = true
metadata_expire = "never"
[[repo]]
id = "off"
enabled = false
gpgcheck = false
proxy = "_none_"
baseurl = ["https://example.org/1", "rel/ative"]
metadata_expire = 0
"#;

#[test]
fn everything_that_can_be_written_reads_back() {
    let release = loaded("/d/full.toml", &[("/d/full.toml", FULL)]).unwrap();
    assert_eq!(alone(read_back(&release)), alone(release.clone()));
    insta::assert_snapshot!(show(&release));
}

proptest! {
    #[test]
    fn any_text_reads_back(text in "[%${}a\\\\\"'\n# é]{0,16}") {
        let mut release = loaded("/d/full.toml", &[("/d/full.toml", FULL)]).unwrap();
        release.build.macros.insert("text".to_owned(), text.clone());
        release.build.environment.insert("TEXT".to_owned(), text.clone());
        release.description = text;
        prop_assert_eq!(alone(read_back(&release)), alone(release));
    }
}
