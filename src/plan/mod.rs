//! Decisions before effects: which layers, which mounts, which order. Nothing here touches the system.

mod age;
mod guard;
mod layer;
pub mod order;
mod sandbox;
pub mod transaction;

pub use age::Age;
pub use guard::Guard;
pub use layer::{LayerId, LayerSpec, Setup};
pub use sandbox::{
    Access, Command, IdMap, IdRange, Job, Machine, Nesting, Network, Phase, ROOT_BASE, Root, SandboxSpec,
    Stdio, Step, Syncs, TERMINAL, Tier, Visitors, base_steps, build_steps, run_steps,
};
