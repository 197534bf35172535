//! dnf, told to do what kiln does: the same repository, the same checks, no weak dependencies, nothing of the host's.

use std::path::Path;
use std::process::Command;

use crate::lab::Lab;

/// dnf with Clay.
pub(crate) fn clay(lab: &Lab, root: &Path, cache: &Path) -> Command {
    let mut command = with(lab, root, cache, &lab.mirror.url);
    command.arg("--setopt=bench.gpgcheck=1").arg("--setopt=bench.repo_gpgcheck=1");
    command.arg(format!("--setopt=bench.gpgkey=file://{}", lab.key().display()));
    command
}

/// dnf with the repository at a URL.
pub(crate) fn with(lab: &Lab, root: &Path, cache: &Path, url: &str) -> Command {
    let log = lab.path("dnf-log");
    // libdnf wants the directory, and says so only by failing.
    let _ = std::fs::create_dir_all(&log);
    let mut command = Command::new("dnf");
    command.env("LC_ALL", "C.UTF-8");
    command.args(["-y", "--releasever=1", "--forcearch=x86_64", "--disableplugin=*"]);
    command.args(["--setopt=reposdir=/nonexistent", "--setopt=keepcache=1", "--setopt=install_weak_deps=0"]);
    command.arg(format!("--setopt=logdir={}", log.display()));
    command.arg(format!("--setopt=persistdir={}", lab.path("dnf-persist").display()));
    command.arg(format!("--setopt=cachedir={}", cache.display()));
    command.arg(format!("--installroot={}", root.display()));
    command.arg(format!("--repofrompath=bench,{url}"));
    command
}

/// Where dnf writes its log: below the root that it makes.
pub(crate) fn log(lab: &Lab, root: &Path) -> std::path::PathBuf {
    let directory = lab.path("dnf-log");
    root.join(directory.strip_prefix("/").unwrap_or(&directory)).join("dnf.log")
}
