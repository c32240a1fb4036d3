//! The sandbox as its users meet it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail loudly, as the tests do"
)]

mod admin;
mod creatio;
mod faults;
mod google;
mod google_groups;
mod google_sync;
mod hubspot;
mod import;
mod import_damage;
mod oauth;
mod support;
mod zoho_lists;
mod zoho_records;
mod zoho_settings;
mod zoho_support;
