//! The sandbox as its users meet it.

mod import;
mod import_damage;
