//! Creatio's error bodies, in its own words (providers/creatio.md 3).

use serde_json::{Value, json};

/// A call that is refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The body; null for none.
    pub body: Value,
}

impl Refusal {
    /// An error of the OData layer.
    pub fn odata(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            status,
            body: json!({"error": {"code": "", "message": message, "innererror": {
                "message": message, "type": "Terrasoft.Common.ItemNotFoundException", "stacktrace": "",
            }}}),
        }
    }

    /// An exception that nobody caught.
    pub fn exception(kind: &str, message: &str) -> Self {
        Self {
            status: 500,
            body: json!({
                "Message": "An error has occurred.", "ExceptionMessage": message,
                "ExceptionType": format!("Terrasoft.Common.{kind}"), "StackTrace": "",
            }),
        }
    }

    /// 400.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::odata(400, message)
    }

    /// A record that is not there: no words at all.
    pub fn no_record() -> Self {
        Self {
            status: 404,
            body: Value::Null,
        }
    }

    /// No such collection, or the service is being rebuilt.
    pub fn no_controller(path: &str, name: &str) -> Self {
        Self {
            status: 404,
            body: json!({
                "Message": format!("No HTTP resource was found that matches the request URI '{path}'."),
                "MessageDetail": format!("No type was found that matches the controller named '{name}'."),
            }),
        }
    }

    /// 401.
    pub fn denied() -> Self {
        Self {
            status: 401,
            body: json!({"Message": "Authorization has been denied for this request."}),
        }
    }

    /// What a fault of a status says.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::denied(),
            403 => Self::odata(
                403,
                "User does not have permission to perform the operation",
            ),
            404 => Self::no_record(),
            500..=599 => Self {
                status,
                ..Self::exception("Exception", "Internal error")
            },
            _ => Self::odata(status, "The request is invalid."),
        }
    }
}
