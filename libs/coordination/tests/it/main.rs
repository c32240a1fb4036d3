//! One conformance suite, every implementation of coordination; and Redis as it fails.
//!
//! `SYNCLINE_TEST_REDIS_URL` names a Redis that tests share. Tests of failures start servers of their own, for which
//! the program `redis-server` must be installed.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod server;
