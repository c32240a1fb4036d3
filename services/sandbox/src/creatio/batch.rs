//! `POST $batch` as JSON (providers/creatio.md 3): a hundred calls at most, one after the other. Parts of one group are not
//! undone together.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::site::Site;
use super::wire::{self, Ask, Reply};
use crate::core::oauth::params::Params;

/// Most calls of a batch.
const MOST: usize = 100;

/// Answers a batch; it stops at the first call that is refused, unless it is to `go_on`.
pub fn answer(site: &mut Site, body: &Value, base: &str, go_on: bool) -> Reply {
    let requests = body.get("requests").and_then(Value::as_array);
    let Some(requests) = requests.filter(|requests| requests.len() <= MOST) else {
        let message = "The number of requests in a batch must be from 1 to 100.";
        return Refusal::bad(message).into();
    };
    let mut responses = Vec::new();
    for request in requests {
        let text = |name: &str| {
            request
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (path, query) = text("url").split_once('?').unwrap_or((text("url"), ""));
        let ask = Ask {
            method: text("method").to_uppercase(),
            path: path.trim_start_matches(base).to_owned(),
            query: Params::read(query, "", b""),
            body: request.get("body").cloned().unwrap_or_default(),
            base: base.to_owned(),
        };
        let reply = wire::answer(site, &ask);
        let status = reply.status;
        responses.push(part(request, reply));
        if status >= 400 && !go_on {
            break;
        }
    }
    Reply {
        status: 200,
        body: json!({ "responses": responses }),
        location: None,
    }
}

fn part(request: &Value, reply: Reply) -> Value {
    let mut headers = json!({"odata-version": "4.0"});
    let mut part = json!({"id": request.get("id"), "status": reply.status});
    if let (Some(headers), Some(part)) = (headers.as_object_mut(), part.as_object_mut()) {
        if let Some(location) = reply.location {
            headers.insert("location".into(), json!(location));
        }
        if request.get("atomicityGroup").is_some() {
            // The server's own name for it, not the client's.
            let group = "8d2b6f8e-2f0f-4b0a-9f5c-6f2c1d3e4a5b";
            part.insert("atomicityGroup".into(), json!(group));
        }
        if !reply.body.is_null() {
            let kind = "application/json; odata.metadata=minimal";
            headers.insert("content-type".into(), json!(kind));
            part.insert("body".into(), reply.body);
        }
        part.insert("headers".into(), Value::Object(headers.clone()));
    }
    part
}
