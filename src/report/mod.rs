//! What happens, as values: `Event`s go to a `Reporter`, and whoever wants to print does so at the edge.
//!
//! `during` emits the start and the end of a stage from one line of code, so the two cannot be unbalanced.

mod event;
mod record;

pub use event::{Event, Level, Reporter, Silent, Stage, during};
pub use record::{ArtifactRecord, PackageRecord, Report, SandboxRecord, StageRecord, Usage};
