//! `kiln store usage` and `kiln clean`.

use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::request::CleanScope;
use crate::sandbox::Keeper;
use crate::store::{Store, Usage};

impl Engine<'_> {
    /// What the store holds, by kind.
    pub fn usage(&self) -> Result<Vec<Usage>, Error> {
        let (_, keeper) = self.open_store()?;
        jobs::measured(&keeper.call(&jobs::usage())?)
    }

    /// Removes what `scope` says. What a running kiln uses stays.
    pub fn clean(&self, scope: CleanScope) -> Result<(), Error> {
        let (store, keeper) = self.open_store()?;
        let mut paths = store.garbage()?;
        if scope != CleanScope::Leftovers {
            paths.extend(store.retire_layers()?);
        }
        if scope == CleanScope::Everything {
            paths.extend(store.all_inputs()?);
        }
        keeper.call(&jobs::remove(&paths))?;
        Ok(())
    }

    fn open_store(&self) -> Result<(Store, Keeper), Error> {
        let ids = crate::sandbox::id_map()?;
        let store = Store::open(&self.settings.store, &ids)?;
        let keeper = Keeper::start(&ids, store.path())?;
        Ok((store, keeper))
    }
}
