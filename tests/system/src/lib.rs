//! Support for the whole-system tests: the real program as child processes, a customer over REST, people in the two
//! apps, and an audit of what the sandbox holds. It uses no crate of ours: what the program gets wrong about itself
//! must not cancel out.

pub mod audit;
pub mod customer;
pub mod fleet;
pub mod ground;
pub mod http;
pub mod people;
pub mod program;
pub mod proxy;
pub mod shared;
pub mod world;

pub use audit::{Audit, Contact};
pub use customer::Customer;
pub use fleet::Fleet;
pub use ground::Ground;
pub use people::{GOOGLE, Record, Sandbox, ZOHO};
pub use program::{Process, Scratch};
pub use shared::{Servers, Shared};
pub use world::World;
