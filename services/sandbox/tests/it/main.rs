//! The sandbox as its users meet it.

mod admin;
mod faults;
mod google;
mod google_groups;
mod google_sync;
mod import;
mod import_damage;
mod oauth;
mod support;
