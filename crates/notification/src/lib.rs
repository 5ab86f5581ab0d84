//! Notification: tells users what happened, over the channels they chose, and keeps what was tried.
//!
//! Events of the other services become messages: one a channel, written in the transaction that records the event as
//! consumed, so a repeated event makes nothing. Whom to write to and how is a copy of what auth and user announced;
//! addresses are looked up when a message is sent, because an order may be announced before its customer.
//!
//! One worker for each channel sends what is due outside of any transaction and records each attempt; failures are
//! tried again with growing pauses and given up after a while, and an administrator may send anything again.
//! Mails go to a mail server, or into a folder that a person can open; webhooks are signed by the Standard Webhooks
//! scheme and never reach private addresses; text messages go through an [`SmsProvider`].
//!
//! A password reset's token arrives sealed and is kept so. It is opened for the mail itself and seen nowhere else.
//!
//! Settings: `[notification]`, see [`Settings`].

mod actions;
mod api;
mod channels;
mod consumers;
mod delivery;
mod domain;
mod error;
mod message;
mod settings;
mod store;
mod templates;

#[cfg(test)]
mod tests;

pub use channels::sms::{LogSms, SmsProvider};
pub use error::Error;
pub use settings::Settings;

use channels::Channels;
use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the doors share.
#[derive(Clone)]
pub(crate) struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
    channels: Arc<Channels>,
}

/// The service, with text messages written to the log.
#[must_use]
pub fn service() -> Service {
    service_with(Arc::new(LogSms))
}

/// The service, with text messages sent by `sms`.
#[must_use]
pub fn service_with(sms: Arc<dyn SmsProvider>) -> Service {
    Service::new("notification", migrations!["0001_notifications", "0002_due"], |ctx: Ctx| async move {
        let settings: Settings = ctx.section()?;
        let channels = Arc::new(Channels::open(&ctx, &settings, sms)?);
        let app = App { ctx, settings: Arc::new(settings), channels };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: delivery::workers(&app) })
    })
    .settings::<Settings>()
}
