//! A provider as the API shows it: what is real there, without our limits, addresses and scopes.

use std::collections::BTreeMap;

use serde::Serialize;
use syncline_connector::{AuthKind, Definition, Password};
use syncline_model::{DeletionPolicy, ObjectType, ProviderId};
use utoipa::ToSchema;

use crate::schema;

/// A third-party app that accounts can be opened at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct ProviderJson {
    /// Its id.
    #[schema(value_type = schema::ProviderId)]
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// What it can sync.
    #[schema(value_type = Vec<schema::ObjectType>)]
    pub objects: Vec<ObjectType>,
    /// How an account is authorised.
    #[schema(value_type = schema::AuthKind)]
    pub auth: AuthKind,
    /// Where that is `password`: what the members of a `login` are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginJson>,
    /// Whether only tenants on a paid plan may connect accounts of it.
    pub paid_plans_only: bool,
    /// What is real there.
    pub capabilities: CapabilitiesJson,
}

/// What the members of a `login` are called at a provider, as in the middle of a sentence; `server` is a server's address
/// everywhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoginWords)]
pub struct LoginJson {
    /// What goes into `user`, such as `user name` or `database`.
    pub user: String,
    /// What goes into `password`, such as `password` or `API key`.
    pub password: String,
}

impl From<&Password> for LoginJson {
    fn from(password: &Password) -> Self {
        Self {
            user: password.user.clone(),
            password: password.password.clone(),
        }
    }
}

/// What is real at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Capabilities)]
pub struct CapabilitiesJson {
    /// Changes since a moment can be read without listing everything.
    pub delta: bool,
    /// Deletions are reported.
    pub tombstones: bool,
    /// Updates can be made conditional on what was read.
    pub conditional_update: bool,
    /// Collections can be made, with `POST /v1/accounts/{id}/collections`.
    pub create_collection: bool,
    /// It tells us when something changes, so that a connection need not wait for its schedule.
    pub watch: bool,
    /// What can be done to a record here when its partner is deleted.
    #[schema(value_type = Vec<schema::DeletionPolicy>)]
    pub deletions: Vec<DeletionPolicy>,
    /// Why what is not among them cannot be done here, in words.
    #[schema(value_type = BTreeMap<String, String>)]
    pub impossible: BTreeMap<DeletionPolicy, String>,
}

impl From<&Definition> for ProviderJson {
    fn from(definition: &Definition) -> Self {
        let capabilities = &definition.capabilities;
        Self {
            id: definition.id.clone(),
            name: definition.name.clone(),
            objects: definition.objects.clone(),
            auth: definition.auth.kind(),
            login: definition.auth.password().map(LoginJson::from),
            paid_plans_only: definition.paid_plans_only,
            capabilities: CapabilitiesJson {
                delta: capabilities.delta,
                tombstones: capabilities.tombstones,
                conditional_update: capabilities.conditional_update,
                create_collection: capabilities.create_collection,
                watch: capabilities.watch,
                deletions: capabilities.deletions.clone(),
                impossible: capabilities.impossible.clone(),
            },
        }
    }
}
