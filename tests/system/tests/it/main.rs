//! Tests of the whole: the real program against the sandbox over HTTP, and rules of the tree that no crate can hold
//! alone. Faults go by their ids (F-..) in the doc line of the test that covers them.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod actions;
mod addressless;
mod again;
mod approvals;
mod architecture;
mod canary;
mod collections;
mod conflicts;
mod creatio;
mod deletions;
mod demo;
mod directions;
mod edits;
mod health;
mod hints;
mod hubspot;
mod interruptions;
mod isolation;
mod keys;
mod kill;
mod leaving;
mod limits;
mod listings;
mod living;
mod mailchimp;
mod mapping;
mod matching;
mod merges;
mod pairs;
mod people;
mod permissions;
mod plans;
mod roles;
mod rules;
mod several;
mod slots;
mod unsubscribes;
mod vertical;
mod writes;
