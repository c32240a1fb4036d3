//! Connectors against the sandbox, one module a provider.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

mod google;
mod google_support;
mod google_writes;
mod zoho;
mod zoho_support;
