//! Release files: text becomes a [`Release`], in which nothing is open any more.
//!
//! Why it is its own format: a release is data. A file that can compute needs an interpreter to be read, and cannot
//! be listed, merged, shown or checked without running it.

mod place;
mod release;

pub use place::{Place, ReleaseFile};
pub use release::{
    Build, Check, Key, KeyLocation, NEVER, Network, Origin, Release, Repo, RootPackages, SandboxOptions,
    SolveOptions,
};
