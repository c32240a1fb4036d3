//! One folder per provider, one line each in registry.rs.
