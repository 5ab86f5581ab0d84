//! A running program on a data directory of its own, and the people who use it.

use hyper::Method;
use platform::testing::TempFolder;
use serde_json::{Value, json};
use souk::bench::http::{Api, Reply};
use std::{
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::Instant;

const PROGRAM: &str = env!("CARGO_BIN_EXE_souk");
const PATIENCE: Duration = Duration::from_secs(60);
pub const PASSWORD: &str = "a long enough password";

/// The program, serving.
pub struct Server {
    program: Program,
    pub api: Api,
    pub folder: TempFolder,
    environment: Vec<(&'static str, &'static str)>,
}

/// A running program, killed when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program with these arguments, ready to start.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("SOUK_LOG", "error");
    command
}

/// Runs the program to its end; what it printed.
pub fn run(folder: &Path, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = command(arguments)
        .env("SOUK_DATA_DIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

impl Server {
    /// An empty installation.
    pub async fn start() -> Server {
        Server::start_with(&[]).await
    }

    /// An empty installation with these variables set.
    pub async fn start_with(environment: &[(&'static str, &'static str)]) -> Server {
        let folder = TempFolder::new();
        let (program, api) = launch(folder.path(), environment).await;
        Server { program, api, folder, environment: environment.to_vec() }
    }

    /// Ends it as a power cut would, and starts it again on the same data.
    pub async fn kill_and_restart(&mut self) {
        self.program.0.kill().expect("it runs");
        self.program.0.wait().expect("it ends");
        (self.program, self.api) = launch(self.folder.path(), &self.environment).await;
    }

    /// Asks it to end, and waits until it did.
    pub fn terminate(&mut self) -> bool {
        Command::new("kill").arg("-TERM").arg(self.program.0.id().to_string()).status().expect("kill runs");
        self.program.0.wait().expect("it ends").success()
    }

    /// Ends it politely, and has the doctor find nothing wrong with what it leaves.
    #[track_caller]
    pub fn stop_and_check(mut self) {
        assert!(self.terminate());
        let (healthy, report) = run(self.folder.path(), &["doctor"], "");
        assert!(healthy, "{report}");
    }

    /// An administrator, made by the command line while the program runs.
    pub async fn admin(&self) -> Person {
        let arguments = ["admin", "create", "--email", "admin@example.com", "--password-stdin"];
        let (made, said) = run(self.folder.path(), &arguments, PASSWORD);
        assert!(made || said.contains("e-mail"), "{said}");
        Person::log_in(&self.api, "admin@example.com").await
    }

    /// A customer with an address.
    pub async fn customer(&self, name: &str) -> Person {
        Person::register(&self.api, name).await
    }

    /// Puts a product on sale. Its id.
    pub async fn product(&self, admin: &Person, sku: &str, price: i64, stock: i64) -> String {
        let category = admin.must(Method::POST, "/categories", Some(json!({"name": format!("Things {sku}")}))).await;
        let product = json!({"sku": sku, "title": format!("The {sku}"), "description": "A thing.", "categoryId": category["categoryId"],
            "priceAmount": price, "currency": "EUR"});
        let product = admin.must(Method::POST, "/products", Some(product)).await;
        let id = text(&product, "productId");
        admin.must(Method::POST, &format!("/products/{id}/activate"), None).await;
        admin.must(Method::PUT, &format!("/inventory/stock/{sku}"), Some(json!({"availableQty": stock, "productId": id}))).await;
        id
    }

    /// Stock of a SKU: available and reserved.
    pub async fn stock(&self, admin: &Person, sku: &str) -> (i64, i64) {
        let item = admin.must(Method::GET, &format!("/inventory/stock/{sku}"), None).await;
        (item["availableQty"].as_i64().unwrap(), item["reservedQty"].as_i64().unwrap())
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

async fn launch(folder: &Path, environment: &[(&'static str, &'static str)]) -> (Program, Api) {
    let port = free_port();
    let child = Command::new(PROGRAM)
        .args(["serve", "--rate-limits", "off", "--log", "warn"])
        .arg("--listen")
        .arg(format!("127.0.0.1:{port}"))
        .arg("--ops-listen")
        .arg(format!("127.0.0.1:{}", free_port()))
        .arg("--data-dir")
        .arg(folder)
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let program = Program(child);
    let api = Api::new(&format!("http://127.0.0.1:{port}"));
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(reply) = api.send(Method::GET, "//readyz", &[], None).await
            && reply.status.is_success()
        {
            return (program, api);
        }
        assert!(Instant::now() < deadline, "the program is not ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A member of a JSON object as text.
#[track_caller]
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Person {
    pub api: Api,
    pub address: String,
}

impl Person {
    async fn register(api: &Api, name: &str) -> Person {
        let account = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "name": name});
        let made = api.must(Method::POST, "/auth/register", &[], Some(&account)).await.expect("an account");
        Person::with_address(api.with_token(&text(&made, "accessToken"))).await
    }

    async fn log_in(api: &Api, email: &str) -> Person {
        let answer =
            api.must(Method::POST, "/auth/login", &[], Some(&json!({"email": email, "password": PASSWORD}))).await.expect("a login");
        Person { api: api.with_token(&text(&answer, "accessToken")), address: String::new() }
    }

    async fn with_address(api: Api) -> Person {
        let address = json!({"country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"});
        let address = api.must(Method::POST, "/users/me/addresses", &[], Some(&address)).await.expect("an address");
        Person { api, address: text(&address, "addressId") }
    }

    /// The same person at a program that was started again.
    pub fn at(&self, server: &Server) -> Person {
        Person { api: self.api.moved_to(&server.api), address: self.address.clone() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.api.send(method, path, &[], body.as_ref()).await.expect("an answer")
    }

    pub async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.api.must(method, path, &[], body.as_ref()).await.expect("it works")
    }

    pub async fn add(&self, product: &str, quantity: u32) -> Value {
        self.must(Method::POST, "/cart/items", Some(json!({"productId": product, "quantity": quantity}))).await
    }

    /// Orders the cart and waits for the outcome.
    pub async fn order(&self, method: &str, key: &str) -> Reply {
        let body = json!({"shippingAddressId": self.address, "paymentMethod": method});
        self.api.send(Method::POST, "/orders", &[("idempotency-key", key), ("prefer", "wait=20")], Some(&body)).await.expect("an answer")
    }

    pub async fn find_order(&self, id: &str) -> Value {
        self.must(Method::GET, &format!("/orders/{id}"), None).await
    }

    /// Reads the order until `fits`.
    pub async fn order_until(&self, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.until(&format!("/orders/{id}"), what, fits).await
    }

    /// Reads `path` until the answer `fits`.
    pub async fn until(&self, path: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.must(Method::GET, path, None).await;
            if fits(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "{path} does not become {what}: {found:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
