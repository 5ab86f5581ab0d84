//! Text messages.

use super::Delivery;

/// A provider of text messages. A configuration chooses one at start, see [`Senders`](crate::Senders).
///
/// What every implementation guarantees: success means that the provider accepted the message. A failure says whether a
/// repetition can succeed. A message is sent again after a temporary error, a timeout or a crash, so it may arrive twice. The
/// caller limits the time (`send_seconds`) and drops the future then. `to` and `text` are personal data: they do not go into
/// errors.
pub trait SmsProvider: Send + Sync {
    /// Sends `text` to the phone number `to`.
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Delivery<'a>;
}

/// Writes text messages to the log, where there is no provider.
pub struct LogSms;

impl SmsProvider for LogSms {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Delivery<'a> {
        tracing::info!(target: "notification", to, text, "text message");
        Box::pin(std::future::ready(Ok(())))
    }
}
