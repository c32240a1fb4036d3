//! `If-Match`: the version that an edit was made from. Versions are a connection's `revision` as a strong entity tag.

use std::future::{Ready, ready};

use actix_web::http::header::{self, EntityTag, Header as _};
use actix_web::{FromRequest, HttpRequest, dev};

use crate::problem::{Code, Problem};

/// The versions that the caller names, one of which they saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(Vec<EntityTag>);

impl IfMatch {
    /// The entity tag of a revision.
    pub fn tag(revision: i64) -> String {
        format!("\"{revision}\"")
    }

    /// Refuses an edit that was made from another version than this one.
    pub fn check(&self, revision: i64) -> Result<(), Problem> {
        let current = EntityTag::new_strong(revision.to_string());
        if self.0.iter().any(|tag| tag.strong_eq(&current)) {
            Ok(())
        } else {
            Err(Self::mismatch())
        }
    }

    fn parse(request: &HttpRequest) -> Result<Self, Problem> {
        if !request.headers().contains_key(header::IF_MATCH) {
            return Err(Problem::new(
                Code::VersionRequired,
                "Send the `ETag` that you last saw as `If-Match`, so that nobody's edit is lost.",
            ));
        }
        match header::IfMatch::parse(request) {
            // Any version is none that the caller saw.
            Ok(header::IfMatch::Any) => Err(Problem::new(
                Code::InvalidParameter,
                "`If-Match: *` names no version, and somebody's edit could be lost: send the `ETag` that you last saw.",
            )),
            Ok(header::IfMatch::Items(tags)) if !tags.is_empty() => Ok(Self(tags)),
            Ok(header::IfMatch::Items(_)) | Err(_) => Err(Problem::new(
                Code::InvalidParameter,
                "`If-Match` is what `ETag` said, with its quotes, such as `\"7\"`.",
            )),
        }
    }

    /// The problem of a version that is not the current one.
    pub fn mismatch() -> Problem {
        Problem::new(
            Code::VersionMismatch,
            "It was changed since you read it: read it again and repeat the edit.",
        )
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Self::parse(request))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn tags_parse() {
        let check = |text: Option<&str>, want: Result<(), Code>| {
            let mut request = TestRequest::default();
            if let Some(text) = text {
                request = request.insert_header((header::IF_MATCH, text));
            }
            let got = IfMatch::parse(&request.to_http_request()).and_then(|tags| tags.check(7));
            assert_eq!(got.map_err(|problem| problem.code()), want, "{text:?}");
        };
        check(Some(&IfMatch::tag(7)), Ok(()));
        check(Some("\"6\", \"7\""), Ok(()));
        check(None, Err(Code::VersionRequired));
        for other in ["\"6\"", "W/\"7\"", "\"x\"", "\"\""] {
            check(Some(other), Err(Code::VersionMismatch));
        }
        for bad in ["*", "7", "x", "", "\"", "W/7", "'7'"] {
            check(Some(bad), Err(Code::InvalidParameter));
        }
    }
}
