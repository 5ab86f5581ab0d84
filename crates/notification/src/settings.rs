//! The settings of notification.

use contracts::{
    notification::Channel,
    secret::Secret,
    text::{Url, Violation},
};
use lettre::message::Mailbox;
use platform::backoff::Backoff;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[notification]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The mail server, such as `smtps://user:password@mail.example.com`, `smtp://localhost:25`, or
    /// `smtp://mail.example.com:587?tls=required` for STARTTLS. Without one, mails are written to the mailbox folder.
    pub smtp_url: Option<Secret>,
    /// The sender of mails.
    pub from: String,
    /// The address of the shop, with which links in messages begin. The address of `souk serve` when absent.
    pub public_url: String,
    /// Whether the shop has pages for orders and passwords at `public_url`, as `souk serve` has. Without them messages have no links
    /// and name the calls of the API instead.
    pub has_pages: bool,
    /// The most connections to the mail server.
    #[schemars(range(min = 1, max = 1_000))]
    pub smtp_connections: usize,
    /// The most attempts for a message.
    #[schemars(range(min = 1, max = 100))]
    pub attempts_max: u32,
    /// The pause after the first failed attempt, in seconds; it is four times as long after each further one.
    #[schemars(range(min = 1, max = 86_400))]
    pub first_pause_seconds: u64,
    /// The longest such pause, in seconds. A longer `Retry-After` of a webhook's receiver is cut to it.
    #[schemars(range(min = 1, max = 604_800))]
    pub longest_pause_seconds: u64,
    /// How long one attempt may take, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub send_seconds: u64,
    /// How long an attempt waits for the receiver of a webhook, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub webhook_seconds: u64,
    /// Whether webhooks may go to private and loopback addresses. For tests and closed networks.
    pub allow_private_webhooks: bool,
    /// How many messages of one channel are sent at the same time; at most an eighth of them to one user.
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            smtp_url: None,
            from: "Souk <no-reply@souk.example>".into(),
            public_url: "http://127.0.0.1:8080".into(),
            has_pages: true,
            smtp_connections: 8,
            attempts_max: 6,
            first_pause_seconds: 15,
            longest_pause_seconds: 3_600,
            send_seconds: 30,
            webhook_seconds: 10,
            allow_private_webhooks: false,
            concurrency: 64,
        }
    }
}

/// An invalid setting.
#[derive(Debug, thiserror::Error)]
#[error("setting [notification]: {key} {reason}")]
pub struct BadSetting {
    pub key: &'static str,
    pub reason: String,
}

impl BadSetting {
    pub(crate) fn new(key: &'static str, reason: impl Into<String>) -> BadSetting {
        BadSetting { key, reason: reason.into() }
    }
}

impl Settings {
    /// Returns the sender of mails.
    ///
    /// # Errors
    /// When it is no address.
    pub fn from_mailbox(&self) -> Result<Mailbox, BadSetting> {
        self.from
            .parse()
            .map_err(|error| BadSetting::new("from", format!("must be an address such as Souk <no-reply@souk.example>: {error}")))
    }

    /// Returns the address of the shop without a slash at the end.
    ///
    /// # Errors
    /// When it is no web address.
    pub fn shop_url(&self) -> Result<String, BadSetting> {
        let url = Url::parse(&self.public_url).map_err(|Violation { detail, .. }| BadSetting::new("public_url", detail))?;
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// The pauses after failed attempts; each is four times as long as the one before.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::growing(4, Duration::from_secs(self.first_pause_seconds), Duration::from_secs(self.longest_pause_seconds))
    }
    /// The longest pause before the next attempt, whatever the receiver asks for.
    #[must_use]
    pub fn longest_pause(&self) -> Duration {
        Duration::from_secs(self.longest_pause_seconds)
    }
    #[must_use]
    pub fn send_time(&self) -> Duration {
        Duration::from_secs(self.send_seconds)
    }
    #[must_use]
    pub fn webhook_time(&self) -> Duration {
        Duration::from_secs(self.webhook_seconds)
    }
    /// The slots of a channel. Mails have as many as there are connections, so that no attempt waits for a connection.
    #[must_use]
    pub fn slots(&self, channel: Channel) -> usize {
        if channel == Channel::Email && self.smtp_url.is_some() { self.smtp_connections.min(self.concurrency) } else { self.concurrency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::settings::Settings as File;

    #[test]
    fn the_defaults_are_valid() {
        let settings = Settings::default();
        assert_eq!(settings.from_mailbox().unwrap().email.to_string(), "no-reply@souk.example");
        assert_eq!(settings.shop_url().unwrap(), "http://127.0.0.1:8080");
    }

    #[test]
    fn an_invalid_setting_is_named() {
        let settings = Settings { from: "nobody".into(), public_url: "ftp://x".into(), ..Settings::default() };
        assert_eq!(settings.from_mailbox().unwrap_err().key, "from");
        assert_eq!(settings.shop_url().unwrap_err().key, "public_url");
        for key in ["attempts_max", "concurrency", "send_seconds", "smtp_connections"] {
            let refused = File::default().with("notification", key, 0).section::<Settings>("notification").unwrap_err();
            assert!(refused.reason.starts_with(key), "{refused}");
        }
    }

    #[test]
    fn the_mail_servers_password_is_not_shown() {
        let settings = Settings { smtp_url: Some(Secret::parse("smtp://me:hunter2@localhost").unwrap()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
