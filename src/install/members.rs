//! The packages of a transaction: those that the layers below have, and those that it adds, in rpm's order.

use crate::install::Error;
use crate::lock::LockedPackage;
use crate::package::header::{Header, HeaderError, MAGIC, Origin};
use crate::package::tag::Tag;
use crate::package::{EvrRef, FileKind};
use crate::plan::order::{Colors, Facts, Links, order};
use crate::plan::transaction::{FileState, Member};
use crate::plan::{Age, LayerSpec};
use crate::store::{Layer, Store, StoredPackage};
use crate::sys::fs;
use crate::unit::HostPath;

/// The file beside a layer's tree with the headers of its packages as they are installed: `rpmdb --exportdb`'s form.
pub(super) const RECORD: &str = "installed";

/// A package that is added.
#[derive(Debug)]
pub(super) struct Added {
    /// Where it lies in the store.
    pub(super) stored: StoredPackage,
    /// What the transaction knows of it.
    pub(super) member: Member,
}

/// The packages that a layer adds, in the order in which rpm would install them.
pub(super) fn added(spec: &LayerSpec, store: &Store, installed: &[Member]) -> Result<Vec<Added>, Error> {
    let mut locked = spec.packages.iter().collect::<Vec<_>>();
    locked.sort_by_cached_key(|package| package.nevra.to_string());
    let (mut packages, facts): (Vec<_>, Vec<_>) =
        read_all(&locked, store)?.into_iter().map(|(added, facts)| (Some(added), facts)).unzip();
    let mut links = Links::default();
    let new = packages.iter().flatten().map(|package| &package.member);
    add_links(&mut links, &installed.iter().chain(new));
    let age =
        Age::of(rpm_version(installed.iter().chain(packages.iter().flatten().map(|added| &added.member))));
    let order = order(&facts, Colors::of(&spec.setup.arch), &links, age);
    Ok(order.into_iter().filter_map(|index| packages[index].take()).collect())
}

/// Reads packages on all processors, in the order given.
fn read_all(locked: &[&LockedPackage], store: &Store) -> Result<Vec<(Added, Facts)>, Error> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let share = locked.len().div_ceil(processors).max(1);
    std::thread::scope(|scope| {
        let read = |package: &&LockedPackage| read_one(package, store);
        let workers: Vec<_> = locked
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(read).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut all = Vec::with_capacity(locked.len());
        for worker in workers {
            all.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}

fn read_one(package: &LockedPackage, store: &Store) -> Result<(Added, Facts), Error> {
    let nevra = package.nevra.to_string();
    let stored = store.package(&package.digest)?;
    let stored = stored.ok_or_else(|| Error::NotUnpacked { package: nevra.clone() })?;
    let bytes = stored.header()?;
    let read = || -> Result<_, HeaderError> {
        let header = Header::parse(&bytes, Origin::Package)?;
        let member = Member::new(&header, Vec::new())?;
        let facts = Facts::new(&header, &member.files)?;
        Ok((member, facts))
    };
    let (member, facts) = read().map_err(|source| Error::Header { package: nevra, source })?;
    Ok((Added { stored, member }, facts))
}

/// The version of the root's own rpm.
pub(super) fn rpm_version<'a>(members: impl Iterator<Item = &'a Member>) -> Option<&'a str> {
    let rpm = members.filter(|member| member.name == "rpm").last()?;
    let provide = rpm.provides.iter().find(|provide| !provide.evr.is_empty())?;
    Some(EvrRef::parse(&provide.evr).version)
}

/// Records the links of packages. A link may itself lie behind another one, so its place is made canonical too.
pub(super) fn add_links<'a>(links: &mut Links, members: &(impl Iterator<Item = &'a Member> + Clone)) {
    for _ in 0..2 {
        for file in members.clone().flat_map(|member| &member.files) {
            if file.kind == FileKind::Link {
                let path = links.canonical(file.path.as_str());
                links.add(&path, &file.target);
            }
        }
    }
}

/// The packages of the layers below, the lowest layer's first, as their transactions left them.
pub(super) fn installed(parents: &[Layer]) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    for layer in parents.iter().rev() {
        let damaged = |why: String| Error::Record { id: layer.manifest.id.clone(), why };
        let record = fs::map(layer.path().join(RECORD)).map_err(|error| damaged(error.to_string()))?;
        let mut rest: &[u8] = &record;
        while !rest.is_empty() {
            let bytes =
                rest.strip_prefix(&MAGIC).ok_or_else(|| damaged("no header where one must be".to_owned()))?;
            let member = |header: &Header<'_>| Member::new(header, states(header)?);
            let header =
                Header::parse(bytes, Origin::Installed).map_err(|error| damaged(error.to_string()))?;
            members.push(member(&header).map_err(|error| damaged(error.to_string()))?);
            rest = &bytes[header.bytes().len()..];
        }
    }
    Ok(members)
}

fn states(header: &Header<'_>) -> Result<Vec<FileState>, HeaderError> {
    let states = header.binary(Tag::FILESTATES)?.unwrap_or_default();
    Ok(states.iter().map(|state| FileState::from_number(*state).unwrap_or(FileState::Normal)).collect())
}

/// Writes the record of a layer that is being made.
pub(super) fn write_record(layer: &HostPath, stream: &[u8], store: &Store) -> Result<(), Error> {
    let path = layer.join(RECORD);
    fs::write(&path, stream)?;
    Ok(store.own(&path)?)
}
