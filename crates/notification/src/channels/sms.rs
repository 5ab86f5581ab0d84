//! Text messages, through whoever sends them.

use crate::domain::DeliveryError;
use std::{future::Future, pin::Pin};

/// Sends text messages.
pub trait SmsProvider: Send + Sync {
    /// Sends `text` to the phone `to`; answers once the provider took it.
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>>;
}

/// Writes text messages to the log.
pub struct LogSms;

impl SmsProvider for LogSms {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>> {
        tracing::info!(target: "notification", to, text, "text message");
        Box::pin(std::future::ready(Ok(())))
    }
}
