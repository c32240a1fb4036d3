//! A JSON body: at most 1 MiB, of the right type, with no unknown members, and checked.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, dev, web};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::problem::{Code, FieldError, Problem};

/// Largest body taken, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// Most findings reported of one body.
const MAX_FINDINGS: usize = 50;

/// Collects what is wrong with a body.
#[derive(Debug, Default)]
pub struct Findings(Vec<FieldError>);

impl Findings {
    /// Notes one place.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        if self.0.len() < MAX_FINDINGS {
            self.0.push(FieldError {
                pointer: pointer.into(),
                message: message.into(),
            });
        }
    }

    /// Notes a text that is not between two lengths, in characters, or holds control characters.
    pub fn text(&mut self, pointer: &str, text: &str, shortest: usize, longest: usize) {
        let length = text.trim().chars().count();
        if !(shortest..=longest).contains(&length) || text.chars().count() > longest {
            self.add(
                pointer,
                format!("Must have {shortest} to {longest} characters."),
            );
        } else if text.chars().any(char::is_control) {
            self.add(pointer, "Must not have control characters.");
        }
    }

    /// A problem, if anything was noted.
    pub fn into_result(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::validation(self.0))
        }
    }
}

/// A body that can say what is wrong with it beyond its shape.
pub trait Checked {
    /// Notes each place that is wrong.
    fn check(&self, findings: &mut Findings);
}

/// A body that was read and checked.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Checked + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let json = is_json(request);
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if !json {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "Send the body as `Content-Type: application/json`.",
                ));
            }
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            let value: T = parse(&bytes)?;
            let mut findings = Findings::default();
            value.check(&mut findings);
            findings.into_result()?;
            Ok(Self(value))
        })
    }
}

/// The problem for a body that could not be read.
pub fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            Code::BodyTooLarge,
            format!("A body has at most {MAX_BODY} bytes."),
        ),
        _ => Problem::new(Code::BadRequest, "The body could not be read to its end."),
    }
}

fn is_json(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would read a list as an object, its members by position.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => Problem::invalid("", "Must be an object."),
            Err(error) => malformed(&error),
        });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            Problem::invalid(pointer, shape(&inner.to_string()))
        } else {
            malformed(&inner)
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        Code::MalformedJson,
        format!(
            "The body is not JSON: line {}, column {}.",
            error.line(),
            error.column()
        ),
    )
}

/// A JSON pointer (RFC 6901) for a path.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                Some(format!("/{}", key.replace('~', "~0").replace('/', "~1")))
            }
            Segment::Unknown => None,
        })
        .collect()
}

/// serde's message as a sentence in words of JSON, without the place (the pointer has it).
fn shape(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    let message = match message.rsplit_once(", expected ") {
        Some((got, "u8" | "u16" | "u32" | "u64")) => {
            format!("{got}, expected a whole number from 0")
        }
        Some((got, wanted)) if wanted.starts_with("struct ") => {
            format!("{got}, expected an object")
        }
        Some((got, "a sequence")) => format!("{got}, expected a list"),
        _ => message.to_owned(),
    };
    let message = message.replace("invalid type: map", "invalid type: object");
    sentence(&message.replace("invalid type: sequence", "invalid type: list"))
}

/// A message as a sentence.
pub fn sentence(message: &str) -> String {
    let mut letters = message.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "in/ner")]
        #[expect(dead_code, reason = "only its shape matters")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its shape matters")]
        number: u8,
    }

    #[test]
    fn messages_are_sentences_in_words_of_json() {
        let check = |message: &str, want: &str| assert_eq!(shape(message), want);
        check(
            "invalid type: string \"5m\", expected struct ScheduleText at line 1 column 9",
            "Invalid type: string \"5m\", expected an object.",
        );
        check(
            "invalid value: integer `-1`, expected u32",
            "Invalid value: integer `-1`, expected a whole number from 0.",
        );
        check(
            "invalid type: map, expected a sequence",
            "Invalid type: object, expected a list.",
        );
        check("missing field `a`", "Missing field `a`.");
        assert_eq!(sentence("there is none"), "There is none.");
        assert_eq!(sentence("`x` twice."), "`x` twice.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let check = |text: &str, code: Code, needle: &str| {
            let problem = parse::<Outer>(text.as_bytes()).expect_err(text);
            assert_eq!(problem.code(), code, "{text}");
            let shown = format!("{problem:?}");
            assert!(shown.contains(needle), "{text}: {shown}");
        };
        check("{", Code::MalformedJson, "line 1");
        check("", Code::MalformedJson, "line 1");
        check(r#"{"in/ner":[]} x"#, Code::MalformedJson, "column");
        check("[]", Code::ValidationFailed, "object");
        check("[[{\"number\":1}]]", Code::ValidationFailed, "object");
        check("null", Code::ValidationFailed, "object");
        check(
            r#"{"in/ner":[{"number":1},{"number":300}]}"#,
            Code::ValidationFailed,
            "/in~1ner/1/number",
        );
        check(
            r#"{"in/ner":[],"tenant_id":1}"#,
            Code::ValidationFailed,
            "tenant_id",
        );
        assert!(parse::<Outer>(br#"{"in/ner":[{"number":3}]} "#).is_ok());
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }
}
