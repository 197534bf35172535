//! `kiln store usage`, `kiln store prune` and `kiln clean`.

use std::time::Duration;

use crate::engine::Engine;
use crate::engine::error::Error;
use crate::engine::jobs;
use crate::engine::request::CleanScope;
use crate::engine::running::now;
use crate::sandbox::Keeper;
use crate::store::{Effect, Inputs, Leftovers, Prune, Pruned, Store, Usage, Which};

/// How long pruning waits for others to finish making a root.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl Engine<'_> {
    /// What the store holds, by kind.
    pub fn usage(&self) -> Result<Vec<Usage>, Error> {
        crate::sandbox::catch_signals()?;
        let (_, keeper) = self.open_store()?;
        jobs::answer(&jobs::usage(), &keeper)
    }

    /// Removes what `scope` says. What a running kiln uses stays.
    pub fn clean(&self, scope: CleanScope) -> Result<(), Error> {
        let which = match scope {
            CleanScope::Leftovers => None,
            CleanScope::Layers => Some(Which::Layers),
            CleanScope::Everything => Some(Which::Everything),
        };
        crate::sandbox::catch_signals()?;
        let (store, keeper) = self.open_store()?;
        keeper.call_while_wanted(&jobs::remove(&store.garbage(Leftovers::All)?))?;
        if let Some(which) = which {
            take_out(&store, &keeper, which, Effect::Remove)?;
        }
        Ok(())
    }

    /// Removes, or only tells, what `which` says, and what interrupted runs left. What a running kiln uses stays.
    pub fn prune(&self, which: Which, effect: Effect) -> Result<Pruned, Error> {
        crate::sandbox::catch_signals()?;
        let (store, keeper) = self.open_store()?;
        if effect == Effect::Remove {
            keeper.call_while_wanted(&jobs::remove(&store.garbage(Leftovers::All)?))?;
        }
        let pruned = take_out(&store, &keeper, which, effect)?;
        if let Some(object) = pruned.in_use.first() {
            let (count, more) = (pruned.in_use.len(), if pruned.in_use.len() > 1 { ", …" } else { "" });
            self.reporter.warn(format!("left, because another kiln uses them: {count} ({object}{more})"));
        }
        Ok(pruned)
    }

    pub(super) fn open_store(&self) -> Result<(Store, Keeper), Error> {
        let ids = crate::sandbox::id_map()?;
        let store = Store::open(&self.settings.store, &ids)?;
        let keeper = Keeper::start(&ids, store.path())?;
        Ok((store, keeper))
    }
}

fn take_out(store: &Store, keeper: &Keeper, which: Which, effect: Effect) -> Result<Pruned, Error> {
    let patience = if which == Which::Layers { Duration::ZERO } else { PATIENCE };
    let alone = store.inputs_alone(patience)?;
    let inputs = if alone.is_some() { Inputs::Free } else { Inputs::InUse };
    let now = now();
    let pruned = jobs::answer(&jobs::prune(&Prune { which, now, inputs, effect }), keeper);
    drop(alone);
    pruned
}
