//! RPM's words: EVR, NEVRA, architecture. Their order and equality are rpm's.

mod dependency;
mod evr;
mod nevra;

pub use dependency::{Range, Sense};
pub use evr::{Evr, EvrRef, vercmp};
pub use nevra::{Nevra, NevraError};
