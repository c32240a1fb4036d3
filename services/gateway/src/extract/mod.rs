//! Extractors: what a handler takes has been read and checked before it runs. Who calls is in `auth`.

mod body;
mod email;
mod id;
mod if_match;
mod listing;
mod page;

pub use body::{Body, Checked, Findings, MAX_BODY, sentence, unreadable};
pub use id::Id;
pub use if_match::IfMatch;
pub use listing::{Format, Row, cell, list};
pub use page::{Page, PageQuery, Query, page_limit};
