//! The audit log: who changed what, when and from where.
//!
//! Every request that may change something is entered here, in one place, so that no operation can be forgotten: what
//! was done, and what was refused by role or by rule. Not entered are reads, and what nobody had to refuse: a request that
//! says nothing that can be done, names nothing that is there, or was made from an old version. An entry has the operation's
//! name and ids; no body, no value, no secret.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use syncline_model::{Actor, AuditId};
use syncline_store::{AuditEntry, Scope};

use crate::auth::Admission;
use crate::idempotency::REPLAYED;
use crate::limits::peer;
use crate::problem::Code;
use crate::state::State;

/// What a handler knows and the request does not say.
#[derive(Clone, Default)]
pub struct Note {
    /// The tenant's rows, of a request without credentials.
    pub rows: Option<Scope>,
    /// Who, of a request without credentials.
    pub actor: Option<Actor>,
    /// The id of what was done something to, where the path has none.
    pub subject: Option<String>,
    /// Whether nothing was changed, though the method may.
    pub looked: bool,
}

/// Leaves a note for the entry of this request.
pub fn note(request: &HttpRequest, note: Note) {
    request.extensions_mut().insert(note);
}

/// Leaves a note of what was made.
pub fn made(request: &HttpRequest, subject: &impl ToString) {
    let subject = Some(subject.to_string());
    note(
        request,
        Note {
            subject,
            ..Note::default()
        },
    );
}

/// Leaves a note that nothing was changed.
pub fn looked(request: &HttpRequest) {
    note(
        request,
        Note {
            looked: true,
            ..Note::default()
        },
    );
}

/// Enters an answered request, if it belongs there. That an entry could not be written takes nothing back.
pub async fn enter(state: &State, response: &ServiceResponse<BoxBody>) {
    let Some((rows, entry)) = entry(state, response) else {
        return;
    };
    if let Err(error) = rows.audit_add(&entry).await {
        tracing::error!(%error, action = entry.action, "the audit log lacks an entry");
    }
}

fn entry(state: &State, response: &ServiceResponse<BoxBody>) -> Option<(Scope, AuditEntry)> {
    let request = response.request();
    let extensions = request.extensions();
    let noted = extensions.get::<Note>();
    let looked = noted.map_or(request.method().is_safe(), |note| note.looked);
    if looked || response.headers().contains_key(REPLAYED) || !matters(response.response()) {
        return None;
    }
    let caller = extensions.get::<Admission>();
    let caller = caller.and_then(|admission| admission.0.as_ref().ok());
    let noted = noted.cloned().unwrap_or_default();
    let rows = noted.rows.or_else(|| Some(caller?.rows.clone()))?;
    let action = state.operation(request.method(), &request.match_pattern()?)?;
    let id = request.match_info().get("id");
    let entry = AuditEntry {
        id: AuditId::from_uuid(state.ids.next()),
        at: state.clock.now(),
        actor: noted.actor.or_else(|| Some(caller?.who)),
        action: action.to_owned(),
        subject: noted.subject.or_else(|| id.map(str::to_owned)),
        status: response.status().as_u16().into(),
        network: peer(request).map(|address| address.to_string()),
    };
    Some((rows, entry))
}

/// Whether an answer is worth an entry: something was done, or refused.
fn matters(answer: &HttpResponse<BoxBody>) -> bool {
    // The first request of its key is entered, not the one that came too early.
    let early = answer.extensions().get::<Code>() == Some(&Code::RequestInProgress);
    let status = answer.status();
    let refused = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::CONFLICT
    );
    status.is_success() || refused && !early
}
