//! The store: nothing that happens to kiln or to the disk leaves it wrong without being found.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod crash;
mod export;
mod faults;
mod filesystems;
mod full;
mod interrupt;
mod power;
mod prune;
mod races;
mod shared;
mod verify;
