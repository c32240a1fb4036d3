//! A server that gives prepared answers in turn, one a connection, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Turn {
    /// An answer: status, further header lines, body.
    Answer(u16, &'static str, String),
    /// The request is read, and the connection closed without a word.
    Hangup,
    /// Half of the body that was announced.
    Half,
    /// No answer for as long as the client waits.
    Silence,
}

impl Turn {
    pub fn json(status: u16, body: &str) -> Self {
        Self::Answer(
            status,
            "Content-Type: application/json\r\n",
            body.to_owned(),
        )
    }

    fn at(self, base: &str) -> Self {
        match self {
            Self::Answer(status, headers, body) => {
                Self::Answer(status, headers, body.replace("http://here", base))
            }
            other => other,
        }
    }
}

/// The running server.
pub struct Server {
    pub base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one; when the turns are used up, it answers 500. In bodies `http://here` stands for its own address.
    pub async fn start(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let turns = turns.into_iter().map(|turn| turn.at(&base)).collect();
        let turns: Arc<Mutex<VecDeque<Turn>>> = Arc::new(Mutex::new(turns));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (turns, seen) = (Arc::clone(&turns), Arc::clone(&seen));
                tokio::spawn(async move { serve(stream, &turns, &seen).await });
            }
        });
        Self { base, asked }
    }

    /// The requests so far, whole.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("requests").clone()
    }
}

async fn serve(mut stream: TcpStream, turns: &Mutex<VecDeque<Turn>>, seen: &Mutex<Vec<String>>) {
    let request = read(&mut stream).await;
    seen.lock().expect("requests").push(request);
    let turn = turns
        .lock()
        .expect("turns")
        .pop_front()
        .unwrap_or_else(|| Turn::json(500, "{}"));
    let text = match turn {
        Turn::Answer(status, headers, body) => {
            format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        }
        Turn::Half => {
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{\"half\":"
                .to_owned()
        }
        Turn::Hangup => return,
        Turn::Silence => return std::future::pending().await,
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Head and body of one request.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().expect("a length"));
            if body.len() >= length {
                return String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&bytes).into_owned(),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
