//! Errors as Google words them (providers/google.md 2.10).

use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Name of the google.rpc.Code.
    pub code: String,
    /// The message.
    pub message: String,
    /// Details, each with `@type`.
    pub details: Vec<Value>,
}

impl Refusal {
    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
        }
    }

    fn with(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }

    /// 400 INVALID_ARGUMENT.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// 400 without a hint what was wrong.
    pub fn argument() -> Self {
        Self::invalid("Request contains an invalid argument.")
    }

    /// 400 for a body that does not fit the schema.
    pub fn bad_payload(field: &str, message: &str) -> Self {
        Self::invalid(message).with(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": field, "description": message}],
        }))
    }

    /// 400 FAILED_PRECONDITION: the etag is not the current one.
    pub fn stale(what: &str) -> Self {
        let text = format!(
            "Request {what} is different than the current {what}. Clear local cache and get the latest person."
        );
        Self::new(400, "FAILED_PRECONDITION", text)
    }

    /// 400 for a sync token past its life; the code is disputed, so it is a knob.
    pub fn expired_sync_token(code: &str) -> Self {
        Self::new(
            400,
            code,
            "Sync token is expired. Clear local cache and retry call without the sync token.",
        )
        .with(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "EXPIRED_SYNC_TOKEN",
            "domain": "people.googleapis.com",
        }))
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "Requested entity was not found.")
    }

    /// 404 for a path that is no method.
    pub fn no_method() -> Self {
        Self::new(404, "NOT_FOUND", "Method not found.")
    }

    /// 409 for a group name in use.
    pub fn duplicate_group() -> Self {
        Self::new(409, "ALREADY_EXISTS", "Contact group name already exists.")
    }

    /// 401 with or without a token.
    pub fn unauthenticated(token_sent: bool) -> Self {
        let what = if token_sent {
            "Request had invalid authentication credentials."
        } else {
            "Request is missing required authentication credential."
        };
        Self::new(
            401,
            "UNAUTHENTICATED",
            format!(
                "{what} Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
            ),
        )
    }

    /// 403 for a token without the scope.
    pub fn scope(method: &str) -> Self {
        Self::new(
            403,
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes.",
        )
        .with(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {"service": "people.googleapis.com", "method": method},
        }))
    }

    /// 429 for a quota per minute and user.
    pub fn quota(title: &str, limit: &str, metric: &str) -> Self {
        Self::new(
            429,
            "RESOURCE_EXHAUSTED",
            format!("Quota exceeded for quota metric '{title}' and limit '{title} per minute per user' of service 'people.googleapis.com' for consumer 'project_number:100000000001'."),
        )
        .with(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "RATE_LIMIT_EXCEEDED",
            "domain": "googleapis.com",
            "metadata": {
                "quota_limit": limit,
                "service": "people.googleapis.com",
                "quota_metric": format!("people.googleapis.com/{metric}"),
                "consumer": "projects/100000000001",
            },
        }))
    }

    /// 429 of the contact store: too many contacts.
    pub fn store_full() -> Self {
        Self::new(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).").with(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"subject": "QUOTA_EXCEEDED", "description": "FBS quota limit exceeded"}],
        }))
    }

    /// A failed batch: which entries were refused and why.
    pub fn batch(first: Self, kind: &str, errors: &Value) -> Self {
        first.with(json!({"@type": format!("type.googleapis.com/google.people.v1.{kind}"), "contactErrors": errors}))
    }

    /// The usual words for a status, for faults that bring none.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 => Self::argument(),
            401 => Self::unauthenticated(true),
            403 => Self::new(
                403,
                "PERMISSION_DENIED",
                "The caller does not have permission",
            ),
            404 => Self::not_found(),
            409 => Self::new(409, "ABORTED", "The operation was aborted."),
            429 => Self::quota(
                "Critical read requests (Contact and Profile Reads)",
                "CriticalReadsPerMinutePerProjectPerUser",
                "critical_read_requests",
            ),
            503 => Self::new(503, "UNAVAILABLE", "The service is currently unavailable."),
            504 => Self::new(
                504,
                "DEADLINE_EXCEEDED",
                "Deadline expired before operation could complete.",
            ),
            other => Self::new(other, "INTERNAL", "Internal error encountered."),
        }
    }

    /// The number of the google.rpc.Code.
    pub fn rpc_number(&self) -> u8 {
        match self.code.as_str() {
            "INVALID_ARGUMENT" => 3,
            "DEADLINE_EXCEEDED" => 4,
            "NOT_FOUND" => 5,
            "ALREADY_EXISTS" => 6,
            "PERMISSION_DENIED" => 7,
            "RESOURCE_EXHAUSTED" => 8,
            "FAILED_PRECONDITION" => 9,
            "ABORTED" => 10,
            "UNAVAILABLE" => 14,
            "UNAUTHENTICATED" => 16,
            _ => 13,
        }
    }

    /// The body; `legacy` adds the `errors` list of the old format (`$.xgafv=1`).
    pub fn body(&self, legacy: bool) -> Value {
        let mut error = json!({"code": self.status, "message": self.message, "status": self.code});
        if let Some(error) = error.as_object_mut() {
            if legacy {
                let reason = match self.code.as_str() {
                    "FAILED_PRECONDITION" => "failedPrecondition",
                    "NOT_FOUND" => "notFound",
                    "RESOURCE_EXHAUSTED" => "rateLimitExceeded",
                    "UNAUTHENTICATED" => "authError",
                    "PERMISSION_DENIED" => "forbidden",
                    _ => "badRequest",
                };
                error.insert(
                    "errors".into(),
                    json!([{"message": self.message, "domain": "global", "reason": reason}]),
                );
            }
            if !self.details.is_empty() {
                error.insert("details".into(), self.details.clone().into());
            }
        }
        json!({ "error": error })
    }
}
