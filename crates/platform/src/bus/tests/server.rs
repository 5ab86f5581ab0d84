//! A NATS server of one test, which it stops, holds or deprives of data.

use crate::testing::TempFolder;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

pub struct Server {
    folder: TempFolder,
    pub address: String,
}

impl Server {
    pub fn start() -> Server {
        let folder = TempFolder::new();
        let address = script(&["start", &folder.path().display().to_string()]);
        Server { folder, address }
    }

    /// Starts it again at the same address, after [`Server::stop`].
    pub fn start_again(&self) {
        script(&["start", &self.folder.path().display().to_string()]);
    }

    pub fn stop(&self) {
        script(&["stop", &self.folder.path().display().to_string()]);
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).expect("the server runs");
        assert!(Command::new("kill").args(["-s", name, pid.trim()]).status().expect("kill runs").success());
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Copies what it stored so far, while it is stopped.
    pub fn save(&self) {
        copy(&self.store(), &self.folder.path().join("saved"));
    }

    /// Takes away what it stored since [`Server::save`], while it is stopped.
    pub fn go_back(&self) {
        self.lose_everything();
        copy(&self.folder.path().join("saved"), &self.store());
    }

    /// Deletes its store, while it is stopped.
    pub fn lose_everything(&self) {
        std::fs::remove_dir_all(self.store()).expect("the store can be deleted");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is held does not end by another signal.
        if let Ok(pid) = std::fs::read_to_string(self.folder.path().join("pid")) {
            let _ = Command::new("kill").args(["-s", "KILL", pid.trim()]).status();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp runs").success());
}

fn script(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/nats");
    let output = Command::new(script).args(arguments).output().expect("scripts/nats runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
