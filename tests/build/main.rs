//! Real upstream sources, built in real roots of Clay, as root and as an ordinary user.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod artifacts;
mod bombs;
mod failures;
mod hostile;
mod interrupt;
mod poison;
mod running;
mod soak;
mod sources;
