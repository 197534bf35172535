//! The root of a sandbox: an overlay of layers, and the steps mounted into it.
//!
//! Every path inside is resolved below the root's own descriptor with `RESOLVE_IN_ROOT`, so that a symbolic link
//! that a package or an earlier build planted leads at most to another place of the same root. Everything is mounted
//! while the root is attached beside the old one; nothing is reachable by the payload until the pivot.

mod devices;
mod masks;
mod skeleton;

use std::os::fd::{AsFd, OwnedFd};

use crate::plan::{Access, Guard, Nesting, Phase, SandboxSpec, Step};
use crate::sandbox::Failure;
use crate::sandbox::error::During as _;
use crate::sandbox::root::masks::Cover;
use crate::sys::mount::{self, Attributes, Extent, Parameter};
use crate::sys::{SysError, at, fs, process};
use crate::unit::RootPath;

/// Where a build may write, besides its tmpfs mounts.
const BUILD_DIRECTORY: &str = "/builddir";

const NO_PRIVILEGES: Attributes = Attributes::NO_SUID.and(Attributes::NO_DEVICES);

/// Makes the root of `spec` and everything mounted in it, with /builddir for `builder`; attached in this mount namespace, not entered yet.
pub(super) fn build(spec: &SandboxSpec, builder: (u32, u32)) -> Result<OwnedFd, Failure> {
    let store = at::open_directory(".").during("opening the store")?;
    let scratch = scratch(&store).during("mounting a scratch tmpfs")?;
    let skeleton = skeleton::ensure(&store, spec).during("making the mount points")?;
    let root = overlay(spec, &skeleton, &scratch).during("mounting the overlay")?;
    mount::attach(&root, &scratch).during("attaching the overlay")?;
    if spec.phase == Phase::Build && !is_bound(spec, BUILD_DIRECTORY) {
        own_build_directory(builder, &root).during("making /builddir")?;
    }
    if spec.nesting == Nesting::Allowed {
        masks::unreachable(&root, spec.network).during("mounting /proc for sandboxes inside")?;
    }
    for (number, step) in spec.steps.iter().enumerate() {
        let cover = if spec.has(Guard::Masks) { Cover::Dangerous } else { Cover::Nothing };
        perform(step, &root, &scratch, Place { number, spec, cover }).during(format!("mounting {step}"))?;
    }
    if spec.phase == Phase::Build && spec.has(Guard::ReadOnlyRoot) {
        mount::add_attributes(&root, Attributes::READ_ONLY, Extent::This)
            .during("making the root read-only")?;
    }
    Ok(root)
}

/// A small tmpfs for what is kiln's own: what is shown of it is shown through mounts of its directories and files. Nobody
/// inside reaches the whole.
fn scratch(store: &OwnedFd) -> Result<OwnedFd, SysError> {
    let size = [("mode", "0755"), ("size", "1m"), ("nr_inodes", "256")];
    let size = size.map(|(name, value)| Parameter::Text(name, value.to_owned()));
    let scratch = mount::new("tmpfs", &size, NO_PRIVILEGES)?;
    mount::attach(&scratch, store)?;
    at::make_directory(&scratch, masks::NOTHING, 0)?;
    at::make_directory(&scratch, devices::DIRECTORY, 0o755)?;
    Ok(scratch)
}

/// The overlay's layer names are relative to the store, so that `/proc/self/mountinfo` shows no path of the host.
fn overlay(spec: &SandboxSpec, skeleton: &str, scratch: &OwnedFd) -> Result<OwnedFd, SysError> {
    let text = |name, value: &str| Parameter::Text(name, value.to_owned());
    let attributes = if spec.has(Guard::NoSetId) { NO_PRIVILEGES } else { Attributes::NO_DEVICES };
    let layers: Vec<&str> = spec.root.lower.iter().map(String::as_str).chain([skeleton]).collect();
    let mut parameters = Vec::new();
    if let Some((upper, work)) = &spec.root.upper {
        parameters.extend([text("upperdir", upper), text("workdir", work), Parameter::Flag("volatile")]);
    }
    // Without `userxattr` a directory made where one was removed fails with EIO in a user namespace.
    parameters.push(Parameter::Flag("userxattr"));
    if !process::kernel_is(LAYERS_BY_NAME) {
        parameters.push(text("lowerdir", &layers.join(":")));
        return mount::new_by_text(("overlay", "kiln"), &parameters, attributes, scratch);
    }
    parameters.splice(0..0, layers.iter().map(|layer| text("lowerdir+", layer)));
    parameters.push(text("source", "kiln"));
    mount::new("overlay", &parameters, attributes)
}

/// Before this version of Linux the layers are one parameter, which is longer than the new way of mounting takes.
const LAYERS_BY_NAME: (u32, u32) = (6, 7);

/// Whether a step mounts a directory of the store's at a path.
fn is_bound(spec: &SandboxSpec, path: &str) -> bool {
    spec.steps.iter().any(|step| matches!(step, Step::Bind { to, .. } if to.as_str() == path))
}

/// A mount of its own that stays writable when the root becomes read-only.
fn own_build_directory((uid, gid): (u32, u32), root: &OwnedFd) -> Result<(), SysError> {
    let directory = at::ensure_directory(root, BUILD_DIRECTORY)?;
    at::chown(&directory, "", uid, gid)?;
    let own = mount::clone_tree(&directory, "", Extent::This)?;
    mount::attach(&own, &directory)
}

/// What a step needs to know besides itself.
#[derive(Clone, Copy)]
struct Place<'a> {
    number: usize,
    spec: &'a SandboxSpec,
    cover: Cover,
}

fn perform(step: &Step, root: &OwnedFd, scratch: &OwnedFd, place: Place<'_>) -> Result<(), SysError> {
    match step {
        Step::Proc if !place.spec.has(Guard::ProcessNamespace) => show(root, "/proc"),
        Step::Proc => masks::proc(root, scratch, place.cover),
        Step::Sys => masks::sys(root, scratch, (place.spec.network, place.cover)),
        Step::Dev if !place.spec.has(Guard::Devices) => show(root, "/dev"),
        Step::Dev => devices::mount(root, scratch, place.spec.phase),
        Step::Tmpfs { at, mode, size } => {
            let parameters = [("mode", format!("{mode:o}")), ("size", size.to_string())];
            tmpfs(root, at, &parameters.map(|(name, value)| Parameter::Text(name, value)))
        }
        Step::Bind { from, to, access } => {
            let tree = mount::clone_tree(rustix::fs::CWD, from, Extent::Tree)?;
            let attributes = match access {
                Access::ReadOnly => NO_PRIVILEGES.and(Attributes::READ_ONLY),
                Access::ReadWrite => NO_PRIVILEGES,
            };
            mount::add_attributes(&tree, attributes, Extent::Tree)?;
            let target = if at::is_directory(&tree)? {
                at::ensure_directory(root, to.as_str())?
            } else {
                at::ensure_file(root, to.as_str())?
            };
            mount::attach(&tree, &target)
        }
        Step::File { at, content } => file(root, scratch, (at, content), place.number),
    }
}

/// What the host has there, for a proof that it must not be shown.
fn show(root: &OwnedFd, path: &str) -> Result<(), SysError> {
    let tree = mount::clone_tree(rustix::fs::CWD, path, Extent::Tree)?;
    mount::attach(&tree, at::ensure_directory(root, path)?)
}

fn tmpfs(root: impl AsFd, at: &RootPath, parameters: &[Parameter<'_>]) -> Result<(), SysError> {
    let target = at::ensure_directory(root, at.as_str())?;
    mount::attach(mount::new("tmpfs", parameters, NO_PRIVILEGES)?, target)
}

fn file(root: &OwnedFd, scratch: &OwnedFd, what: (&RootPath, &str), number: usize) -> Result<(), SysError> {
    let (path, content) = what;
    let name = number.to_string();
    let file = at::create(scratch, &name, 0o644)?;
    fs::write_all_to(file, content.as_bytes())?;
    let tree = mount::clone_tree(scratch, &name, Extent::This)?;
    mount::add_attributes(&tree, NO_PRIVILEGES.and(Attributes::READ_ONLY), Extent::This)?;
    mount::attach(&tree, at::ensure_file(root, path.as_str())?)
}
