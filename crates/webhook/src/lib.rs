//! Webhook: posts events to addresses that sellers and administrators choose.
//!
//! An endpoint has an address and types of events. It consumes the events of the shop's services, and a batch of them is compared
//! with the types and sellers of all endpoints by two reads. An event that no endpoint wants is passed over and leaves no record.
//! For every other one a delivery is written for each endpoint, in the transaction that records the event.
//!
//! Due work posts the deliveries, signed by the Standard Webhooks scheme: ten attempts over three days. A crash may post one twice,
//! with the same `webhook-id`. One endpoint takes at most an eighth of the slots, so a slow receiver delays its own deliveries only.
//!
//! A seller's endpoint gets what `sellerId` of an event says is the seller's, and only the types in
//! [`contracts::webhook::audience_of`].
//!
//! Webhook calls no service. Its settings are [`Settings`], in the section `[webhook]`.

mod actions;
mod api;
mod consumers;
mod delivery;
mod domain;
mod error;
mod settings;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use settings::Settings;

use domain::Secrets;
use platform::{
    https::Reach,
    migrations,
    service::{Ctx, Parts, Service},
    webhooks::WebhookSender,
};
use std::sync::Arc;

/// What the entry points share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
    secrets: Secrets,
    sender: Arc<WebhookSender>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new("webhook", migrations!["0001_webhooks"], |ctx: Ctx| async move {
        let settings: Settings = ctx.section()?;
        let reach = if settings.allow_private_addresses { Reach::Any } else { Reach::Public };
        let sender = Arc::new(WebhookSender::new(ctx.env.clone(), reach, domain::ATTEMPT_TIME));
        let secrets = Secrets::new(&ctx.master_key);
        let app = App { ctx, settings: Arc::new(settings), secrets, sender };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(&app), workers: workers::all(&app) })
    })
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
