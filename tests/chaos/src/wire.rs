//! A wire between a process and a server, which can be cut, go dead, lose the broker's confirms, or break at a
//! transaction's end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What is wrong with a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Nothing comes through, either way, and nothing says so: what is sent arrives when the fault is over.
    Dead,
    /// The broker's confirms (AMQP `basic.ack`) do not arrive.
    NoConfirms,
    /// A transaction's end (PostgreSQL's COMMIT) cuts the connection: in turn before the server sees it and after, so
    /// that nobody knows which.
    CutAtCommit,
}

/// A wire, gone when dropped, with all the connections through it.
pub struct Wire {
    fault: watch::Sender<Fault>,
    struck: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

/// What both directions of all connections share.
#[derive(Clone)]
struct State {
    /// Whether the server is a broker.
    amqp: bool,
    fault: watch::Receiver<Fault>,
    struck: Arc<AtomicU64>,
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToProcess,
}

impl Wire {
    /// A wire to the server of a URL, and the URL by which it is reached through the wire.
    pub async fn to(url: &str) -> anyhow::Result<(Self, String)> {
        let (before, rest) = url.split_once("127.0.0.1:").context("a server here")?;
        let (port, after) = rest.split_once('/').context("a path in the URL")?;
        let target = SocketAddr::from(([127, 0, 0, 1], port.parse()?));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (fault, seen) = watch::channel(Fault::None);
        let struck = Arc::<AtomicU64>::default();
        let state = State {
            amqp: url.starts_with("amqp:"),
            fault: seen,
            struck: Arc::clone(&struck),
        };
        let wire = Self {
            fault,
            struck,
            serving: tokio::spawn(serve(listener, target, state)),
        };
        Ok((wire, format!("{before}{address}/{after}")))
    }

    /// Makes something wrong with it, or nothing any more.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// How often a fault struck.
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, state: State) {
    // Dropped with this task, and every connection with it.
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        open.spawn(async move {
            // Either end may break off as it likes.
            carry(stream, target, state).await.ok();
        });
        while open.try_join_next().is_some() {}
    }
}

async fn carry(process: TcpStream, target: SocketAddr, mut state: State) -> anyhow::Result<()> {
    state.lives().await?;
    let server = TcpStream::connect(target).await?;
    process.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_process, to_process) = process.into_split();
    let (from_server, to_server) = server.into_split();
    // Whichever end is reached first is the end of both.
    tokio::select! {
        ended = pump(from_process, to_server, Way::ToServer, state.clone()) => ended,
        ended = pump(from_server, to_process, Way::ToProcess, state) => ended,
    }
}

async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    way: Way,
    mut state: State,
) -> anyhow::Result<()> {
    let mut frames = Frames::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        state.lives().await?;
        let bytes = buffer.get(..read).unwrap_or_default();
        let fault = *state.fault.borrow();
        if state.amqp && way == Way::ToProcess {
            for frame in frames.whole(bytes) {
                if fault == Fault::NoConfirms && is_confirm(&frame) {
                    state.strike();
                } else {
                    to.write_all(&frame).await?;
                }
            }
        } else if fault == Fault::CutAtCommit && way == Way::ToServer && ends_transaction(bytes) {
            if state.strike() % 2 == 1 {
                to.write_all(bytes).await?;
            }
            return Ok(());
        } else {
            to.write_all(bytes).await?;
        }
    }
}

impl State {
    /// Waits until the wire is not dead.
    async fn lives(&mut self) -> anyhow::Result<()> {
        if *self.fault.borrow() == Fault::Dead {
            self.strike();
            self.fault.wait_for(|fault| *fault != Fault::Dead).await?;
        }
        Ok(())
    }

    /// Counts. Gives how often a fault struck before.
    fn strike(&self) -> u64 {
        self.struck.fetch_add(1, Ordering::Relaxed)
    }
}

/// PostgreSQL's simple query COMMIT: 'Q', its length, the text, a zero.
fn ends_transaction(bytes: &[u8]) -> bool {
    const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
    bytes.windows(COMMIT.len()).any(|part| part == COMMIT)
}

/// A stream of AMQP frames, cut into frames: kind, channel (2), length (4), that many bytes, an end mark.
#[derive(Default)]
struct Frames(Vec<u8>);

impl Frames {
    /// The frames that are whole with these bytes.
    fn whole(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let mut whole = Vec::new();
        while let Some(length) = self.0.get(3..7).map(number)
            && self.0.len() >= length + 8
        {
            let rest = self.0.split_off(length + 8);
            whole.push(std::mem::replace(&mut self.0, rest));
        }
        whole
    }
}

/// Whether a frame is the method `basic.ack`: kind 1, class 60, method 80.
fn is_confirm(frame: &[u8]) -> bool {
    frame.first() == Some(&1) && frame.get(7..11) == Some(&[0, 60, 0, 80])
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of a kind, with a body.
    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 0, 1], &length[..], body, &[0xce]].concat()
    }

    #[test]
    fn frames_are_told_however_they_are_cut() {
        let ack = frame(1, &[0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        let all = [frame(8, &[]), ack.clone(), frame(3, &[7; 300]), ack];
        let stream = all.concat();
        for size in 1..stream.len() {
            let mut frames = Frames::default();
            let cut: Vec<_> = stream
                .chunks(size)
                .flat_map(|part| frames.whole(part))
                .collect();
            assert_eq!(cut, all, "{size}");
        }
        assert_eq!(
            all.each_ref().map(|one| is_confirm(one)),
            [false, true, false, true]
        );
    }

    #[test]
    fn a_commit_is_told() {
        assert!(ends_transaction(b"S\0\0\0\x04Q\0\0\0\x0bCOMMIT\0"));
        assert!(!ends_transaction(b"Q\0\0\0\x0dROLLBACK\0"));
    }
}
