//! What tests of every connector stand on: a sandbox with one account, and a session on that account.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use syncline_connector::conformance::Trouble;
use syncline_connector::{
    Access, AccessToken, Connector, Endpoints, Error, HttpClient, HttpLimits, Kind, OpenGate,
    Session,
};
use syncline_model::AccountId;
use syncline_sandbox::core::State;
use syncline_sandbox::core::clock::Move;
use syncline_sandbox::core::faults::{Fault, Rule};
use syncline_sandbox::core::provider::{DumpRecord, NewAccount, Provider};
use syncline_sandbox::{RunningSandbox, Sandbox, SandboxConfig};

/// Tokens as the account's owner would give them, with these scopes.
struct Tokens {
    state: Arc<State>,
    provider: &'static str,
    account: String,
    scopes: Vec<String>,
    /// The server that the owner typed, where each account has one.
    server: Option<String>,
    current: Mutex<Option<AccessToken>>,
}

impl Tokens {
    fn fresh(&self, generation: i64) -> AccessToken {
        let oauth = &self.state.core.oauth;
        let issued = oauth
            .issue(self.provider, &self.account, &self.scopes)
            .expect("tokens");
        let fresh = AccessToken {
            secret: issued.access_token.into(),
            api_base: self.server.clone(),
            generation,
        };
        *self.current.lock().expect("the token") = Some(fresh.clone());
        fresh
    }
}

#[async_trait]
impl Access for Tokens {
    async fn token(&self) -> Result<AccessToken, Error> {
        let current = self.current.lock().expect("the token").clone();
        Ok(current.unwrap_or_else(|| self.fresh(1)))
    }

    async fn renew(&self, rejected: &AccessToken) -> Result<AccessToken, Error> {
        Ok(self.fresh(rejected.generation + 1))
    }
}

/// A sandbox with one account, and a session on it.
pub struct Bench {
    pub sandbox: RunningSandbox,
    pub account: String,
    pub session: Session,
    provider: &'static str,
    told: AtomicUsize,
}

impl Bench {
    /// A sandbox that has nothing in it yet.
    pub async fn sandbox() -> RunningSandbox {
        Sandbox::start(SandboxConfig::default())
            .await
            .expect("a sandbox")
    }

    /// Opens an account at a provider of the sandbox, and a session of the connector on it.
    pub fn open(
        sandbox: RunningSandbox,
        provider: &'static str,
        new: &NewAccount,
        connector: &dyn Connector,
        scopes: Vec<String>,
    ) -> Self {
        let state = Arc::clone(sandbox.state());
        let account = state
            .provider(provider)
            .expect("the provider")
            .create_account(new)
            .expect("an account")
            .id;
        let base = sandbox.base_url().to_owned();
        let typed = connector.definition().auth.password();
        let server = typed.map(|_| format!("{base}/{provider}/{account}"));
        let endpoints = Endpoints {
            api_base: base.clone(),
            authorize_url: format!("{base}/authorize"),
            token_url: format!("{base}/token"),
            revoke_url: None,
            api_path: connector.definition().api_path.clone(),
            api_base_pinned: server.is_none(),
        };
        let access = Tokens {
            state,
            provider,
            account: account.clone(),
            scopes,
            server,
            current: Mutex::new(None),
        };
        let session = session(connector, endpoints, access);
        Self {
            sandbox,
            account,
            session,
            provider,
            told: AtomicUsize::new(0),
        }
    }

    /// A session on the same account by another address: its owner typed more of it.
    pub fn at_server(&self, connector: &dyn Connector, more: &str) -> Session {
        let state = Arc::clone(self.sandbox.state());
        let base = self.sandbox.base_url();
        let access = Tokens {
            state,
            provider: self.provider,
            account: self.account.clone(),
            scopes: Vec::new(),
            server: Some(format!("{base}/{}/{}{more}", self.provider, self.account)),
            current: Mutex::new(None),
        };
        let endpoints = Endpoints {
            api_base: String::new(),
            authorize_url: String::new(),
            token_url: String::new(),
            revoke_url: None,
            api_path: String::new(),
            api_base_pinned: false,
        };
        session(connector, endpoints, access)
    }

    /// The provider, as the sandbox's operator has it.
    pub fn admin(&self) -> &Arc<dyn Provider> {
        self.sandbox
            .state()
            .provider(self.provider)
            .expect("the provider")
    }

    /// Every contact, deleted ones too.
    pub fn all_contacts(&self) -> Vec<DumpRecord> {
        let dump = self.admin().contacts(&self.account, None, usize::MAX);
        dump.expect("contacts").contacts
    }

    /// Lets the sandbox's clock go on.
    pub fn advance(&self, seconds: i64) {
        self.sandbox.state().core.clock.shift(&Move {
            advance_secs: Some(seconds),
            ..Move::default()
        });
    }

    /// The next call of a route goes wrong.
    pub fn fault(&self, route: &str, fault: Fault) {
        self.faults(route, Some(1), fault);
    }

    /// After so many calls of a route that go right, one goes wrong.
    pub fn fault_after(&self, route: &str, after: u64, fault: Fault) {
        let rule = Rule {
            route: Some(route.into()),
            after,
            times: Some(1),
            ..Rule::always(fault)
        };
        self.sandbox.state().core.faults.add(rule);
    }

    /// The next so many calls of a route go wrong, or all.
    pub fn faults(&self, route: &str, times: Option<u64>, fault: Fault) {
        let rule = Rule {
            route: Some(route.into()),
            times,
            ..Rule::always(fault)
        };
        self.sandbox.state().core.faults.add(rule);
    }

    /// Calls go wrong as the conformance suite wants it; false for what is not a fault of a call.
    pub fn strike(&self, trouble: Trouble, create: &str) -> bool {
        let (route, fault) = match trouble {
            Trouble::LostAnswer => (create, Fault::LostAnswer { status: None }),
            Trouble::LostCall => (create, Fault::ResetBefore),
            Trouble::TooManyCalls => ("*", status(429)),
            Trouble::BadCredentials => ("*", status(401)),
            Trouble::NotAllowed => ("*", status(403)),
            Trouble::ServerError => ("*", status(500)),
            Trouble::WebPage => ("*", Fault::HtmlBody),
            Trouble::CutListing => ("*", Fault::TruncateListing),
            Trouble::OldCursors => return false,
        };
        self.faults(route, None, fault);
        true
    }

    /// Calls go right again.
    pub fn calm(&self) {
        self.sandbox.state().core.faults.remove(None);
    }

    /// Calls since the last time this was asked, as `route status`, without what all routes begin with.
    pub fn calls(&self) -> Vec<String> {
        let entries = self.sandbox.state().core.log.recent(usize::MAX);
        let told = self.told.swap(entries.len(), Ordering::SeqCst);
        let short = |route: &str| route.replace("/crm/v8/", "").replace("/v1/", "");
        entries
            .iter()
            .skip(told)
            .map(|entry| format!("{} {}", short(&entry.route), entry.status))
            .collect()
    }
}

fn session(connector: &dyn Connector, endpoints: Endpoints, access: Tokens) -> Session {
    let limits = HttpLimits {
        backoff: Duration::from_millis(1),
        private_networks: vec!["127.0.0.0/8".parse().expect("a network")],
        ..HttpLimits::default()
    };
    Session::new(
        AccountId::from_uuid(uuid::Uuid::from_u128(1)),
        connector.definition(),
        endpoints,
        HttpClient::new(limits, Arc::new(|| 0.5)).expect("a client"),
        Arc::new(access),
        Arc::new(OpenGate),
    )
}

/// An answer of just a status.
pub fn status(status: u16) -> Fault {
    Fault::Status {
        status,
        body: None,
        headers: BTreeMap::new(),
    }
}

/// Why each of some outcomes failed, if it did.
pub fn kinds<T>(results: &[Result<T, Error>]) -> Vec<Option<Kind>> {
    results
        .iter()
        .map(|result| result.as_ref().err().map(|error| error.kind.clone()))
        .collect()
}
