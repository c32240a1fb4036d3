//! The session and the token endpoint's client against a server that misbehaves on cue.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

mod client_credentials;
mod oauth;
mod server;
mod session;
