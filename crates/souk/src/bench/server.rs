//! Runs the platform as a child process.

use crate::{api_client::Api, child::Program};
use anyhow::{Context as _, Result, bail};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// A running platform.
pub struct Server {
    pub program: Program,
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

/// A platform is idle when it uses less than this share of a processor in every interval for this long.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
const IDLE: f64 = 0.08;
const IDLE_FOR: Duration = Duration::from_secs(3);

impl Server {
    /// Starts `souk serve` or `souk demo` without rate limits on `data_dir` and waits until it is ready.
    pub async fn start(command: &str, data_dir: &Path) -> Result<Server> {
        Server::start_with(command, data_dir, &[("SOUK_RATE_LIMITS", "off")]).await
    }

    /// [`Server::start`] with this environment and with rate limits.
    pub async fn start_with(command: &str, data_dir: &Path, environment: &[(&str, &str)]) -> Result<Server> {
        let program = std::env::current_exe().context("the path of the program is unknown")?;
        let started = Instant::now();
        let mut program = Program::start(program, &[command, "--log", "error"], data_dir, environment)?;
        program.until_ready().await?;
        Ok(Server { program, started, ready_after: started.elapsed() })
    }

    /// Returns the API to measure: of the platform that was started, else the one at `url`.
    pub fn api(started: Option<&Server>, url: Option<&str>) -> Result<Api> {
        started.map(|server| server.program.api.clone()).or_else(|| url.map(Api::new)).context("no platform was started or named")
    }

    /// Returns its memory; `None` where `/proc` does not exist.
    pub fn memory(&self) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).ok()?;
        let field = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(rest.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? * 1024)
        };
        Some(Memory { resident: field("VmRSS:")?, highest: field("VmHWM:")? })
    }

    /// Returns its processor time so far, in seconds, user and system; `None` where `/proc` does not exist.
    pub fn processor_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        // utime and stime, fields 14 and 15 of proc(5), in clock ticks of 10 ms.
        Some((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// Waits until it is idle, such as after the delivery of events. Returns how long that took.
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
    pub async fn stop(mut self) -> Result<()> {
        self.program.terminate()?;
        self.program.wait().await.map(drop)
    }
}

/// A data directory: the one that was named, or a temporary one that is deleted on drop.
pub struct Scratch {
    pub path: PathBuf,
    keep: bool,
}

impl Scratch {
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
