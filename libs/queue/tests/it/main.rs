//! One conformance suite, every queue.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod memory;
