//! Making roots and entering them.

use std::path::Path;
use std::process::Command;

use crate::contest::{Contestant, contest};
use crate::dnf;
use crate::error::Error;
use crate::lab::{GROUP, Lab};
use crate::result::{Goal, Measured, Outcome};
use crate::sample::finish;

/// kiln's own runs, and the peer's or why there are none.
pub(super) type Side = Result<Measured, String>;

/// A line with a peer, or with the remark why there is none.
pub(super) fn against(row: &str, what: &str, ours: &Measured, peer: &Side) -> Outcome {
    match peer {
        Ok(peer) => Outcome::times(row, what, ours, Some(peer)),
        Err(why) => Outcome::times(row, what, ours, None).remark(why.as_str()),
    }
}

/// Runs kiln and a peer that may not be there.
pub(super) fn duel(
    lab: &Lab,
    ours: Contestant<'_>,
    peer: Result<Contestant<'_>, String>,
    runs: usize,
) -> Result<(Measured, Side), Error> {
    let mut contestants = vec![ours];
    let missing = match peer {
        Ok(peer) => {
            contestants.push(peer);
            None
        }
        Err(why) => Some(why),
    };
    let mut measured = contest(&lab.clock, runs, &contestants)?;
    let peer = measured.drain(1..).next();
    let ours = measured.remove(0);
    Ok((ours, peer.ok_or_else(|| missing.unwrap_or_default())))
}

/// Everything from nothing.
pub(super) fn cold(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let (store, root, cache, floor) =
        (lab.path("cold-store"), lab.path("cold-root"), lab.path("cold-cache"), lab.path("floor"));
    let (list, own) = (packages(lab)?, own_program()?);
    let clear = || lab.bury(&root).and_then(|()| lab.bury(&cache));
    let install = || {
        let mut command = dnf::clay(lab, &root, &cache);
        command.args(["install", GROUP]);
        command
    };
    let lowest = || {
        let mut command = Command::new(&own);
        command.arg("floor").arg(&lab.mirror.url).arg(&list).arg(&floor);
        command
    };
    let mut contestants = vec![
        Contestant::new("kiln init", || lab.bury(&store), || init(lab, &store)),
        Contestant::new("download+sha256+inflate+write", || lab.bury(&floor), lowest),
    ];
    let dnf = lab.has("dnf");
    if dnf.is_ok() {
        contestants.push(Contestant::new("dnf --installroot", clear, install));
    }
    let mut measured = contest(&lab.clock, lab.runs, &contestants)?.into_iter();
    let (Some(ours), Some(lowest)) = (measured.next(), measured.next()) else { return Ok(Vec::new()) };
    let peer = measured.next().ok_or_else(|| dnf.err().unwrap_or_default());
    let text = std::fs::read_to_string(&list).map_err(Error::io("read", &list))?;
    let what = format!("cold init: empty store, loopback mirror, {} packages", text.lines().count());
    let mut beside = against("init-cold", &what, &ours, &peer).bar(Goal::Less(5.0)).aim(Goal::Less(10.0));
    if peer.is_ok() {
        beside = beside.remark(same_packages(lab, &store, &root)?);
    }
    let over = Outcome::times("init-cold", "the same over its physical floor", &ours, Some(&lowest));
    Ok(vec![beside, over.aim(Goal::AtMostTimes(1.5))])
}

fn init(lab: &Lab, store: &Path) -> Command {
    let mut command = lab.kiln(store);
    command.arg("init");
    command
}

/// The packages that a cold init fetches, as paths on the mirror.
fn packages(lab: &Lab) -> Result<std::path::PathBuf, Error> {
    let store = lab.store()?;
    let said = finish(lab.kiln(store).arg("solve"))?;
    // The epoch is in the package's name but not in its file's.
    let path = |nevra: &str| {
        let (before, after) = nevra.split_once(':').unwrap_or(("", nevra));
        let name = before.rsplit_once('-').map_or("", |(name, _)| name);
        let dash = if name.is_empty() { "" } else { "-" };
        format!("Packages/{name}{dash}{after}.rpm\n")
    };
    let text: String = String::from_utf8_lossy(&said).lines().map(path).collect();
    let list = lab.path("packages");
    std::fs::write(&list, text).map_err(Error::io("write", &list))?;
    Ok(list)
}

/// Says that both roots hold the same packages; other roots would make the row worthless.
fn same_packages(lab: &Lab, store: &Path, root: &Path) -> Result<String, Error> {
    let sorted = |said: Vec<u8>| {
        let text = String::from_utf8_lossy(&said).into_owned();
        let mut lines: Vec<_> =
            text.lines().filter(|line| !line.starts_with("gpg-pubkey")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let ours = sorted(finish(lab.kiln(store).args(["run", "--", "rpm", "-qa"]))?);
    let theirs = sorted(finish(Command::new("rpm").arg("--root").arg(root).arg("-qa"))?);
    if ours != theirs {
        let differ = ours.iter().filter(|line| !theirs.contains(line)).count();
        return Err(Error::broken(
            "the two roots",
            format!("{} and {} packages, {} only in kiln's", ours.len(), theirs.len(), differ),
        ));
    }
    Ok(format!("both roots have the same {} packages", ours.len()))
}

pub(super) fn own_program() -> Result<std::path::PathBuf, Error> {
    std::env::current_exe().map_err(|source| Error::Io { what: "find this program".into(), source })
}

/// Packages unpacked, layer missing; dnf with its package cache. Both have to solve again.
pub(super) fn stored(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let (store, root) = (lab.store()?, lab.path("stored-root"));
    let drop_layers = || {
        for part in ["layers", "locks", "logs"] {
            lab.bury_in(&store.join(part), &[])?;
        }
        Ok(())
    };
    let peer = match lab.has("dnf") {
        Ok(()) => Ok(lab.dnf_cache()?),
        Err(why) => Err(why),
    };
    let peer = peer.map(|cache| {
        let install = {
            let root = &root;
            move || {
                let mut command = dnf::clay(lab, root, cache);
                command.args(["install", GROUP]);
                command
            }
        };
        Contestant::new("dnf, packages cached", || lab.bury(&root), install)
    });
    let (ours, peer) =
        duel(lab, Contestant::new("kiln init", drop_layers, || init(lab, store)), peer, lab.runs)?;
    let what = "init with the packages in the store but no layer";
    Ok(vec![against("init-stored", what, &ours, &peer).bar(Goal::Less(15.0)).aim(Goal::Less(30.0))])
}

/// A root that is there, entered.
pub(super) fn run(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let store = lab.store()?;
    finish(lab.kiln(store).args(["run", "--", "true"]))?;
    let enter = || {
        let mut command = lab.kiln(store);
        command.args(["run", "--", "true"]);
        command
    };
    let peer = match lab.has("bwrap") {
        Ok(()) => Ok(lab.root()?),
        Err(why) => Err(why),
    };
    let peer = peer.map(|root| {
        Contestant::ready("bwrap on a ready root", move || {
            let mut command = bwrap(root);
            command.arg("true");
            command
        })
    });
    let (ours, peer) = duel(lab, Contestant::ready("kiln run", enter), peer, lab.runs * 5)?;
    let what = "warm `kiln run -- true`, whole process";
    let alone = Outcome::times("run", what, &ours, None).bar(Goal::AtMost(0.040)).aim(Goal::AtMost(0.015));
    let beside = against("run", "the same over bubblewrap", &ours, &peer).aim(Goal::AtMostTimes(2.0));
    Ok(vec![alone, beside])
}

/// bubblewrap with all its namespaces over a directory.
pub(super) fn bwrap(root: &Path) -> Command {
    let mut command = Command::new("bwrap");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8");
    command.args(["--unshare-all", "--die-with-parent", "--new-session", "--bind"]).arg(root).arg("/");
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--"]);
    command
}

/// What brings 60 packages into a build root.
const REQUIREMENTS: &[&str] = &["cmake", "git", "meson", "swig", "gnupg"];

/// Build requirements over a warm root. Both have the packages, and solve again.
pub(super) fn requirements(lab: &Lab) -> Result<Vec<Outcome>, Error> {
    let store = lab.store()?;
    // The store may have lost its layer to another row.
    finish(lab.kiln(store).arg("init"))?;
    let layers = store.join("layers");
    let base = names(&layers)?;
    let more = || {
        let mut command = init(lab, store);
        command.args(REQUIREMENTS.iter().flat_map(|name| ["--install", name]));
        command
    };
    finish(&mut more())?;
    let forget = || lab.bury_in(&layers, &base).and_then(|()| lab.bury_in(&store.join("locks"), &[]));
    let root = lab.path("required-root");
    let peer = match lab.has("dnf") {
        Ok(()) => Ok(required_by_dnf(lab, &root)?),
        Err(why) => Err(why),
    };
    let (ours, peer) = duel(lab, Contestant::new("kiln init --install", forget, more), peer, lab.runs)?;
    let what = "build requirements: 60 packages over a warm root, packages in the store";
    Ok(vec![against("requirements", what, &ours, &peer).bar(Goal::Less(8.0)).aim(Goal::Less(20.0))])
}

/// dnf over a copy of a root that it made, with the packages in its cache.
fn required_by_dnf<'a>(lab: &'a Lab, root: &'a Path) -> Result<Contestant<'a>, Error> {
    let (base, cache) = (lab.dnf_root()?, lab.dnf_cache()?);
    let copy = move || {
        lab.bury(root)?;
        finish(Command::new("cp").arg("-a").arg("--reflink=auto").arg(base).arg(root)).map(drop)
    };
    let install = move || {
        let mut command = dnf::clay(lab, root, cache);
        command.arg("install").args(REQUIREMENTS);
        command
    };
    // The first run fetches; it does not count.
    copy()?;
    finish(&mut install())?;
    Ok(Contestant::new("dnf install, packages cached", copy, install))
}

fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let entries = std::fs::read_dir(directory).map_err(Error::io("list", directory))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}
