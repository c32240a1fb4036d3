//! Connectors against the sandbox, or real servers where there are some; one module a provider.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

mod bench;
mod carddav;
mod carddav_ids;
mod carddav_servers;
mod conformance;
mod creatio;
mod creatio_rows;
mod creatio_support;
mod dav_server;
mod google;
mod google_probe;
mod google_support;
mod google_writes;
mod hubspot;
mod hubspot_support;
mod mailchimp;
mod mailchimp_support;
mod odoo;
mod odoo_probe;
mod odoo_server;
mod zoho;
mod zoho_owners;
mod zoho_probe;
mod zoho_support;
mod zoho_writes;
