//! The demo as a customer: only public calls over REST, and a browser's part in the consent page.

use std::collections::HashMap;

use anyhow::{Context, bail, ensure};
use reqwest::{Client, Method, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use syncline_model::Counters;
use url::Url;

/// A customer with a session.
pub struct Api {
    base: String,
    client: Client,
    token: String,
}

/// A run, as the API shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub state: String,
    /// What it did.
    pub counters: Counters,
    /// The last trouble.
    pub error: Option<String>,
}

impl Run {
    /// Whether nothing more will happen by itself.
    pub fn is_final(&self) -> bool {
        !matches!(self.state.as_str(), "queued" | "running")
    }
}

/// A conflict, as the API shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Conflict {
    /// The run that met it.
    pub run: String,
    /// The mapping entry.
    pub entry: String,
    /// Both values.
    pub values: Value,
    /// Who won.
    pub winner: Option<String>,
}

/// A record that could not be synced, as the API shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Problem {
    /// The side that the record is on.
    pub side: String,
    /// The record's id there.
    pub record: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in words for a customer.
    pub message: String,
}

impl Api {
    /// A customer without a session yet.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        // TLS is set up all the same: the client will not be made without it.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            rustls::crypto::ring::default_provider()
                .install_default()
                .unwrap_or_default();
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            base: base.to_owned(),
            client,
            token: String::new(),
        })
    }

    /// The access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Signs up.
    pub async fn sign_up(&mut self, organisation: &str, email: &str) -> anyhow::Result<()> {
        let password = syncline_platform::random_token(18);
        let body = json!({"organisation": organisation, "email": email, "password": password});
        let answer = self.call(Method::POST, "/v1/tenants", Some(&body)).await?;
        self.token = text(&answer, "access_token")?;
        Ok(())
    }

    /// Adds an account and authorises it as a person with a browser would. Gives its id.
    pub async fn authorise(&self, provider: &str, login: &str) -> anyhow::Result<String> {
        let body = json!({"provider": provider});
        let (answer, cookie) = self.ask(Method::POST, "/v1/accounts", Some(&body)).await?;
        let account = text(answer.get("account").context("no account")?, "id")?;
        let url = text(&answer, "authorize_url")?;
        let back = self.consent(&url, login).await?;
        let cookie = cookie.context("nothing by which to know the browser again")?;
        let page = self
            .client
            .get(back)
            .header("cookie", cookie)
            .send()
            .await?;
        ensure!(
            page.status().is_success(),
            "the callback answered {}",
            page.status()
        );
        let account_now = self
            .call(Method::GET, &format!("/v1/accounts/{account}"), None)
            .await?;
        let status = account_now.pointer("/status/is").and_then(Value::as_str);
        ensure!(
            status == Some("active"),
            "the account is not active: {account_now}"
        );
        Ok(account)
    }

    /// Reads the consent page and presses Allow. Gives where the provider sends the browser.
    async fn consent(&self, url: &str, login: &str) -> anyhow::Result<Url> {
        let page = self.client.get(url).send().await?;
        ensure!(
            page.status().is_success(),
            "the consent page answered {}",
            page.status()
        );
        let url = Url::parse(url)?;
        let mut form: HashMap<String, String> = url.query_pairs().into_owned().collect();
        form.insert("account".into(), login.into());
        form.insert("decision".into(), "allow".into());
        let mut action = url.clone();
        action.set_query(None);
        let answer = self.client.post(action).form(&form).send().await?;
        let location = answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        let location = location
            .with_context(|| format!("no way back from the consent page ({})", answer.status()))?;
        Ok(Url::parse(location)?)
    }

    /// Makes a connection. Gives its id.
    pub async fn connect(&self, connection: &Value) -> anyhow::Result<String> {
        let answer = self
            .call(Method::POST, "/v1/connections", Some(connection))
            .await?;
        text(&answer, "id")
    }

    /// Asks for a run, or finds the one under way. Gives its id.
    pub async fn run_now(&self, connection: &str) -> anyhow::Result<String> {
        let path = format!("/v1/connections/{connection}/runs");
        let answer = self.call(Method::POST, &path, None).await?;
        text(&answer, "id")
    }

    /// Reads a run.
    pub async fn run(&self, id: &str) -> anyhow::Result<Run> {
        let answer = self
            .call(Method::GET, &format!("/v1/runs/{id}"), None)
            .await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The connection's newest conflicts.
    pub async fn conflicts(&self, connection: &str) -> anyhow::Result<Vec<Conflict>> {
        let path = format!("/v1/connections/{connection}/conflicts?limit=100");
        let answer = self.call(Method::GET, &path, None).await?;
        Ok(serde_json::from_value(
            answer.get("data").cloned().unwrap_or_default(),
        )?)
    }

    /// The connection's open problems, all of them.
    pub async fn problems(&self, connection: &str) -> anyhow::Result<Vec<Problem>> {
        let path = format!("/v1/connections/{connection}/problems?status=open&limit=200");
        let mut problems = Vec::new();
        let mut after = String::new();
        loop {
            let answer = self
                .call(Method::GET, &format!("{path}{after}"), None)
                .await?;
            let page: Vec<Problem> =
                serde_json::from_value(answer.get("data").cloned().context("no `data`")?)?;
            problems.extend(page);
            let Some(next) = answer.get("next").and_then(Value::as_str) else {
                return Ok(problems);
            };
            after = format!("&after={next}");
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        Ok(self.ask(method, path, body).await?.0)
    }

    /// The answer, and the cookie that came with it.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(Value, Option<String>)> {
        let mut call = self.client.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            call = call.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await?;
        let status = answer.status();
        let cookie = answer.headers().get("set-cookie");
        let cookie = cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookie = cookie.map(str::to_owned);
        let json: Value = answer.json().await.unwrap_or_default();
        if !status.is_success() || status == StatusCode::NO_CONTENT {
            bail!("{path} answered {status}: {json}");
        }
        Ok((json, cookie))
    }
}

fn text(json: &Value, key: &str) -> anyhow::Result<String> {
    json.get(key)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no `{key}` in {json}"))
}
