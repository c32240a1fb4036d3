//! A TCP proxy on loopback: new connections go to its targets in turn, and past those that refuse. It knows nothing of
//! what it carries.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy, gone when dropped, with all the connections through it.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    targets: Arc<Mutex<Vec<SocketAddr>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts one that leads nowhere yet.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let targets = Arc::<Mutex<Vec<SocketAddr>>>::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&targets)));
        Ok(Self {
            address,
            targets,
            serving,
        })
    }

    /// Where new connections go from now on.
    pub fn lead_to(&self, targets: Vec<SocketAddr>) {
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = targets;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, targets: Arc<Mutex<Vec<SocketAddr>>>) {
    let turn = AtomicUsize::new(0);
    // Dropped with this task, and every connection with it.
    let mut open = tokio::task::JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        let mut targets = targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let first = turn.fetch_add(1, Ordering::Relaxed) % targets.len().max(1);
        targets.rotate_left(first);
        open.spawn(async move {
            for target in targets {
                if let Ok(mut to) = TcpStream::connect(target).await {
                    // Either end may break off as it likes.
                    copy_bidirectional(&mut from, &mut to).await.ok();
                    return;
                }
            }
        });
        while open.try_join_next().is_some() {}
    }
}
