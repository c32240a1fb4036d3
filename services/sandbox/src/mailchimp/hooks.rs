//! Webhooks of an audience: kept, asked whether they answer, and called when a member changes.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::account::{Account, Audience, Member};
use super::refusal::Refusal;
use super::{Mailchimp, Shared};
use crate::core::calls::Called;
use crate::core::lock;

/// A webhook.
#[derive(Debug, Clone)]
pub struct Hook {
    /// As the API shows it.
    pub shown: Map<String, Value>,
    /// What its calls are signed with; shown once.
    secret: String,
}

impl Hook {
    fn says(&self, group: &str, name: &str) -> bool {
        let said = self.shown.get(group).and_then(|group| group.get(name));
        said.and_then(Value::as_bool) == Some(true)
    }

    fn text(&self, name: &str) -> &str {
        let text = self.shown.get(name).and_then(Value::as_str);
        text.unwrap_or_default()
    }
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A person at the web pages, theirs or the account's owner.
    Admin,
    /// A client of the API.
    Api,
}

/// What happened to a member, in the form that calls have.
#[derive(Debug, Clone)]
pub struct News {
    kind: &'static str,
    data: Vec<(&'static str, String)>,
}

/// What happened between two states of a member; `None` before it was there. Tags are told of nowhere.
pub fn news(list: &str, before: Option<&Member>, now: &Member) -> Option<News> {
    let status = |one: &Member| one.status.clone();
    let was = before.map(status).unwrap_or_default();
    let mut data = vec![("list_id", list.to_owned())];
    let kind = match now.status.as_str() {
        "unsubscribed" | "archived" if was != now.status && !was.is_empty() => {
            let action = if now.status == "archived" {
                "delete"
            } else {
                "unsub"
            };
            data.extend([
                ("action", action.to_owned()),
                ("reason", "manual".to_owned()),
            ]);
            "unsubscribe"
        }
        "cleaned" if was != "cleaned" => {
            data.push(("reason", "hard".to_owned()));
            "cleaned"
        }
        "subscribed" if was != "subscribed" => "subscribe",
        _ => {
            let before = before?;
            if before.email != now.email {
                data.extend([
                    ("old_email", before.email.clone()),
                    ("new_email", now.email.clone()),
                    ("new_id", now.unique_email_id.clone()),
                ]);
                "upemail"
            } else if before.merge != now.merge {
                "profile"
            } else {
                return None;
            }
        }
    };
    if kind != "upemail" {
        data.extend([
            ("id", now.unique_email_id.clone()),
            ("email", now.email.clone()),
        ]);
    }
    Some(News { kind, data })
}

impl News {
    fn body(&self, at: DateTime<Utc>) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("type", self.kind);
        form.append_pair("fired_at", &at.format("%Y-%m-%d %H:%M:%S").to_string());
        for (name, value) in &self.data {
            form.append_pair(&format!("data[{name}]"), value);
        }
        form.finish()
    }
}

/// The headers of a call: what it is, and whose.
fn headers(secret: &str, at: DateTime<Utc>, body: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    let at = at.timestamp();
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{at}.{body}").as_bytes());
        let digest = mac.finalize().into_bytes();
        let signature = digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        if let Ok(value) = HeaderValue::from_str(&format!("t={at},v1={signature}")) {
            headers.insert("x-mailchimp-signature", value);
        }
    }
    headers
}

impl Mailchimp {
    /// Asks an address that is to become a webhook's whether it answers.
    pub async fn probe(&self, body: &Value) -> Result<(), Refusal> {
        let url = body.get("url").and_then(Value::as_str).unwrap_or("");
        if url::Url::parse(url).is_err() {
            return Err(Refusal::field("url", "This value is not a valid URL."));
        }
        if self.core.calls.answers(url).await {
            return Ok(());
        }
        Err(Refusal::field(
            "url",
            "The resource submitted could not be validated: we could not get the URL.",
        ))
    }

    /// Calls whoever wants to know what happened in an account since this was last done.
    pub fn tell(&self, account: &Shared, source: Source) {
        let at = self.now();
        let source = match source {
            Source::Admin => "admin",
            Source::Api => "api",
        };
        let mut calls = Vec::new();
        for audience in &mut lock(account).audiences {
            for news in std::mem::take(&mut audience.news) {
                let hooks = audience.hooks.iter();
                let wanting = hooks
                    .filter(|hook| hook.says("events", news.kind) && hook.says("sources", source));
                for hook in wanting {
                    calls.push((audience.id.clone(), hook.clone(), news.body(at)));
                }
            }
        }
        for (list, hook, body) in calls {
            let (core, account) = (Arc::clone(&self.core), Arc::clone(account));
            tokio::spawn(async move {
                let headers = headers(&hook.secret, at, &body);
                let called = core.calls.post(hook.text("url"), &headers, &body).await;
                if called == Called::Unwanted
                    && let Some(audience) = lock(&account).audience(&list)
                {
                    audience
                        .hooks
                        .retain(|one| one.text("id") != hook.text("id"));
                }
            });
        }
    }
}

/// `POST /lists/{id}/webhooks`.
pub fn add(account: &mut Account, list: &str, body: &Value) -> Result<Value, Refusal> {
    let (id, secret) = (account.fresh() >> 24, account.fresh());
    let secret = format!("whsec-{secret:016x}{:016x}", account.fresh());
    let audience = account.audience(list).ok_or_else(Refusal::not_found)?;
    let url = body.get("url").and_then(Value::as_str).unwrap_or("");
    if audience.hooks.iter().any(|hook| hook.text("url") == url) {
        return Err(Refusal::invalid(
            "Sorry, you can't set up multiple WebHooks for one URL",
        ));
    }
    let mut shown: Map<String, Value> = Map::new();
    shown.insert("id".into(), format!("{id:010x}").into());
    shown.insert("list_id".into(), list.into());
    shown.insert("signing_enabled".into(), true.into());
    shown.insert("_links".into(), json!([]));
    put(&mut shown, body);
    let mut answer = shown.clone();
    answer.insert("signing_secret".into(), secret.as_str().into());
    audience.hooks.push(Hook { shown, secret });
    Ok(answer.into())
}

fn put(shown: &mut Map<String, Value>, body: &Value) {
    for name in ["url", "events", "sources"] {
        if let Some(value) = body.get(name) {
            shown.insert(name.into(), value.clone());
        }
    }
}

/// `GET`, `PATCH` and `DELETE /lists/{id}/webhooks/{id}`; nothing for what was deleted.
pub fn one(
    audience: &mut Audience,
    method: &str,
    id: &str,
    body: &Value,
) -> Result<Option<Value>, Refusal> {
    let at = audience.hooks.iter().position(|hook| hook.text("id") == id);
    let at = at.ok_or_else(Refusal::not_found)?;
    match method {
        "GET" => {}
        "DELETE" => {
            audience.hooks.remove(at);
            return Ok(None);
        }
        "PATCH" => {
            if let Some(hook) = audience.hooks.get_mut(at) {
                put(&mut hook.shown, body);
            }
        }
        _ => return Err(Refusal::method()),
    }
    Ok(audience.hooks.get(at).map(|hook| hook.shown.clone().into()))
}
