//! A real Odoo, which the step `odoo` of `./test` has started, and a proxy before it that loses calls or gives other answers.
//! Other clients call it past the proxy.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use syncline_connector::conformance::Trouble;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The way to an Odoo.
pub struct OdooServer {
    /// Where it listens.
    pub direct: String,
    /// Where the proxy listens.
    pub proxy: String,
    pub database: String,
    pub key: String,
    way: Arc<Mutex<Way>>,
}

/// What the proxy does to calls.
#[derive(Clone, Debug, Default)]
pub struct Way {
    pub trouble: Option<Trouble>,
    /// The calls so far, as model and method.
    pub calls: Vec<String>,
}

impl OdooServer {
    #[expect(clippy::disallowed_methods, reason = "where the tests' server is")]
    pub async fn find() -> Self {
        let url = std::env::var("SYNCLINE_TEST_ODOO").expect(
            "SYNCLINE_TEST_ODOO is the address of an Odoo, http://DATABASE:KEY@HOST:PORT/: run `./test odoo`, which starts one",
        );
        let url = url::Url::parse(&url).expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = url.port().expect("a port");
        let server = Self {
            direct: format!("{}:{port}", url.host_str().expect("a host")),
            proxy: listener.local_addr().expect("an address").to_string(),
            database: url.username().to_owned(),
            key: url.password().expect("a key").to_owned(),
            way: Arc::default(),
        };
        tokio::spawn(serve(
            listener,
            server.direct.clone(),
            Arc::clone(&server.way),
        ));
        server
    }

    /// What the proxy does from now on.
    pub fn strike(&self, trouble: Option<Trouble>) {
        self.way.lock().expect("the way").trouble = trouble;
    }

    /// The calls since the last time.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.way.lock().expect("the way").calls)
    }

    /// A call as another client makes it, past the proxy: the status and the answer.
    pub async fn try_call(&self, method: &str, arguments: &Json) -> (u16, Json) {
        let body = arguments.to_string();
        let request = format!(
            "POST /json/2/{method} HTTP/1.0\r\nhost: {}\r\nauthorization: bearer {}\r\nx-odoo-database: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.direct,
            self.key,
            self.database,
            body.len()
        );
        let answer = exchange(&self.direct, request.as_bytes())
            .await
            .expect("an answer");
        let answer = String::from_utf8(answer).expect("a text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        (status.expect("a status"), body)
    }

    /// The same of a call that is taken.
    pub async fn call(&self, method: &str, arguments: Json) -> Json {
        let (status, answer) = self.try_call(method, &arguments).await;
        assert_eq!(status, 200, "{method}: {answer}");
        answer
    }

    /// Somebody makes a record.
    pub async fn make(&self, model: &str, values: Json) -> i64 {
        let made = self
            .call(&format!("{model}/create"), json!({"vals_list": [values]}))
            .await;
        made[0].as_i64().expect("an id")
    }

    /// Somebody changes a contact.
    pub async fn write(&self, id: i64, values: Json) {
        self.call("res.partner/write", json!({"ids": [id], "vals": values}))
            .await;
    }

    /// Fields of a contact.
    pub async fn read(&self, id: i64, fields: &[&str]) -> Json {
        let mut rows = self
            .call("res.partner/read", json!({"ids": [id], "fields": fields}))
            .await;
        rows[0].take()
    }
}

async fn exchange(address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut wire = TcpStream::connect(address).await?;
    wire.write_all(request).await?;
    let mut answer = Vec::new();
    wire.read_to_end(&mut answer).await?;
    Ok(answer)
}

async fn serve(listener: TcpListener, server: String, way: Arc<Mutex<Way>>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, way) = (server.clone(), Arc::clone(&way));
        tokio::spawn(async move {
            // A client that goes away is no matter.
            drop(carry(client, &server, &way).await);
        });
    }
}

/// One call, and its answer.
async fn carry(mut client: TcpStream, server: &str, way: &Mutex<Way>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let (head, whole) = loop {
        let mut piece = vec![0; 65_536];
        let read = client.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..read]);
        let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).into_owned();
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:")?
                .trim()
                .parse::<usize>()
                .ok()
        });
        if request.len() >= end + 4 + length.unwrap_or(0) {
            break (head, end);
        }
    };
    let trouble = {
        let mut way = way.lock().expect("the way");
        let path = head.split(' ').nth(1).unwrap_or_default();
        way.calls.push(path.replacen("/json/2/", "", 1));
        way.trouble
    };
    let creates = head.contains("/res.partner/load");
    let canned = match trouble {
        Some(Trouble::LostCall) if creates => return Ok(()),
        Some(Trouble::TooManyCalls) => "HTTP/1.1 429 Too Many Requests\r\n\r\n",
        Some(Trouble::BadCredentials) => "HTTP/1.1 401 Unauthorized\r\n\r\n",
        Some(Trouble::NotAllowed) => "HTTP/1.1 403 Forbidden\r\n\r\n",
        Some(Trouble::ServerError) => "HTTP/1.1 500 Oops\r\n\r\n",
        Some(Trouble::WebPage) => {
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<!DOCTYPE html><html><br></html>"
        }
        _ => "",
    };
    if !canned.is_empty() {
        return client.write_all(canned.as_bytes()).await;
    }
    // The oldest HTTP ends an answer with the connection.
    let lines = head.replacen(" HTTP/1.1", " HTTP/1.0", 1);
    let mut onward = lines.into_bytes();
    onward.extend_from_slice(&request[whole..]);
    let answer = exchange(server, &onward).await?;
    if trouble == Some(Trouble::LostAnswer) && creates {
        return Ok(());
    }
    if trouble == Some(Trouble::CutListing) && head.contains("/web_search_read") {
        return client.write_all(&halved(&answer)).await;
    }
    client.write_all(&answer).await
}

/// A list without its second half.
fn halved(answer: &[u8]) -> Vec<u8> {
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = &answer[at.expect("a head") + 4..];
    let mut found: Json = serde_json::from_slice(body).expect("what was found");
    let records = found["records"].as_array_mut().expect("records");
    records.truncate(records.len() / 2);
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{found}").into_bytes()
}
