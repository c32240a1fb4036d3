//! Connectors against the sandbox, one module a provider.

mod zoho;
mod zoho_support;
