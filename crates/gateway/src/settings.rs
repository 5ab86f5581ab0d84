//! The section `[gateway]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroUsize};

/// Settings of the gateway. Rates are per caller: per user when the token verifies, else per address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether the public address is HTTPS (terminated by a proxy in front). Browsers then use only HTTPS (`Strict-Transport-Security`).
    pub https: bool,
    /// The origins whose pages may call the API, such as `https://shop.example`; `*` for all.
    pub allowed_origins: Vec<Origin>,
    /// The number of proxies in front that write `X-Forwarded-For`. The client is that many entries from its right end.
    /// With 0 the header is ignored, and one address may hold at most as many connections as are free.
    #[schemars(range(min = 0, max = 32))]
    pub trusted_proxies: usize,
    /// The largest accepted body in bytes. The services' own limits are far lower.
    #[schemars(range(min = 1_024, max = 104_857_600))]
    pub max_body_bytes: u64,
    /// The largest accepted body of a request that uploads a file, in bytes, where that is more than `max_body_bytes`.
    #[schemars(range(min = 1_024, max = 104_857_600))]
    pub max_upload_bytes: u64,
    /// The largest number of concurrent requests; more wait for a moment and are then refused. Orders with `Prefer: wait` get at most
    /// three quarters.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_in_flight: NonZeroUsize,
    /// The largest number of concurrent requests of one client address (an IPv4 address or an IPv6 /64). An address never holds more
    /// than are free, so one gets half of `max_in_flight` at most, and three get three quarters together.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_in_flight_per_client: NonZeroUsize,
    /// The largest number of requests that wait for others to end. An address never holds more than are free.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_queued: NonZeroUsize,
    /// The memory for bodies that are being read or served, in bytes. An address never holds more than is free.
    #[schemars(range(min = 1_048_576, max = 68_719_476_736_u64))]
    pub max_body_memory: u64,
    /// The time limit for the whole response of a service at another address, in seconds.
    #[schemars(range(min = 1, max = 3_600))]
    pub upstream_seconds: NonZeroU32,
    /// Requests that check a password or create an account, per address and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub login_per_minute: NonZeroU32,
    /// Carts that guests may make, per address and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub guest_carts_per_minute: NonZeroU32,
    /// Orders that guests may place, per address and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub guest_orders_per_minute: NonZeroU32,
    /// Pictures that may be uploaded, per caller and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pictures_per_minute: NonZeroU32,
    /// Searches per caller and second.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub search_per_second: NonZeroU32,
    /// Requests that change something, per caller and second.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub writes_per_second: NonZeroU32,
    /// Other requests per caller and second.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub reads_per_second: NonZeroU32,
    /// The number of callers whose rates are remembered, for each kind of request. The callers idle for longest are forgotten first.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub remembered_callers: NonZeroUsize,
}

impl Default for Settings {
    fn default() -> Settings {
        let count = |n: u32| NonZeroU32::new(n).expect("a default is more than none");
        let size = |n: usize| NonZeroUsize::new(n).expect("a default is more than none");
        Settings {
            https: false,
            allowed_origins: Vec::new(),
            trusted_proxies: 0,
            max_body_bytes: 1024 * 1024,
            max_upload_bytes: 11 * 1024 * 1024,
            max_in_flight: size(1024),
            max_in_flight_per_client: size(512),
            max_queued: size(16_384),
            max_body_memory: 64 * 1024 * 1024,
            upstream_seconds: count(35),
            login_per_minute: count(10),
            guest_carts_per_minute: count(30),
            guest_orders_per_minute: count(30),
            pictures_per_minute: count(60),
            search_per_second: count(30),
            writes_per_second: count(20),
            reads_per_second: count(100),
            remembered_callers: size(50_000),
        }
    }
}

/// An origin as browsers send it (RFC 6454): scheme and authority, nothing more; or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = String;
    fn try_from(text: String) -> Result<Origin, String> {
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let sound = |authority: &str| {
            let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
            !authority.is_empty() && authority.bytes().all(lower)
        };
        if text == "*" || authority.is_some_and(sound) {
            Ok(Origin(text))
        } else {
            Err(format!("{text:?} is no origin: write it in lower case as https://host or https://host:port, or *"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::settings::Settings as File;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for good in ["*", "https://shop.example", "http://localhost:3000", "http://[::1]:80"] {
            assert!(Origin::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "shop.example", "https://", "https://shop.example/", "https://Shop.example", "ftp://shop", "https://*.example"] {
            assert!(Origin::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn invalid_settings_are_refused() {
        File::default().section::<Settings>("gateway").unwrap();
        for (key, value) in [("reads_per_second", 0_i64), ("max_in_flight", 0), ("trusted_proxies", -1), ("no_such_key", 1)] {
            let refused = File::default().with("gateway", key, value).section::<Settings>("gateway").unwrap_err();
            assert!(refused.to_string().contains("gateway"), "{refused}");
        }
        let origins = toml::Value::Array(vec!["shop.example".into()]);
        assert!(File::default().with("gateway", "allowed_origins", origins).section::<Settings>("gateway").is_err());
    }
}
