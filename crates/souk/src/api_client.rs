//! A client of the public API for benchmarks and tests. Requests are built from the calls that `contracts` declares.
//!
//! It sends every request exactly once: `platform::client` retries and has a circuit breaker, which would falsify both.

use anyhow::{Context as _, Result, bail};
use axum::body::Bytes;
use contracts::{
    auth::{LOGIN, Login, REGISTER, RegisterUser, Tokens},
    body::{BoundedInt, Metadata},
    call::Call,
    cart::{ADD_CART_ITEM, AddCartItem, Cart},
    ids::{AddressId, ProductId},
    inventory::{SET_STOCK, SetStock, StockItem},
    order::{OrderView, PLACE_ORDER, PlaceOrder},
    page::Page,
    payment::PaymentMethod,
    secret::{NewPassword, Secret},
    text::{Email, KnownEmail, Name, Quantity},
    user::WriteAddress,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use platform::http::{BASE, IDEMPOTENCY_KEY, encode_text};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    fmt::Display,
    marker::PhantomData,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection pool and the token of one user. Clones share the pool.
#[derive(Clone)]
pub struct Api {
    /// The addresses of one platform, which take turns.
    bases: Arc<[String]>,
    turn: Arc<AtomicUsize>,
    client: Client<HttpConnector, Full<Bytes>>,
    token: Option<String>,
}

/// A request with body `B` and answer `A`.
#[derive(Clone)]
pub struct ApiRequest<B = Value, A = Value> {
    method: Method,
    pub path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    types: PhantomData<fn(B) -> A>,
}

/// Begins the request of a call.
pub fn request<B, A>(call: &Call<B, A>) -> ApiRequest<B, A> {
    ApiRequest::new(call.method.as_str().parse().expect("a method of a call is one of HTTP"), call.path)
}

/// Begins a request to any `path` below `/api/v1`, or to one from the root if it begins with `//`.
pub fn raw(method: Method, path: &str) -> ApiRequest {
    ApiRequest::new(method, path)
}

impl<B, A> ApiRequest<B, A> {
    fn new(method: Method, path: &str) -> ApiRequest<B, A> {
        ApiRequest { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new(), types: PhantomData }
    }

    /// Fills the next parameter of the path.
    pub fn path(mut self, value: impl Display) -> Self {
        let (start, end) = self.path.find('{').zip(self.path.find('}')).expect("the path has a parameter for each value");
        let mut encoded = String::new();
        encode_text(&value.to_string(), &mut encoded);
        self.path.replace_range(start..=end, &encoded);
        self
    }

    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        encode_text(name, &mut self.path);
        self.path.push('=');
        encode_text(&value.to_string(), &mut self.path);
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header(IDEMPOTENCY_KEY, key)
    }

    /// Asks the server to wait for the outcome.
    pub fn wait(self) -> Self {
        self.header("prefer", "wait=20")
    }

    /// Sets any bytes as the body.
    pub fn bytes(self, content_type: &str, body: Vec<u8>) -> Self {
        ApiRequest { body, ..self.header("content-type", content_type) }
    }

    /// Forgets the types, so that requests of different calls fit into one list.
    pub fn untyped(self) -> ApiRequest {
        let ApiRequest { method, path, headers, body, .. } = self;
        ApiRequest { method, path, headers, body, types: PhantomData }
    }
}

impl<B: Serialize, A> ApiRequest<B, A> {
    pub fn body(self, body: &B) -> Self {
        self.bytes("application/json", serde_json::to_vec(body).expect("a body of a call is JSON"))
    }
}

/// Sets the available units of a SKU.
pub fn set_stock(sku: &str, product_id: ProductId, quantity: i64) -> ApiRequest<SetStock, StockItem> {
    let available_qty = BoundedInt::new(quantity).expect("the quantity is in range");
    request(&SET_STOCK).path(sku).body(&SetStock { available_qty, product_id, low_stock_threshold: None })
}

/// Adds one unit or more to the cart.
pub fn add_to_cart(product_id: ProductId, quantity: i64) -> ApiRequest<AddCartItem, Cart> {
    let quantity = Quantity::new(quantity).expect("the quantity is in range");
    request(&ADD_CART_ITEM).body(&AddCartItem { product_id, quantity })
}

/// Orders the cart under an idempotency key.
pub fn place_order(shipping_address_id: AddressId, payment_method: PaymentMethod, key: &str) -> ApiRequest<PlaceOrder, OrderView> {
    let order = PlaceOrder {
        shipping_address_id,
        billing_address_id: None,
        payment_method,
        expected_total_amount: None,
        external_id: None,
        metadata: Metadata::default(),
    };
    request(&PLACE_ORDER).key(key).body(&order)
}

/// An answer with body `A`, or a problem.
pub struct Reply<A = Value> {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    types: PhantomData<fn() -> A>,
}

impl<A: DeserializeOwned> Reply<A> {
    /// Reads the body of a success.
    pub fn read(&self) -> Result<A> {
        if !self.status.is_success() {
            bail!("{} {}", self.status, String::from_utf8_lossy(&self.body));
        }
        Ok(serde_json::from_slice(if self.body.is_empty() { b"null" } else { &self.body })?)
    }
}

impl<A> Reply<A> {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Api {
    /// `base` is such as `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Api {
        Api::from_address(base, None)
    }

    /// [`Api::new`] that connects from this address of the machine.
    pub fn from_address(base: &str, local: Option<IpAddr>) -> Api {
        let mut connector = HttpConnector::new();
        connector.set_local_address(local);
        connector.set_nodelay(true);
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector);
        Api { bases: [base.trim_end_matches('/').to_owned()].into(), turn: Arc::default(), client, token: None }
    }

    /// The same platform at these addresses, which take turns.
    pub fn spread(self, over: &[Api]) -> Api {
        Api { bases: over.iter().flat_map(|api| api.bases.iter().cloned()).collect(), ..self }
    }

    pub fn with_token(&self, token: &str) -> Api {
        Api { token: Some(format!("Bearer {token}")), ..self.clone() }
    }

    fn with_tokens(&self, tokens: &Tokens) -> Api {
        self.with_token(tokens.access_token.reveal())
    }

    pub async fn log_in(&self, (email, password): (&str, &str)) -> Result<Api> {
        let login = Login { email: KnownEmail::parse(email)?, password: Secret::parse(password)? };
        Ok(self.with_tokens(&self.must(request(&LOGIN).body(&login)).await?))
    }

    pub async fn register(&self, (email, password): (&str, &str), name: &str) -> Result<Api> {
        let account = RegisterUser { email: Email::parse(email)?, password: NewPassword::parse(password)?, name: Name::parse(name)? };
        Ok(self.with_tokens(&self.must(request(&REGISTER).body(&account)).await?))
    }

    /// The address of the platform, such as `http://127.0.0.1:8080`; the first of several.
    pub fn base(&self) -> &str {
        &self.bases[0]
    }

    /// The same user at the address of `other`.
    pub fn moved_to(&self, other: &Api) -> Api {
        Api { token: self.token.clone(), ..other.clone() }
    }

    /// The same address over new connections, without a token.
    pub fn reconnected(&self) -> Api {
        Api::new(self.base())
    }

    /// Whether `/readyz` answers 200.
    pub async fn is_ready(&self) -> bool {
        self.send(raw(Method::GET, "//readyz")).await.is_ok_and(|reply| reply.status.is_success())
    }

    /// Sends a request.
    pub async fn send<B, A>(&self, request: ApiRequest<B, A>) -> Result<Reply<A>> {
        let base = &self.bases[self.turn.fetch_add(1, Ordering::Relaxed) % self.bases.len()];
        let uri = match request.path.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
            Some(root) => format!("{base}{root}"),
            None => format!("{base}{BASE}{}", request.path),
        };
        let mut http = Request::builder().method(request.method).uri(uri);
        if let Some(token) = &self.token {
            http = http.header("authorization", token);
        }
        for (name, value) in request.headers {
            http = http.header(name, value);
        }
        let http = http.body(Full::new(request.body.into()))?;
        let exchange = async {
            let (head, body) = self.client.request(http).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Reply { status: head.status, headers: head.headers, body, types: PhantomData })
        };
        tokio::time::timeout(TIMEOUT, exchange).await.context("no answer in time")?
    }

    /// Sends a request that must succeed.
    pub async fn must<B, A: DeserializeOwned>(&self, request: ApiRequest<B, A>) -> Result<A> {
        let context = format!("{} {}", request.method, request.path);
        self.send(request).await?.read().context(context)
    }

    /// Reads all pages of a list, until there are `enough` items.
    pub async fn list<T: DeserializeOwned + Clone>(&self, first: ApiRequest<(), Page<T>>, enough: usize) -> Result<Vec<T>> {
        let (mut items, mut page) = (Vec::new(), first.clone().query("limit", 100));
        loop {
            let found = self.must(page).await?;
            items.extend(found.items);
            match found.next_cursor {
                Some(cursor) if items.len() < enough => page = first.clone().query("limit", 100).query("cursor", cursor),
                _ => return Ok(items),
            }
        }
    }
}

/// An address in Berlin.
pub fn sample_address() -> WriteAddress {
    let address = json!({"country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"});
    serde_json::from_value(address).expect("the address is valid")
}
