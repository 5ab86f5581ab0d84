//! The settings of this service.

use crate::domain::lockout::Lockout;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[auth]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long an access token lives, in seconds. A new role takes effect after this time at the latest; what is taken away
    /// ends within seconds.
    #[schemars(range(min = 60, max = 86_400))]
    pub access_token_seconds: u64,
    /// How long a service's access token lives, in seconds.
    #[schemars(range(min = 60, max = 86_400))]
    pub service_token_seconds: u64,
    /// How long a refresh token lives, in days, from its own creation.
    #[schemars(range(min = 1, max = 366))]
    pub refresh_token_days: u64,
    /// How long after its first use a refresh token gives further tokens, in seconds: two tabs of a browser refresh at the same
    /// time. A later use revokes the login. 0 for never.
    #[schemars(range(min = 0, max = 60))]
    pub refresh_grace_seconds: u64,
    /// How long the link of a reset mail works, in minutes.
    #[schemars(range(min = 5, max = 1_440))]
    pub reset_token_minutes: u64,
    /// How many reset mails an account gets in that time.
    #[schemars(range(min = 1, max = 100))]
    pub reset_mails: u32,
    /// How long the link that verifies an e-mail address works, in hours.
    #[schemars(range(min = 1, max = 168))]
    pub email_token_hours: u64,
    /// How many mails with such a link an account causes in an hour, to its own or another address.
    #[schemars(range(min = 1, max = 100))]
    pub verification_mails: u32,
    /// Logins that one user may have at the same time. A further one ends the one that was used longest ago.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_sessions: u32,
    /// API keys that one user may have. A further one is 409 `TOO_MANY_API_KEYS`.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_api_keys: u32,
    /// How often the signing key changes, in hours.
    #[schemars(range(min = 1, max = 87_600))]
    pub key_rotation_hours: u64,
    /// Failed logins in a row, of one account from one network, before that network is locked out of the account.
    #[schemars(range(min = 5, max = 100))]
    pub lock_after_failures: u32,
    /// How long such a lock lasts, in minutes.
    #[schemars(range(min = 1, max = 60))]
    pub lock_minutes: u64,
    /// Failed logins in a row, of one account from all networks, before every network that is new to the account must
    /// wait as long as a lock lasts.
    #[schemars(range(min = 10, max = 100_000))]
    pub siege_after_failures: u32,
    /// Passwords hashed at the same time; 0 for as many as there are processors.
    #[schemars(range(min = 0, max = 1_024))]
    pub hashing_parallelism: usize,
    /// Passwords that may wait to be hashed. More is 503 `OVERLOADED`.
    #[schemars(range(min = 1, max = 100_000))]
    pub hashing_queue: usize,
    /// Memory of one hash by argon2id, in KiB.
    #[schemars(range(min = 8, max = 4_194_304))]
    pub argon2_memory_kib: u32,
    /// Passes of one hash over its memory.
    #[schemars(range(min = 1, max = 1_000))]
    pub argon2_iterations: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            access_token_seconds: 15 * 60,
            service_token_seconds: 15 * 60,
            refresh_token_days: 30,
            refresh_grace_seconds: 10,
            reset_token_minutes: 60,
            reset_mails: 3,
            email_token_hours: 24,
            verification_mails: 5,
            max_sessions: 100,
            max_api_keys: 50,
            key_rotation_hours: 720,
            lock_after_failures: 10,
            lock_minutes: 5,
            siege_after_failures: 100,
            hashing_parallelism: 0,
            hashing_queue: 256,
            argon2_memory_kib: 19 * 1024,
            argon2_iterations: 2,
        }
    }
}

impl Settings {
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
    pub fn refresh_grace(&self) -> Duration {
        Duration::from_secs(self.refresh_grace_seconds)
    }
    #[must_use]
    pub fn reset_token(&self) -> Duration {
        Duration::from_secs(self.reset_token_minutes * 60)
    }
    #[must_use]
    pub fn email_token(&self) -> Duration {
        Duration::from_secs(self.email_token_hours * 3600)
    }
    #[must_use]
    pub fn key_rotation(&self) -> Duration {
        Duration::from_secs(self.key_rotation_hours * 3600)
    }
    /// Returns the longest lifetime of an access token.
    #[must_use]
    pub fn longest_token(&self) -> Duration {
        self.access_token().max(self.service_token())
    }
    #[must_use]
    pub fn lockout(&self) -> Lockout {
        Lockout {
            lock_after: self.lock_after_failures,
            lock: Duration::from_secs(self.lock_minutes * 60),
            attack_after: self.siege_after_failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::settings::Settings as File;

    #[test]
    fn settings_out_of_bounds_stop_the_start() {
        for (key, value) in [("access_token_seconds", 5), ("lock_after_failures", 4), ("hashing_queue", 0), ("argon2_memory_kib", 7)] {
            let refused = File::default().with("auth", key, value).section::<Settings>("auth").unwrap_err();
            assert!(refused.to_string().starts_with(&format!("setting [auth]: {key} must be from ")), "{refused}");
        }
    }
}
