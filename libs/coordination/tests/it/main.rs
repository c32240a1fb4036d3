//! One conformance suite, every implementation of coordination.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod memory;
