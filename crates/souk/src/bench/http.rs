//! A small HTTP client for load: kept connections, JSON both ways, no retries.

use anyhow::{Context as _, Result, bail};
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde_json::{Value, json};
use std::time::Duration;

/// One user's way to the platform. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    token: Option<String>,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

const TIMEOUT: Duration = Duration::from_secs(30);

impl Api {
    /// `base` is such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Api {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector);
        Api { base: base.trim_end_matches('/').to_owned(), client, token: None }
    }

    #[must_use]
    pub fn with_token(&self, token: &str) -> Api {
        Api { token: Some(format!("Bearer {token}")), ..self.clone() }
    }

    /// As the user of this e-mail and password.
    ///
    /// # Errors
    /// When they are refused.
    pub async fn log_in(&self, (email, password): (&str, &str)) -> Result<Api> {
        let answer = self.must(Method::POST, "/auth/login", &[], Some(&json!({"email": email, "password": password}))).await?;
        Ok(self.with_token(answer["accessToken"].as_str().context("a token")?))
    }

    /// The same user at another address.
    #[must_use]
    pub fn moved_to(&self, other: &Api) -> Api {
        Api { token: self.token.clone(), ..other.clone() }
    }

    /// A request to `path` below `/api/v1`, or from the root when it begins with `//`.
    ///
    /// # Errors
    /// When there is no answer within 30 seconds.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Reply> {
        match body {
            Some(body) => {
                let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
                self.send_raw(method, path, &headers, serde_json::to_vec(body)?).await
            }
            None => self.send_raw(method, path, headers, Vec::new()).await,
        }
    }

    /// As [`send`](Self::send), with any bytes.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Reply> {
        let uri = match path.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
            Some(root) => format!("{}{root}", self.base),
            None => format!("{}/api/v1{path}", self.base),
        };
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let exchange = async {
            let response = self.client.request(request.body(Full::new(body.into()))?).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Reply { status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(TIMEOUT, exchange).await.context("no answer in time")?
    }

    /// As [`send`](Self::send), for what has to work.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn must(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Value> {
        let reply = self.send(method.clone(), path, headers, body).await?;
        if !reply.status.is_success() {
            bail!("{method} {path} answered {}: {}", reply.status, String::from_utf8_lossy(&reply.body));
        }
        Ok(if reply.body.is_empty() { Value::Null } else { serde_json::from_slice(&reply.body)? })
    }
}

impl Reply {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
