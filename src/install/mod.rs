//! Package files into a layer.

pub mod rpmdb;
pub mod unpack;
