//! One folder per provider, and one line each in this file: what is compiled lists itself (`Listed`).
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

pub(crate) use registry::Listed;
pub use registry::{RegistryError, registry};
