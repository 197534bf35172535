//! kiln builds RPM packages in a sandbox that is stronger than a chroot.
//!
//! # The flow
//!
//! A functional core in an imperative shell. Each stage is a type; a stage takes values and returns a value;
//! the next stage is the next type, never an `Option` for "not yet".
//!
//! ```text
//! text + args ─► Config ─► Release                  merged, then frozen and validated
//!                             │ repos
//! bytes ─────────────────► Metadata                 one a Repo, stamped with its snapshot digest
//!                             │ + Request{requirements}
//!                         Resolution | Conflict
//!                             │ + url + digest
//!                           Lock                    sorted; same lock, same bytes
//!                             │
//!                        [LayerSpec]                id = H(parent, packages, setup)
//!                             │ store.find, else install
//!                         [Layer] ─────────┐
//! Source ─► BuildSpec ─────────────────────┤
//! Release.limits ──────────────────────────┴─► SandboxSpec     mounts, ids, limits as data
//!                                                  │ spawn
//!                                               Sandbox ─► Outcome ─► [Artifact]
//!                                                              └─ + Events ─► Report
//! ```
//!
//! # Who may name whom
//!
//! Imports go down only; `tests/architecture.rs` enforces the table.
//!
//! | layer | module | what |
//! |---|---|---|
//! | 5 | [`cli`] | one file a verb; the only place that prints |
//! | 4 | [`engine`] | runs the stages in order, owns the loops, decides nothing |
//! | 3 | [`fetch`] | URLs ─► verified files: mirrors, retries, checksums, OpenPGP |
//! | 3 | [`store`] | content-addressed packages, metadata, layers |
//! | 3 | [`install`] | package files ─► a layer: unpack, scriptlets, triggers, rpmdb |
//! | 3 | [`sandbox`] | `SandboxSpec` ─► a running process, and what it returned |
//! | 2 | [`config`] | text ─► `Config` ─► `Release` |
//! | 2 | [`metadata`] | repository bytes ─► `Metadata` |
//! | 2 | [`solve`] | `Request` × `Metadata` ─► `Resolution` or `Conflict` |
//! | 2 | [`lock`] | `Resolution` ⇄ `Lock` |
//! | 2 | [`plan`] | `Lock` ─► `LayerSpec`; `Release` ─► `SandboxSpec`; transaction order |
//! | 2 | [`report`] | `Event`, `Stage`, `Reporter`; events + outcome ─► `Report` |
//! | 1 | [`package`] | name, EVR, NEVRA, arch, dependency, header |
//! | 1 | [`unit`] | bytes, digests, limits, paths on the host and in a root |
//! | 0 | [`sys`] | the only `unsafe`, the only door to the kernel and the file system |
//!
//! Layer 2 (but `report`) is pure: it reads no clock, no file, no environment and no network.
//!
//! # Words
//!
//! *root*: the tree a build runs in · *layer*: the difference one transaction makes over its parent ·
//! *source*: a source package · *artifact*: what a build leaves · *release*: a named target such as
//! `fedora-43-x86_64` · *lock*: exactly which packages, by digest · *store*: where everything immutable lives ·
//! *sandbox*: a process in its own namespaces · *limits*: what it may use · *record*: the file a build can be
//! repeated from. RPM's own terms stay RPM's.

pub mod cli;
pub mod config;
pub mod engine;
pub mod fetch;
pub mod install;
pub mod lock;
pub mod metadata;
pub mod package;
pub mod plan;
pub mod report;
pub mod sandbox;
pub mod solve;
pub mod store;
pub mod sys;
pub mod unit;
