//! Copies of a running installation, and installations made of copies.

use super::{
    crashing::{Answered, buy_until_killed},
    server::{Server, command, run},
};
use contracts::{ids::ProductId, order::OrderStatus};
use platform::{env::Env, testing::TempFolder};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::task::JoinSet;

const CHEAP_PASSWORDS: &[(&str, &str)] = &[("SOUK_AUTH_ARGON2_MEMORY_KIB", "64"), ("SOUK_AUTH_ARGON2_ITERATIONS", "1")];

fn backup(data_dir: &Path, into: &Path) -> (bool, String) {
    run(data_dir, &["backup", text(into)], "")
}

fn restore(from: &Path, target: &Path, more: &[&str]) -> (bool, String) {
    run(target, &[&["restore", text(from)], more].concat(), "")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// A running installation with customers who buy until it stops, and what was answered to them.
struct Busy {
    server: Server,
    product: ProductId,
    buyers: Vec<super::server::Person>,
    answered: Answered,
    tasks: JoinSet<()>,
}

impl Busy {
    async fn start() -> Busy {
        let server = Server::start_with(CHEAP_PASSWORDS).await;
        let admin = server.admin().await;
        let product = server.product(&admin, "COPY-1", 1_000, 100_000).await;
        let mut buyers = Vec::new();
        for number in 0..6 {
            buyers.push(server.customer(&format!("copied-{number}")).await);
        }
        let mut busy = Busy { server, product, buyers, answered: Answered::default(), tasks: JoinSet::new() };
        busy.buy(0);
        busy
    }

    /// Lets everyone buy, under keys of this round.
    fn buy(&mut self, round: usize) {
        for (number, buyer) in self.buyers.iter().enumerate() {
            self.tasks.spawn(buy_until_killed(buyer.at(&self.server), number, self.product, round, self.answered.clone()));
        }
    }

    async fn until_answered(&self, count: usize) {
        while self.answered.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn data_dir(&self) -> PathBuf {
        self.server.folder.path().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_busy_installation_has_every_order_that_was_answered_before_and_works() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let mut busy = Busy::start().await;
    let place = TempFolder::new();
    let mut copies = Vec::new();
    for number in 0..3 {
        busy.until_answered((number + 1) * 10).await;
        let (before, into, data_dir) = (busy.answered.lock().unwrap().len(), place.path().join(number.to_string()), busy.data_dir());
        let target = into.clone();
        let (succeeded, output) = tokio::task::spawn_blocking(move || backup(&data_dir, &target)).await.unwrap();
        assert!(succeeded && output.contains("backup of"), "{output}");
        copies.push((before, into));
    }
    busy.server.kill();
    busy.tasks.join_all().await;
    for (before, copy) in copies {
        let restored = TempFolder::new();
        let (succeeded, output) = restore(&copy, restored.path(), &[]);
        assert!(succeeded && output.contains("souk serve"), "{output}");
        let (healthy, report) = run(restored.path(), &["doctor"], "");
        assert!(healthy, "{report}");
        let server = Server::start_on(restored, CHEAP_PASSWORDS).await;
        let answered = busy.answered.lock().unwrap()[..before].to_vec();
        for (number, id) in answered {
            let settled = |status| matches!(status, OrderStatus::Confirmed | OrderStatus::Cancelled);
            busy.buyers[number].at(&server).order_until(id, "settled", |order| settled(order.status)).await;
        }
        server.stop_and_check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_of_the_installation_or_of_the_copying_leaves_a_complete_copy_or_none() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let mut busy = Busy::start().await;
    let (place, env) = (TempFolder::new(), Env::system());
    let into = place.path().join("copy");
    for round in 0..8 {
        busy.until_answered(round * 3).await;
        let mut copying = command(&["backup", text(&into)])
            .env("SOUK_DATA_DIR", busy.server.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        tokio::time::sleep(Duration::from_millis(env.random_below(900))).await;
        if round % 2 == 0 {
            copying.kill().expect("it is killed");
            copying.wait().expect("it ends");
        } else {
            busy.server.kill_and_restart().await;
            assert!(copying.wait().expect("it ends").success(), "the copying needs no running platform");
            std::mem::take(&mut busy.tasks).join_all().await;
            busy.buy(round);
        }
        if into.exists() {
            let restored = TempFolder::new();
            let (succeeded, output) = restore(&into, restored.path(), &[]);
            assert!(succeeded, "{output}");
            fs::remove_dir_all(&into).unwrap();
        }
    }
    let data_dir = busy.data_dir();
    let (succeeded, output) = backup(&data_dir, &into);
    assert!(succeeded, "{output}");
    assert_eq!(names(place.path()), ["copy"], "nothing is left of those that were killed");
    busy.server.kill();
    busy.tasks.join_all().await;

    let target = place.path().join("restored");
    for _ in 0..4 {
        let mut restoring =
            command(&["restore", text(&into)]).env("SOUK_DATA_DIR", &target).stdout(Stdio::null()).spawn().expect("the program starts");
        tokio::time::sleep(Duration::from_millis(env.random_below(300))).await;
        restoring.kill().expect("it is killed");
        restoring.wait().expect("it ends");
        if target.exists() {
            let (healthy, report) = run(&target, &["doctor"], "");
            assert!(healthy, "{report}");
            fs::remove_dir_all(&target).unwrap();
        }
    }
    let (succeeded, output) = restore(&into, &target, &[]);
    assert!(succeeded, "{output}");
    assert_eq!(names(place.path()), ["copy", "restored"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_private_complete_and_goes_only_where_nothing_is() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let mut server = Server::start_with(CHEAP_PASSWORDS).await;
    server.customer("mara").await;
    let data_dir = server.folder.path().to_owned();
    let place = TempFolder::new();
    let into = place.path().join("daily/copy");
    let (succeeded, output) = backup(&data_dir, &into);
    assert!(succeeded, "{output}");
    assert_eq!(fs::metadata(&into).unwrap().permissions().mode() & 0o777, 0o700);
    let (secret, database) = (into.join("installation.secret"), into.join("db/order.db"));
    for file in [&secret, &database, &into.join("manifest.json")] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(fs::read(&secret).unwrap(), fs::read(data_dir.join("installation.secret")).unwrap());
    assert!(names(&into.join("db")).iter().all(|name| name.ends_with(".db")), "{:?}", names(&into.join("db")));

    let (succeeded, output) = backup(&data_dir, &into);
    assert!(!succeeded && output.contains("is not empty"), "{output}");
    let (succeeded, output) = backup(&data_dir, &data_dir.join("copies/today"));
    assert!(!succeeded && output.contains("in the data directory itself") && !data_dir.join("copies").exists(), "{output}");
    let nowhere = place.path().join("nowhere");
    let (succeeded, output) = backup(&nowhere, &place.path().join("of-nothing"));
    assert!(!succeeded && output.contains("there is no installation in") && !nowhere.exists(), "{output}");

    // A running installation is not replaced.
    let (succeeded, output) = restore(&into, &data_dir, &[]);
    assert!(!succeeded && output.contains("--replace"), "{output}");
    let (succeeded, output) = restore(&into, &data_dir, &["--replace"]);
    assert!(!succeeded && output.contains("in use by another souk"), "{output}");
    assert!(server.terminate().await);
    let (succeeded, output) = restore(&into, &data_dir, &["--replace"]);
    assert!(succeeded && output.contains("the former data is in"), "{output}");
    let (healthy, report) = run(&data_dir, &["doctor"], "");
    assert!(healthy, "{report}");
    let aside = output.lines().find_map(|line| line.trim().strip_prefix("the former data is in ")).expect("its name");
    assert!(Path::new(aside).join("db/order.db").exists(), "{aside}");
    fs::remove_dir_all(aside).unwrap();
}

/// Does something to a copy.
type Damage<'a> = &'a dyn Fn(&Path);

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_refused_and_nothing_is_left_of_the_attempt() {
    // It is about files of embedded databases.
    if super::servers::are_used() {
        return;
    }
    let mut server = Server::start_with(CHEAP_PASSWORDS).await;
    let place = TempFolder::new();
    let (copy, damaged, target) = (place.path().join("copy"), place.path().join("damaged"), place.path().join("target"));
    let (succeeded, output) = backup(server.folder.path(), &copy);
    assert!(succeeded, "{output}");
    assert!(server.terminate().await);
    let edit = |from: &'static str, to: &'static str| {
        move |copy: &Path| {
            let path = copy.join("manifest.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(path, text.replace(from, to)).unwrap();
        }
    };
    let flip = |copy: &Path| {
        let path = copy.join("db/order.db");
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let damages: [(Damage<'_>, &str); 6] = [
        (&flip, "db/order.db is not as it was"),
        (&|copy: &Path| fs::write(copy.join("db/user.db"), "").unwrap(), "db/user.db is not as it was"),
        (&|copy: &Path| fs::remove_file(copy.join("installation.secret")).unwrap(), "installation.secret is missing"),
        (&|copy: &Path| fs::remove_file(copy.join("manifest.json")).unwrap(), "is no backup"),
        (&edit("db/auth.db", "db/../../auth.db"), "outside of the backup"),
        (&edit("\"format\": 1", "\"format\": 2"), "format 2"),
    ];
    for (damage, named) in damages {
        let copied = std::process::Command::new("cp").arg("-r").args([&copy, &damaged]).status().expect("cp runs");
        assert!(copied.success());
        damage(&damaged);
        let (succeeded, output) = restore(&damaged, &target, &[]);
        assert!(!succeeded && output.contains(named), "{named}: {output}");
        assert_eq!(names(place.path()), ["copy", "damaged"], "{named}");
        fs::remove_dir_all(&damaged).unwrap();
    }
}
