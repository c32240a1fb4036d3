//! A customer over REST: only public calls, and a browser's part in the consent page.

use std::collections::HashMap;

use anyhow::{Context, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use url::Url;

use crate::http::{self, Answer, text, until};

/// Longest wait for a run, in seconds.
const RUN: u64 = 120;

/// A customer with a session.
#[derive(Clone)]
pub struct Customer {
    /// The program's address; another one after a restart.
    pub base: String,
    client: Client,
    token: String,
}

impl Customer {
    /// Signs up.
    pub async fn sign_up(base: &str, email: &str) -> anyhow::Result<Self> {
        let mut customer = Self {
            base: base.to_owned(),
            client: http::client()?,
            token: String::new(),
        };
        let password = "correct horse battery staple 7";
        let body = json!({"organisation": "Test Ltd", "email": email, "password": password});
        let answer = customer.post("/v1/tenants", body).await?;
        customer.token = text(&answer, "/access_token")?;
        Ok(customer)
    }

    /// The access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Any call.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let token = Some(self.token.as_str()).filter(|token| !token.is_empty());
        let url = format!("{}{path}", self.base);
        http::call(&self.client, method, &url, token, body).await
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.call(Method::GET, path, None).await?;
        answer.ok().with_context(|| path.to_owned())
    }

    /// Posts something.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = Some(&body).filter(|body| !body.is_null());
        let answer = self.call(Method::POST, path, body).await?;
        answer.ok().with_context(|| path.to_owned())
    }

    /// The rows of a list.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let page = self.get(path).await?;
        let rows = page.pointer("/data").and_then(Value::as_array);
        rows.cloned().with_context(|| format!("no list: {page}"))
    }

    /// Adds an account and authorises it as a person with a browser would. Gives its id.
    pub async fn authorise(&self, provider: &str, login: &str) -> anyhow::Result<String> {
        let body = json!({"provider": provider});
        let made = self.call(Method::POST, "/v1/accounts", Some(&body)).await?;
        let account = text(&made.body, "/account/id")?;
        self.consent(made, login).await?;
        let account_now = self.get(&format!("/v1/accounts/{account}")).await?;
        ensure!(
            account_now.pointer("/status/is") == Some(&json!("active")),
            "the account is not active: {account_now}"
        );
        Ok(account)
    }

    /// Authorises an account once more.
    pub async fn authorise_again(&self, account: &str, login: &str) -> anyhow::Result<()> {
        let path = format!("/v1/accounts/{account}/authorize");
        let answer = self.call(Method::POST, &path, None).await?;
        self.consent(answer, login).await
    }

    /// Agrees on the consent page that an answer names and goes where the provider sends the browser, which keeps the
    /// answer's cookie.
    async fn consent(&self, begun: Answer, login: &str) -> anyhow::Result<()> {
        let cookie = begun.cookie.clone().context("no cookie")?;
        let back = self.allow(begun, login).await?;
        let page = self.client.get(back).header("cookie", cookie);
        let status = page.send().await?.status();
        ensure!(status.is_success(), "the callback answered {status}");
        Ok(())
    }

    /// Reads the consent page that an answer names and presses Allow. Gives where the provider sends the browser.
    pub async fn allow(&self, begun: Answer, login: &str) -> anyhow::Result<String> {
        let url = &text(&begun.ok()?, "/authorize_url")?;
        let page = self.client.get(url).send().await?;
        ensure!(
            page.status().is_success(),
            "the consent page answered {}",
            page.status()
        );
        let mut action = Url::parse(url)?;
        let mut form: HashMap<String, String> = action.query_pairs().into_owned().collect();
        form.insert("account".into(), login.into());
        form.insert("decision".into(), "allow".into());
        action.set_query(None);
        let answer = self.client.post(action).form(&form).send().await?;
        let back = answer.headers().get("location");
        back.and_then(|value| value.to_str().ok().map(str::to_owned))
            .with_context(|| format!("no way back from consent ({})", answer.status()))
    }

    /// Authorises an account of the CRM and one of Google, and connects them, side a the CRM: as a customer does who
    /// changes nothing but `changes`. Gives the connection's id.
    pub async fn connect_logins(
        &self,
        logins: &[String; 2],
        changes: Value,
    ) -> anyhow::Result<String> {
        let [zoho, google] = logins;
        let a = self.authorise("zoho_crm", zoho).await?;
        let b = self.authorise("google_contacts", google).await?;
        let mut connection = json!({"name": "Contacts", "a": {"account": a}, "b": {"account": b}});
        let all = connection.as_object_mut().context("an object")?;
        all.extend(changes.as_object().cloned().unwrap_or_default());
        self.connect(connection).await
    }

    /// Makes a connection. Gives its id; its first run is due at once.
    pub async fn connect(&self, connection: Value) -> anyhow::Result<String> {
        text(&self.post("/v1/connections", connection).await?, "/id")
    }

    /// Changes a connection.
    pub async fn patch(&self, connection: &str, changes: Value) -> anyhow::Result<()> {
        let path = format!("/v1/connections/{connection}");
        let url = format!("{}{path}", self.base);
        let now = self.get(&path).await?;
        let revision = now.pointer("/revision").cloned().unwrap_or_default();
        let answer = self
            .client
            .patch(&url)
            .bearer_auth(&self.token)
            .header("if-match", format!("\"{revision}\""))
            .json(&changes)
            .send()
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "{status}: {}", answer.text().await?);
        Ok(())
    }

    /// A list as a table, all of it: CSV.
    pub async fn table(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("{}{path}", self.base);
        let call = self.client.get(&url).bearer_auth(&self.token);
        let answer = call.header("accept", "text/csv").send().await?;
        let status = answer.status();
        let kind = answer.headers().get("content-type");
        let is_csv = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/csv"));
        let text = answer.text().await?;
        ensure!(status.is_success() && is_csv, "{status}: {text}");
        Ok(text)
    }

    /// Waits until the run that a new connection begins with, by itself, has ended.
    pub async fn first_run(&self, connection: &str) -> anyhow::Result<Value> {
        let path = format!("/v1/connections/{connection}/runs");
        let run = until("a run by itself", RUN, async || {
            let runs = self.list(&path).await?;
            Ok(runs.last().and_then(|run| text(run, "/id").ok()))
        })
        .await?;
        self.ended(&run).await
    }

    /// Asks for a run, or finds the one under way. Gives its id.
    pub async fn begin(&self, connection: &str) -> anyhow::Result<String> {
        let path = format!("/v1/connections/{connection}/runs");
        text(&self.post(&path, Value::Null).await?, "/id")
    }

    /// Reads a run.
    pub async fn run(&self, run: &str) -> anyhow::Result<Value> {
        self.get(&format!("/v1/runs/{run}")).await
    }

    /// Waits until a run goes on no more.
    pub async fn ended(&self, run: &str) -> anyhow::Result<Value> {
        until("the end of the run", RUN, async || {
            let now = self.run(run).await?;
            let state = text(&now, "/state")?;
            Ok((state != "queued" && state != "running").then_some(now))
        })
        .await
    }

    /// Syncs once. The run must succeed.
    pub async fn sync(&self, connection: &str) -> anyhow::Result<Value> {
        let run = self.begin(connection).await?;
        succeeded(self.ended(&run).await?)
    }
}

/// A run that must have succeeded.
pub fn succeeded(run: Value) -> anyhow::Result<Value> {
    if run.pointer("/state") == Some(&json!("succeeded")) {
        return Ok(run);
    }
    bail!("the run did not succeed: {run}")
}
