//! Calls to an Odoo, and what its refusals mean. It names a Python exception in each; what that says in words may quote a
//! contact's values and is not passed on.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use syncline_connector::{Error, Kind, Request, Response, Session};
use url::Url;

use super::wire::Refusal;

/// Odoo's model of contacts.
pub(super) const PARTNER: &str = "res.partner";

/// An account's own Odoo.
pub(super) struct Odoo<'a> {
    pub session: &'a Session,
    pub server: Url,
}

impl<'a> Odoo<'a> {
    /// What was typed may be the address of any page.
    pub(super) async fn of(session: &'a Session) -> Result<Self, Error> {
        let mut server = session.server().await?;
        server.set_path("");
        Ok(Self { session, server })
    }

    /// Puts a question.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        arguments: Json,
    ) -> Result<T, Error> {
        read(&self.reply(model, method, &arguments).await?)
    }

    /// Puts a question. The answer may be a refusal.
    pub(super) async fn reply(
        &self,
        model: &str,
        method: &str,
        arguments: &Json,
    ) -> Result<Response, Error> {
        let body = arguments.to_string();
        let request = Request::ask("POST", self.at(model, method), "application/json", body);
        let request =
            request.ok_or_else(|| self.session.error(Kind::Unsupported, "no such method"))?;
        let request = request.route("POST /json/2/{model}/{question}");
        self.session.send(request.refused_by(is_refusal)).await
    }

    /// Has something done.
    pub(super) async fn act<T: DeserializeOwned>(
        &self,
        model: &str,
        method: &str,
        arguments: Json,
    ) -> Result<T, Error> {
        let request = Request::post(self.at(model, method), arguments)
            .route("POST /json/2/{model}/{action}")
            .refused_by(is_refusal);
        read(&self.session.send(request).await?)
    }

    fn at(&self, model: &str, method: &str) -> String {
        let server = self.server.as_str().trim_end_matches('/');
        format!("{server}/json/2/{model}/{method}")
    }
}

/// Whether a server error is a refusal: anything that Odoo has an exception of its own or of Python's for. One of its
/// database's is trouble that passes.
pub(super) fn is_refusal(body: &[u8]) -> bool {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    refusal.is_some_and(|refusal| {
        ["odoo.exceptions.", "builtins."]
            .iter()
            .any(|module| refusal.name.starts_with(module))
            && !matches!(
                short(&refusal.name),
                "ConcurrencyError"
                    | "LockError"
                    | "MemoryError"
                    | "TimeoutError"
                    | "OSError"
                    | "BrokenPipeError"
                    | "ConnectionError"
                    | "ConnectionAbortedError"
                    | "ConnectionRefusedError"
                    | "ConnectionResetError"
            )
    })
}

/// The exception's name without its module.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    if response.is_success() {
        response.json()
    } else {
        Err(refused(response))
    }
}

/// What a refusal means.
pub(super) fn refused(response: &Response) -> Error {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&response.body) else {
        let (kind, message) = match response.status {
            404 => (
                Kind::Forbidden,
                "there is no such database on the server, or it is not of Odoo 19 or later".into(),
            ),
            status => (
                response.kind(),
                format!("Odoo answered with status {status}"),
            ),
        };
        return response.error(kind, message);
    };
    let name = short(&refusal.name);
    let (kind, message) = match name {
        "Unauthorized" | "AccessDenied" => (
            Kind::Unauthorized,
            "Odoo does not take the API key any more".to_owned(),
        ),
        "AccessError" | "Forbidden" => (
            Kind::Forbidden,
            "the user of the API key may not do this with contacts in Odoo".to_owned(),
        ),
        "MissingError" => (
            Kind::NotFound,
            "the contact is not in Odoo any more".to_owned(),
        ),
        "NotFound" | "UnprocessableEntity" => (
            Kind::Unsupported,
            "this Odoo does not understand the call: Odoo 19 or later is needed".to_owned(),
        ),
        "ConcurrencyError" | "LockError" => (
            Kind::Unavailable,
            "somebody else is changing this in Odoo at the moment".to_owned(),
        ),
        _ if is_refusal(&response.body) => (
            Kind::Rejected,
            format!("Odoo does not take the contact as it is ({name})"),
        ),
        _ => (response.kind(), format!("Odoo refused the call ({name})")),
    };
    let mut error = response.error(kind, message);
    error.code = Some(name.to_owned());
    error
}

/// Whether one record of several may be to blame.
pub(super) fn is_about_records(error: &Error) -> bool {
    matches!(error.kind, Kind::Rejected | Kind::NotFound)
        || (error.kind == Kind::Forbidden && error.code.is_some())
}

/// Said of one record: what concerns it must not stop the others.
pub(super) fn of_one_record(mut error: Error) -> Error {
    if error.kind == Kind::Forbidden && error.code.is_some() {
        error.kind = Kind::Rejected;
        error.message = "the user of the API key may not do this with this contact in Odoo".into();
    }
    error
}

pub(super) fn all<T>(count: usize, error: &Error) -> Vec<Result<T, Error>> {
    (0..count).map(|_| Err(error.clone())).collect()
}
