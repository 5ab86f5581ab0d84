//! Runs the platform as a child process.

use crate::api_client::Api;
use anyhow::{Context as _, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::Instant;

/// A running platform. It is killed when dropped.
pub struct Server {
    child: Child,
    pub base: String,
    pub started: Instant,
    /// The time from the start of the process until `/readyz` answered 200.
    pub ready_after: Duration,
}

/// Resident memory now and at most, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub resident: u64,
    pub highest: u64,
}

/// Limit for a start; the first one of the demo loads its catalogue.
const START: Duration = Duration::from_secs(120);
/// A platform is idle when it uses less than this share of a processor in every interval for this long.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const IDLE: f64 = 0.08;
const IDLE_FOR: Duration = Duration::from_secs(3);

impl Server {
    /// Starts `souk demo` on `data_dir` and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn demo(data_dir: &Path) -> Result<Server> {
        Server::start("demo", data_dir).await
    }

    /// Starts `souk serve` on `data_dir` and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn serve(data_dir: &Path) -> Result<Server> {
        Server::start("serve", data_dir).await
    }

    async fn start(command: &str, data_dir: &Path) -> Result<Server> {
        let port = free_port()?;
        let base = format!("http://127.0.0.1:{port}");
        let began = Instant::now();
        let child = Command::new(std::env::current_exe().context("the path of the program is unknown")?)
            .args([command, "--rate-limits", "off", "--log", "error"])
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--ops-listen")
            .arg(format!("127.0.0.1:{}", free_port()?))
            .arg("--data-dir")
            .arg(data_dir)
            .stdout(Stdio::null())
            .spawn()
            .context("the platform cannot be started")?;
        let mut server = Server { child, base, started: began, ready_after: Duration::ZERO };
        let api = Api::new(&server.base);
        loop {
            if api.is_ready().await {
                server.ready_after = began.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("the platform ended with {status} before it was ready");
            }
            if began.elapsed() > START {
                bail!("the platform is not ready after {} s", START.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns its memory; `None` where `/proc` does not exist.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let field = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? * 1024)
        };
        Some(Memory { resident: field("VmRSS:")?, highest: field("VmHWM:")? })
    }

    /// Returns its processor time so far, in seconds, user and system; `None` where `/proc` does not exist.
    #[must_use]
    pub fn processor_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        // utime and stime, fields 14 and 15 of proc(5), in clock ticks of 10 ms.
        Some((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// Waits until it is idle, such as after the delivery of events. Returns how long that took.
    ///
    /// # Errors
    /// When it is still busy after `limit`.
    pub async fn settle(&self, limit: Duration) -> Result<Duration> {
        let began = Instant::now();
        let mut busy_until = began;
        let used_now = || self.processor_seconds().context("the processor time of the platform is unknown");
        let mut used = used_now()?;
        while busy_until.elapsed() < IDLE_FOR {
            if began.elapsed() > limit {
                bail!("the platform is still busy after {} s", limit.as_secs());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
            let now = used_now()?;
            if now - used > IDLE * POLL_INTERVAL.as_secs_f64() {
                busy_until = Instant::now();
            }
            used = now;
        }
        Ok(busy_until - began)
    }

    /// Stops it by SIGTERM.
    ///
    /// # Errors
    /// When it does not end within 30 seconds.
    pub async fn stop(mut self) -> Result<()> {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the platform did not end within 30 s of SIGTERM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A data directory: the one that was named, or a temporary one that is deleted on drop.
pub struct Scratch {
    pub path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// # Errors
    /// When it cannot be created.
    pub fn new(named: Option<PathBuf>) -> Result<Scratch> {
        let keep = named.is_some();
        let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("souk-bench-{}", std::process::id())));
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be created", path.display()))?;
        Ok(Scratch { path, keep })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
