//! A disk that is full, on a file system of its own. Without the permission to mount one the test says so and does nothing.

use super::server::Server;
use contracts::{order::OrderStatus, payment::PaymentMethod};
use hyper::Method;
use platform::testing::TempFolder;
use souk::api_client::{add_to_cart, raw};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

/// A small file system in memory. It is unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<SmallDisk> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m,mode=0700", "tmpfs"]).arg(folder).status();
        mounted.is_ok_and(|status| status.success()).then(|| SmallDisk(folder.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Writes a file until nothing more fits.
    fn fill(&self) {
        let mut file = fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        for chunk in [1 << 20, 4_096, 1] {
            while file.write_all(&vec![1; chunk]).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn has_reserve(&self) -> bool {
        self.0.join("reserve").exists()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_is_used_again_once_there_is_room() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let folder = TempFolder::new();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        println!("skipped: a file system cannot be mounted here");
        return;
    };
    let mut server = Server::start_on(folder, &[("SOUK_DISK_RESERVE", "4")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "FULL-1", 1_000, 1_000).await;
    let buyer = server.customer("mara").await;
    assert!(disk.has_reserve());
    disk.fill();

    // Writes succeed until the logs of the databases need more room.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = buyer.send(add_to_cart(product, 1)).await;
        if reply.status == 503 {
            assert_eq!(reply.problem(), (503, "STORAGE_FULL".to_owned()));
            assert!(reply.headers.contains_key("retry-after"));
            break;
        }
        assert!(!reply.status.is_server_error() && Instant::now() < deadline, "{} {}", reply.status, reply.json());
    }
    assert!(!disk.has_reserve(), "the reserve is given up");
    let ready = server.api.send(raw(Method::GET, "//readyz")).await.unwrap();
    assert!(ready.status.as_u16() == 503 && ready.json()["reasons"].to_string().contains("cannot be written"), "{}", ready.json());
    for refused in
        [buyer.send(add_to_cart(product, 1)).await.problem(), buyer.send(buyer.ordering(PaymentMethod::Ok, "full")).await.problem()]
    {
        assert_eq!(refused, (503, "STORAGE_FULL".to_owned()));
    }

    disk.empty();
    let deadline = Instant::now() + PATIENCE;
    while !server.api.is_ready().await {
        assert!(Instant::now() < deadline, "it does not become ready again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(disk.has_reserve(), "the reserve is made again");
    buyer.add(product, 1).await;
    assert_eq!(buyer.order(PaymentMethod::Ok, "room").await.status, OrderStatus::Confirmed);
    assert!(server.terminate().await);
}
