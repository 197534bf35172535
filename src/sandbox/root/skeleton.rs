//! The mount points, as a layer below all others.
//!
//! A root that is just being installed has no `/proc` to mount on, and a read-only one cannot get it. Making mount
//! points in the overlay's upper directory would put them into the layer that is being made. So they come from a
//! directory of the store, the lowest layer of every root: whatever a package brings in their place wins.

use std::os::fd::OwnedFd;

use crate::plan::{SandboxSpec, Step};
use crate::sys::{SysError, at, fs, tree};
use crate::unit::Digest;

/// The directory of the store that holds them.
const DIRECTORY: &str = "skeleton";

/// What is mounted there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    Directory(String),
    File(String),
}

/// The skeleton for the steps of `spec`, relative to the store; made once, then found.
pub(super) fn ensure(store: &OwnedFd, spec: &SandboxSpec) -> Result<String, SysError> {
    let points = points(spec)?;
    let name = Digest::sha256(format!("{points:?}").as_bytes()).hex();
    let name = &name[..32];
    let path = format!("{DIRECTORY}/{name}");
    if at::exists(store, &path) {
        return Ok(path);
    }
    let directory = at::ensure_directory(store, DIRECTORY)?;
    let draft = format!("{name}.{}", fs::read_text("/proc/sys/kernel/random/uuid")?.trim());
    at::make_directory(&directory, &draft, 0o755)?;
    let made = at::locate(&directory, &draft)?;
    for point in &points {
        match point {
            Point::Directory(path) => drop(at::ensure_directory(&made, path)?),
            Point::File(path) => {
                if let Some((parent, _)) = path.rsplit_once('/') {
                    at::ensure_directory(&made, parent)?;
                }
                drop(at::ensure_file(&made, path)?);
            }
        }
    }
    if !at::publish_directory(&directory, draft.as_ref(), name.as_ref())? {
        tree::remove(format!("{DIRECTORY}/{draft}"))?;
    }
    Ok(path)
}

fn points(spec: &SandboxSpec) -> Result<Vec<Point>, SysError> {
    let directory = |path: &str| Point::Directory(path.to_owned());
    let mut points = vec![directory("/builddir")];
    for step in &spec.steps {
        points.push(match step {
            Step::Proc => directory("/proc"),
            Step::Sys => directory("/sys"),
            Step::Dev => directory("/dev"),
            Step::Tmpfs { at, .. } => directory(at.as_str()),
            Step::Bind { from, to, .. } => {
                if at::is_directory(at::open_place(from)?)? {
                    directory(to.as_str())
                } else {
                    Point::File(to.as_str().to_owned())
                }
            }
            Step::File { at, .. } => Point::File(at.as_str().to_owned()),
        });
    }
    points.sort();
    points.dedup();
    Ok(points)
}
