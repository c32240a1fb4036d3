//! `/v1/invitations`: asking people to become members. No mail is sent: whoever invites hands the token on.

pub mod accept;
pub mod create;
pub mod list;
pub mod take_back;

use actix_web::http::Method;
use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_model::{InvitationId, Role};
use syncline_store::Invitation;
use utoipa::ToSchema;

use crate::schema;

pub(super) fn configure(app: &mut web::ServiceConfig) {
    app.service(super::at(
        "/v1/invitations",
        [
            (Method::GET, web::to(list::handle)),
            (Method::POST, web::to(create::handle)),
        ],
    ))
    .service(super::at(
        "/v1/invitations/accept",
        [(Method::POST, web::to(accept::handle))],
    ))
    .service(super::at(
        "/v1/invitations/{id}",
        [(Method::DELETE, web::to(take_back::handle))],
    ));
}

/// An invitation that was not accepted yet, without its token.
#[derive(Serialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationJson {
    /// Its id.
    #[schema(value_type = schema::InvitationId)]
    pub id: InvitationId,
    /// To whom.
    pub email: String,
    /// What they will be.
    #[schema(value_type = schema::Role)]
    pub role: Role,
    /// The id of the member or the API key that invited; null if it is not known any more, and then the invitation is
    /// refused.
    #[schema(required)]
    pub invited_by: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationJson {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by.map(|actor| actor.to_string()),
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}
