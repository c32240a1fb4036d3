//! The two shapes of a Zoho error: a whole-request object, and an item inside `data[]` or `tags[]`.
//! Codes and wording are those of the vendor's v7/v8 pages; nothing here decides when an error is due.

use serde_json::{Value, json};

/// A whole-request error: `{"code","details","message","status":"error"}` with an HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status of the answer.
    pub status: u16,
    /// The body, already in the vendor's shape.
    pub body: Value,
}

/// An error of one record in a list: it stands in the place of the record's outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemError {
    /// Zoho's code, such as `INVALID_DATA`.
    pub code: &'static str,
    /// Zoho's words.
    pub message: String,
    /// An object which says where: `api_name`, `json_path`, limits.
    pub details: Value,
}

impl ItemError {
    /// An item error with these words.
    pub fn new(code: &'static str, message: &str, details: Value) -> Self {
        Self {
            code,
            message: message.to_owned(),
            details,
        }
    }

    /// `INVALID_DATA`, "invalid data", with details.
    pub fn invalid(details: Value) -> Self {
        Self::new("INVALID_DATA", "invalid data", details)
    }

    /// The id does not name a record which the user can see.
    pub fn unknown_id(index: usize) -> Self {
        let details = json!({"api_name": "id", "json_path": format!("$.data[{index}].id")});
        Self::new("INVALID_DATA", "the id given seems to be invalid", details)
    }

    /// One error as it is, several as `MULTIPLE_OR_MULTI_ERRORS`.
    pub fn join(mut errors: Vec<Self>) -> Option<Self> {
        if errors.len() < 2 {
            return errors.pop();
        }
        let list: Vec<Value> = errors.iter().map(Self::body).collect();
        Some(Self::new(
            "MULTIPLE_OR_MULTI_ERRORS",
            "the record contains multiple errors",
            json!({"errors": list}),
        ))
    }

    /// The vendor's object.
    pub fn body(&self) -> Value {
        object(self.code, &self.message, self.details.clone())
    }
}

/// The shape which all errors share.
fn object(code: &str, message: &str, details: Value) -> Value {
    let members = [
        ("code", Value::from(code)),
        ("details", details),
        ("message", Value::from(message)),
        ("status", Value::from("error")),
    ];
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

impl Refusal {
    /// A refusal with this status, code, words and details.
    pub fn new(status: u16, code: &str, message: &str, details: Value) -> Self {
        Self {
            status,
            body: object(code, message, details),
        }
    }

    /// `INVALID_DATA` about one query parameter.
    pub fn bad_param(name: &str) -> Self {
        Self::new(
            400,
            "INVALID_DATA",
            "invalid data",
            json!({"param_name": name}),
        )
    }

    /// A parameter which has to be there is not.
    pub fn missing_param(name: &str) -> Self {
        let message = "One of the expected parameter is missing";
        Self::new(
            400,
            "REQUIRED_PARAM_MISSING",
            message,
            json!({"param_name": name}),
        )
    }

    /// Too many values in one query parameter.
    pub fn over_limit(name: &str, limit: usize) -> Self {
        let message = "the number of values given exceeds the limit";
        Self::new(
            400,
            "LIMIT_EXCEEDED",
            message,
            json!({"limit": limit, "param_name": name}),
        )
    }

    /// Two parameters which exclude one another.
    pub fn ambiguous(first: &str, second: &str) -> Self {
        let details = json!({"ambiguity_due_to": [{"param_name": first}, {"param_name": second}]});
        Self::new(
            400,
            "AMBIGUITY_DURING_PROCESSING",
            "Ambiguity while processing the request",
            details,
        )
    }

    /// The module in the path or in `module=` is not served.
    pub fn invalid_module(details: Value) -> Self {
        Self::new(
            400,
            "INVALID_MODULE",
            "the module name given seems to be invalid",
            details,
        )
    }

    /// The token is unknown, expired or displaced.
    pub fn invalid_token() -> Self {
        Self::new(401, "INVALID_TOKEN", "invalid oauth token", json!({}))
    }

    /// No `Authorization` header at all.
    pub fn unauthenticated() -> Self {
        Self::new(
            401,
            "AUTHENTICATION_FAILURE",
            "Authentication failed",
            json!({}),
        )
    }

    /// The token is good but lacks a scope.
    pub fn scope_mismatch() -> Self {
        Self::new(401, "OAUTH_SCOPE_MISMATCH", "Unauthorized", json!({}))
    }

    /// The user's profile lacks a permission, such as `Crm_Implied_Edit_Contacts`.
    pub fn no_permission(permission: &str) -> Self {
        Self::new(
            403,
            "NO_PERMISSION",
            "permission denied",
            json!({"permissions": [permission]}),
        )
    }

    /// Credits or concurrency used up; Zoho sends no Retry-After.
    pub fn too_many(message: &str) -> Self {
        Self::new(429, "TOO_MANY_REQUESTS", message, json!({}))
    }

    /// A body without its array.
    pub fn missing_key(name: &str) -> Self {
        let details = json!({"api_name": name, "json_path": format!("$.{name}")});
        Self::new(
            400,
            "MANDATORY_NOT_FOUND",
            "required field not found",
            details,
        )
    }

    /// An array in the body which is too long.
    pub fn array_too_long(name: &str, limit: usize) -> Self {
        let details =
            json!({"maximum_length": limit, "api_name": name, "json_path": format!("$.{name}")});
        Self::new(
            400,
            "LIMIT_EXCEEDED",
            "the maximum number of elements is exceeded",
            details,
        )
    }

    /// A body which is not a JSON object.
    pub fn bad_body() -> Self {
        Self::new(
            400,
            "INVALID_DATA",
            "body",
            json!({"expected_data_type": "jsonobject"}),
        )
    }

    /// A value in the body of the wrong shape.
    pub fn bad_key(name: &str, expected: &str) -> Self {
        let details = json!({"expected_data_type": expected, "api_name": name, "json_path": format!("$.{name}")});
        Self::new(400, "INVALID_DATA", "invalid data", details)
    }

    /// A host which does not serve what is asked for.
    pub fn invalid_host() -> Self {
        let message = "the host is invalid for this request";
        Self::new(400, "INVALID_HOST", message, json!({}))
    }

    /// A path which no route serves.
    pub fn unknown_url() -> Self {
        let message = "Please check if the URL trying to access is a correct one";
        Self::new(404, "INVALID_URL_PATTERN", message, json!({}))
    }

    /// A method which the path does not take.
    pub fn bad_method() -> Self {
        let message = "The http request method type is not a valid one";
        Self::new(400, "INVALID_REQUEST_METHOD", message, json!({}))
    }

    /// COQL or search text that cannot be evaluated.
    pub fn invalid_query(details: Value) -> Self {
        Self::new(400, "INVALID_QUERY", "invalid query formed", details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_errors_of_a_record_are_joined() {
        let check = |count: usize, expect: Option<&str>| {
            let errors = (0..count).map(|_| ItemError::invalid(json!({}))).collect();
            assert_eq!(ItemError::join(errors).map(|e| e.code), expect);
        };
        check(0, None);
        check(1, Some("INVALID_DATA"));
        check(2, Some("MULTIPLE_OR_MULTI_ERRORS"));
    }
}
