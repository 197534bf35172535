//! After the machine went down: what may not have reached the disk is looked at before anything is used, and removed where
//! it is not as it was made. Whoever needs it makes it again.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::session::Session;
use crate::engine::verify::Look;
use crate::report::{Stage, during};
use crate::store::{Doubt, Inputs, Kind, Object};

/// From this age on the kernel has long written everything by itself, and to wait for the rest costs little.
const OLD: Duration = Duration::from_hours(1);

impl Session<'_> {
    /// Looks at what an earlier boot left in doubt.
    pub(super) fn recover(&self) -> Result<(), Error> {
        let Some(doubt) = self.store.doubtful()? else { return Ok(()) };
        let gone = during(Stage::Verify, self.reporter, || self.look_again(&doubt))?;
        for object in gone {
            self.reporter.warn(format!(
                "{object} had not reached the disk when the machine went down; it was removed"
            ));
        }
        Ok(self.store.trust(&doubt)?)
    }

    /// Removes what is not as it was made among what is in doubt.
    fn look_again(&self, doubt: &Doubt) -> Result<Vec<Object>, Error> {
        let (all, _) = self.store.objects().map_err(crate::store::Error::from)?;
        let is_meant = |object: &Object| {
            let named = doubt.objects.as_ref().is_none_or(|named| named.contains(object));
            // Metadata comes in files that nobody marks.
            named || object.kind == Kind::Repos
        };
        let objects = all.into_iter().filter(is_meant).collect();
        let engine = Engine::new(self.settings.clone(), self.reporter);
        let look = Look::new(&engine, &self.store, self.keeper()?);
        let faults = look.at(objects)?;
        let damaged: BTreeSet<_> = faults.iter().filter_map(|fault| Object::at(&fault.object)).collect();
        let damaged: Vec<_> = damaged.into_iter().collect();
        if damaged.is_empty() {
            return Ok(damaged);
        }
        // Nobody uses the store: whoever comes waits for this.
        let gone: Vec<Object> = jobs::answer(&jobs::retire(&damaged, Inputs::Free), self.keeper()?)?;
        let stays: Vec<_> =
            damaged.iter().filter(|object| !gone.contains(object)).map(Object::path).collect();
        if stays.is_empty() {
            return Ok(gone);
        }
        let hint = "something still uses it; try again when nothing runs (`kiln ps`)";
        Err(Error::Damaged { store: self.settings.store.clone(), objects: stays, hint })
    }

    /// Has what earlier runs made reach the disk while something else takes its time.
    pub(super) fn settle(&self) {
        let store = self.store.clone();
        std::thread::spawn(move || {
            if let Err(error) = store.settle(OLD) {
                tracing::debug!(%error, "left for the next build");
            }
        });
    }
}
