//! API keys and their scopes.

use super::super::{SERVICES, call::Method};
use crate::{
    body::BoundedVec,
    ids::ApiKeyId,
    secret::Secret,
    text::{ApiScope, Name},
    time::Timestamp,
    violation::Violation,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::LazyLock};

/// What every API key begins with, so that it is recognized in code and logs.
pub const API_KEY_PREFIX: &str = "souk_sk_";

/// Paths that no key opens: who the user is, and what only the services call.
const CLOSED: [&str; 4] = [".well-known", "api-keys", "auth", "internal"];

/// Returns the scope that a key needs for a path without `/api/v1`: its first segment, and `read` for GET and HEAD or else `write`.
/// `None` where no key is taken.
#[must_use]
pub fn key_scope(is_read: bool, path: &str) -> Option<String> {
    let segment = path.strip_prefix('/')?.split('/').next()?;
    (!segment.is_empty() && !CLOSED.contains(&segment)).then(|| format!("{segment}:{}", if is_read { "read" } else { "write" }))
}

/// Returns every scope that an operation of the API needs.
#[must_use]
pub fn key_scopes() -> &'static BTreeSet<String> {
    static SCOPES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let calls = SERVICES.iter().flat_map(|service| service.calls);
        calls.filter(|call| call.is_public()).filter_map(|call| key_scope(call.method == Method::Get, call.path)).collect()
    });
    &SCOPES
}

/// Parses a scope of a key.
///
/// # Errors
/// `UNKNOWN_SCOPE`.
pub(crate) fn parse_scope(text: &str) -> Result<String, Violation> {
    match key_scopes().contains(text) {
        true => Ok(text.to_owned()),
        false => Err(Violation::new("UNKNOWN_SCOPE", "must be the scope of an operation, such as orders:read")),
    }
}

/// Makes an API key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// The caller's name for the key.
    pub name: Name,
    /// What the key opens, of what its maker may: 1 to 100 scopes.
    pub scopes: BoundedVec<ApiScope, 1, 100>,
    /// When it ends; null or absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A new API key. The key itself is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiKey {
    pub api_key_id: ApiKeyId,
    /// `souk_sk_` and 43 characters, sent as `Authorization: Bearer`.
    pub key: Secret,
    /// The maker's name for the key.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; null for never.
    pub expires_at: Option<Timestamp>,
}

/// An API key of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub api_key_id: ApiKeyId,
    /// The maker's name for the key.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, or ended; null for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, within a minute; null when it never was.
    pub last_used_at: Option<Timestamp>,
}

/// Exchanges an API key for an access token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeApiKey {
    /// The key as its bearer sent it.
    pub key: Secret,
}

/// An access token for an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyToken {
    /// A signed JWT with the key's scopes.
    pub access_token: Secret,
    /// Seconds until it expires, 60 at most.
    pub expires_in: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_the_first_segment_and_whether_something_changes() {
        for (is_read, path, scope) in [
            (true, "/orders/{orderId}", Some("orders:read")),
            (false, "/orders", Some("orders:write")),
            (false, "/admin/sellers/{sellerId}/approve", Some("admin:write")),
            (true, "/auth/sessions", None),
            (false, "/api-keys", None),
            (true, "/.well-known/jwks.json", None),
            (true, "/internal/users/{userId}", None),
            (true, "/", None),
            (true, "orders", None),
        ] {
            assert_eq!(key_scope(is_read, path).as_deref(), scope, "{path}");
        }
        assert!(key_scopes().contains("orders:write") && key_scopes().contains("seller:read"), "{:?}", key_scopes());
        assert!(!key_scopes().iter().any(|scope| scope.starts_with("auth") || scope.starts_with("api-keys")));
        assert_eq!(parse_scope("orders:delete").unwrap_err().code, "UNKNOWN_SCOPE");
        assert_eq!(parse_scope("auth:write").unwrap_err().code, "UNKNOWN_SCOPE");
        assert!(parse_scope("orders:read").is_ok());
    }
}
