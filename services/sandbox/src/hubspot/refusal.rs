//! HubSpot's error bodies, in its own words (providers/hubspot.md 6).

use serde_json::{Value, json};

/// A call that is refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// A fixed one: nobody looks it up here.
const CORRELATION: &str = "1c7f6d3e-0000-4000-8000-000000000000";

impl Refusal {
    /// Any refusal.
    pub fn new(status: u16, category: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            status,
            body: json!({
                "status": "error", "message": message, "correlationId": CORRELATION, "category": category,
            }),
        }
    }

    /// Property values that are no good; each as HubSpot describes it.
    pub fn invalid(wrong: &[Value]) -> Self {
        let listed = json!(wrong).to_string();
        let mut refusal = Self::validation(format!("Property values were not valid: {listed}"));
        let errors: Vec<Value> = wrong
            .iter()
            .map(|one| {
                json!({
                    "message": one["message"], "code": one["error"], "in": one["name"],
                    "context": {"propertyName": [one["name"]]},
                })
            })
            .collect();
        if let Some(body) = refusal.body.as_object_mut() {
            body.insert("errors".into(), errors.into());
        }
        refusal
    }

    /// 400.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// 409, with the contact that is in the way.
    pub fn taken(id: u64) -> Self {
        let message = format!("Contact already exists. Existing ID: {id}");
        Self::new(409, "CONFLICT", message)
    }

    /// 404.
    pub fn not_found(id: &str) -> Self {
        Self::new(
            404,
            "OBJECT_NOT_FOUND",
            format!("Object not found. objectId are usually numeric: {id}"),
        )
    }

    /// 401.
    pub fn unauthorized(expired: bool) -> Self {
        if expired {
            Self::new(
                401,
                "EXPIRED_AUTHENTICATION",
                "The OAuth token used to make this call expired.",
            )
        } else {
            Self::new(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found.",
            )
        }
    }

    /// 403.
    pub fn missing_scopes(scope: &str) -> Self {
        let message = "This app hasn't been granted all required scopes to make this call.";
        let mut refusal = Self::new(403, "MISSING_SCOPES", message);
        if let Some(body) = refusal.body.as_object_mut() {
            let errors = json!([{"message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": [scope]}}]);
            body.insert("errors".into(), errors);
        }
        refusal
    }

    /// 429; no `Retry-After`.
    pub fn too_many(policy: &str) -> Self {
        let word = policy.to_lowercase();
        Self {
            status: 429,
            body: json!({
                "status": "error", "message": format!("You have reached your {word} limit."),
                "errorType": "RATE_LIMIT", "correlationId": CORRELATION, "policyName": policy,
                "requestId": CORRELATION,
            }),
        }
    }

    /// What a fault of a status says.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::unauthorized(false),
            403 => Self::missing_scopes("crm.objects.contacts.read"),
            404 => Self::not_found("0"),
            423 => Self::new(423, "LOCKED", "The resource is locked."),
            429 => Self::too_many("TEN_SECONDLY_ROLLING"),
            477 => Self::new(
                477,
                "MIGRATION_IN_PROGRESS",
                "The account is being migrated.",
            ),
            400..=499 => Self::new(status, "VALIDATION_ERROR", "Invalid input"),
            _ => Self::new(status, "INTERNAL_ERROR", "internal error"),
        }
    }
}
