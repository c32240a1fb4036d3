//! A provider: token endpoint, revocation and `GET /me`, over HTTP on a free port, doing as the test says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the provider does and what it has seen.
#[derive(Default)]
pub struct State {
    /// Calls of the token endpoint to refresh.
    pub refreshes: usize,
    /// Calls of the token endpoint with a code.
    pub exchanges: usize,
    /// The verifier of the last exchange.
    pub verifier: String,
    /// Tokens given back.
    pub revoked: Vec<String>,
    /// Each refresh makes the refresh token before it invalid.
    pub rotate: bool,
    /// The status that the token endpoint fails with.
    pub broken: Option<u16>,
    /// The scopes that are granted.
    pub scope: String,
    /// Whether a second consent gives no refresh token.
    pub first_consent_only: bool,
    /// The refreshes to come (by number) that wait, before they are looked at, for `Provider::release`.
    pub held: BTreeSet<usize>,
    /// Access tokens that work, and whose they are.
    pub access: BTreeMap<String, String>,
    /// Refresh tokens that work, and whose they are.
    pub refresh: BTreeMap<String, String>,
    made: usize,
}

/// A running provider. It ends with the test's runtime.
pub struct Provider {
    pub base: String,
    state: Mutex<State>,
    released: tokio::sync::watch::Sender<bool>,
    arrived: Notify,
}

impl Provider {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            state: Mutex::new(State {
                scope: "contacts profile".into(),
                ..State::default()
            }),
            released: tokio::sync::watch::Sender::new(false),
            arrived: Notify::new(),
        });
        let serving = Arc::clone(&provider);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        provider
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets the held refreshes go on.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// Waits until so many refreshes have arrived, held ones included.
    pub async fn arrived(&self, count: usize) {
        loop {
            let arrived = self.arrived.notified();
            if self.state().refreshes >= count {
                return;
            }
            arrived.await;
        }
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let Some((head, body)) = read_request(&mut stream).await else {
            return;
        };
        let (status, answer) = self.answer(&head, &body).await;
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        );
        // A caller that hung up does not want the answer.
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    async fn answer(&self, head: &str, body: &str) -> (u16, String) {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        match head.split(' ').nth(1).unwrap() {
            "/token" if form["grant_type"] == "refresh_token" => {
                self.hold().await;
                self.state().refresh(&form["refresh_token"])
            }
            "/token" => self.state().exchange(&form),
            "/revoke" => {
                self.state().revoked.push(form["token"].clone());
                (200, "{}".into())
            }
            "/me" => self.state().me(head),
            other => panic!("no route {other}"),
        }
    }

    async fn hold(&self) {
        let held = {
            let mut state = self.state();
            state.refreshes += 1;
            let number = state.refreshes;
            state.held.contains(&number)
        };
        self.arrived.notify_waiters();
        if held {
            let mut released = self.released.subscribe();
            released.wait_for(|released| *released).await.unwrap();
        }
    }
}

impl State {
    /// Makes every access token invalid.
    pub fn forget_access(&mut self) {
        self.access.clear();
    }

    fn exchange(&mut self, form: &BTreeMap<String, String>) -> (u16, String) {
        self.exchanges += 1;
        assert_eq!(form["client_id"], "client");
        assert_eq!(form["client_secret"], "client secret");
        assert_eq!(form["redirect_uri"], super::world::REDIRECT);
        self.verifier.clone_from(&form["code_verifier"]);
        let Some(user) = form["code"].strip_prefix("code of ").map(str::to_owned) else {
            return (400, r#"{"error":"invalid_grant"}"#.into());
        };
        let again = self.first_consent_only && self.exchanges > 1;
        self.grant(&user, !again)
    }

    fn refresh(&mut self, token: &str) -> (u16, String) {
        if let Some(status) = self.broken {
            return (status, "{}".into());
        }
        let Some(user) = self.refresh.get(token).cloned() else {
            return (400, r#"{"error":"invalid_grant"}"#.into());
        };
        if self.rotate {
            self.refresh.remove(token);
        }
        self.grant(&user, self.rotate)
    }

    fn grant(&mut self, user: &str, with_refresh: bool) -> (u16, String) {
        self.made += 1;
        let access = format!("access-{}", self.made);
        self.access.insert(access.clone(), user.to_owned());
        let refresh = if with_refresh {
            let refresh = format!("refresh-{}", self.made);
            self.refresh.insert(refresh.clone(), user.to_owned());
            format!(r#","refresh_token":"{refresh}""#)
        } else {
            String::new()
        };
        let scope = &self.scope;
        let answer = format!(
            r#"{{"access_token":"{access}","expires_in":3600,"scope":"{scope}","token_type":"Bearer"{refresh}}}"#
        );
        (200, answer)
    }

    fn me(&self, head: &str) -> (u16, String) {
        let user = head
            .lines()
            .find_map(|line| line.strip_prefix("authorization: Bearer "))
            .and_then(|token| self.access.get(token));
        match user {
            Some(user) => (200, format!(r#"{{"sub":"{user}"}}"#)),
            None => (401, "{}".into()),
        }
    }
}

/// Head and body of one request; `None` when the caller hung up.
async fn read_request(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
