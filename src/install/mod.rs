//! Package files into a layer.

pub mod macros;
pub mod rpmdb;
pub mod unpack;
