//! Redis servers for tests: the shared one that the environment names, and private ones that may be stopped, emptied
//! and starved.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The URL of the server that tests share, each under a prefix of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "tests take their server from the environment"
)]
pub fn shared() -> String {
    std::env::var("SYNCLINE_TEST_REDIS_URL").unwrap_or_else(|_| {
        panic!(
            "SYNCLINE_TEST_REDIS_URL is not set: this test needs a Redis. \
             Example: redis://127.0.0.1:6379/0; ./test starts one"
        )
    })
}

/// A Redis of one test's own, gone with it.
pub struct Server {
    process: Child,
    pub port: u16,
    folder: PathBuf,
}

impl Server {
    /// Starts one.
    pub fn start(options: &[&str]) -> Self {
        for _ in 0..5 {
            let port = free_port();
            let folder = std::env::temp_dir().join(format!(
                "syncline-redis-{}",
                syncline_platform::random_token(8)
            ));
            std::fs::create_dir_all(&folder).unwrap();
            let process = spawn(port, &folder, options);
            let mut server = Self {
                process,
                port,
                folder,
            };
            if server.is_up() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends the process as a crash would, and what it held in memory with it.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again at the same port, empty.
    pub fn start_again(&mut self) {
        self.process = spawn(self.port, &self.folder, &[]);
        assert!(self.is_up(), "redis-server does not start again");
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Sends a command and gives what comes back, as the protocol has it.
    pub fn command(&self, line: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .write_all(format!("{line}\r\nQUIT\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn is_up(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return self.command("PING").starts_with("+PONG");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(port: u16, folder: &Path, options: &[&str]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(folder)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
