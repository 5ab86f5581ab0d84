//! Runs the program as a child process, for benchmarks and tests.

#![expect(clippy::disallowed_methods, reason = "it waits for another process by the clock of the system")]

use crate::api_client::Api;
use anyhow::{Context as _, Result, bail};
use std::{
    net::Ipv4Addr,
    ops::Range,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// Limit for a start, which may load the demo catalogue in a debug build, and for an end.
const LIMIT: Duration = Duration::from_secs(120);

/// Ports for programs. Browsers refuse 10080 (WHATWG Fetch, bad ports).
const PORTS: Range<u16> = 11_000..30_000;

/// A running program. It is killed when dropped.
pub struct Program {
    child: Child,
    pub api: Api,
    /// The operations port.
    pub operations: Api,
}

impl Program {
    /// Starts `program` with these arguments, on free ports.
    pub fn start(program: impl AsRef<Path>, arguments: &[&str], data_dir: &Path, environment: &[(&str, &str)]) -> Result<Program> {
        Program::start_with_log(program, arguments, data_dir, environment, Stdio::inherit())
    }

    /// As [`Program::start`]; its log goes to `log`.
    pub fn start_with_log(
        program: impl AsRef<Path>,
        arguments: &[&str],
        data_dir: &Path,
        environment: &[(&str, &str)],
        log: Stdio,
    ) -> Result<Program> {
        let (address, operations) = (free_address()?, free_address()?);
        let child = Command::new(program.as_ref())
            .args(arguments)
            .args(["--listen", &address, "--ops-listen", &operations, "--data-dir"])
            .arg(data_dir)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the program cannot be started")?;
        let [api, operations] = [address, operations].map(|address| Api::new(&format!("http://{address}")));
        Ok(Program { child, api, operations })
    }

    /// Waits until `/readyz` answers 200.
    pub async fn until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !self.api.is_ready().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended with {status} before it was ready");
            }
            if Instant::now() > deadline {
                bail!("the program is not ready after {} s", LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        // Both fail only for a program that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) -> Result<()> {
        Command::new("kill").arg("-TERM").arg(self.id().to_string()).status().context("kill cannot be run")?;
        Ok(())
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the program did not end within {} s", LIMIT.as_secs())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An address that nothing listens on, and that is given once. Its port lies below those that the system gives to outgoing
/// connections, so no connection takes it before the program listens.
pub fn free_address() -> Result<String> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs that run at the same time begin at different ports.
    let first = u16::try_from(std::process::id() % 200)? * 100;
    for _ in PORTS {
        let port = PORTS.start + first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        if let Ok(listener) = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener.local_addr()?.to_string());
        }
    }
    bail!("no port from {} to {} is free", PORTS.start, PORTS.end)
}
