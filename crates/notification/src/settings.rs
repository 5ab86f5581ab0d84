//! What can be configured.

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
    /// Whom mails come from.
    pub from: String,
    /// Where people reach the shop: links in messages begin with it. Where `souk serve` listens unless given.
    pub public_url: String,
    /// Connections to the mail server at most.
    #[schemars(range(min = 1, max = 1_000))]
    pub smtp_connections: usize,
    /// Attempts before a message is given up.
    #[schemars(range(min = 1, max = 100))]
    pub attempts_max: u32,
    /// The pause after the first failed attempt, in seconds; it is four times as long after each further one.
    #[schemars(range(min = 1, max = 86_400))]
    pub first_pause_seconds: u64,
    /// The longest such pause, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub longest_pause_seconds: u64,
    /// How long one attempt may take, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub send_seconds: u64,
    /// How long a webhook's receiver may take to answer, in seconds.
    #[schemars(range(min = 1, max = 300))]
    pub webhook_seconds: u64,
    /// Whether webhooks may go to private and loopback addresses. For tests and closed networks.
    pub allow_private_webhooks: bool,
    /// Messages of one channel that are under way at the same time; those of one user take an eighth of the places at most.
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            smtp_url: None,
            from: "Souk <no-reply@souk.example>".into(),
            public_url: "http://127.0.0.1:8080".into(),
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

/// A setting that cannot be used.
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
    /// Whom mails come from.
    ///
    /// # Errors
    /// When it is no address.
    pub fn from_mailbox(&self) -> Result<Mailbox, BadSetting> {
        self.from
            .parse()
            .map_err(|error| BadSetting::new("from", format!("must be an address such as Souk <no-reply@souk.example>: {error}")))
    }

    /// Where links begin, without a slash at the end.
    ///
    /// # Errors
    /// When it is no web address.
    pub fn shop_url(&self) -> Result<String, BadSetting> {
        let url = Url::parse(&self.public_url).map_err(|Violation { detail, .. }| BadSetting::new("public_url", detail))?;
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// The pauses after attempts that failed: each four times as long as the one before.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::growing(4, Duration::from_secs(self.first_pause_seconds), Duration::from_secs(self.longest_pause_seconds))
    }
    #[must_use]
    pub fn send_time(&self) -> Duration {
        Duration::from_secs(self.send_seconds)
    }
    #[must_use]
    pub fn webhook_time(&self) -> Duration {
        Duration::from_secs(self.webhook_seconds)
    }
    /// How many messages of a channel are under way at the same time: as many as their carrier has places, so that none
    /// spends the time of its attempt on waiting for one.
    #[must_use]
    pub fn queue_size(&self, channel: Channel) -> usize {
        if channel == Channel::Email && self.smtp_url.is_some() { self.smtp_connections.min(self.concurrency) } else { self.concurrency }
    }
    /// How long a message that is under way is left alone: longer than any attempt takes.
    #[must_use]
    pub fn claim_time(&self) -> Duration {
        self.send_time().saturating_mul(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::settings::Settings as File;

    #[test]
    fn the_defaults_can_be_used() {
        let settings = Settings::default();
        assert_eq!(settings.from_mailbox().unwrap().email.to_string(), "no-reply@souk.example");
        assert_eq!(settings.shop_url().unwrap(), "http://127.0.0.1:8080");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
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
