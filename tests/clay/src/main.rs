//! Clay.
fn main() {}
