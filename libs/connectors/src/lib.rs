//! One folder per provider, one line each in `registry.rs`.
//!
//! A connector knows its provider's wire and nothing of links, merges or stores; nothing outside this crate knows which
//! providers there are.

pub mod carddav;
pub mod creatio;
pub mod google_contacts;
pub mod hubspot;
pub mod mailchimp;
pub mod odoo;
mod registry;
pub mod zoho_crm;

pub use registry::{RegistryError, registry};
