//! One conformance suite, every queue.

#[cfg(test)]
mod broker;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod rabbit;
