//! The one operation of the gateway itself: the state of the installation, for administrators.
//!
//! The gateway knows nothing of the services but their addresses, so it asks each of them with the token of the caller.

use crate::{latencies::Latencies, upstream::Upstreams};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts, uri::PathAndQuery},
};
use contracts::{
    SERVICE_NAMES,
    failed_event::FailedEventStatus,
    system::{FailedEventCounts, ServiceStatus, SystemStatus},
    time::Timestamp,
};
use futures_util::future::join_all;
use platform::{
    client::LARGEST_ANSWER,
    http::{DescribeArg, Json, PeerAddr, Problem, Routes, State, describe::OperationBuilder},
    identity::Admin,
};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// What the operation reads.
#[derive(Clone)]
pub(crate) struct System {
    pub upstreams: Arc<Upstreams>,
    pub latencies: Arc<Latencies>,
    pub serving_since: Timestamp,
}

/// The path of the operation below `/api/v1`.
pub(crate) const PATH: &str = "/admin/system";
/// Failed events of one service that are counted.
const COUNTED: usize = 100;

pub(crate) fn routes() -> Routes<System> {
    Routes::new("system").get(PATH, get, "The state of the installation")
}

/// What a service needs to know of the request, to answer its caller.
struct OnBehalf {
    headers: HeaderMap,
    client: IpAddr,
}

impl<S: Sync> FromRequestParts<S> for OnBehalf {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<OnBehalf, Problem> {
        let names = [header::AUTHORIZATION, header::HOST, header::HeaderName::from_static("x-correlation-id")];
        let headers = names.into_iter().filter_map(|name| Some((name.clone(), parts.headers.get(&name)?.clone()))).collect();
        let peer = parts.extensions.get::<PeerAddr>();
        Ok(OnBehalf { headers, client: peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |PeerAddr(address)| address.ip()) })
    }
}

impl DescribeArg for OnBehalf {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

async fn get(_: Admin, State(system): State<System>, caller: OnBehalf) -> Result<Json<SystemStatus>, Problem> {
    // All at once: a service that is gone costs its time-out once, and not after that of another.
    let services = join_all(SERVICE_NAMES.into_iter().map(|service| system.status(service, &caller))).await;
    Ok(Json(SystemStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        serving_since: system.serving_since,
        requests: system.latencies.figures(),
        last_day: system.latencies.last_day(system.serving_since),
        services,
    }))
}

impl System {
    async fn status(&self, service: &'static str, caller: &OnBehalf) -> ServiceStatus {
        let (replicas, ready_replicas) = self.upstreams.replicas(service);
        let failed = self.failed_events(service, caller).await;
        ServiceStatus {
            service: service.to_owned(),
            answers: failed.is_some(),
            replicas,
            ready_replicas,
            failed_events: failed.unwrap_or_default(),
        }
    }

    /// Asks a service for its failed events; `None` when it does not answer.
    async fn failed_events(&self, service: &'static str, caller: &OnBehalf) -> Option<FailedEventCounts> {
        let path = PathAndQuery::try_from(format!("/admin/parked-events/{service}?limit={COUNTED}")).ok()?;
        let mut request = Request::new(Body::empty());
        *request.headers_mut() = caller.headers.clone();
        let answer = self.upstreams.call(service, path, request, caller.client).await.ok().filter(|answer| answer.status().is_success())?;
        let body = to_bytes(answer.into_body(), LARGEST_ANSWER).await.ok()?;
        let page: Value = serde_json::from_slice(&body).ok()?;
        let items = page["items"].as_array()?;
        let is_parked = |event: &&Value| event["status"] == FailedEventStatus::Parked.as_str();
        let parked = u32::try_from(items.iter().filter(is_parked).count()).unwrap_or(u32::MAX);
        let retrying = u32::try_from(items.len()).unwrap_or(u32::MAX) - parked;
        Some(FailedEventCounts { retrying, parked, has_more: !page["nextCursor"].is_null() })
    }
}
