//! An organisation for unit tests.

use serde_json::Value;

use super::org::{Opening, Org};
use super::writes::{self, Author};

/// Unix seconds at which the test organisation is opened.
pub const START: i64 = 1_767_225_600;

/// An empty organisation five and a half hours east of Greenwich.
pub fn org() -> Org {
    let (email, name) = ("kim@zylker.example", "Kim Lee");
    let zone = ("Asia/Kolkata", 330);
    Org::open(&Opening {
        account: "1",
        email,
        name,
        edition: "enterprise",
        zone,
        place: 0,
        now: START,
    })
}

/// Adds a contact as the calling user and answers its id.
#[expect(clippy::needless_pass_by_value, reason = "a literal at every call")]
pub fn add(org: &mut Org, native: Value) -> u64 {
    let author = Author {
        user: org.me(),
        now: START,
    };
    writes::insert(org, &native, 0, author).unwrap()
}
