//! The check of watches: a provider that was asked to calls when a person changes something, and what it says is known for
//! its own. Needs a provider that can reach this machine.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::Url;

use super::{Check, Failure, Proof, Subject, Verdict};
use crate::Kind;
use crate::watch::{Forged, Heard, Knock, Watch, Watched};

/// How long a call may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long none has to come for it to be none.
const SILENCE: Duration = Duration::from_secs(1);

/// A call that came.
#[derive(Clone, Debug)]
struct Call {
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// A watch tells of what is added and edited until it is ended; what is not claimed is refused as such.
pub(super) async fn watches(subject: Subject<'_>, check: Check) -> Proof {
    let (probe, connector, session) = (subject.probe, subject.connector, subject.session);
    let no_call = Call {
        headers: HashMap::new(),
        body: Vec::new(),
    };
    if !connector.definition().capabilities.watch {
        let watch = Watch {
            collection: probe.collection(),
            url: address(check, "localhost")?,
        };
        let refused = connector.watch(session, &watch).await;
        let ended = connector.unwatch(session, &watch.collection, "1").await;
        let refused = refused.is_err_and(|error| error.kind == Kind::Unsupported)
            && ended.is_err_and(|error| error.kind == Kind::Unsupported)
            && hear(subject, &no_call, None, probe.now()).is_err();
        check.that(refused, || {
            "a watch is not claimed and not refused as such".into()
        })?;
        return Ok(Verdict::Held);
    }
    let (host, mut calls) = listen(check).await?;
    let watch = Watch {
        collection: probe.collection(),
        url: address(check, &host)?,
    };
    let watched = check.ok(connector.watch(session, &watch).await)?;
    let id = probe.add(80).await;
    let call = changed(subject, check, &mut calls, &watched, "an addition").await?;
    probe.settle().await;
    while timeout(SILENCE, calls.recv()).await.is_ok() {}
    probe.edit(&id).await;
    changed(subject, check, &mut calls, &watched, "an edit").await?;
    if watched.secret.is_some() {
        let mut other = call.clone();
        other.body.push(b' ');
        let late = probe.now() + TimeDelta::days(1);
        let forged = hear(subject, &other, Some(&watched), probe.now()).is_err()
            && hear(subject, &no_call, Some(&watched), probe.now()).is_err()
            && hear(subject, &call, Some(&watched), late).is_err();
        check.that(forged, || {
            "a call is believed that was not signed, or long ago".into()
        })?;
    }
    for _ in 0..2 {
        let ended = connector.unwatch(session, &watch.collection, &watched.id);
        check.ok(ended.await)?;
    }
    while timeout(SILENCE, calls.recv()).await.is_ok() {}
    probe.add(81).await;
    let silent = timeout(SILENCE, calls.recv()).await.is_err();
    check.that(silent, || "it calls after its watch was ended".into())?;
    Ok(Verdict::Held)
}

fn address(check: Check, host: &str) -> Result<Url, Failure> {
    Url::parse(&format!("http://{host}/v1/hooks/it/a-token")).map_err(|error| Failure::Wrong {
        check: check.0,
        what: error.to_string(),
    })
}

/// Waits for a call that says that something changed; others may come before.
async fn changed(
    subject: Subject<'_>,
    check: Check,
    calls: &mut mpsc::UnboundedReceiver<Call>,
    watched: &Watched,
    what: &str,
) -> Result<Call, Failure> {
    let found = timeout(PATIENCE, async {
        while let Some(call) = calls.recv().await {
            let heard = hear(subject, &call, Some(watched), subject.probe.now());
            match heard {
                Ok(Heard::Changed) => return Ok(call),
                Ok(Heard::Nothing) => {}
                Err(forged) => return Err(forged),
            }
        }
        Err(Forged("nothing listens"))
    });
    let wrong = |what| Failure::Wrong {
        check: check.0,
        what,
    };
    let found = found
        .await
        .map_err(|_| wrong(format!("{what} is not told of")))?;
    found.map_err(|forged| wrong(format!("{what}: {forged}")))
}

fn hear(
    subject: Subject<'_>,
    call: &Call,
    watched: Option<&Watched>,
    now: DateTime<Utc>,
) -> Result<Heard, Forged> {
    let header = |name: &str| call.headers.get(name).map(String::as_str);
    subject.connector.hear(&Knock {
        header: &header,
        body: &call.body,
        secret: watched.and_then(|watched| watched.secret.as_ref()),
        now,
    })
}

/// Listens at a port of this machine: where, and the POSTs that come. Every request is answered with 200.
async fn listen(check: Check) -> Result<(String, mpsc::UnboundedReceiver<Call>), Failure> {
    let wrong = |error: std::io::Error| Failure::Wrong {
        check: check.0,
        what: error.to_string(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(wrong)?;
    let host = listener.local_addr().map_err(wrong)?.to_string();
    let (send, calls) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if send.is_closed() {
                return;
            }
            let send = send.clone();
            tokio::spawn(async move {
                if let Ok(Some(call)) = take(stream).await {
                    let _ = send.send(call);
                }
            });
        }
    });
    Ok((host, calls))
}

/// Takes one request; `None` if it is no POST.
async fn take(stream: TcpStream) -> std::io::Result<Option<Call>> {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer).await?;
    Ok(first.starts_with("POST ").then_some(Call { headers, body }))
}
