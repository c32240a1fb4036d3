//! `POST /v1/api-keys`: a new key, shown this once.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use syncline_model::ApiKeyId;
use syncline_platform::random_token;
use syncline_store::NewApiKey;
use utoipa::ToSchema;

use super::ApiKeyJson;
use crate::audit;
use crate::auth::{CanAdmin, Scope, Secret, SecretKind};
use crate::extract::{Body, Checked, Findings};
use crate::problem::{Code, Problem};
use crate::state::State;

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do; never more than its maker may.
    #[schema(min_items = 1, max_items = 3)]
    scopes: Vec<Scope>,
}

impl Checked for NewKey {
    fn check(&self, findings: &mut Findings) {
        findings.text("/name", &self.name, 1, 100);
        if !(1..=Scope::ALL.len()).contains(&self.scopes.len()) {
            findings.add("/scopes", "Name at least one scope, and each once.");
        }
    }
}

/// A key just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    /// The key as it is listed later.
    api_key: ApiKeyJson,
    /// The key itself, shown this once and kept nowhere.
    secret: String,
}

/// Make an API key
///
/// The answer has the key itself, which cannot be shown again. For that reason an `Idempotency-Key` is not honoured here:
/// after a lost answer revoke the key and make another.
#[utoipa::path(post, path = "/v1/api-keys", operation_id = "create_api_key", tag = "API keys",
    request_body = NewKey,
    responses((status = 201, description = "Made", body = CreatedKey)))]
pub async fn handle(
    state: web::Data<State>,
    CanAdmin(caller): CanAdmin,
    request: HttpRequest,
    Body(body): Body<NewKey>,
) -> Result<HttpResponse, Problem> {
    let mut scopes = body.scopes;
    scopes.sort_by_key(|scope| scope.as_str());
    scopes.dedup();
    if let Some(scope) = scopes.iter().find(|scope| !caller.scopes.contains(scope)) {
        return Err(Problem::new(
            Code::Forbidden,
            format!("You do not have the scope `{}` yourself.", scope.as_str()),
        ));
    }
    let secret = Secret::new(SecretKind::ApiKey, &random_token(32));
    let key = caller
        .rows
        .api_key_create(&NewApiKey {
            id: ApiKeyId::from_uuid(state.ids.next()),
            name: body.name.trim().to_owned(),
            hash: secret.hash().to_vec(),
            scopes: scopes.iter().map(|scope| scope.as_str().into()).collect(),
            created_at: state.clock.now(),
        })
        .await?;
    tracing::info!(tenant.id = %caller.tenant, key.id = %key.id, "an API key was made");
    audit::made(&request, &key.id);
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(CreatedKey {
            api_key: key.into(),
            secret: secret.reveal(),
        }))
}
