//! `POST /batch`: many requests in one multipart body (providers/google.md 4.4). Faults strike the whole, not its parts.

use std::fmt::Write as _;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::Google;
use super::wire::{self, Ask};
use crate::core::log::Entry;
use crate::core::oauth::params::Params;

/// Most parts of one batch.
const PART_LIMIT: usize = 1_000;
const BOUNDARY: &str = "batch_sandbox";

/// The handler.
pub async fn handle(google: Data<Google>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let header = |name: &str| {
        req.headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
    };
    let outer = header("authorization")
        .split_once(' ')
        .map(|(_, t)| t.trim().to_owned());
    let boundary = header("content-type")
        .split_once("boundary=")
        .map(|(_, b)| b.trim().trim_matches('"').to_owned());
    let Some(boundary) = boundary else {
        return HttpResponse::BadRequest().json(super::Refusal::argument().body(false));
    };
    let text = String::from_utf8_lossy(&body).replace("\r\n", "\n");
    let parts: Vec<&str> = text
        .split(&format!("--{boundary}"))
        .skip(1)
        .filter(|p| !p.starts_with("--"))
        .collect();
    if parts.len() > PART_LIMIT {
        return HttpResponse::BadRequest().json(super::Refusal::argument().body(false));
    }
    let mut out = String::new();
    for part in parts {
        let (content_id, ask) = read(part, outer.as_deref());
        let reply = wire::answer(&google, &ask);
        note(&google, &ask, reply.status);
        let _ = write!(
            out,
            "--{BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: {}\r\n\r\nHTTP/1.1 {} {}\r\n\
             Content-Type: application/json; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{}\r\n",
            answer_id(&content_id),
            reply.status,
            actix_web::http::StatusCode::from_u16(reply.status)
                .ok()
                .and_then(|s| s.canonical_reason())
                .unwrap_or(""),
            reply.body.len(),
            reply.body,
        );
    }
    let _ = write!(out, "--{BOUNDARY}--\r\n");
    HttpResponse::Ok()
        .content_type(format!("multipart/mixed; boundary={BOUNDARY}"))
        .body(out)
}

/// `<x + 1>` is answered as `<response-x + 1>`.
fn answer_id(asked: &str) -> String {
    match asked.strip_prefix('<') {
        Some(rest) => format!("<response-{rest}"),
        None => format!("response-{asked}"),
    }
}

/// A part: its content id and the request inside.
fn read(part: &str, outer_token: Option<&str>) -> (String, Ask) {
    let (outer, inner) = part
        .trim_start_matches('\n')
        .split_once("\n\n")
        .unwrap_or((part, ""));
    let (head, body) = inner.split_once("\n\n").unwrap_or((inner, ""));
    // A long content id arrives folded (RFC 5322 2.2.3).
    let outer = outer.replace("\n ", " ").replace("\n\t", "\t");
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or("").split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let token = find(head, "authorization")
        .and_then(|v| v.split_once(' '))
        .map(|(_, t)| t.trim());
    let ask = Ask {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Params::read(query, "", b""),
        body: body.trim().as_bytes().to_vec(),
        token: token.or(outer_token).map(str::to_owned),
    };
    (find(&outer, "content-id").unwrap_or("").to_owned(), ask)
}

fn find<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(k, _)| k.trim().eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim())
}

/// Counts a part as the request it stands for.
fn note(google: &Google, ask: &Ask, status: u16) {
    let call = wire::classify(&ask.method, &ask.path);
    let account = ask
        .token
        .as_deref()
        .and_then(|t| google.core.oauth.account_of("google", t))
        .unwrap_or_default();
    google.core.log.record(Entry {
        at: google.now(),
        provider: "google".to_owned(),
        account,
        route: call.route,
        class: call.class,
        status,
        faults: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_part_as_the_python_client_writes_it() {
        let part = "\nContent-Type: application/http\nMIME-Version: 1.0\nContent-Transfer-Encoding: binary\nContent-ID: <ab-c + 1>\n\nPOST /v1/people:createContact?alt=json HTTP/1.1\nContent-Type: application/json\nAuthorization: Bearer t2\nHost: x\n\n{\"names\":[]}\n";
        let (id, ask) = read(part, Some("t1"));
        assert_eq!(answer_id(&id), "<response-ab-c + 1>");
        assert_eq!(
            (ask.method.as_str(), ask.path.as_str(), ask.query.get("alt")),
            ("POST", "/v1/people:createContact", "json")
        );
        assert_eq!(
            (ask.token.as_deref(), ask.body.as_slice()),
            (Some("t2"), b"{\"names\":[]}".as_slice())
        );
    }

    #[test]
    fn unfolds_a_long_content_id() {
        let part = "\nContent-Type: application/http\nContent-ID: <ab-c +\n people%2Fc1>\n\nGET /v1/people/c1 HTTP/1.1\n\n";
        let (id, _) = read(part, None);
        assert_eq!(answer_id(&id), "<response-ab-c + people%2Fc1>");
    }
}
