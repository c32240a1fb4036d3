//! The one binary: wires roles, registry and configuration.
fn main() {}
