//! `PUT /v1/accounts/{id}/login`: what the owner of an account at a server of their own types, again.

use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use syncline_accounts::Error;
use syncline_connector::{Definition, Kind, Login, Password};
use syncline_model::AccountId;
use utoipa::ToSchema;

use crate::auth::CanWrite;
use crate::extract::{Body, Checked, Findings, Id, sentence};
use crate::problem::{Code, Problem, ProblemBody};
use crate::schema;
use crate::state::State;
use crate::wire::AccountJson;

/// The longest of each member, in characters.
const LONGEST: usize = 1000;

/// What lets us in at a server whose address, user name and password the account's owner types.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedLogin {
    /// The server's address, such as `https://dav.example.com/`.
    #[schema(format = "uri", max_length = 1000)]
    server: String,
    /// The user name there, or what else `login.user` of the provider names.
    #[schema(min_length = 1, max_length = 1000)]
    user: String,
    /// The password, or what else `login.password` of the provider names, best one made for Syncline alone. Kept sealed, and never shown.
    #[schema(value_type = String, format = "password", min_length = 1, max_length = 1000)]
    password: SecretString,
}

impl TypedLogin {
    /// What is too long; what else is wrong shows when it is tried.
    pub(super) fn check_at(&self, place: &str, findings: &mut Findings) {
        use secrecy::ExposeSecret as _;
        let members = [
            ("server", self.server.as_str()),
            ("user", self.user.as_str()),
            ("password", self.password.expose_secret()),
        ];
        for (member, text) in members {
            if text.chars().count() > LONGEST {
                let message = format!("Must have at most {LONGEST} characters.");
                findings.add(format!("{place}/{member}"), message);
            }
        }
    }
}

impl Checked for TypedLogin {
    fn check(&self, findings: &mut Findings) {
        self.check_at("", findings);
    }
}

impl From<TypedLogin> for Login {
    fn from(typed: TypedLogin) -> Self {
        Self {
            server: typed.server,
            user: typed.user,
            password: typed.password,
        }
    }
}

/// Log in again
///
/// After the password was changed or refused, at apps whose `auth` is `password`. It must be the same user at the same
/// server as before.
#[utoipa::path(put, path = "/v1/accounts/{id}/login", operation_id = "log_in_account", tag = "accounts",
    params(("id" = schema::AccountId, Path)), request_body = TypedLogin,
    responses((status = 200, description = "The server took it: the account is active", body = AccountJson),
              (status = 409, description = "`wrong_state`: the account is authorised on a consent page", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<AccountId>,
    body: Result<Body<TypedLogin>, Problem>,
) -> Result<HttpResponse, Problem> {
    let account = caller.rows.account_get(id).await?;
    let Body(typed) = body?;
    let connector = state.registry.get(&account.provider);
    let definition = connector.map(|connector| connector.definition());
    if definition.is_some_and(|one| one.auth.oauth2().is_some()) {
        let message =
            "This account is authorised on a consent page: `POST /v1/accounts/{id}/authorize`.";
        return Err(Problem::new(Code::WrongState, message));
    }
    let taken = state.accounts.log_in_again(&account, &typed.into()).await;
    taken.map_err(|error| refused(error, definition, ""))?;
    let account = caller.rows.account_get(id).await?;
    Ok(HttpResponse::Ok().json(AccountJson::from(account)))
}

/// Whether a login must come with a new account, or must not.
pub(super) fn wanted(definition: &Definition, given: bool) -> Result<(), Problem> {
    let name = &definition.name;
    match (definition.auth.oauth2().is_some(), given) {
        (true, true) => Err(Problem::invalid(
            "/login",
            format!("{name} is authorised on a consent page: leave `login` out."),
        )),
        (false, false) => Err(Problem::invalid(
            "/login",
            format!(
                "{name} needs a `login`: the server's address, {}.",
                words(Some(definition))
            ),
        )),
        _ => Ok(()),
    }
}

/// What is typed beside the server's address, by the words of the provider.
fn words(definition: Option<&Definition>) -> String {
    let password = definition.and_then(|one| one.auth.password().cloned());
    let Password { user, password, .. } = password.unwrap_or_default();
    format!("{user} and {password}")
}

/// Why a login was not taken, by the member that is to be typed anew.
pub(super) fn refused(error: Error, definition: Option<&Definition>, place: &str) -> Problem {
    let at = |member: &str, message: &str| {
        Problem::invalid(format!("{place}/{member}"), sentence(message))
    };
    match &error {
        Error::BadLogin(bad) => at(bad.member(), &bad.to_string()),
        Error::OtherIdentity { .. } => at("user", &error.to_string()),
        Error::Provider(told) => match told.kind {
            Kind::Unauthorized => at(
                "password",
                &format!("the server does not take this {}", words(definition)),
            ),
            Kind::RateLimited { .. } => error.into(),
            _ => at("server", &told.message),
        },
        _ => error.into(),
    }
}
