//! The settings of this service.

use crate::picture_store::Bucket;
use contracts::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[catalog]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long an answer about a product group waits for inventory, in milliseconds. Afterwards availability is null.
    #[schemars(range(min = 0, max = 10_000))]
    pub stock_wait_ms: u64,
    /// Whether the prices of products and the shipping fees contain the tax. Otherwise it is added to them. Orders keep what was set
    /// when they were placed.
    pub prices_include_tax: bool,
    /// The most pixels of an uploaded picture. Reading one takes up to 8 bytes for each.
    #[schemars(range(min = 10_000, max = 200_000_000))]
    pub picture_pixels: u64,
    /// How many pictures are read at the same time, each by a thread that keeps a processor busy.
    #[schemars(range(min = 1, max = 64))]
    pub pictures_at_once: usize,
    /// How many uploaded pictures wait for their turn, each with up to 10 MB. More are refused for a moment.
    #[schemars(range(min = 1, max = 1_000))]
    pub pictures_waiting: usize,
    /// The bucket of an S3-compatible store for the files of pictures, as `https://HOST/BUCKET`. Without one they are in the data
    /// directory.
    pub pictures_s3_url: Option<String>,
    /// The region of the bucket.
    pub pictures_s3_region: String,
    /// The id of the access key for the bucket.
    pub pictures_s3_key_id: Option<String>,
    /// The secret of the access key for the bucket.
    pub pictures_s3_secret: Option<Secret>,
    /// The most pictures that a seller, or the shop itself, keeps.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub pictures_per_seller: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            stock_wait_ms: 500,
            prices_include_tax: true,
            picture_pixels: 30_000_000,
            pictures_at_once: 1,
            pictures_waiting: 8,
            pictures_s3_url: None,
            pictures_s3_region: "us-east-1".into(),
            pictures_s3_key_id: None,
            pictures_s3_secret: None,
            pictures_per_seller: 100_000,
        }
    }
}

impl Settings {
    #[must_use]
    pub fn stock_wait(&self) -> Duration {
        Duration::from_millis(self.stock_wait_ms)
    }

    /// The bucket for pictures, if one is set.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn bucket(&self) -> Result<Option<Bucket>, String> {
        match (&self.pictures_s3_url, &self.pictures_s3_key_id, &self.pictures_s3_secret) {
            (None, None, None) => Ok(None),
            (Some(url), Some(key_id), Some(secret)) => {
                let bucket = Bucket::new(url, &self.pictures_s3_region, key_id, secret.clone());
                bucket.map(Some).map_err(|reason| format!("setting [catalog]: pictures_s3_url {reason}"))
            }
            _ => Err("setting [catalog]: pictures_s3_url, pictures_s3_key_id and pictures_s3_secret are set together".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_an_address_a_key_and_a_secret() {
        let whole = Settings {
            pictures_s3_url: Some("https://s3.example.com/pictures".into()),
            pictures_s3_key_id: Some("key".into()),
            pictures_s3_secret: Some(Secret::parse("hunter2 hunter2").unwrap()),
            ..Settings::default()
        };
        assert!(whole.bucket().unwrap().is_some());
        assert!(!format!("{whole:?}").contains("hunter2"));
        assert!(Settings::default().bucket().unwrap().is_none());
        let without_secret = Settings { pictures_s3_secret: None, ..whole.clone() };
        assert!(without_secret.bucket().unwrap_err().contains("are set together"));
        let without_bucket = Settings { pictures_s3_url: Some("https://s3.example.com".into()), ..whole };
        assert!(without_bucket.bucket().unwrap_err().starts_with("setting [catalog]: pictures_s3_url"));
    }
}
