//! Notification: sends messages to users over the channels that they chose, and records every attempt.
//!
//! A consumed event becomes one message for each channel, in the transaction that records the event, so that a repeated event
//! adds nothing. Contacts are a copy of the events of auth and user, and are asked for where these are lost. Addresses are read when a message is sent, because the
//! event of an order may arrive before that of its customer.
//!
//! One worker for each channel sends due messages outside of any transaction and records each attempt. Failed attempts are
//! repeated with growing pauses up to a limit; an administrator can send every message again. Mails go to a mail server or
//! into a folder ([`MailTransport`]), text messages to an [`SmsProvider`]. Webhooks are signed by the Standard Webhooks scheme
//! and never go to private addresses.
//!
//! The token of a password reset arrives encrypted and is stored so. It is decrypted only for the mail itself.
//!
//! Settings: `[notification]`, see [`Settings`].

mod actions;
mod api;
mod channels;
mod consumers;
mod delivery;
mod domain;
mod error;
mod gauges;
mod message;
mod settings;
mod store;
mod templates;
mod workers;

#[cfg(test)]
mod tests;

pub use channels::{
    Delivery, Senders,
    mail::{ComposedMail, MAILBOX, MailTransport},
    sms::{LogSms, SmsProvider},
};
pub use domain::DeliveryError;
pub use error::Error;
pub use settings::Settings;

use channels::Channels;
use platform::{
    migrations,
    service::{Ctx, Parts, Service, StartError},
};
use std::sync::Arc;

/// What every part of the service works with.
#[derive(Clone)]
pub(crate) struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
    channels: Arc<Channels>,
}

/// The service, with the mail transport of the settings and text messages in the log.
#[must_use]
pub fn service() -> Service {
    service_with(Senders::from_settings)
}

/// The service, with other senders.
pub fn service_with(senders: impl FnOnce(&Ctx, &Settings) -> Result<Senders, StartError> + Send + 'static) -> Service {
    Service::new(
        "notification",
        migrations![
            "0001_notifications",
            "0002_due",
            "0003_webhook_receivers",
            "0004_verified_addresses",
            "0005_subjects",
            "0006_erased_mails",
            "0007_channels"
        ],
        |ctx: Ctx| async move {
            let settings: Settings = ctx.section()?;
            let channels = Arc::new(Channels::open(&ctx, &settings, senders(&ctx, &settings)?)?);
            let app = App { ctx, settings: Arc::new(settings), channels };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts {
                router,
                operations,
                consumers: consumers::all(),
                workers: delivery::workers(&app).into_iter().chain([workers::erase_mails(&app)]).collect(),
            })
        },
    )
    .settings::<Settings>()
    .gauges(gauges::set)
    .personal_data(store::personal::data())
}
