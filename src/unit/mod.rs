//! Values with a unit, so that two things that must not be mixed have two types.

mod bytes;
mod cpu_list;
mod digest;
mod limits;
mod path;
mod sealed;

pub use bytes::Bytes;
pub use cpu_list::{CpuList, CpuListError};
pub(crate) use digest::Sha256;
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use limits::Limits;
pub use path::{HostPath, RootPath, RootPathError};
pub use sealed::{seal, unseal};
