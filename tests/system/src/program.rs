//! The program as child processes: built once, started on free ports, killed on drop.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// Longest time from starting a process to the line that says where it listens.
const START: Duration = Duration::from_mins(1);
/// Longest time from asking a process to end to its end.
const STOP: Duration = Duration::from_secs(30);
/// How much of a process's log is shown when a test has failed, in bytes.
const LOG_SHOWN: usize = 6_000;

/// The binary, built on first use.
pub fn binary() -> anyhow::Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(error) => bail!("{error}"),
    }
}

fn build() -> anyhow::Result<PathBuf> {
    // `./test` has built it already, along with everything else.
    if let Some(built) = std::env::var_os("SYNCLINE_BINARY") {
        return Ok(PathBuf::from(built));
    }
    // Run by hand, without cargo, the tests take the binary that lies there.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built = std::process::Command::new(cargo)
            .args(["build", "-p", "syncline", "--locked"])
            .current_dir(workspace())
            .output()?;
        ensure!(
            built.status.success(),
            "the program does not build: {}",
            String::from_utf8_lossy(&built.stderr)
        );
    }
    // This program lies in target/debug or, a test, in target/debug/deps.
    let this = std::env::current_exe()?;
    let mut near = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("syncline"));
    near.find(|path| path.is_file())
        .with_context(|| format!("there is no syncline near {}", this.display()))
}

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A process that serves something.
pub struct Process {
    name: &'static str,
    child: Child,
    // Held open: a program that cannot print is not what is tested.
    _stdout: BufReader<ChildStdout>,
    log: PathBuf,
    /// Whether somebody ended it on purpose.
    ended: bool,
    /// Where it listens, such as `http://127.0.0.1:34567`.
    pub base: String,
}

impl Process {
    /// Starts the binary and reads the line that says where it listens. Logs go to a file in `folder`.
    pub async fn start(
        name: &'static str,
        folder: &Path,
        args: &[&OsStr],
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let stderr = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)?;
        let mut child = Command::new(binary()?)
            .arg(name)
            .args(args)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let base = tokio::time::timeout(START, address(&mut stdout)).await;
        let Ok(Some(base)) = base else {
            bail!("{name} does not say where it listens: {}", tail(&log));
        };
        Ok(Self {
            name,
            child,
            _stdout: stdout,
            log,
            ended: false,
            base,
        })
    }

    /// Ends it the hard way (SIGKILL) and waits until it is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.ended = true;
        self.child.kill().await?;
        Ok(())
    }

    /// Sends it a signal, by name.
    pub async fn signal(&self, name: &str) -> anyhow::Result<()> {
        let id = self.id()?;
        let signal = format!("-{name}");
        let sent = Command::new("kill")
            .args([signal, id.to_string()])
            .status()
            .await?;
        ensure!(sent.success(), "it does not take a {name}");
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it has. Gives its log.
    pub async fn stop(&mut self) -> anyhow::Result<String> {
        self.signal("TERM").await?;
        let ended = tokio::time::timeout(STOP, self.child.wait()).await;
        let Ok(status) = ended else {
            bail!("it does not end: {}", tail(&self.log));
        };
        ensure!(
            status?.success(),
            "it did not end well: {}",
            tail(&self.log)
        );
        self.ended = true;
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Its process id.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("it is gone already")
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Captured while tests run, and shown of those that fail.
        if !self.ended {
            eprintln!("---- {} ----\n{}", self.name, tail(&self.log));
        }
    }
}

async fn address(stdout: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut line = String::new();
    while stdout.read_line(&mut line).await.ok()? > 0 {
        if let Some((_, base)) = line.trim().split_once("listening on ") {
            return Some(base.to_owned());
        }
        line.clear();
    }
    None
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut from = text.len().saturating_sub(LOG_SHOWN);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default().to_owned()
}

/// What a program that ends by itself printed.
#[derive(Debug)]
pub struct Printed {
    /// Whether it ended well.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs the binary to its end.
pub async fn run(args: &[&OsStr], environment: &[(String, String)]) -> anyhow::Result<Printed> {
    let mut child = Command::new(binary()?)
        .args(args)
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let read_out = async {
        match &mut out {
            Some(out) => out.read_to_string(&mut stdout).await,
            None => Ok(0),
        }
    };
    let read_err = async {
        match &mut err {
            Some(err) => err.read_to_string(&mut stderr).await,
            None => Ok(0),
        }
    };
    let (out, err, status) = tokio::join!(read_out, read_err, child.wait());
    out?;
    err?;
    Ok(Printed {
        success: status?.success(),
        stdout,
        stderr,
    })
}

/// A temporary folder, removed at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// Makes one.
    pub fn new() -> anyhow::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "syncline-system-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        // A former process of the same number may have been killed.
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clear away.
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
