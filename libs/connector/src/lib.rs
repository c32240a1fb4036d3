//! What every connector is: the trait, the provider definition, error kinds with their remedies, the shared HTTP
//! client and OAuth2.
//!
//! A connector is one folder in `libs/connectors`; it knows one provider's wire and nothing of links, merges or
//! stores. It holds no state: what it needs to remember goes into cursors and page tokens, which are opaque to
//! everyone else.

mod access;
mod address;
pub mod client_credentials;
#[doc(hidden)]
pub mod conformance;
mod definition;
mod error;
mod http;
pub mod oauth;
mod password;
mod profile;
mod reach;
mod registry;
mod request;
mod session;
pub mod slots;
mod traits;
pub mod watch;

pub use access::{Access, AccessToken, Gate, OpenGate, Pass, Permit, Witness};
pub use definition::{
    Auth, AuthKind, Batch, Capabilities, Definition, DefinitionError, Endpoints, Idempotency,
    IdentityService, Limit, LimitScope, Oauth2, Password, Scheme,
};
pub use error::{Error, Kind, Remedy};
pub use http::{Chance, ClientError, HttpClient, HttpLimits};
pub use password::{BadLogin, Login};
pub use profile::{Profile, ProfileError};
pub use registry::{DuplicateProvider, Registry};
pub use request::{Request, Response};
pub use session::{Session, WriteTurn};
pub use traits::{
    Change, Connector, Create, Cursor, GoneWhy, MadeCollection, Next, Page, Pull, Update, Written,
};
