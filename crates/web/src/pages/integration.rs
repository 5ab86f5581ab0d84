//! What connects other systems, for administrators and for sellers: webhook endpoints and API keys. Both dashboards have the same pages.

mod api_keys;
mod webhooks;

use crate::{Site, dashboard::DashboardRequest};
use axum::{
    Router,
    extract::FromRequestParts,
    response::Response,
    routing::{get, post},
};

/// Who may open the pages of a dashboard: its extractor answers everybody else.
pub trait IntoDashboardRequest: FromRequestParts<Site, Rejection = Response> + Into<DashboardRequest> + Send + 'static {}

impl<D: FromRequestParts<Site, Rejection = Response> + Into<DashboardRequest> + Send + 'static> IntoDashboardRequest for D {}

/// The pages below `root`, the path of a dashboard.
pub fn routes<D: IntoDashboardRequest>(root: &str) -> Router<Site> {
    let at = |path: &str| format!("{root}{path}");
    Router::new()
        .route(&at("/webhooks"), get(webhooks::list::<D>).post(webhooks::create::<D>))
        .route(&at("/webhooks/{webhookEndpointId}"), get(webhooks::show::<D>))
        .route(&at("/webhooks/{webhookEndpointId}/{step}"), post(webhooks::step::<D>))
        .route(&at("/webhooks/{webhookEndpointId}/deliveries/{webhookDeliveryId}/replay"), post(webhooks::replay::<D>))
        .route(&at("/keys"), get(api_keys::list::<D>).post(api_keys::create::<D>))
        .route(&at("/keys/{apiKeyId}/delete"), post(api_keys::delete::<D>))
}
