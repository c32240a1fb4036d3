//! `/v1/accounts`: a tenant's authorised access to logins at providers.

pub mod authorize;
pub mod collections;
pub mod create;
pub mod create_collection;
pub mod delete;
pub mod fields;
pub mod get;
pub mod list;
pub mod login;
pub mod permissions;

use actix_web::http::Method;
use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::AccountJson;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/accounts",
        [
            (Method::GET, web::to(list::handle)),
            (Method::POST, web::to(create::handle)),
        ],
    ))
    .service(super::at(
        "/v1/accounts/{id}",
        [
            (Method::GET, web::to(get::handle)),
            (Method::DELETE, web::to(delete::handle)),
        ],
    ))
    .service(super::at(
        "/v1/accounts/{id}/authorize",
        [(Method::POST, web::to(authorize::handle))],
    ))
    .service(super::at(
        "/v1/accounts/{id}/login",
        [(Method::PUT, web::to(login::handle))],
    ))
    .service(super::at(
        "/v1/accounts/{id}/collections",
        [
            (Method::GET, web::to(collections::handle)),
            (Method::POST, web::to(create_collection::handle)),
        ],
    ))
    .service(super::at(
        "/v1/accounts/{id}/permissions",
        [(Method::GET, web::to(permissions::handle))],
    ))
    .service(super::at(
        "/v1/accounts/{id}/fields",
        [(Method::GET, web::to(fields::handle))],
    ));
}

/// An account, and where its owner must go now, if anywhere.
#[derive(Serialize, ToSchema)]
pub struct Authorization {
    /// The account.
    account: AccountJson,
    /// The provider's consent page: send the account's owner there within ten minutes. Not there if the account is
    /// active already, by its `login`.
    #[schema(format = "uri")]
    #[serde(skip_serializing_if = "Option::is_none")]
    authorize_url: Option<String>,
}
