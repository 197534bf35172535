//! A transaction performed: the actions of `plan::transaction`, one after the other, in a tree that nobody sees yet.
//!
//! Files go straight into the layer's tree; scriptlets run in a sandbox over an overlay of it and the layers below, and
//! what they write is folded into the tree before files follow. So files cost a link each, and a scriptlet can neither
//! change an inode of the store nor see a half-placed package. Files of several names are lifted meanwhile (`lift`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use crate::install::ahead::{Ahead, Made};
use crate::install::change::{self, Change, Changed, Operation, Owners};
use crate::install::database::{Entries, NO_RPM};
use crate::install::lift::Afterwards;
use crate::install::members::{self, Added};
use crate::install::survey::{self, Survey, Surveyed};
use crate::install::times::Times;
use crate::install::{Error, Failures, Installer, log::Log, script, users};
use crate::package::header::{Header, Origin};
use crate::package::{FileFlags, FileKind, query};
use crate::plan::order::{Colors, Links};
use crate::plan::transaction::{
    Action, Call, Disk, Failure, Fates, Member, Policy, algorithms, fates, pretrans, sequence,
};
use crate::plan::{Age, Job, LayerSpec, Root, SandboxSpec, Stdio, Tier};
use crate::report::{Event, Reporter, Stage};
use crate::sandbox::{self, Status};
use crate::store::listing::LISTING;
use crate::store::{Layer, LayerManifest, Staging, Store};
use crate::sys::{fs, posix};
use crate::unit::{Digest, HostPath};

/// A transaction under way.
pub(super) struct Transaction<'a> {
    tools: Installer<'a>,
    spec: &'a LayerSpec,
    reporter: &'a dyn Reporter,
    log: Log<'a>,
    /// The layer's directory, and one for what only the transaction needs.
    staging: Staging,
    scratch: Staging,
    parents: Vec<Layer>,
    /// Trees for an overlay: the layer's own, then those below.
    layers: Vec<String>,
    /// How many packages the layers below have; theirs come first in `members`.
    before: usize,
    members: Vec<Member>,
    added: Vec<Added>,
    began: i64,
    pending: Vec<Operation>,
    /// Whether a scriptlet may have written since the last change.
    dirty: bool,
    /// What is lifted for scriptlets, in the words of the job that does it.
    lifted: String,
    scripts: u32,
    placed: u64,
}

impl<'a> Transaction<'a> {
    /// Everything that is known before anything happens.
    pub(super) fn begin(
        tools: Installer<'a>,
        spec: &'a LayerSpec,
        reporter: &'a dyn Reporter,
        log: &'a mut dyn Write,
    ) -> Result<Self, Error> {
        let store = tools.store;
        let find =
            |id: &crate::plan::LayerId| store.find_layer(id)?.ok_or_else(|| Error::Parent { id: id.clone() });
        let parents = spec.parents.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let mut members = members::installed(&parents)?;
        let added = members::added(spec, store, &members)?;
        let before = members.len();
        members.extend(added.iter().map(|package| package.member.clone()));
        let (staging, scratch) = (store.stage("layer")?, store.stage("install")?);
        for directory in [staging.path().join("fs"), scratch.path().join("upper")] {
            fs::create_dir(&directory, 0o755)?;
            store.own(&directory)?;
        }
        let tree = relative(store, &staging.path().join("fs"));
        let layers = std::iter::once(tree).chain(parents.iter().map(Layer::lower)).collect();
        Ok(Self {
            tools,
            spec,
            reporter,
            log: Log::new(log),
            staging,
            scratch,
            parents,
            layers,
            before,
            members,
            added,
            began: posix::now(),
            pending: Vec::new(),
            dirty: false,
            lifted: String::new(),
            scripts: 0,
            placed: 0,
        })
    }

    /// All of it.
    pub(super) fn perform(mut self) -> Result<Layer, Error> {
        let result = self.make();
        // What is left belongs to the namespace's ids, so its root removes it; what fails here waits for the next
        // clean-up of the store.
        let mut left = vec![self.scratch.path()];
        if result.is_err() {
            left.push(self.staging.path());
        }
        for path in left {
            if let Err(error) = self.tools.keeper.remove(&relative(self.tools.store, path)) {
                tracing::debug!(%error, %path, "left for the next clean-up");
            }
        }
        result
    }

    fn make(&mut self) -> Result<Layer, Error> {
        let (installed, added) = self.members.split_at(self.before);
        for action in pretrans(installed, added) {
            self.act(&action, &[])?;
        }
        let known = self.survey()?;
        let fates = self.decide(&known)?;
        let version = self.rpm_version().unwrap_or(NO_RPM).to_owned();
        let entries = Entries::new(self.tools.store, (&self.added, &fates), &self.spec.setup, &version);
        let ahead = self.ahead(&entries);
        let made = std::thread::scope(|scope| {
            let making = scope.spawn(|| ahead.make());
            let sequence = sequence(&self.members, self.before, &fates, Age::of(self.rpm_version()));
            let acted = sequence.iter().try_for_each(|action| self.act(action, &fates));
            let made = making.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            acted.and(made)
        })?;
        self.finish(&known, &fates, (entries, made))?;
        let manifest = LayerManifest::new(self.spec, self.records()?);
        Ok(self.tools.store.publish_layer(&self.staging, manifest)?)
    }

    /// What is made while the actions happen.
    fn ahead<'b>(&self, entries: &'b Entries) -> Ahead<'b>
    where
        'a: 'b,
    {
        let Installer { store, keeper, .. } = self.tools;
        let to = relative(store, &self.scratch.path().join("database"));
        let below = self.layers[1..].to_vec();
        Ahead { store, keeper, entries, staging: self.staging.path().clone(), below, to }
    }

    fn act(&mut self, action: &Action, fates: &[Fates]) -> Result<(), Error> {
        let day = self.spec.setup.epoch / 86_400;
        match action {
            Action::Users { member } => {
                let lines = users::lines_of(&self.members[*member])
                    .map_err(|error| Error::Place { reason: error.to_string() })?;
                let package = self.members[*member].nevra.clone();
                self.pending.push(Operation::Users { package, lines, day });
                Ok(())
            }
            Action::Place { member } => {
                let added = &self.added[member - self.before];
                let package = added.member.nevra.clone();
                self.placed += 1;
                self.reporter.report(Event::Progress {
                    stage: Stage::Install,
                    item: package.clone(),
                    done: self.placed,
                    total: self.added.len() as u64,
                    bytes: 0,
                    total_bytes: 0,
                });
                let directory = relative(self.tools.store, &added.stored.path);
                let fates = fates[member - self.before].clone();
                self.pending.push(Operation::Files { package, directory, fates });
                Ok(())
            }
            Action::Run(call) => self.run(call),
        }
    }

    /// What the root has that decides the fates of files: its links, its configuration.
    fn survey(&mut self) -> Result<(Links, Disk), Error> {
        let mut links = Links::default();
        let mut surveyed = Surveyed::default();
        if self.dirty || !self.parents.is_empty() {
            self.change(Afterwards::Lower)?;
            let input = serde_json::to_string(&self.question()).unwrap_or_default();
            let answer = self.tools.keeper.call(&Job { name: survey::JOB.to_owned(), input })?;
            surveyed =
                serde_json::from_str(&answer).map_err(|error| Error::Place { reason: error.to_string() })?;
        }
        for (path, target) in &surveyed.links {
            links.add(path, target);
        }
        members::add_links(&mut links, &self.members.iter());
        Ok((links, surveyed.disk))
    }

    fn question(&self) -> Survey {
        let (installed, added) = self.members.split_at(self.before);
        let config = |flags: FileFlags| flags.any(FileFlags::CONFIG);
        let old = installed.iter().flat_map(|member| &member.files).filter(|file| config(file.flags));
        let old = old.map(|file| file.path.as_str()).collect::<BTreeSet<_>>();
        let mut directories = BTreeSet::new();
        let mut files = Vec::new();
        for file in added.iter().flat_map(|member| &member.files) {
            let path = file.path.as_str();
            directories.insert(path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned());
            if config(file.flags) || old.contains(path) {
                files.push(path.to_owned());
            }
        }
        let directories = directories.into_iter().collect();
        Survey { layers: self.layers.clone(), directories, files, algorithms: algorithms(&self.members) }
    }

    fn decide(&mut self, known: &(Links, Disk)) -> Result<Vec<Fates>, Error> {
        let (installed, added) = self.members.split_at(self.before);
        let setup = &self.spec.setup;
        let policy =
            Policy { colors: Colors::of(&setup.arch), languages: setup.languages.clone(), docs: setup.docs };
        let fates = fates(installed, added, &policy, &known.0, &known.1)
            .map_err(|clashes| Error::Conflict { clashes })?;
        for (member, fates) in self.members[self.before..].iter_mut().zip(&fates) {
            member.states = fates.states();
        }
        Ok(fates)
    }

    /// The version of the root's own rpm.
    fn rpm_version(&self) -> Option<&str> {
        members::rpm_version(self.members.iter())
    }

    fn run(&mut self, call: &Call) -> Result<(), Error> {
        if !self.pending.is_empty() {
            self.change(Afterwards::Lift)?;
        }
        let call = &self.prepared(call)?;
        let root = self.root()?;
        let owner = &self.members[call.member];
        let spec = script::sandbox(call, owner, root, &self.spec.setup);
        let (package, scriptlet) = (owner.nevra.clone(), call.name.clone());
        let input = call.paths.as_ref().map(|_| script::input(call)).unwrap_or_default();
        let Some((how, output)) = self.spawn(&spec, input, (&package, &scriptlet))? else { return Ok(()) };
        if self.tools.failures == Failures::AsRpm && call.failure == Failure::Warning {
            self.reporter.warn(format!("{scriptlet} of {package} {how}"));
            return Ok(());
        }
        Err(Error::Scriptlet { package, scriptlet, how, output })
    }

    /// The script with what it asks to have expanded.
    fn prepared(&mut self, call: &Call) -> Result<Call, Error> {
        let mut call = call.clone();
        let (package, scriptlet) = (self.members[call.member].nevra.clone(), call.name.clone());
        if let Some(text) = call.script.body.clone().filter(|_| call.script.expands_macros()) {
            self.pending.push(Operation::Expand { arch: self.spec.setup.arch.clone(), text });
            let expanded = self.change(Afterwards::Lift).map_err(|error| match error {
                Error::Place { reason: why } => {
                    Error::Unsupported { package: package.clone(), scriptlet: scriptlet.clone(), why }
                }
                other => other,
            })?;
            call.script.body = expanded.expanded;
        }
        if let Some(text) = call.script.body.clone().filter(|_| call.script.expands_header()) {
            let expanded = self.header(call.member).and_then(|bytes| {
                let header = Header::parse(&bytes, Origin::Package).map_err(|error| error.to_string())?;
                query::expand(&header, &text).map_err(|error| error.to_string())
            });
            let unsupported = |why| Error::Unsupported { package, scriptlet, why };
            call.script.body = Some(expanded.map_err(unsupported)?);
        }
        Ok(call)
    }

    /// The header of a package that this transaction adds.
    fn header(&self, member: usize) -> Result<fs::Mapped, String> {
        let added = member.checked_sub(self.before).and_then(|at| self.added.get(at));
        let added = added.ok_or("a trigger with a query format (-q) of an earlier transaction".to_owned())?;
        added.stored.header().map_err(|error| error.to_string())
    }

    /// Runs something in a sandbox; how it failed, where it did, and its last lines.
    fn spawn(
        &mut self,
        spec: &SandboxSpec,
        input: Vec<u8>,
        who: (&str, &str),
    ) -> Result<Option<(String, Vec<String>)>, Error> {
        self.dirty = true;
        self.log.begin(who.0, who.1)?;
        let how = match self.tools.keeper.spawn(spec) {
            Ok(mut sandbox) => {
                if spec.stdio == Stdio::Piped {
                    sandbox.feed(input);
                }
                let log = &mut self.log;
                match sandbox.wait(&mut |bytes| log.write(bytes))?.status {
                    Status::Exited(0) => None,
                    Status::Exited(code) => Some(format!("failed with exit status {code}")),
                    Status::Signalled(signal) => Some(format!("was killed by signal {signal}")),
                    Status::TimedOut => Some("took too long".to_owned()),
                    Status::Silent => Some("was silent for too long".to_owned()),
                    Status::LogLimit => Some("wrote too much".to_owned()),
                    Status::Exceeded(hit) => Some(format!("passed the limit on {hit}")),
                    Status::Interrupted => return Err(Error::Interrupted),
                }
            }
            // The sandbox stood, and the interpreter could not be started in it.
            Err(sandbox::Error::Failed(failure)) if failure.step.starts_with("running `") => {
                Some(format!("could not be started: {failure}"))
            }
            Err(error) => return Err(error.into()),
        };
        let output = self.log.end()?;
        let Some(how) = how else { return Ok(None) };
        self.log.line(&format!("{}: {} {how}", who.0, who.1))?;
        Ok(Some((how, output)))
    }

    /// Lets the root's own rpm put headers into a database of a form that kiln does not write.
    fn import(&mut self, stream: Vec<u8>, directory: &str) -> Result<(), Error> {
        let argv = ["rpmdb", "--define", &format!("_dbpath {directory}"), "--importdb"];
        let spec = script::program(&argv, self.root()?, &self.spec.setup);
        let (package, scriptlet) = ("rpm", "rpmdb --importdb");
        let Some((how, output)) = self.spawn(&spec, stream, (package, scriptlet))? else { return Ok(()) };
        let (package, scriptlet) = (package.to_owned(), scriptlet.to_owned());
        Err(Error::Scriptlet { package, scriptlet, how, output })
    }

    /// An overlay over everything, with a fresh work directory: the kernel refuses a used one.
    fn root(&mut self) -> Result<Root, Error> {
        self.scripts += 1;
        let work = self.scratch.path().join(format!("work-{}", self.scripts));
        fs::create_dir(&work, 0o755)?;
        self.tools.store.own(&work)?;
        let store = self.tools.store;
        let upper = (relative(store, &self.scratch.path().join("upper")), relative(store, &work));
        Ok(Root { lower: self.layers.clone(), upper: Some(upper) })
    }

    /// Lets the user namespace's root do what is pending, after folding in what scriptlets wrote.
    fn change(&mut self, afterwards: Afterwards) -> Result<Changed, Error> {
        let owners = match self.tools.keeper.ids().tier {
            Tier::SingleId => Owners::Ignored,
            Tier::Root | Tier::SubordinateIds => Owners::Mapped,
        };
        let change = Change {
            layers: self.layers.clone(),
            upper: relative(self.tools.store, &self.scratch.path().join("upper")),
            discard: vec![script::TEXT.to_owned()],
            owners,
            operations: std::mem::take(&mut self.pending),
            lifted: self.lifted.clone(),
            afterwards,
        };
        let input =
            serde_json::to_string(&change).map_err(|error| Error::Place { reason: error.to_string() })?;
        let answer = self.tools.keeper.call(&Job { name: change::JOB.to_owned(), input })?;
        let mut changed: Changed =
            serde_json::from_str(&answer).map_err(|error| Error::Place { reason: error.to_string() })?;
        self.lifted = changed.lifted.take().unwrap_or_else(|| std::mem::take(&mut self.lifted));
        for warning in &changed.warnings {
            self.log.line(&format!("warning: {warning}"))?;
        }
        self.dirty = false;
        Ok(changed)
    }

    fn finish(
        &mut self,
        known: &(Links, Disk),
        fates: &[Fates],
        (entries, made): (Entries, Made),
    ) -> Result<(), Error> {
        let setup = &self.spec.setup;
        if self.parents.is_empty() {
            self.pending.push(Operation::Base { day: setup.epoch / 86_400 });
        }
        self.pending.push(Operation::Database { entries, prepared: made.database });
        if let Some(directory) = self.change(Afterwards::Lower)?.import {
            self.import(made.stream, &directory)?;
        }
        let mut directories = BTreeMap::new();
        for (added, fates) in self.added.iter().zip(fates) {
            for (file, fate) in added.member.files.iter().zip(&fates.0) {
                if file.kind == FileKind::Directory && !fate.skips() {
                    directories.insert(known.0.canonical(file.path.as_str()), file.mtime);
                }
            }
        }
        let times = Times { since: self.began, epoch: setup.epoch as i64, directories };
        let packages =
            self.added.iter().map(|added| relative(self.tools.store, &added.stored.path)).collect();
        let to = relative(self.tools.store, &self.staging.path().join(LISTING));
        self.pending.push(Operation::Listing { packages, to, times });
        self.change(Afterwards::Lower).map(drop)
    }

    /// What lies beside the tree.
    fn records(&self) -> Result<BTreeMap<String, Digest>, Error> {
        let digest = |name: &str| {
            let bytes = fs::map(self.staging.path().join(name))?;
            Ok((name.to_owned(), Digest::sha256(&bytes)))
        };
        [members::RECORD, LISTING].into_iter().map(digest).collect()
    }
}

fn relative(store: &Store, path: &HostPath) -> String {
    store.relative(path).to_string_lossy().into_owned()
}
