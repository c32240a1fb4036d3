//! `If-Match`: the version that an edit was made from. Versions are a connection's `revision` as a strong entity tag.

use std::future::{Ready, ready};

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, dev};

use crate::problem::{Code, Problem};

/// The revision that the caller saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl IfMatch {
    /// The entity tag of a revision.
    pub fn tag(revision: i64) -> String {
        format!("\"{revision}\"")
    }

    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else {
            return Err(Problem::new(
                Code::VersionRequired,
                "Send the `ETag` that you last saw as `If-Match`, so that nobody's edit is lost.",
            ));
        };
        text.trim()
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .and_then(|text| text.parse().ok())
            .map(Self)
            .ok_or_else(Self::mismatch)
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
        let header = request.headers().get(header::IF_MATCH);
        ready(Self::parse(
            header.map(|value| value.to_str().unwrap_or("")),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_parse() {
        let check = |text: Option<&str>, want: Result<i64, Code>| {
            let got = IfMatch::parse(text).map(|tag| tag.0).map_err(|p| p.code());
            assert_eq!(got, want, "{text:?}");
        };
        check(Some(&IfMatch::tag(7)), Ok(7));
        check(None, Err(Code::VersionRequired));
        for bad in ["7", "*", "W/\"7\"", "\"x\"", "", "\""] {
            check(Some(bad), Err(Code::VersionMismatch));
        }
    }
}
