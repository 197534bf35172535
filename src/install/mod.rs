//! Package files into a layer.

pub mod unpack;
