//! A running program on a data directory of its own, and its users.

use super::servers;
use contracts::{
    body::Patch,
    cart::Cart,
    catalog::{ACTIVATE_PRODUCT, CREATE_CATEGORY, CREATE_PRODUCT, CreateCategory, Product, UPDATE_PRODUCT, UpdateProduct},
    ids::{AddressId, CategoryId, OrderId, PaymentId, ProductId, Uuid},
    inventory::GET_STOCK,
    order::{CANCEL_ORDER, CancelOrder, GET_ORDER, OrderStatus, OrderView, PlaceOrder},
    payment::{GET_PAYMENT, Payment, PaymentMethod, PaymentStatus, REFUND_PAYMENT, RefundPayment},
    text::Amount,
    user::ADD_ADDRESS,
};
use platform::testing::TempFolder;
use serde::de::DeserializeOwned;
use serde_json::json;
use souk::{
    api_client::{Api, ApiRequest, Reply, add_to_cart, place_order, request, sample_address, set_stock},
    child::Program,
};
use std::{
    fmt::Debug,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::time::Instant;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_souk");
const PATIENCE: Duration = Duration::from_secs(60);
/// The file in the data directory that has the log of [`Server::start_logging`].
pub const LOG: &str = "program.log";
pub const PASSWORD: &str = "a long enough password";

/// The running program, or replicas of it.
pub struct Server {
    programs: Vec<Program>,
    /// Requests take turns among the replicas.
    pub api: Api,
    pub folder: TempFolder,
    pub environment: Vec<(&'static str, &'static str)>,
    logs: bool,
}

/// The command of the program with these arguments.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env("SOUK_LOG", "error");
    command
}

/// Runs the program to its end. Returns whether it succeeded, and its output.
pub fn run(folder: &Path, arguments: &[&str], input: &str) -> (bool, String) {
    run_with(&[], folder, arguments, input)
}

/// As [`run`], with these environment variables.
pub fn run_with(environment: &[(&str, &str)], folder: &Path, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = command(arguments)
        .env("SOUK_DATA_DIR", folder)
        .envs(servers::environment_of(folder))
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if arguments.first() != Some(&"doctor") || !servers::are_used() {
        return (output.status.success(), text);
    }
    let text = servers::without_fault_of_tests(&text);
    (output.status.success() || !text.contains('✗'), text)
}

/// Runs a command that must succeed, and returns what it printed.
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Server {
    /// Starts an empty installation.
    pub async fn start() -> Server {
        Server::start_with(&[]).await
    }

    /// Starts an empty installation with these environment variables.
    pub async fn start_with(environment: &[(&'static str, &'static str)]) -> Server {
        Server::start_on(TempFolder::new(), environment).await
    }

    /// Starts an empty installation whose log is at its default level and in the file [`LOG`].
    pub async fn start_logging(environment: &[(&'static str, &'static str)]) -> Server {
        let folder = TempFolder::new();
        let (programs, api) = launch(folder.path(), environment, true).await;
        Server { api, programs, folder, environment: environment.to_vec(), logs: true }
    }

    /// Starts on a data directory that may hold an installation.
    pub async fn start_on(folder: TempFolder, environment: &[(&'static str, &'static str)]) -> Server {
        let (programs, api) = launch(folder.path(), environment, false).await;
        Server { api, programs, folder, environment: environment.to_vec(), logs: false }
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.programs.iter_mut().for_each(Program::kill);
    }

    /// Kills it and restarts it on the same data.
    pub async fn kill_and_restart(&mut self) {
        self.kill();
        self.restart().await;
    }

    /// Starts it again on the same data, after its end.
    pub async fn restart(&mut self) {
        (self.programs, self.api) = launch(self.folder.path(), &self.environment, self.logs).await;
    }

    /// Stops it by SIGTERM. Returns whether it ended with success.
    pub async fn terminate(&mut self) -> bool {
        for program in &self.programs {
            program.terminate().expect("kill runs");
        }
        let mut succeeded = true;
        for program in &mut self.programs {
            succeeded &= program.wait().await.expect("it ends").success();
        }
        succeeded
    }

    /// Stops it and checks that the doctor finds no fault.
    pub async fn stop_and_check(mut self) {
        assert!(self.terminate().await);
        let (healthy, report) = run_with(&self.environment, self.folder.path(), &["doctor"], "");
        assert!(healthy, "{report}");
    }

    /// An administrator, created by the command line while the program runs.
    pub async fn admin(&self) -> Person {
        let arguments = ["admin", "create", "--email", "admin@example.com", "--password-stdin"];
        let (created, output) = run_with(&self.environment, self.folder.path(), &arguments, PASSWORD);
        assert!(created || output.contains("e-mail"), "{output}");
        let api = self.api.log_in(("admin@example.com", PASSWORD)).await.expect("a login");
        Person { api, address: AddressId(Uuid::nil()) }
    }

    /// A customer with an address.
    pub async fn customer(&self, name: &str) -> Person {
        let api = self.api.register((&format!("{name}@example.com"), PASSWORD), name).await.expect("an account");
        let address = api.must(request(&ADD_ADDRESS).body(&sample_address())).await.expect("an address").address_id;
        Person { api, address }
    }

    pub fn guest(&self) -> Person {
        Server::guest_of(&self.api)
    }

    pub fn guest_of(api: &Api) -> Person {
        Person { api: api.clone(), address: AddressId(Uuid::nil()) }
    }

    /// Creates an active product in a category of its own, with stock.
    pub async fn product(&self, admin: &Person, sku: &str, price: i64, stock: i64) -> ProductId {
        let category = CreateCategory { name: format!("Things {sku}").parse().unwrap(), parent_category_id: None };
        let category = admin.must(request(&CREATE_CATEGORY).body(&category)).await.category_id;
        admin.sell(sku, &format!("The {sku}"), category, price, stock).await
    }

    /// Stock of a SKU: available and reserved.
    pub async fn stock(&self, admin: &Person, sku: &str) -> (i64, i64) {
        let item = admin.must(request(&GET_STOCK).path(sku)).await;
        (item.available_qty, item.reserved_qty)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        servers::remove(self.folder.path());
    }
}

/// Starts the program, or as many replicas of it as the journeys are to have, on the data directory of an installation. Returns a
/// client whose requests take turns among them. With `logs` their logs go to files.
async fn launch(folder: &Path, environment: &[(&str, &str)], logs: bool) -> (Vec<Program>, Api) {
    let of_servers = servers::start(folder);
    let of_servers = of_servers.iter().map(|(name, value)| (*name, value.as_str()));
    let environment: Vec<(&str, &str)> = environment.iter().copied().chain(of_servers).collect();
    let mut programs = Vec::new();
    for number in 0..servers::replicas() {
        let data_dir = if number == 0 { folder.to_owned() } else { servers::folder_of_replica(folder, number) };
        let (level, log) = if logs { ("info", log_file(&data_dir)) } else { ("warn", Stdio::inherit()) };
        let arguments = ["serve", "--rate-limits", "off", "--log", level];
        let mut program = Program::start_with_log(PROGRAM, &arguments, &data_dir, &environment, log).expect("it starts");
        program.until_ready().await.expect("it is ready");
        programs.push(program);
    }
    let apis: Vec<Api> = programs.iter().map(|program| program.api.clone()).collect();
    (programs, apis[0].clone().spread(&apis))
}

/// A file for the log of a program, after what earlier ones wrote there.
fn log_file(data_dir: &Path) -> Stdio {
    fs::create_dir_all(data_dir).expect("the data directory");
    fs::File::options().create(true).append(true).open(data_dir.join(LOG)).expect("a file for the log").into()
}

/// A user who is logged in, or a guest.
#[derive(Clone)]
pub struct Person {
    pub api: Api,
    pub address: AddressId,
}

impl Person {
    /// The same person at a restarted program.
    pub fn at(&self, server: &Server) -> Person {
        Person { api: self.api.moved_to(&server.api), address: self.address }
    }

    pub async fn send<B, A>(&self, request: ApiRequest<B, A>) -> Reply<A> {
        self.api.send(request).await.expect("an answer")
    }

    pub async fn must<B, A: DeserializeOwned>(&self, request: ApiRequest<B, A>) -> A {
        self.api.must(request).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Creates an active product with stock.
    pub async fn sell(&self, sku: &str, title: &str, category: CategoryId, price: i64, stock: i64) -> ProductId {
        let product =
            json!({"sku": sku, "title": title, "description": "A thing.", "categoryId": category, "priceAmount": price, "currency": "EUR"});
        let product = serde_json::from_value(product).expect("a product");
        let product_id = self.must(request(&CREATE_PRODUCT).body(&product)).await.product_id;
        self.must(request(&ACTIVATE_PRODUCT).path(product_id)).await;
        self.must(set_stock(sku, product_id, stock)).await;
        product_id
    }

    pub async fn add(&self, product_id: ProductId, quantity: i64) -> Cart {
        self.must(add_to_cart(product_id, quantity)).await
    }

    /// The request that orders the cart.
    pub fn ordering(&self, payment_method: PaymentMethod, key: &str) -> ApiRequest<PlaceOrder, OrderView> {
        place_order(self.address, payment_method, key)
    }

    /// Orders the cart and waits for the outcome.
    pub async fn order(&self, method: PaymentMethod, key: &str) -> OrderView {
        self.must(self.ordering(method, key).wait()).await
    }

    /// Reads the order until `fits`.
    pub async fn order_until(&self, id: OrderId, what: &str, fits: impl Fn(&OrderView) -> bool) -> OrderView {
        self.until(request(&GET_ORDER).path(id), what, fits).await
    }

    pub async fn order_in(&self, id: OrderId, status: OrderStatus) -> OrderView {
        self.order_until(id, &status.to_string(), |order| order.status == status).await
    }

    pub async fn payment_in(&self, id: PaymentId, status: PaymentStatus) -> Payment {
        self.until(request(&GET_PAYMENT).path(id), &status.to_string(), |payment| payment.status == status).await
    }

    /// Reads until the answer `fits`.
    pub async fn until<B: Clone, A>(&self, request: ApiRequest<B, A>, what: &str, fits: impl Fn(&A) -> bool) -> A
    where
        A: DeserializeOwned + Clone + Debug,
    {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.must(request.clone()).await;
            if fits(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "{} does not become {what}: {found:#?}", request.path);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub fn cancelling(id: OrderId) -> ApiRequest<CancelOrder, OrderView> {
    request(&CANCEL_ORDER).path(id)
}

pub fn refunding(id: PaymentId, key: &str) -> ApiRequest<RefundPayment, Payment> {
    request(&REFUND_PAYMENT).path(id).key(key).body(&RefundPayment::default())
}

/// The request that sets the price of a product.
pub fn pricing(id: ProductId, price: i64) -> ApiRequest<UpdateProduct, Product> {
    let update = UpdateProduct { price_amount: Patch(Some(Amount::new(price).unwrap())), ..UpdateProduct::default() };
    request(&UPDATE_PRODUCT).path(id).body(&update)
}
