//! The installation that all tests share, one after the other.

use contracts::{
    catalog::{ACTIVATE_PRODUCT, CREATE_CATEGORY, CREATE_PRODUCT, CreateCategory},
    ids::ProductId,
    order::{COUNT_ORDERS, OrderStatus},
    user::ADD_ADDRESS,
};
use platform::env::Env;
use serde_json::json;
use souk::api_client::{Api, request, sample_address, set_stock};
use std::{
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use crate::shopping::Buyer;

/// How long a test waits for what must happen. The processes of a debug build share few processors.
pub const PATIENCE: Duration = Duration::from_secs(240);
const ADMIN: (&str, &str) = ("admin@deployment.example", "a long enough password");
pub const SERVICES: [&str; contracts::SERVICE_NAMES.len()] = contracts::SERVICE_NAMES;

static TURN: Mutex<()> = Mutex::const_new(());

pub struct Installation {
    folder: PathBuf,
    /// The first gateway.
    pub api: Api,
    _turn: MutexGuard<'static, ()>,
}

impl Installation {
    /// Waits for the turn of the test.
    pub async fn enter() -> Installation {
        let turn = TURN.lock().await;
        let folder = std::env::var("SOUK_TEST_DEPLOY").expect("SOUK_TEST_DEPLOY is the folder of an installation; see scripts/deployment");
        let folder = fs::canonicalize(folder).expect("the folder exists");
        let api = Api::new(&address(&folder, "gateway-1"));
        let installation = Installation { folder, api, _turn: turn };
        installation.all_ready().await;
        installation
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The public address of a process, such as `http://127.0.0.1:8081`.
    pub fn address(&self, process: &str) -> String {
        address(&self.folder, process)
    }

    /// Waits until every process is ready.
    pub async fn all_ready(&self) {
        let processes = fs::read_to_string(self.folder.join("processes")).expect("a list of processes");
        for process in processes.split_whitespace() {
            let api = Api::new(&self.address(process));
            until(&format!("{process} is ready"), async || api.is_ready().await).await;
        }
    }

    /// Runs `deploy/local` on it.
    pub fn local(&self, arguments: &[&str]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/local");
        let mut command = Command::new(script);
        let output = command.args(arguments).arg("--dir").arg(&self.folder).env("SOUK_BIN", env!("CARGO_BIN_EXE_souk")).output();
        let output = output.expect("deploy/local runs");
        assert!(output.status.success(), "deploy/local {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// [`Installation::local`], while the tasks of the test go on.
    pub async fn local_meanwhile(&self, arguments: &[&str]) {
        tokio::task::block_in_place(|| self.local(arguments));
    }

    /// Runs a command in the environment of the installation. Returns whether it succeeded, and its output.
    pub fn run(&self, script: &str, input: &str) -> (bool, String) {
        let line = format!("set -e; . '{}/env'; {script}", self.folder.display());
        let mut child = Command::new("bash")
            .args(["-c", &line])
            .env("SOUK", env!("CARGO_BIN_EXE_souk"))
            .env("SOUK_LOG", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }

    /// Runs `souk` on the installation.
    pub fn souk(&self, arguments: &str) -> (bool, String) {
        self.run(&format!("\"$SOUK\" {arguments}"), "")
    }

    /// Asks the database of a service.
    pub fn sql(&self, service: &str, sql: &str) -> String {
        let (succeeded, output) = self.run(&format!("psql -X -q -A -t -v ON_ERROR_STOP=1 \"${{SOUK_DATABASE}}souk_{service}\""), sql);
        assert!(succeeded, "{sql}: {output}");
        output.trim().to_owned()
    }

    /// Opens a session of its own at the database of a service.
    pub fn session(&self, service: &str) -> Session {
        let line =
            format!(". '{}/env'; exec psql -X -q -A -t -v ON_ERROR_STOP=1 \"${{SOUK_DATABASE}}souk_{service}\"", self.folder.display());
        let child = Command::new("bash").args(["-c", &line]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("a shell starts");
        let answers = BufReader::new(child.stdout.take().expect("piped")).lines();
        Session { child, answers }
    }

    /// The process id of a process, or of the NATS server.
    pub fn pid(&self, process: &str) -> String {
        let file = if process == "nats" { self.folder.join("nats/pid") } else { self.folder.join("pids").join(process) };
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        text.split_whitespace().next().expect("a number").to_owned()
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, process: &str, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.pid(process)]).status().expect("kill runs");
        assert!(sent.success(), "{process} gets {signal}");
    }

    /// An administrator.
    pub async fn admin(&self) -> Api {
        let (created, output) = self.run(&format!("\"$SOUK\" admin create --email {} --password-stdin", ADMIN.0), ADMIN.1);
        assert!(created || output.contains("e-mail"), "{output}");
        self.api.log_in(ADMIN).await.expect("a login")
    }

    /// A product on sale, with stock.
    pub async fn product(&self, admin: &Api, name: &str) -> (ProductId, String) {
        let sku = format!("{name}-{:x}", Env::system().random_below(u64::MAX)).to_uppercase();
        let category = CreateCategory { name: format!("Things {sku}").parse().expect("a name"), parent_category_id: None };
        let category = admin.must(request(&CREATE_CATEGORY).body(&category)).await.expect("a category").category_id;
        let product = json!({"sku": sku, "title": format!("The {sku}"), "description": "A thing.", "categoryId": category, "priceAmount": 1_000,
            "currency": "EUR"});
        let product = serde_json::from_value(product).expect("a product");
        let product = admin.must(request(&CREATE_PRODUCT).body(&product)).await.expect("a product").product_id;
        admin.must(request(&ACTIVATE_PRODUCT).path(product)).await.expect("it is on sale");
        admin.must(set_stock(&sku, product, 100_000)).await.expect("stock");
        (product, sku)
    }

    /// A customer with an address, who calls `api`.
    pub async fn buyer(&self, api: &Api, number: usize) -> Buyer {
        let email = format!("buyer-{number}-{:x}@deployment.example", Env::system().random_below(u64::MAX));
        let api = api.register((&email, "a long enough password"), &format!("Buyer {number}")).await.expect("an account");
        let address = api.must(request(&ADD_ADDRESS).body(&sample_address())).await.expect("an address").address_id;
        Buyer { api, address, number }
    }

    /// Waits until every order is at rest and the doctor finds nothing.
    pub async fn is_whole(&self) {
        let admin = self.admin().await;
        let moving = [OrderStatus::PendingPayment, OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved];
        until("every order is at rest", async || {
            let counted = admin.must(request(&COUNT_ORDERS)).await;
            counted.is_ok_and(|totals| totals.by_status.iter().all(|(status, _)| !moving.contains(status)))
        })
        .await;
        // What a service did is known to the others a moment later.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (healthy, report) = tokio::task::block_in_place(|| self.souk("doctor"));
            if healthy {
                return;
            }
            assert!(Instant::now() < deadline, "{report}");
        }
    }
}

/// A session of psql. It ends when it is dropped, and its transaction with it.
pub struct Session {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Session {
    /// Begins a statement.
    pub fn send(&mut self, sql: &str) {
        writeln!(self.child.stdin.as_mut().expect("piped"), "{sql}").expect("psql reads");
    }

    /// Waits for this line.
    pub fn until_answered(&mut self, line: &str) {
        let found = self.answers.by_ref().map_while(Result::ok).any(|answer| answer == line);
        assert!(found, "the session ended before it answered {line}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only for a session that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(folder: &Path, process: &str) -> String {
    let ports = fs::read_to_string(folder.join("ports").join(process)).expect("the process has ports");
    format!("http://127.0.0.1:{}", ports.split_whitespace().next().expect("a port"))
}

/// Asks until the answer is yes.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "it never was so that {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
