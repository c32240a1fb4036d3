//! Support for the whole-system tests: the real program as child processes, a customer over REST, people in the two
//! apps, and an audit of what the sandbox holds. It uses no crate of ours: what the program gets wrong about itself
//! must not cancel out.

pub mod audit;
pub mod customer;
pub mod http;
pub mod people;
pub mod program;
pub mod world;

pub use audit::{Audit, Contact};
pub use customer::Customer;
pub use people::{GOOGLE, Record, Sandbox, ZOHO};
pub use program::{Process, Scratch};
pub use world::World;
