//! What a caller is told when something did not work: `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! Every failure of every route becomes a [`Problem`]; nothing else is ever sent with a status of 400 or above.
//! A problem never carries SQL, paths, tokens or another tenant's data: what lies beneath is logged, not sent.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use syncline_model::NotAllowed;
use utoipa::ToSchema;

/// Longest `detail` or `message` sent, in characters.
const LONGEST: usize = 2000;

/// What went wrong, by name. Names are part of the API: they are added to, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is not one that this API understands.
    BadRequest,
    /// The body is not JSON.
    MalformedJson,
    /// A parameter of the query or a header is not what it should be.
    InvalidParameter,
    /// No credentials, or credentials that are not, or no longer, good.
    Unauthenticated,
    /// E-mail address and password do not belong together.
    InvalidCredentials,
    /// The credentials are good and may not do this.
    Forbidden,
    /// The tenant's plan does not allow this.
    PlanLimit,
    /// There is nothing here that the caller may see.
    NotFound,
    /// There was something here once, perhaps; there will not be again.
    Gone,
    /// This resource does not answer to this method.
    MethodNotAllowed,
    /// Someone has this e-mail address already.
    EmailTaken,
    /// As many invitations are open as a tenant may have.
    TooManyInvitations,
    /// A tenant must have an owner.
    LastOwner,
    /// A connection still uses the account.
    AccountInUse,
    /// The account waits for its owner at the provider.
    AccountNotActive,
    /// A connection between these two collections exists.
    ConnectionExists,
    /// The two accounts are paired the other way round already.
    SidesSwapped,
    /// The resource is in a state that does not allow this.
    WrongState,
    /// A request with the same `Idempotency-Key` is still being worked on.
    RequestInProgress,
    /// The `If-Match` version is not the current one.
    VersionMismatch,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The body is JSON and does not say something that can be done; `errors` names each place.
    ValidationFailed,
    /// The `Idempotency-Key` was used before, for a different request.
    IdempotencyKeyReused,
    /// The request needs an `If-Match` header.
    VersionRequired,
    /// Too many requests; `Retry-After` says when to come back.
    TooManyRequests,
    /// Our fault. It is logged under the request's id.
    Internal,
    /// The provider did not answer as it should.
    ProviderFailed,
    /// We cannot serve this at the moment.
    Unavailable,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 29] = [
        Self::BadRequest,
        Self::MalformedJson,
        Self::InvalidParameter,
        Self::Unauthenticated,
        Self::InvalidCredentials,
        Self::Forbidden,
        Self::PlanLimit,
        Self::NotFound,
        Self::Gone,
        Self::MethodNotAllowed,
        Self::EmailTaken,
        Self::TooManyInvitations,
        Self::LastOwner,
        Self::AccountInUse,
        Self::AccountNotActive,
        Self::ConnectionExists,
        Self::SidesSwapped,
        Self::WrongState,
        Self::RequestInProgress,
        Self::VersionMismatch,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationFailed,
        Self::IdempotencyKeyReused,
        Self::VersionRequired,
        Self::TooManyRequests,
        Self::Internal,
        Self::ProviderFailed,
        Self::Unavailable,
    ];

    /// The HTTP status that it goes with.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::MalformedJson | Self::InvalidParameter => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthenticated | Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::PlanLimit => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Gone => StatusCode::GONE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::EmailTaken
            | Self::TooManyInvitations
            | Self::LastOwner
            | Self::AccountInUse
            | Self::AccountNotActive
            | Self::ConnectionExists
            | Self::SidesSwapped
            | Self::WrongState
            | Self::RequestInProgress => StatusCode::CONFLICT,
            Self::VersionMismatch => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ValidationFailed | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::VersionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ProviderFailed => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The same words for every problem of this code.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "Bad request",
            Self::MalformedJson => "The body is not JSON",
            Self::InvalidParameter => "A parameter is not valid",
            Self::Unauthenticated => "Authentication needed",
            Self::InvalidCredentials => "Wrong e-mail address or password",
            Self::Forbidden => "Not allowed",
            Self::PlanLimit => "Not in the plan",
            Self::NotFound => "Not found",
            Self::Gone => "Gone",
            Self::MethodNotAllowed => "Method not allowed",
            Self::EmailTaken => "E-mail address taken",
            Self::TooManyInvitations => "Too many open invitations",
            Self::LastOwner => "The last owner",
            Self::AccountInUse => "The account is in use",
            Self::AccountNotActive => "The account is not active",
            Self::ConnectionExists => "The connection exists already",
            Self::SidesSwapped => "The accounts are paired the other way round",
            Self::WrongState => "Not possible in this state",
            Self::RequestInProgress => "The same request is in progress",
            Self::VersionMismatch => "Changed in the meantime",
            Self::BodyTooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body must be application/json",
            Self::ValidationFailed => "The request is not valid",
            Self::IdempotencyKeyReused => "Idempotency-Key used before",
            Self::VersionRequired => "If-Match needed",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Internal error",
            Self::ProviderFailed => "The provider failed",
            Self::Unavailable => "Unavailable",
        }
    }

    /// The word sent as `code`.
    pub fn word(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            _ => String::new(),
        }
    }
}

/// One thing wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the request's body.
    #[schema(example = "/rules/0/if/1/field")]
    pub pointer: String,
    /// What, in words for a customer.
    pub message: String,
}

/// A failure as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    allow: Option<String>,
}

/// The JSON of a problem (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A URI that names the kind of problem.
    #[schema(example = "urn:syncline:problem:validation_failed")]
    r#type: String,
    /// The same words for every problem of the kind.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The kind, to be compared by programs.
    code: Code,
    /// This case, in words for a customer.
    detail: String,
    /// Each place in the body that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem of a kind, with words for this case.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            allow: None,
        }
    }

    /// Nothing here that the caller may see: the same body whether it never existed or belongs to someone else.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here.")
    }

    /// Our fault; the cause is logged here and goes no further.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %Chain(cause), "a request failed inside");
        Self::new(
            Code::Internal,
            "Something went wrong on our side. It has been logged under the request's id.",
        )
    }

    /// A body with places that are wrong.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => "The request is not valid.".to_owned(),
            [one] => shorten(&one.message),
            many => format!("{} places are not valid; see `errors`.", many.len()),
        };
        let errors = errors.into_iter().map(FieldError::shortened).collect();
        Self {
            errors,
            ..Self::new(Code::ValidationFailed, detail)
        }
    }

    /// A body with one place that is wrong.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::validation(vec![FieldError {
            pointer: pointer.into(),
            message: message.into(),
        }])
    }

    /// Too many requests, with the time to wait.
    pub fn too_many(wait: Duration) -> Self {
        Self::new(
            Code::TooManyRequests,
            "Too many requests: wait as `Retry-After` says.",
        )
        .retry_after(wait)
    }

    /// What the tenant's plan does not allow.
    pub fn plan_limit(refusals: &[NotAllowed]) -> Self {
        let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Self::new(Code::PlanLimit, shorten(&all.join(" ")))
    }

    /// Adds `Retry-After`, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// A method that a resource does not have, with those that it has.
    pub fn method_not_allowed(allow: impl Into<String>) -> Self {
        let allow = allow.into();
        Self {
            allow: Some(allow.clone()),
            ..Self::new(
                Code::MethodNotAllowed,
                format!("This resource answers to {allow}."),
            )
        }
    }

    /// The problem for a bare status, as the server itself gives one.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::UNAUTHORIZED => Self::new(Code::Unauthenticated, "Send credentials."),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(Code::MethodNotAllowed, "Not with this method.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::BodyTooLarge, "Send less."),
            status if status.is_client_error() => {
                Self::new(Code::BadRequest, "The request is not one that can be read.")
            }
            _ => Self::new(Code::Internal, "Something went wrong on our side."),
        }
    }

    /// Its kind.
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl FieldError {
    fn shortened(self) -> Self {
        Self {
            pointer: shorten(&self.pointer),
            message: shorten(&self.message),
        }
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Prints an error with everything beneath it.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut below = self.0.source();
        while let Some(error) = below {
            write!(f, ": {error}")?;
            below = error.source();
        }
        Ok(())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.word(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        response.extensions_mut().insert(self.code);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, seconds.max(1).to_string()));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.clone()));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let body = ProblemBody {
            r#type: format!("urn:syncline:problem:{}", self.code.word()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code,
            detail: self.detail.to_string(),
            errors: self.errors.clone(),
        };
        response.body(serde_json::to_string(&body).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word_a_title_and_an_error_status() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().as_u16() >= 400, "{code:?}");
            assert!(!code.title().is_empty() && !code.word().is_empty());
        }
    }

    #[test]
    fn waits_are_whole_seconds_and_never_zero() {
        let check = |wait: Duration, want: &str| {
            let response = Problem::too_many(wait).error_response();
            let got = response.headers().get(header::RETRY_AFTER).cloned();
            assert_eq!(got.expect("header"), want, "{wait:?}");
        };
        check(Duration::ZERO, "1");
        check(Duration::from_millis(1001), "2");
        check(Duration::from_secs(30), "30");
    }
}
