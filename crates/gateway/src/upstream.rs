//! Calls services, in this process or at their addresses.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, Uri, header, uri::PathAndQuery},
    response::Response,
};
use contracts::{problem::Code, service::is_streamed_upload};
use platform::{
    client::{Client, LARGEST_ANSWER, Remote},
    env::Env,
    http::{DEADLINE_MS, FORWARDED_FOR, Problem, request_layers::UPLOAD_TIMEOUT},
};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};
use tokio::time::{Instant, timeout_at};
use tower::Service as _;

/// The location of a service.
pub enum Upstream {
    /// In this process, behind its own [`RequestLayers`](platform::http::RequestLayers).
    InProcess(Router),
    /// At its addresses.
    Remote(Remote),
}

pub(crate) struct Upstreams {
    in_process: BTreeMap<&'static str, Router>,
    remotes: BTreeMap<&'static str, Remote>,
    http: Client,
    /// The time limit for remote services. A service in this process has its own.
    time: Duration,
}

impl Upstreams {
    pub(crate) fn new(env: &Env, services: BTreeMap<&'static str, Upstream>, time: Duration) -> Upstreams {
        let mut upstreams = Upstreams { in_process: BTreeMap::new(), remotes: BTreeMap::new(), http: Client::new(env.clone()), time };
        for (name, upstream) in services {
            match upstream {
                Upstream::InProcess(router) => drop(upstreams.in_process.insert(name, router)),
                Upstream::Remote(remote) => {
                    upstreams.remotes.insert(name, remote.clone());
                    upstreams.http.register_remote(name, remote);
                }
            }
        }
        upstreams
    }

    /// How many processes of a service there are, and how many of them were ready when they were last asked. One in this process is.
    pub(crate) fn replicas(&self, service: &str) -> (u32, u32) {
        match self.remotes.get(service) {
            Some(remote) => remote.replicas(),
            None => {
                let here = u32::from(self.in_process.contains_key(service));
                (here, here)
            }
        }
    }

    /// Sends the request to the service under `path` and returns the response.
    ///
    /// # Errors
    /// 503 when the service cannot be reached or takes too long.
    pub(crate) async fn call(
        &self,
        service: &'static str,
        path: PathAndQuery,
        mut request: Request,
        client: IpAddr,
    ) -> Result<Response, Problem> {
        *request.uri_mut() = Uri::from(path);
        match self.in_process.get(service) {
            Some(router) => {
                let Ok(answer) = router.clone().call(request).await;
                Ok(answer)
            }
            None => self.call_http(service, request, client).await,
        }
    }

    /// Waits for the whole body: a response that breaks off becomes a problem document, not a partial response.
    async fn call_http(&self, service: &'static str, mut request: Request, client: IpAddr) -> Result<Response, Problem> {
        let time = if is_streamed_upload(request.method().as_str(), request.uri().path()) { UPLOAD_TIMEOUT } else { self.time };
        let deadline = Instant::now() + time;
        let headers = request.headers_mut();
        headers.insert(DEADLINE_MS, HeaderValue::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
        if let Ok(client) = HeaderValue::try_from(client.to_string()) {
            headers.insert(FORWARDED_FOR, client);
        }
        let (mut parts, body) = self.http.forward(service, request, deadline).await?.into_parts();
        // Headers about one connection are not forwarded (RFC 9110, 7.6.1).
        for hop in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TRAILER] {
            parts.headers.remove(hop);
        }
        parts.headers.remove("keep-alive");
        if parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/csv")) {
            // A file is made while the client reads it. When it breaks off, so does the connection.
            return Ok(Response::from_parts(parts, body));
        }
        match timeout_at(deadline, to_bytes(body, LARGEST_ANSWER)).await {
            Ok(Ok(bytes)) => Ok(Response::from_parts(parts, Body::from(bytes))),
            Ok(Err(error)) => {
                tracing::warn!(service, %error, "the answer of a service broke off");
                Err(Problem::new(Code::DEPENDENCY_UNAVAILABLE))
            }
            Err(_) => Err(Problem::new(Code::TIMEOUT)),
        }
    }
}
