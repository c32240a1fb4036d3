//! Real CardDAV servers, and a proxy before them that loses calls, gives other answers, or hides what a server can do.
//! Radicale and Xandikos are processes of each test's own; the others, which the step `dav` of `./test` has started, are
//! found, and each test has an address book of its own there.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use syncline_connector::conformance::Trouble;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The user of every server, and the password; `alice:canary` as HTTP carries it.
pub const USER: &str = "alice";
pub const BASIC: &str = "YWxpY2U6Y2FuYXJ5";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    Radicale,
    Xandikos,
    Cyrus,
    Davical,
    Sogo,
}

/// A running server with one address book.
pub struct DavServer {
    /// The process and its folder, of a server of our own.
    own: Option<(Child, PathBuf)>,
    pub software: Software,
    /// The address book's path.
    pub book: String,
    /// Where the server listens.
    pub direct: String,
    /// Where the proxy listens.
    pub proxy: String,
    way: Arc<Mutex<Way>>,
}

/// What the proxy does to calls.
#[derive(Clone, Debug, Default)]
pub struct Way {
    pub trouble: Option<Trouble>,
    /// Texts in the server's answers, and what stands in their place: of the same length.
    pub hidden: Vec<(&'static str, &'static str)>,
    /// An answer instead of the server's, for calls whose head contains a text.
    pub answer: Option<(&'static str, String)>,
    /// The heads of calls so far.
    pub calls: Vec<String>,
}

/// An answer taken apart.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

impl DavServer {
    pub async fn start(software: Software) -> Self {
        let (own, direct, book) = match software {
            Software::Radicale | Software::Xandikos => started(software),
            Software::Cyrus => found("SYNCLINE_TEST_CYRUS"),
            Software::Davical => found("SYNCLINE_TEST_DAVICAL"),
            Software::Sogo => found("SYNCLINE_TEST_SOGO"),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            own,
            software,
            book,
            proxy: listener.local_addr().expect("an address").to_string(),
            direct,
            way: Arc::default(),
        };
        server.answers().await;
        if software != Software::Xandikos {
            let body = r#"<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/><CR:addressbook xmlns:CR="urn:ietf:params:xml:ns:carddav"/></resourcetype><displayname>Contacts</displayname></prop></set></mkcol>"#;
            let made = server
                .call(
                    "MKCOL",
                    &server.book,
                    &["content-type: application/xml"],
                    body,
                )
                .await;
            assert_eq!(made.status, 201, "{made:?}");
        }
        tokio::spawn(serve(
            listener,
            server.direct.clone(),
            Arc::clone(&server.way),
        ));
        server
    }

    async fn answers(&self) {
        let begun = Instant::now();
        loop {
            if let Ok(mut wire) = TcpStream::connect(&self.direct).await {
                let asked = wire.write_all(b"GET / HTTP/1.0\r\n\r\n").await;
                let mut answer = Vec::new();
                if asked.is_ok()
                    && wire.read_to_end(&mut answer).await.is_ok()
                    && !answer.is_empty()
                {
                    return;
                }
            }
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "the server does not start"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the proxy does from now on.
    pub fn way(&self, change: impl FnOnce(&mut Way)) {
        change(&mut self.way.lock().expect("the way"));
    }

    /// The calls since the last time, as method and path.
    pub fn calls(&self) -> Vec<String> {
        let calls = std::mem::take(&mut self.way.lock().expect("the way").calls);
        let short = |head: &String| {
            let mut words = head.split(' ');
            let method = words.next().unwrap_or_default();
            let path = words.next().unwrap_or_default();
            let last = path.rsplit('/').next().unwrap_or_default();
            let kind = if last.is_empty() { "book" } else { "card" };
            format!("{method} {kind}")
        };
        calls.iter().map(short).collect()
    }

    /// A call as another client makes it, past the proxy.
    pub async fn call(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Reply {
        let headers: Vec<&str> = headers
            .iter()
            .flat_map(|header| [*header, "\r\n"])
            .collect();
        let headers = headers.concat();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nauthorization: Basic {BASIC}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            self.direct,
            body.len()
        );
        let answer = exchange(&self.direct, request.as_bytes())
            .await
            .expect("an answer");
        let answer = String::from_utf8(answer).expect("a text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Reply {
            status: status.expect("a status"),
            body: body.to_owned(),
        }
    }

    /// Somebody writes a card.
    pub async fn put(&self, path: &str, card: &str) {
        let content = "content-type: text/vcard; charset=utf-8";
        let put = self.call("PUT", path, &[content], card).await;
        assert!(matches!(put.status, 201 | 204), "{put:?}");
    }

    /// A card as the server gives it.
    pub async fn card(&self, path: &str) -> String {
        let got = self.call("GET", path, &["accept: text/vcard"], "").await;
        assert_eq!(got.status, 200, "{path}: {got:?}");
        got.body
    }

    /// The cards' paths.
    pub async fn paths(&self) -> Vec<String> {
        let body = r#"<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>"#;
        let headers = ["depth: 1", "content-type: application/xml"];
        let listing = self.call("PROPFIND", &self.book, &headers, body).await;
        let hrefs = listing.body.split("href>");
        let hrefs = hrefs.filter_map(|text| text.split('<').next());
        let cards = hrefs.filter(|href| href.contains(".vcf"));
        cards.map(str::to_owned).collect()
    }
}

impl Drop for DavServer {
    fn drop(&mut self) {
        if let Some((process, home)) = &mut self.own {
            drop(process.kill());
            drop(process.wait());
            drop(std::fs::remove_dir_all(home));
        }
    }
}

/// Where a server is: its process if it is ours, its address, the path of the address book.
type Place = (Option<(Child, PathBuf)>, String, String);

/// A server of our own.
fn started(software: Software) -> Place {
    let home = std::env::temp_dir().join(format!("syncline-dav-{}", new()));
    std::fs::create_dir_all(&home).expect("a folder");
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        free.local_addr().expect("an address").port()
    };
    let direct = format!("127.0.0.1:{port}");
    let (process, book) = match software {
        Software::Xandikos => (xandikos(&home, port), "/alice/contacts/addressbook/"),
        _ => (radicale(&home, &direct), "/alice/contacts/"),
    };
    (Some((process, home)), direct, book.to_owned())
}

/// A server that was started for us.
#[expect(clippy::disallowed_methods, reason = "where the tests' servers are")]
fn found(variable: &str) -> Place {
    let url = std::env::var(variable).expect(
        "SYNCLINE_TEST_CYRUS, _DAVICAL and _SOGO are where alice keeps her address books there, http://alice:canary@HOST:PORT/PATH/: run `./test dav`, which starts these servers",
    );
    let url = url::Url::parse(&url).expect("an address");
    let host = url.host_str().expect("a host");
    let direct = format!("{host}:{}", url.port().expect("a port"));
    (None, direct, format!("{}{}/", url.path(), new()))
}

/// A name that nothing else has.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no other source of ids"
)]
fn new() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// The Python that has the servers.
#[expect(clippy::disallowed_methods, reason = "where the tests' servers are")]
fn python() -> Command {
    let python = std::env::var("SYNCLINE_TEST_DAV").expect(
        "SYNCLINE_TEST_DAV names a Python with Radicale and Xandikos: run the suite with ./test, which installs them",
    );
    let mut command = Command::new(python);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn radicale(home: &std::path::Path, address: &str) -> Child {
    let users = home.join("users");
    std::fs::write(&users, format!("{USER}:canary\n")).expect("users");
    let config = format!(
        "[server]\nhosts = {address}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {}\nhtpasswd_encryption = plain\n\
         delay = 0\n[rights]\ntype = owner_only\n[storage]\nfilesystem_folder = {}\n[logging]\nlevel = error\n",
        users.display(),
        home.join("data").display()
    );
    let file = home.join("config");
    std::fs::write(&file, config).expect("a configuration");
    let started = python()
        .args(["-m", "radicale", "--config"])
        .arg(file)
        .spawn();
    started.expect("Radicale")
}

fn xandikos(home: &std::path::Path, port: u16) -> Child {
    let started = python()
        .args([
            "-m",
            "xandikos",
            "serve",
            "--defaults",
            "--no-detect-systemd",
            "-l",
            "127.0.0.1",
        ])
        .args([
            "--current-user-principal",
            "/alice/",
            "-p",
            &port.to_string(),
            "-d",
        ])
        .arg(home.join("data"))
        .env("HOME", home)
        .spawn();
    started.expect("Xandikos")
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
    let Way {
        trouble,
        hidden,
        answer,
        ..
    } = {
        let mut way = way.lock().expect("the way");
        way.calls.push(head.clone());
        way.clone()
    };
    let creates = head.starts_with("PUT") && head.to_ascii_lowercase().contains("if-none-match");
    let canned = match (&trouble, &answer) {
        (_, Some((text, answer))) if head.contains(text) => Some(answer.clone()),
        (Some(Trouble::LostCall), _) if creates => return Ok(()),
        (Some(Trouble::TooManyCalls), _) => Some("HTTP/1.1 429 Too Many Requests\r\n\r\n".into()),
        (Some(Trouble::BadCredentials), _) => Some("HTTP/1.1 401 Unauthorized\r\n\r\n".into()),
        (Some(Trouble::NotAllowed), _) => Some("HTTP/1.1 403 Forbidden\r\n\r\n".into()),
        (Some(Trouble::ServerError), _) => Some("HTTP/1.1 500 Oops\r\n\r\n".into()),
        (Some(Trouble::WebPage), _) => Some(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<!DOCTYPE html><html><br></html>"
                .into(),
        ),
        _ => None,
    };
    if let Some(canned) = canned {
        return client.write_all(canned.as_bytes()).await;
    }
    // The oldest HTTP ends an answer with the connection.
    let lines = head.replacen(" HTTP/1.1", " HTTP/1.0", 1);
    let mut onward = lines.into_bytes();
    onward.extend_from_slice(&request[whole..]);
    let mut answer = exchange(server, &onward).await?;
    if trouble == Some(Trouble::LostAnswer) && creates {
        return Ok(());
    }
    for (text, instead) in hidden {
        assert_eq!(text.len(), instead.len());
        let mut from = 0;
        while let Some(at) = answer[from..]
            .windows(text.len())
            .position(|some| some == text.as_bytes())
        {
            answer[from + at..from + at + text.len()].copy_from_slice(instead.as_bytes());
            from += at + text.len();
        }
    }
    client.write_all(&answer).await
}
