//! People in the two apps, and what only the sandbox's operator can do: faults, knobs, clock, counts of requests.

use anyhow::Context;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::http::{self, number, text};

/// Zoho CRM, as the sandbox calls it.
pub const ZOHO: &str = "zoho";
/// Google Contacts, as the sandbox calls it.
pub const GOOGLE: &str = "google";
/// Records asked for at a time.
const PAGE: usize = 1000;

/// A record of an app.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id there.
    pub id: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// In neutral words.
    pub neutral: Value,
    /// In the provider's words.
    pub native: Value,
}

/// The sandbox's admin API, about one account of each provider: the first ones, unless others are named.
#[derive(Clone)]
pub struct Sandbox {
    base: String,
    client: Client,
    accounts: Option<[String; 2]>,
}

impl Sandbox {
    /// Over a running sandbox.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        Ok(Self {
            base: base.to_owned(),
            client: http::client()?,
            accounts: None,
        })
    }

    /// The same about other accounts, by their ids.
    #[must_use]
    pub fn about(&self, zoho: &str, google: &str) -> Self {
        Self {
            accounts: Some([zoho.to_owned(), google.to_owned()]),
            ..self.clone()
        }
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("{}/_sandbox/{path}", self.base);
        http::call(&self.client, method, &url, None, body)
            .await?
            .ok()
            .with_context(|| path.to_owned())
    }

    /// The id of a provider's account.
    pub async fn account(&self, provider: &str) -> anyhow::Result<String> {
        if let Some([zoho, google]) = &self.accounts {
            let account = if provider == ZOHO { zoho } else { google };
            return Ok(account.clone());
        }
        let all = self
            .call(Method::GET, &format!("{provider}/accounts"), None)
            .await?;
        text(&all, "/accounts/0/id")
    }

    async fn at(&self, provider: &str, rest: &str) -> anyhow::Result<String> {
        let account = self.account(provider).await?;
        Ok(format!("{provider}/accounts/{account}/{rest}"))
    }

    /// Adds a person's account, with invented contacts in it; accounts of one seed share some of theirs. Gives its id.
    pub async fn open_account(
        &self,
        provider: &str,
        email: &str,
        contacts: u64,
        seed: u64,
    ) -> anyhow::Result<String> {
        let seed = json!({"contacts": contacts, "seed": seed, "overlap": 20});
        let body = json!({"email": email, "name": "Some One", "seed": seed});
        let made = self
            .call(Method::POST, &format!("{provider}/accounts"), Some(&body))
            .await?;
        text(&made, "/id")
    }

    /// Adds an account of each provider, with as many invented contacts in each. Gives their logins, and itself about
    /// these two.
    pub async fn open_accounts(
        &self,
        number: u64,
        contacts: u64,
        seed: u64,
    ) -> anyhow::Result<([String; 2], Self)> {
        let logins = [ZOHO, GOOGLE].map(|provider| format!("{provider}-{number}@town.example"));
        let [zoho, google] = &logins;
        let zoho = self.open_account(ZOHO, zoho, contacts, seed).await?;
        let google = self.open_account(GOOGLE, google, contacts, seed).await?;
        Ok((logins, self.about(&zoho, &google)))
    }

    /// Every record of a provider's account, deleted ones too.
    pub async fn records(&self, provider: &str) -> anyhow::Result<Vec<Record>> {
        let path = self.at(provider, "contacts").await?;
        let mut records = Vec::new();
        let mut after = String::new();
        loop {
            let page = self
                .call(Method::GET, &format!("{path}?limit={PAGE}{after}"), None)
                .await?;
            let found = page.pointer("/contacts").and_then(Value::as_array);
            records.extend(found.into_iter().flatten().map(record));
            match page.pointer("/next").and_then(Value::as_str) {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(records),
            }
        }
    }

    /// A record, by its id.
    pub async fn read(&self, provider: &str, id: &str) -> anyhow::Result<Record> {
        let path = self.at(provider, &format!("contacts/{id}")).await?;
        Ok(record(&self.call(Method::GET, &path, None).await?))
    }

    /// The records that are not deleted.
    pub async fn live(&self, provider: &str) -> anyhow::Result<Vec<Record>> {
        let mut records = self.records(provider).await?;
        records.retain(|record| !record.deleted);
        Ok(records)
    }

    /// The live record with an e-mail address.
    pub async fn find(&self, provider: &str, email: &str) -> anyhow::Result<Option<Record>> {
        let has = |record: &Record| {
            let emails = record.neutral.pointer("/emails").and_then(Value::as_array);
            emails.into_iter().flatten().any(|one| {
                text(one, "/value").is_ok_and(|address| address.eq_ignore_ascii_case(email))
            })
        };
        Ok(self.live(provider).await?.into_iter().find(has))
    }

    /// The live record with an e-mail address, which must be there.
    pub async fn get(&self, provider: &str, email: &str) -> anyhow::Result<Record> {
        self.find(provider, email)
            .await?
            .with_context(|| format!("{provider} has no {email}"))
    }

    /// A person adds a contact. Gives its id.
    pub async fn create(&self, provider: &str, native: Value) -> anyhow::Result<String> {
        let path = self.at(provider, "contacts").await?;
        text(&self.call(Method::POST, &path, Some(&native)).await?, "/id")
    }

    /// A person edits a contact.
    pub async fn edit(&self, provider: &str, id: &str, native: Value) -> anyhow::Result<()> {
        let path = self.at(provider, &format!("contacts/{id}")).await?;
        self.call(Method::PATCH, &path, Some(&native)).await?;
        Ok(())
    }

    /// A person deletes a contact.
    pub async fn delete(&self, provider: &str, id: &str) -> anyhow::Result<()> {
        let path = self.at(provider, &format!("contacts/{id}")).await?;
        self.call(Method::DELETE, &path, None).await?;
        Ok(())
    }

    /// Something else that a person does, or the operator: `actions/merge`, `expire-sync-tokens`, `knobs`.
    pub async fn act(&self, provider: &str, what: &str, body: Value) -> anyhow::Result<Value> {
        let path = self.at(provider, what).await?;
        self.call(Method::POST, &path, Some(&body)).await
    }

    /// The owner withdraws consent.
    pub async fn revoke(&self, provider: &str) -> anyhow::Result<()> {
        let path = self.at(provider, "tokens").await?;
        self.call(Method::DELETE, &path, None).await?;
        Ok(())
    }

    /// Adds a fault. Gives its id.
    pub async fn fault(&self, rule: Value) -> anyhow::Result<String> {
        let added = self.call(Method::POST, "faults", Some(&rule)).await?;
        text(&added, "/id")
    }

    /// How many requests a fault has struck.
    pub async fn struck(&self, fault: &str) -> anyhow::Result<u64> {
        let all = self.call(Method::GET, "faults", None).await?;
        let rules = all.pointer("/faults").and_then(Value::as_array);
        let mine = rules
            .into_iter()
            .flatten()
            .find(|rule| rule.pointer("/id") == Some(&json!(fault)));
        Ok(mine.map_or(0, |rule| number(rule, "/fired")))
    }

    /// Takes all faults away.
    pub async fn mend(&self) -> anyhow::Result<()> {
        self.call(Method::DELETE, "faults", None).await?;
        Ok(())
    }

    /// Takes one fault away.
    pub async fn mend_one(&self, fault: &str) -> anyhow::Result<()> {
        let path = format!("faults/{fault}");
        self.call(Method::DELETE, &path, None).await?;
        Ok(())
    }

    /// Moves the sandbox's clock on.
    pub async fn pass(&self, seconds: u64) -> anyhow::Result<()> {
        let step = json!({"advance_secs": seconds});
        self.call(Method::POST, "clock", Some(&step)).await?;
        Ok(())
    }

    /// Has a provider's own clock go before all others by so many seconds, or after them.
    pub async fn ahead(&self, provider: &str, seconds: i64) -> anyhow::Result<()> {
        let step = json!({"ahead_secs": {provider: seconds}});
        self.call(Method::POST, "clock", Some(&step)).await?;
        Ok(())
    }

    /// Counts requests from now on.
    pub async fn mark(&self) -> anyhow::Result<()> {
        self.call(Method::POST, "requests/mark", None).await?;
        Ok(())
    }

    /// The requests since the mark: `total`, `reads`, `writes`, `counts`, `recent`.
    pub async fn requests(&self, provider: Option<&str>) -> anyhow::Result<Value> {
        let query = provider.map_or_else(String::new, |id| format!("?provider={id}"));
        self.call(Method::GET, &format!("requests{query}"), None)
            .await
    }

    /// Requests since the mark that change records.
    pub async fn writes(&self) -> anyhow::Result<u64> {
        Ok(number(&self.requests(None).await?, "/writes"))
    }

    /// How often a route was asked since the mark.
    pub async fn asked(&self, provider: &str, route: &str) -> anyhow::Result<u64> {
        let report = self.requests(Some(provider)).await?;
        let counts = report.pointer("/counts").and_then(Value::as_array);
        Ok(counts
            .into_iter()
            .flatten()
            .filter(|count| count.pointer("/route") == Some(&json!(route)))
            .map(|count| number(count, "/count"))
            .sum())
    }
}

/// Reads a record as the sandbox tells of it.
fn record(told: &Value) -> Record {
    Record {
        id: text(told, "/id").unwrap_or_default(),
        deleted: told.pointer("/deleted") == Some(&json!(true)),
        neutral: told.pointer("/neutral").cloned().unwrap_or_default(),
        native: told.pointer("/native").cloned().unwrap_or_default(),
    }
}
