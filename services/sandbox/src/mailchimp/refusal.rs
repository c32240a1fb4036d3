//! Problems as Mailchimp words them: one shape, told apart by its title.

use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The title, by which clients tell refusals apart.
    pub title: &'static str,
    /// The explanation.
    pub detail: String,
    /// What is wrong with which field.
    pub errors: Vec<(String, String)>,
}

impl Refusal {
    fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// What was sent does not do.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(400, "Invalid Resource", detail)
    }

    /// A field of the body or the query does not do.
    pub fn field(field: &str, message: &str) -> Self {
        Self {
            errors: vec![(field.to_owned(), message.to_owned())],
            ..Self::invalid(
                "The resource submitted could not be validated. For field-specific details, see the 'errors' array.",
            )
        }
    }

    /// Merge fields do not do.
    pub fn merge_fields(errors: Vec<(String, String)>) -> Self {
        Self {
            errors,
            ..Self::invalid("Your merge fields were invalid.")
        }
    }

    /// The body is no JSON.
    pub fn json() -> Self {
        Self::new(
            400,
            "JSON Parse Exception",
            "We encountered an unspecified JSON parsing error.",
        )
    }

    /// The address has a member already.
    pub fn exists(email: &str) -> Self {
        Self::new(
            400,
            "Member Exists",
            format!("{email} is already a list member. Use PUT to insert or update list members."),
        )
    }

    /// The person left, and only the person can come back.
    pub fn compliance(email: &str) -> Self {
        Self::new(
            400,
            "Member In Compliance State",
            format!(
                "{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
            ),
        )
    }

    /// The person was deleted for good.
    pub fn forgotten(email: &str) -> Self {
        Self::new(
            400,
            "Forgotten Email Not Subscribed",
            format!(
                "{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list."
            ),
        )
    }

    /// No such thing.
    pub fn not_found() -> Self {
        Self::new(
            404,
            "Resource Not Found",
            "The requested resource could not be found.",
        )
    }

    /// The method is not one of the resource's.
    pub fn method() -> Self {
        Self::new(
            405,
            "Method Not Allowed",
            "The requested method and resource are not compatible. See the Allow header for this resource's available methods.",
        )
    }

    /// No key, or one that is not good.
    pub fn key(sent: bool) -> Self {
        if sent {
            Self::new(
                401,
                "API Key Invalid",
                "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
            )
        } else {
            Self::new(
                401,
                "API Key Missing",
                "Your request did not include an API key.",
            )
        }
    }

    /// More connections than the ten.
    pub fn too_many() -> Self {
        Self::new(
            429,
            "Too Many Requests",
            "You have exceeded the limit of 10 simultaneous connections.",
        )
    }

    /// The usual words for a status, for faults that bring none.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 => Self::invalid("The resource submitted could not be validated."),
            401 => Self::key(true),
            403 => Self::new(
                403,
                "Forbidden",
                "You are not permitted to access this resource.",
            ),
            404 => Self::not_found(),
            405 => Self::method(),
            429 => Self::too_many(),
            other => Self::new(
                other,
                "Internal Server Error",
                "An unexpected internal error has occurred. Please contact Support for more information.",
            ),
        }
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "type": "https://mailchimp.com/developer/marketing/docs/errors/",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": "995c5cb0-3280-4a6e-808b-3b096d0bb219",
        });
        if !self.errors.is_empty() {
            let errors = self.errors.iter();
            let errors: Vec<Value> = errors
                .map(|(field, message)| json!({"field": field, "message": message}))
                .collect();
            if let Some(body) = body.as_object_mut() {
                body.insert("errors".into(), errors.into());
            }
        }
        body
    }
}
