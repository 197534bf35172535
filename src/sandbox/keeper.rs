//! The supervisor's handle on the keeper.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex};

#[cfg(debug_assertions)]
use crate::plan::Guard;
use crate::plan::{IdMap, Job, Network, Phase, SandboxSpec, Tier};
use crate::report::SandboxRecord;
use crate::sandbox::cgroup::{Cgroups, Group};
use crate::sandbox::enforce::enforcers;
use crate::sandbox::patrol::{Counting, Patrol};
use crate::sandbox::running::{Attached, Sandbox};
use crate::sandbox::serve::{KEEPER, REMOVE};
use crate::sandbox::streams::Streams;
use crate::sandbox::wire::{self, Answer, Request};
use crate::sandbox::{Error, ids, role, scope};
use crate::sys::userns::{Helper, Launcher};
use crate::sys::{SysError, fs, landlock, poll, process, signal, socket, userns};
use crate::unit::{HostPath, Limits};

/// The process that holds the user namespace of this run. Any number of threads may use it at once.
#[derive(Debug)]
pub struct Keeper {
    ids: IdMap,
    /// The keeper takes one whole message at a time and answers through the socket that came with it, so sending
    /// needs no lock. `None` only while it is being dropped.
    socket: Option<Arc<OwnedFd>>,
    helper: Mutex<Helper>,
    cgroups: Cgroups,
    store: HostPath,
    /// For sandboxes that say nothing of limits: scriptlets.
    limits: Limits,
}

const WHO: &str = "keeper";
/// How often a wait looks whether it is still wanted.
const TICK: std::time::Duration = std::time::Duration::from_millis(100);

impl Keeper {
    /// Starts the keeper over the store's directory, which must exist and belong to the namespace's root.
    pub fn start(ids: &IdMap, store: &HostPath) -> Result<Self, Error> {
        Self::start_from(Path::new("/proc/self/exe"), ids, store)
    }

    /// As [`Keeper::start`], from another build of this program: one whose `main` calls [`play`](crate::sandbox::play).
    /// A test's own program is none.
    pub fn start_from(program: &Path, ids: &IdMap, store: &HostPath) -> Result<Self, Error> {
        Self::begin(program, (KEEPER, ids), store)
    }

    /// As [`Keeper::start_from`], a keeper that is without some protections. Without a user namespace it has no maps, and the
    /// rights of whoever starts it.
    #[cfg(debug_assertions)]
    pub fn start_without(
        program: &Path,
        ids: &IdMap,
        store: &HostPath,
        without: &[Guard],
    ) -> Result<Self, Error> {
        let none = IdMap { tier: ids.tier, uids: Vec::new(), gids: Vec::new() };
        let ids = if without.contains(&Guard::UserNamespace) { &none } else { ids };
        Self::begin(program, (&role::name(without), ids), store)
    }

    fn begin(program: &Path, (name, ids): (&str, &IdMap), store: &HostPath) -> Result<Self, Error> {
        let cgroups = Cgroups::detect(store.as_path());
        let launcher = scope::launcher().filter(|_| cgroups.is_none());
        // A user manager that does not answer is as good as none.
        let scoped = launcher.and_then(|launcher| begin(program, (name, ids), store, Some(&launcher)).ok());
        let (ours, helper, cgroups) = match scoped {
            Some((ours, helper)) => {
                let cgroups = cgroups.of_scope(helper.pid());
                (ours, helper, cgroups)
            }
            None => begin(program, (name, ids), store, None).map(|(ours, helper)| (ours, helper, cgroups))?,
        };
        cgroups.sweep();
        let socket = Some(Arc::new(ours));
        let (ids, store) = (ids.clone(), store.clone());
        Ok(Self { ids, socket, helper: Mutex::new(helper), cgroups, store, limits: Limits::default() })
    }

    /// The same with limits for what runs while installing.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The maps that it was started with.
    pub fn ids(&self) -> &IdMap {
        &self.ids
    }

    /// Runs one of kiln's own functions as the namespace's root, in a process of its own whose working directory is
    /// the store.
    pub fn call(&self, job: &Job) -> Result<String, Error> {
        Self::result(job, &self.ask(&Request::Call(job.clone()), &[])?)
    }

    /// The same for a function that may take long and can be killed at any moment: the wish to end is not kept waiting.
    /// The function ends with the keeper.
    pub fn call_while_wanted(&self, job: &Job) -> Result<String, Error> {
        let answers = self.ask(&Request::Call(job.clone()), &[])?;
        Self::wanted(&answers)?;
        Self::result(job, &answers)
    }

    /// The same for a function that writes to its standard output, which is `output`.
    pub fn write(&self, job: &Job, output: impl AsFd) -> Result<String, Error> {
        let answers = self.ask(&Request::Call(job.clone()), &[output.as_fd()])?;
        Self::wanted(&answers)?;
        Self::result(job, &answers)
    }

    /// Waits for an answer for as long as anybody wants it.
    fn wanted(answers: &OwnedFd) -> Result<(), Error> {
        while poll::readable(&[answers], Some(TICK)).map_err(Error::Talk)?.is_empty() {
            if signal::interrupted() {
                return Err(Error::Lost { who: "job" });
            }
        }
        Ok(())
    }

    fn result(job: &Job, answers: &OwnedFd) -> Result<String, Error> {
        match wire::receive(answers, "job")? {
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

    /// Mounts a directory of the host read-only at a directory of the store, for all jobs and sandboxes that follow.
    pub fn mount(&self, from: &HostPath, at: &str) -> Result<(), Error> {
        let answers = self.ask(&Request::Mount { from: from.clone(), at: at.to_owned() }, &[])?;
        match wire::receive(&answers, WHO)? {
            Some((Answer::Here, _)) => Ok(()),
            Some((Answer::Failed(failure), _)) => Err(Error::Failed(failure)),
            _ => Err(Error::Lost { who: WHO }),
        }
    }

    /// Makes a sandbox and starts its command.
    pub fn spawn(&self, spec: &SandboxSpec) -> Result<Sandbox, Error> {
        let limited;
        let spec = if spec.phase == Phase::Install && spec.limits == Limits::default() {
            limited = SandboxSpec { limits: self.limits.clone(), ..spec.clone() };
            &limited
        } else {
            spec
        };
        let streams = Streams::new(spec.stdio).map_err(Error::Talk)?;
        let theirs: Vec<_> = streams.theirs.iter().map(OwnedFd::as_fd).collect();
        let answers = self.ask(&Request::Spawn(Box::new(spec.clone())), &theirs)?;
        let group = self.group(spec)?;
        let counting = if group.is_some() { Counting::Counted } else { Counting::Uncounted };
        let socket = self.socket.as_ref().map(Arc::downgrade).unwrap_or_default();
        let patrol =
            Self::is_measured(spec).then(|| Patrol::new(spec, counting, socket, &self.store)).flatten();
        let processors = self.processors(&spec.limits);
        Sandbox::begin(spec, answers, Attached { streams: streams.ours, group, patrol, processors })
    }

    /// The processors for a sandbox whose groups do not choose them.
    fn processors(&self, limits: &Limits) -> Option<Vec<u32>> {
        let all = process::processors();
        let set = limits.cpuset.as_ref().filter(|_| !self.cgroups.keeps("cpuset"));
        let number = limits.cpus.filter(|_| !self.cgroups.keeps("cpus"));
        if set.is_none() && number.is_none() {
            return None;
        }
        let wanted: Vec<u32> =
            set.map_or(all.clone(), |set| set.numbers().filter(|n| all.contains(n)).collect());
        let most = number.map_or(wanted.len(), |number| number.ceil() as usize);
        Some(wanted.into_iter().take(most).collect())
    }

    /// A build is always measured; what else runs, when it is limited.
    fn is_measured(spec: &SandboxSpec) -> bool {
        let untimed = Limits { time: None, log: None, silence: None, ..spec.limits.clone() };
        spec.phase == Phase::Build || untimed != Limits::default()
    }

    fn group(&self, spec: &SandboxSpec) -> Result<Option<Group>, Error> {
        if !Self::is_measured(spec) {
            return Ok(None);
        }
        self.cgroups.create(&spec.limits).map_err(Error::Group)
    }

    /// How sandboxes are made here, who keeps these limits, and what this host does not give.
    pub fn record(&self, limits: &Limits, network: Network) -> SandboxRecord {
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let cgroup = self.cgroups.word();
        let (enforced, mut warnings) = enforcers(limits, cgroup, |limit| self.cgroups.keeps(limit));
        if landlock::version() == 0 {
            warnings.push("the kernel has no Landlock".to_owned());
        }
        if network == Network::Host && !landlock::has_scopes() {
            let reason = "with the host's network its abstract sockets are in reach: only Linux 6.12 and later ones keep them apart";
            warnings.push(reason.to_owned());
        }
        SandboxRecord {
            tier: word(serde_json::json!(self.ids.tier)),
            cgroup: cgroup.to_owned(),
            network: word(serde_json::json!(network)),
            limits: limits.clone(),
            enforced,
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
        wire::send(&**socket, request, &descriptors)?;
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

/// Starts the process and makes it the namespace's root.
fn begin(
    program: &Path,
    (name, ids): (&str, &IdMap),
    store: &HostPath,
    launcher: Option<&Launcher>,
) -> Result<(OwnedFd, Helper), Error> {
    let (ours, theirs) = socket::pair().map_err(Error::Start)?;
    let mut helper = match launcher {
        None => Helper::start(program, &role::words(name, program, ids), theirs, store.as_path()),
        Some(launcher) => Helper::launch(launcher, program, name, (theirs, store.as_path())),
    }
    .map_err(Error::Start)?;
    if let Err(error) = introduce(&ours, &helper, ids) {
        drop(ours);
        let _ = helper.wait();
        return Err(error);
    }
    Ok((ours, helper))
}

fn introduce(keeper: &OwnedFd, helper: &Helper, map: &IdMap) -> Result<(), Error> {
    match wire::receive(keeper, WHO)? {
        Some((Answer::Here, _)) => {}
        Some((Answer::Failed(failure), _)) if failure.call == "unshare" => {
            let source = std::io::Error::from_raw_os_error(failure.errno);
            return Err(ids::refusal(SysError::new("unshare", failure.args, source)));
        }
        Some((Answer::Failed(failure), _)) => return Err(Error::Failed(failure)),
        _ => return Err(Error::Lost { who: WHO }),
    }
    if !cfg!(debug_assertions) || !map.uids.is_empty() {
        write_maps(helper.pid(), map).map_err(|source| Error::Map { tier: map.tier, source })?;
    }
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
