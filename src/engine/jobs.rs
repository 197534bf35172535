//! Functions of the engine's own that run inside the user namespace or inside a sandbox, where the files belong to
//! ids that the supervisor may not have. Inputs and answers are JSON; each pair of functions here is one message.

use crate::engine::buildroot::{BUILDDIR, BUILDER, INPUT, TOPDIR};
use crate::engine::collect::LARGEST;
use crate::engine::error::Error;
use crate::package::file::PackageFile;
use crate::package::{FileEntry, FileFlags};
use crate::plan::{Job, Tier};
use crate::sandbox::JobTable;
use crate::sys;

/// Every function that the keeper and the sandboxes can be asked for.
pub const JOBS: JobTable = &[
    ("make-workspace", run_make_workspace),
    ("receive-package", run_receive_package),
    ("receive-spec", run_receive_spec),
    ("take-artifacts", run_take_artifacts),
    ("remove", crate::store::remove),
    ("usage", crate::store::usage),
    ("prune", crate::store::prune),
    ("retire", crate::store::retire_all),
    ("verify", crate::store::verify),
    crate::install::JOBS[0],
    crate::install::JOBS[1],
    crate::install::JOBS[2],
    crate::install::JOBS[3],
    crate::install::JOBS[4],
];

fn job(name: &str, input: &impl serde::Serialize) -> Job {
    let input = serde_json::to_string(input).expect("these inputs are strings and numbers");
    Job { name: name.to_owned(), input }
}

fn input<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("the job's input: {error}"))
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn said(error: sys::SysError) -> String {
    error.to_string()
}

/// Removes things of the store.
pub(super) fn remove(paths: &[String]) -> Job {
    job("remove", &paths)
}

/// Measures the store.
pub(super) fn usage() -> Job {
    job("usage", &())
}

/// Takes things out of the store.
pub(super) fn prune(wish: &crate::store::Prune) -> Job {
    job("prune", wish)
}

/// Takes these things out of the store, where nobody uses them.
pub(super) fn retire(objects: &[crate::store::Object], inputs: crate::store::Inputs) -> Job {
    job("retire", &(objects, inputs))
}

/// Looks at one thing of the store.
pub(super) fn verify(check: &crate::store::Check) -> Job {
    job("verify", check)
}

/// Has the keeper do a job for as long as that is wanted, and reads its answer.
pub(super) fn answer<T: serde::de::DeserializeOwned>(
    job: &Job,
    keeper: &crate::sandbox::Keeper,
) -> Result<T, Error> {
    let answer = keeper.call_while_wanted(job)?;
    serde_json::from_str(&answer)
        .map_err(|error| Error::Answer { job: job.name.clone(), reason: error.to_string() })
}

/// Makes a workspace's directories; `builddir` belongs to the build user, who with a single id is root of the keeper's
/// namespace and the build user only in the sandbox.
pub(super) fn make_workspace(directory: &str, tier: Tier) -> Job {
    let builder = if tier == Tier::SingleId { (0, 0) } else { BUILDER };
    job("make-workspace", &(directory, builder))
}

fn run_make_workspace(text: &str) -> Result<String, String> {
    let (directory, (uid, gid)): (String, (u32, u32)) = input(text)?;
    for name in ["builddir", "upper", "work", "output"] {
        sys::fs::create_dir(format!("{directory}/{name}"), 0o755).map_err(said)?;
    }
    sys::owner::chown(format!("{directory}/builddir"), sys::owner::Owner { uid, gid }).map_err(said)?;
    Ok(String::new())
}

/// Unpacks the source package in `INPUT` into the build user's home.
pub(super) fn receive_package(macros: &str) -> Job {
    job("receive-package", &macros)
}

fn run_receive_package(text: &str) -> Result<String, String> {
    let macros: String = input(text)?;
    make_home(&macros)?;
    let path = format!("{INPUT}/source.rpm");
    let bytes = sys::fs::map(&path).map_err(said)?;
    let package = PackageFile::parse(&bytes).map_err(|error| error.to_string())?;
    let place = |file: &FileEntry| {
        let below = if file.flags.any(FileFlags::SPECFILE) { "SPECS" } else { "SOURCES" };
        format!("{TOPDIR}/{below}")
    };
    crate::install::unpack::source(&package, &format!("{TOPDIR}/.unpacked"), place)
        .map_err(|reason| reason.to_string())?;
    Ok(String::new())
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ReceiveSpec {
    macros: String,
    name: String,
}

/// Copies the spec file and the sources in `INPUT` into the build user's home.
pub(super) fn receive_spec(macros: &str, name: &str) -> Job {
    job("receive-spec", &ReceiveSpec { macros: macros.to_owned(), name: name.to_owned() })
}

fn run_receive_spec(text: &str) -> Result<String, String> {
    let ReceiveSpec { macros, name } = input(text)?;
    make_home(&macros)?;
    sys::fs::copy(format!("{INPUT}/spec"), format!("{TOPDIR}/SPECS/{name}"), 0o644).map_err(said)?;
    let sources = format!("{INPUT}/sources");
    for name in sys::fs::list(&sources).map_err(said)? {
        let from = std::path::Path::new(&sources).join(&name);
        let to = std::path::Path::new(TOPDIR).join("SOURCES").join(&name);
        sys::fs::copy(&from, &to, 0o644).map_err(said)?;
    }
    Ok(String::new())
}

/// rpm's directories and the macros that say where they are.
fn make_home(macros: &str) -> Result<(), String> {
    sys::fs::create_dir(TOPDIR, 0o755).map_err(said)?;
    for name in ["BUILD", "BUILDROOT", "RPMS", "SOURCES", "SPECS", "SRPMS"] {
        sys::fs::create_dir(format!("{TOPDIR}/{name}"), 0o755).map_err(said)?;
    }
    sys::fs::write(format!("{BUILDDIR}/.rpmmacros"), macros.as_bytes()).map_err(said)
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Take {
    from: String,
    to: String,
}

/// What was taken, or the name that was refused with the reason.
#[derive(serde::Serialize, serde::Deserialize)]
enum Taken {
    All(Vec<String>),
    Refused(String, String),
}

/// Copies the packages of a directory that a build wrote.
pub(super) fn take_artifacts(from: &str, to: &str) -> Job {
    job("take-artifacts", &Take { from: from.to_owned(), to: to.to_owned() })
}

/// The answer to [`take_artifacts`].
pub(super) fn taken(answer: &str) -> Result<Vec<String>, (String, String)> {
    match serde_json::from_str(answer) {
        Ok(Taken::All(names)) => match names.iter().find(|name| !is_file_name(name)) {
            Some(name) => Err((name.escape_default().to_string(), "it is not a file's name".to_owned())),
            None => Ok(names),
        },
        Ok(Taken::Refused(name, reason)) => Err((name, reason)),
        Err(error) => Err(("the answer".to_owned(), error.to_string())),
    }
}

/// Whether a name stays in its directory.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// Packages that one build may leave.
const MOST_ARTIFACTS: usize = 10_000;

fn run_take_artifacts(text: &str) -> Result<String, String> {
    let Take { from, to } = input(text)?;
    let answer = match take_all(&from, &to) {
        Ok(names) => Taken::All(names),
        Err((name, reason)) => Taken::Refused(name.escape_default().to_string(), reason),
    };
    serde_json::to_string(&answer).map_err(|error| error.to_string())
}

fn take_all(from: &str, to: &str) -> Result<Vec<String>, (String, String)> {
    let about = |error: sys::SysError| (from.to_owned(), error.to_string());
    let directory = sys::artifact::open_directory(from).map_err(about)?;
    let names = sys::artifact::list(&directory, MOST_ARTIFACTS).map_err(about)?;
    let mut taken = Vec::new();
    for name in names {
        let refused = |reason: &str| (name.to_string_lossy().into_owned(), reason.to_owned());
        let text = name
            .to_str()
            .filter(|name| is_package_name(name))
            .ok_or_else(|| refused("not a package's name"))?;
        let target = format!("{to}/{text}");
        sys::fs::remove_if_there(&target).map_err(|error| refused(&error.to_string()))?;
        sys::artifact::copy_regular(&directory, text, &target, LARGEST)
            .map_err(|error| refused(&error.to_string()))?;
        taken.push(text.to_owned());
    }
    Ok(taken)
}

/// The names that rpm gives packages: no separators, no control characters, nothing that a shell or a terminal reads.
fn is_package_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+~^-".contains(c);
    name.len() <= 255 && name.ends_with(".rpm") && !name.starts_with('.') && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_has_a_package_name() {
        for name in ["hello-2.12-1.cl1.x86_64.rpm", "a+b-1~rc1^git-1.noarch.rpm"] {
            assert!(is_package_name(name), "{name}");
        }
        for name in ["a b.rpm", "../a.rpm", ".a.rpm", "a.rpm\n", "a.tar", "\u{1b}[31m.rpm"] {
            assert!(!is_package_name(name), "{name}");
        }
    }
}
