//! The keeper: becomes the root of a user namespace, then does what the supervisor asks until its socket closes.

use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path};
use std::process::ExitCode;

use crate::plan::{Guard, Job, Network, SandboxSpec, Tier};
use crate::sandbox::attach::Minder;
use crate::sandbox::error::During as _;
use crate::sandbox::init::Init;
use crate::sandbox::role::keeper_has;
#[cfg(debug_assertions)]
use crate::sandbox::role::lacking;
use crate::sandbox::wire::{self, Answer, Request};
use crate::sandbox::{Error, Failure, measure};
use crate::sys::caps::{self, Capabilities};
use crate::sys::mount::{self, Attributes, Extent, Propagation};
use crate::sys::process::{self, Copied, Namespaces, Resource};
use crate::sys::{SysError, at, child, fs, signal, tree};
use crate::unit::HostPath;

/// The name that makes this program the keeper.
pub(super) const KEEPER: &str = "kiln-keeper";

/// kiln's own functions that can run inside the user namespace or inside a sandbox, by name.
pub type JobTable = &'static [(&'static str, fn(&str) -> Result<String, String>)];

/// The keeper's whole life.
pub(super) fn keeper_main(jobs: JobTable) -> ExitCode {
    let control = process::standard(0);
    let Some(tier) = become_root(&control) else { return ExitCode::FAILURE };
    while let Ok(Some((request, descriptors))) = wire::receive(&control, "supervisor") {
        match request {
            Request::Call(job) => call(&job, descriptors, jobs),
            Request::Spawn(spec) => spawn(*spec, descriptors, (tier, jobs)),
            Request::Attach { spec, namespaces } => {
                attach((*spec, namespaces), descriptors, (tier, jobs));
            }
            Request::Mount { from, at } => mount_beside(&from, &at, &descriptors),
            Request::Mapped(_) => {}
        }
    }
    ExitCode::SUCCESS
}

fn become_root(control: &OwnedFd) -> Option<Tier> {
    let told = |result: Result<(), Failure>| {
        let answer = result.map_or_else(Answer::Failed, |()| Answer::Here);
        let fine = matches!(answer, Answer::Here);
        (wire::send(control, &answer, &[]).is_ok() && fine).then_some(())
    };
    told(leave_the_host().during("making a user namespace"))?;
    let Ok(Some((Request::Mapped(tier), _))) = wire::receive(control, "supervisor") else { return None };
    told(take_charge(tier).during("becoming the namespace's root")).map(|()| tier)
}

/// What has to happen before there is a user namespace: groups can be dropped only by the host's root.
fn leave_the_host() -> Result<(), SysError> {
    if keeper_has(Guard::Descriptors) {
        process::close_all_from(3, &[])?;
    }
    process::new_session()?;
    process::new_keyring()?;
    process::set_umask();
    process::default_signals()?;
    child::forget_children();
    go_first_without_memory();
    if keeper_has(Guard::Limits) {
        give_up_limits()?;
    }
    if process::identity().0 == 0 && process::may_set_groups() {
        process::drop_groups()?;
    }
    let users = if keeper_has(Guard::UserNamespace) { Namespaces::USER } else { Namespaces::NONE };
    process::unshare(users.and(Namespaces::MOUNT))
}

/// What nobody below the keeper gets, and its own jobs, which read hostile bytes, do not either. Before there is a
/// namespace: a limit of now is one of the whole namespace as well, where the kernel counts in it.
fn give_up_limits() -> Result<(), SysError> {
    // 1 and not 0: with 0 the kernel would still start a piped core handler on the host.
    process::set_limit(Resource::Core, 1, 1)?;
    process::set_limit(Resource::RealTime, 0, 0)?;
    process::set_limit(Resource::Priority, 0, 0)
}

/// When memory runs out, the kernel takes a build before anything else of the host's. Who is to go earlier still stays so:
/// a container's score may have a floor above this one.
fn go_first_without_memory() {
    const SCORE: i32 = 500;
    const FILE: &str = "/proc/self/oom_score_adj";
    let now = fs::read_text(FILE).ok().and_then(|text| text.trim().parse().ok());
    if now.unwrap_or(0) < SCORE {
        // Of no weight where it is refused.
        let _ = fs::write(FILE, SCORE.to_string().as_bytes());
    }
}

fn take_charge(tier: Tier) -> Result<(), SysError> {
    let groups: Option<&[u32]> = if tier == Tier::SingleId { None } else { Some(&[0]) };
    process::become_user(0, 0, groups)?;
    mount::set_propagation(Propagation::Inwards)?;
    if tier != Tier::SingleId && keeper_has(Guard::UserNamespace) {
        // A second lock beside the system call filter; a container may keep /proc/sys read-only.
        let _ = fs::write(NAMESPACE_LIMIT, b"0");
    }
    Ok(())
}

/// For all that happens later; the keeper's mounts are its own.
fn mount_beside(from: &HostPath, place: &str, descriptors: &[OwnedFd]) {
    let mounted = || -> Result<(), SysError> {
        let tree = mount::clone_tree(at::open_directory(".")?, from, Extent::Tree)?;
        let attributes = Attributes::NO_SUID.and(Attributes::NO_DEVICES).and(Attributes::READ_ONLY);
        mount::add_attributes(&tree, attributes, Extent::Tree)?;
        mount::attach(&tree, at::open_directory(place)?)
    };
    let mounted = mounted().during(format!("mounting {from}"));
    let answer = mounted.map_or_else(Answer::Failed, |()| Answer::Here);
    if let Some(answers) = descriptors.first() {
        // Whoever does not wait for the answer is gone.
        let _ = wire::send(answers, &answer, &[]);
    }
}

/// How many user namespaces can be made below the keeper's.
pub(super) const NAMESPACE_LIMIT: &str = "/proc/sys/user/max_user_namespaces";

fn call(job: &Job, mut descriptors: Vec<OwnedFd>, jobs: JobTable) {
    if descriptors.is_empty() {
        return;
    }
    let answers = descriptors.remove(0);
    match process::fork() {
        Ok(Some(_)) => {}
        Ok(None) => {
            let result = become_worker(&descriptors).map_err(|error| error.to_string());
            let result = result.and_then(|()| run_job(job, jobs));
            let sent = wire::send(&answers, &Answer::Done(result), &[]);
            process::exit(i32::from(sent.is_err()));
        }
        Err(error) => refuse(&answers, Err(error).during("starting a job")),
    }
}

/// The functions that every keeper has.
pub(super) const REMOVE: &str = "remove-path";
pub(super) const MEASURE: &str = "measure-sandbox";
const OWN: JobTable = &[(REMOVE, remove), (MEASURE, measure::measure)];

/// Removes a path of the store; one that could lead out of it is refused.
fn remove(path: &str) -> Result<String, String> {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
    if path.is_empty() || !Path::new(path).components().all(inside) {
        return Err(format!("`{path}` is not a path inside the store"));
    }
    tree::remove(path).map(|()| String::new()).map_err(|error| error.to_string())
}

/// A descriptor that came along becomes the function's standard output.
fn become_worker(streams: &[OwnedFd]) -> Result<(), SysError> {
    process::die_with_parent()?;
    process::default_signals()?;
    signal::ignore_closed_pipes();
    streams.first().map_or(Ok(()), |output| process::set_standard(1, output))
}

/// Runs a function of the table; a panic is a failure like any other.
pub(super) fn run_job(job: &Job, jobs: JobTable) -> Result<String, String> {
    let mut jobs = jobs.iter().chain(OWN);
    let Some((_, function)) = jobs.find(|(name, _)| *name == job.name) else {
        return Err(format!("there is no job `{}`", job.name));
    };
    catch_unwind(AssertUnwindSafe(|| function(&job.input))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("internal error: {text}"))
    })
}

fn spawn(spec: SandboxSpec, mut descriptors: Vec<OwnedFd>, (tier, jobs): (Tier, JobTable)) {
    if descriptors.is_empty() {
        return;
    }
    let supervisor = descriptors.remove(0);
    #[cfg(debug_assertions)]
    let spec = SandboxSpec { without: [spec.without, lacking()].concat(), ..spec };
    if spec.has(Guard::Capabilities)
        && let Err(error) = caps::bound(Capabilities::INSTALL)
    {
        return refuse(&supervisor, Err(error).during("giving up what no sandbox has"));
    }
    let kinds = [
        (Guard::ProcessNamespace, Namespaces::PID),
        (Guard::IpcNamespace, Namespaces::IPC),
        (Guard::HostName, Namespaces::UTS),
    ];
    let kinds = kinds.iter().filter(|row| spec.has(row.0));
    let mut namespaces = kinds.fold(Namespaces::MOUNT, |all, row| all.and(row.1));
    if spec.network == Network::None {
        namespaces = namespaces.and(Namespaces::NET);
    }
    match process::copy(namespaces) {
        Ok(Copied::Child) => Init { spec, tier, jobs, supervisor, streams: descriptors }.run(),
        Ok(Copied::Parent(pidfd)) => {
            let _ = wire::send(&supervisor, &Answer::Started, &[pidfd.as_fd()]);
        }
        Err(error) => refuse(&supervisor, Err(error).during("making the namespaces")),
    }
}

fn attach(
    (spec, namespaces): (SandboxSpec, usize),
    mut descriptors: Vec<OwnedFd>,
    (tier, jobs): (Tier, JobTable),
) {
    if descriptors.len() <= namespaces {
        return;
    }
    let visitor = descriptors.remove(0);
    let streams = descriptors.split_off(namespaces);
    match process::copy(Namespaces::NONE) {
        Ok(Copied::Child) => Minder { spec, tier, jobs, visitor, namespaces: descriptors, streams }.run(),
        Ok(Copied::Parent(pidfd)) => {
            let _ = wire::send(&visitor, &Answer::Started, &[pidfd.as_fd()]);
        }
        Err(error) => refuse(&visitor, Err(error).during("starting a minder")),
    }
}

fn refuse(supervisor: &OwnedFd, result: Result<(), Failure>) {
    if let Err(failure) = result {
        let _: Result<(), Error> = wire::send(supervisor, &Answer::Failed(failure), &[]);
    }
}
