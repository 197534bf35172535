//! The supervisor's handle on the keeper.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Mutex;

use crate::plan::{IdMap, Job, Phase, SandboxSpec, Tier};
use crate::report::SandboxRecord;
use crate::sandbox::cgroup::{Cgroups, Group};
use crate::sandbox::running::Sandbox;
use crate::sandbox::serve::{KEEPER, REMOVE};
use crate::sandbox::streams::Streams;
use crate::sandbox::wire::{self, Answer, Request};
use crate::sandbox::{Error, ids};
use crate::sys::userns::Helper;
use crate::sys::{SysError, fs, landlock, socket, userns};
use crate::unit::{HostPath, Limits};

/// The process that holds the user namespace of this run. Any number of threads may use it at once.
#[derive(Debug)]
pub struct Keeper {
    ids: IdMap,
    /// The keeper takes one whole message at a time and answers through the socket that came with it, so sending
    /// needs no lock. `None` only while it is being dropped.
    socket: Option<OwnedFd>,
    helper: Mutex<Helper>,
    cgroups: Cgroups,
}

const WHO: &str = "keeper";

impl Keeper {
    /// Starts the keeper over the store's directory, which must exist and belong to the namespace's root.
    pub fn start(ids: &IdMap, store: &HostPath) -> Result<Self, Error> {
        Self::start_from(Path::new("/proc/self/exe"), ids, store)
    }

    /// As [`Keeper::start`], from another build of this program: one whose `main` calls
    /// [`keeper_main`](crate::sandbox::keeper_main). A test's own program is none.
    pub fn start_from(program: &Path, ids: &IdMap, store: &HostPath) -> Result<Self, Error> {
        let (ours, theirs) = socket::pair().map_err(Error::Start)?;
        let mut helper = Helper::start(program, KEEPER, theirs, store.as_path()).map_err(Error::Start)?;
        if let Err(error) = introduce(&ours, &helper, ids) {
            drop(ours);
            let _ = helper.wait();
            return Err(error);
        }
        let cgroups = Cgroups::detect();
        cgroups.sweep();
        Ok(Self { ids: ids.clone(), socket: Some(ours), helper: Mutex::new(helper), cgroups })
    }

    /// The maps that it was started with.
    pub fn ids(&self) -> &IdMap {
        &self.ids
    }

    /// Runs one of kiln's own functions as the namespace's root, in a process of its own whose working directory is
    /// the store.
    pub fn call(&self, job: &Job) -> Result<String, Error> {
        let answers = self.ask(&Request::Call(job.clone()), &[])?;
        match wire::receive(&answers, "job")? {
            Some((Answer::Done(Ok(value)), _)) => Ok(value),
            Some((Answer::Done(Err(reason)), _)) => Err(Error::Job { job: job.name.clone(), reason }),
            Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
            _ => Err(Error::Lost { who: "job" }),
        }
    }

    /// Removes a file or a whole tree of the store, whatever a build has made of it. Nothing there is success.
    pub fn remove(&self, path: &str) -> Result<(), Error> {
        self.call(&Job { name: REMOVE.to_owned(), input: path.to_owned() }).map(drop)
    }

    /// Makes a sandbox and starts its command.
    pub fn spawn(&self, spec: &SandboxSpec) -> Result<Sandbox, Error> {
        let streams = Streams::new(spec.stdio).map_err(Error::Talk)?;
        let theirs: Vec<_> = streams.theirs.iter().map(OwnedFd::as_fd).collect();
        let answers = self.ask(&Request::Spawn(Box::new(spec.clone())), &theirs)?;
        Sandbox::begin(spec, answers, (streams.ours, self.group(spec)?))
    }

    /// A build is always measured; what else runs, when it is limited.
    fn group(&self, spec: &SandboxSpec) -> Result<Option<Group>, Error> {
        let Limits { memory, cpus, pids, .. } = &spec.limits;
        if spec.phase == Phase::Install && memory.is_none() && cpus.is_none() && pids.is_none() {
            return Ok(None);
        }
        self.cgroups.create(&spec.limits).map_err(Error::Group)
    }

    /// How a sandbox is made here, and what this host does not give it.
    pub fn record(&self, spec: &SandboxSpec) -> SandboxRecord {
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let mut warnings = self.cgroups.losses(&spec.limits);
        if spec.limits.disk.is_some() {
            warnings.push("disk limit not enforced".to_owned());
        }
        if landlock::version() == 0 {
            warnings.push("the kernel has no Landlock".to_owned());
        }
        SandboxRecord {
            tier: word(serde_json::json!(self.ids.tier)),
            cgroup: self.cgroups.word().to_owned(),
            network: word(serde_json::json!(spec.network)),
            limits: spec.limits.clone(),
            warnings,
        }
    }

    /// Another way to ask it.
    pub(super) fn channel(&self) -> Result<OwnedFd, Error> {
        let Some(socket) = &self.socket else { return Err(Error::Lost { who: WHO }) };
        socket::duplicate(socket).map_err(Error::Talk)
    }

    fn ask(&self, request: &Request, more: &[BorrowedFd<'_>]) -> Result<OwnedFd, Error> {
        let (ours, theirs) = socket::pair().map_err(Error::Talk)?;
        let descriptors: Vec<_> = std::iter::once(theirs.as_fd()).chain(more.iter().copied()).collect();
        let Some(socket) = &self.socket else { return Err(Error::Lost { who: WHO }) };
        wire::send(socket, request, &descriptors)?;
        Ok(ours)
    }
}

impl Drop for Keeper {
    /// The keeper ends when its socket closes, and everything below it with it.
    fn drop(&mut self) {
        self.socket = None;
        if let Ok(mut helper) = self.helper.lock() {
            let _ = helper.wait();
        }
    }
}

fn introduce(keeper: &OwnedFd, helper: &Helper, map: &IdMap) -> Result<(), Error> {
    match wire::receive(keeper, WHO)? {
        Some((Answer::Here, _)) => {}
        Some((Answer::Failed(failure), _)) => {
            let source = std::io::Error::from_raw_os_error(failure.errno);
            return Err(ids::refusal(SysError::new("unshare", failure.args, source)));
        }
        _ => return Err(Error::Lost { who: WHO }),
    }
    write_maps(helper.pid(), map).map_err(|source| Error::Map { tier: map.tier, source })?;
    wire::send(keeper, &Request::Mapped(map.tier), &[])?;
    match wire::receive(keeper, WHO)? {
        Some((Answer::Here, _)) => Ok(()),
        Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
        _ => Err(Error::Lost { who: WHO }),
    }
}

fn write_maps(pid: u32, map: &IdMap) -> Result<(), SysError> {
    let write = |file: &str, text: &str| fs::write(format!("/proc/{pid}/{file}"), text.as_bytes());
    match map.tier {
        Tier::Root => {}
        Tier::SingleId => write("setgroups", "deny")?,
        Tier::SubordinateIds => {
            for (program, ranges) in [("newuidmap", &map.uids), ("newgidmap", &map.gids)] {
                let numbers = ids::lines(ranges);
                let arguments = std::iter::once(pid.to_string())
                    .chain(numbers.split_whitespace().map(str::to_owned))
                    .collect::<Vec<_>>();
                userns::run_mapper(program, &arguments)?;
            }
            return Ok(());
        }
    }
    write("uid_map", &ids::lines(&map.uids))?;
    write("gid_map", &ids::lines(&map.gids))
}
