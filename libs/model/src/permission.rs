//! What the user who authorised an account may do there, as the provider tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something to be done with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See them.
    View,
    /// Make new ones.
    Create,
    /// Change them.
    Edit,
    /// Delete them.
    Delete,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::View, Self::Create, Self::Edit, Self::Delete];

    /// `"view"`, `"create"`, `"edit"` or `"delete"`, as the API says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }
}

/// The permissions that a user lacks, each with what the provider calls it. None where the provider does not tell: then
/// what may not be done is refused when it is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// What is missing.
    pub missing: BTreeMap<Permission, String>,
}
