//! What can be configured.

use crate::domain::lockout::Lockout;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[auth]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long an access token lives, in seconds. A changed role or a lock takes effect after this time at the latest.
    pub access_token_seconds: u64,
    /// How long a service's access token lives, in seconds.
    pub service_token_seconds: u64,
    /// How long a refresh token lives, in days, counted anew by each use of the one before.
    pub refresh_token_days: u64,
    /// How long the link of a reset mail works, in minutes.
    pub reset_token_minutes: u64,
    /// How many reset mails an account gets in that time.
    pub reset_mails: u32,
    /// How often the signing key changes, in hours.
    pub key_rotation_hours: u64,
    /// Failed logins in a row before a lock.
    pub lock_after_failures: u32,
    /// How long such a lock lasts, in minutes.
    pub lock_minutes: u64,
    /// Passwords hashed at the same time; 0 for as many as there are processors.
    pub hashing_parallelism: usize,
    /// Passwords that may wait to be hashed. More is 503 `OVERLOADED`.
    pub hashing_queue: usize,
    /// Memory of one hash by argon2id, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes of one hash over its memory.
    pub argon2_iterations: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            access_token_seconds: 15 * 60,
            service_token_seconds: 15 * 60,
            refresh_token_days: 30,
            reset_token_minutes: 60,
            reset_mails: 3,
            key_rotation_hours: 720,
            lock_after_failures: 10,
            lock_minutes: 5,
            hashing_parallelism: 0,
            hashing_queue: 256,
            argon2_memory_kib: 19 * 1024,
            argon2_iterations: 2,
        }
    }
}

/// A value that cannot work.
#[derive(Debug, Clone, thiserror::Error)]
#[error("setting [auth]: {key} must be from {min} to {max}")]
pub struct OutOfBounds {
    key: &'static str,
    min: u64,
    max: u64,
}

impl Settings {
    /// # Errors
    /// [`OutOfBounds`] for the first value that cannot work.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        let bounds = [
            ("access_token_seconds", self.access_token_seconds, 60, 86_400),
            ("service_token_seconds", self.service_token_seconds, 60, 86_400),
            ("refresh_token_days", self.refresh_token_days, 1, 366),
            ("reset_token_minutes", self.reset_token_minutes, 5, 1_440),
            ("reset_mails", self.reset_mails.into(), 1, 100),
            ("key_rotation_hours", self.key_rotation_hours, 1, 87_600),
            ("lock_after_failures", self.lock_after_failures.into(), 5, 100),
            ("lock_minutes", self.lock_minutes, 1, 60),
            ("hashing_parallelism", self.hashing_parallelism as u64, 0, 1_024),
            ("hashing_queue", self.hashing_queue as u64, 1, 100_000),
            ("argon2_memory_kib", self.argon2_memory_kib.into(), 8, 4 * 1024 * 1024),
            ("argon2_iterations", self.argon2_iterations.into(), 1, 1_000),
        ];
        match bounds.into_iter().find(|(_, value, min, max)| !(min..=max).contains(&value)) {
            Some((key, _, min, max)) => Err(OutOfBounds { key, min, max }),
            None => Ok(()),
        }
    }

    #[must_use]
    pub fn access_token(&self) -> Duration {
        Duration::from_secs(self.access_token_seconds)
    }
    #[must_use]
    pub fn service_token(&self) -> Duration {
        Duration::from_secs(self.service_token_seconds)
    }
    #[must_use]
    pub fn refresh_token(&self) -> Duration {
        Duration::from_secs(self.refresh_token_days * 86_400)
    }
    #[must_use]
    pub fn reset_token(&self) -> Duration {
        Duration::from_secs(self.reset_token_minutes * 60)
    }
    #[must_use]
    pub fn key_rotation(&self) -> Duration {
        Duration::from_secs(self.key_rotation_hours * 3600)
    }
    /// The longest that any access token lives.
    #[must_use]
    pub fn longest_token(&self) -> Duration {
        self.access_token().max(self.service_token())
    }
    #[must_use]
    pub fn lockout(&self) -> Lockout {
        Lockout { lock_after: self.lock_after_failures, lock: Duration::from_secs(self.lock_minutes * 60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_what_cannot_work_is_named() {
        Settings::default().check().unwrap();
        let refused = Settings { access_token_seconds: 5, ..Settings::default() }.check().unwrap_err();
        assert_eq!(refused.to_string(), "setting [auth]: access_token_seconds must be from 60 to 86400");
    }
}
