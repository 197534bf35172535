//! What is damaged in the store goes, and is made again where that is possible: a package file is fetched again by its
//! digest, a package is unpacked again from its file. Layers, metadata and answers are made again by whoever needs them.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::upkeep::PATIENCE;
use crate::engine::verify::{Look, Outcome, Verified};
use crate::fetch::{Fetcher, Mirrors, Trust, Upstream, Wanted, check};
use crate::install::unpack;
use crate::lock::LockedPackage;
use crate::store::{Inputs, Kind, Object};

impl Look<'_> {
    /// Repairs what `verified` found; says of each damaged thing what became of it.
    pub(super) fn repair(&self, verified: &Verified) -> Result<BTreeMap<String, Outcome>, Error> {
        let damaged: BTreeSet<Object> = verified
            .found
            .iter()
            .filter(|found| found.outcome.is_none())
            .filter_map(|found| Object::at(&found.fault.object))
            .collect();
        let alone = self.store.inputs_alone(PATIENCE)?;
        let inputs = if alone.is_some() { Inputs::Free } else { Inputs::InUse };
        let damaged: Vec<_> = damaged.into_iter().collect();
        let gone: Vec<Object> = jobs::answer(&jobs::retire(&damaged, inputs), self.keeper)?;
        drop(alone);
        let mut outcomes: BTreeMap<_, _> =
            damaged.iter().map(|object| (object.path(), Outcome::InUse)).collect();
        outcomes.extend(gone.iter().map(|object| (object.path(), Outcome::Removed)));
        let _inputs = self.store.use_inputs()?;
        for object in self.made_again(&gone)? {
            outcomes.insert(object.path(), Outcome::MadeAgain);
        }
        Ok(outcomes)
    }

    fn made_again(&self, gone: &[Object]) -> Result<Vec<Object>, Error> {
        let of_packages = |object: &&Object| matches!(object.kind, Kind::Rpms | Kind::Packages);
        if !gone.iter().any(|object| of_packages(&object)) {
            return Ok(Vec::new());
        }
        let known = self.locked()?;
        let mirrors = check::remembered(self.store.path())?.mirrors;
        let mut again = Vec::new();
        for object in gone.iter().filter(of_packages) {
            let Some(package) = known.get(object.hex()) else { continue };
            let made = self.fetch_again(package, &mirrors).and_then(|()| match object.kind {
                Kind::Packages => self.unpack_again(package),
                _ => Ok(()),
            });
            match made {
                Ok(()) => again.push(object.clone()),
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(error) => self.engine.reporter.warn(format!("{object} is not made again: {error}")),
            }
        }
        Ok(again)
    }

    /// The packages that answers in the store name, by digest.
    fn locked(&self) -> Result<BTreeMap<String, LockedPackage>, Error> {
        let (objects, _) = self.store.objects().map_err(crate::store::Error::from)?;
        let locks = objects.iter().filter(|object| object.kind == Kind::Locks);
        // One that cannot be read was found to be damaged.
        let read = |object: &Object| super::resolve::kept(&self.store.path().join(object.path())).ok();
        let locks = locks.filter_map(read).flatten();
        let packages = locks.flat_map(|lock| lock.packages);
        Ok(packages.map(|package| (package.digest.hex(), package)).collect())
    }

    /// Fetches a package file by its digest, which was found to be the right one when it came for the first time.
    fn fetch_again(
        &self,
        package: &LockedPackage,
        mirrors: &BTreeMap<String, Vec<String>>,
    ) -> Result<(), Error> {
        if crate::sys::fs::exists(self.store.rpm(&package.digest)) {
            return Ok(());
        }
        let urls = mirrors.get(&package.repo).map(Vec::as_slice).unwrap_or_default();
        let mirrors = Mirrors::new(urls.iter().map(String::as_str))?;
        let (trust, connection) = (Trust::Metadata, crate::config::Connection::HOST);
        let upstream = Upstream { repo: package.repo.clone(), mirrors, trust, connection };
        let wanted: [Wanted; 1] = [upstream.wanted(package)];
        Fetcher::new(self.engine.settings.access.options()).packages(
            &wanted,
            self.store.path(),
            self.engine.reporter,
            &|_, _| {},
        )?;
        Ok(())
    }

    fn unpack_again(&self, package: &LockedPackage) -> Result<(), Error> {
        let source = unpack::Source::locked(package, self.store);
        unpack::unpack(&[source], self.store, self.engine.reporter)
            .map_err(|error| Error::Unpack(Box::new(error)))?;
        Ok(())
    }
}
