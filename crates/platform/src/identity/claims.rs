//! The claims of an access token, and the identity that follows from them.

use crate::env::Env;
use contracts::{
    auth::Role,
    ids::{ApiKeyId, UserId, Uuid},
};
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// `iss` of every token.
pub const ISSUER: &str = "souk";
/// `aud` of every access token.
pub const AUDIENCE: &str = "souk";

/// `aud` of the tokens that API keys are exchanged for. A verifier that does not know what a key opens refuses them.
pub const API_KEY_AUDIENCE: &str = "souk:api-key";

/// The claims of an access token (RFC 9068 in spirit). Times are seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// A user id, or the client id of a service.
    pub sub: String,
    pub exp: i64,
    pub iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub jti: String,
    /// Empty for services. A role that only a newer build knows is ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known_roles")]
    pub roles: Vec<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The seller's record of the user, while it is APPROVED or SUSPENDED. It is the id of the user. The role SELLER stands in the
    /// token only while the record is APPROVED.
    #[serde(default, rename = "sellerId", skip_serializing_if = "Option::is_none")]
    pub seller_id: Option<UserId>,
    /// The login or the API key that the token comes from (OpenID Connect Front-Channel Logout, 3). Absent for services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// What a service may do or an API key opens, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Set for services, and for services only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

fn known_roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Role>, D::Error> {
    let roles = Vec::<String>::deserialize(deserializer)?;
    Ok(roles.iter().filter_map(|role| role.parse().ok()).collect())
}

impl Claims {
    /// A user's token that is valid from now for `ttl`.
    #[must_use]
    pub fn user(env: &Env, user: UserId, roles: &[Role], ttl: Duration) -> Claims {
        let now = env.now();
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_string(),
            exp: now.after(ttl).unix_seconds(),
            iat: now.unix_seconds(),
            nbf: None,
            jti: env.new_id::<Uuid>().to_string(),
            roles: roles.to_vec(),
            email: None,
            seller_id: None,
            sid: None,
            scope: None,
            client_id: None,
        }
    }

    /// The token of a user's API key; `scope` is separated by spaces.
    #[must_use]
    pub fn api_key(env: &Env, user: UserId, roles: &[Role], key: ApiKeyId, scope: &str, ttl: Duration) -> Claims {
        Claims { aud: API_KEY_AUDIENCE.to_owned(), sid: Some(key.0), scope: Some(scope.to_owned()), ..Claims::user(env, user, roles, ttl) }
    }

    /// A service's token; `scope` is separated by spaces.
    #[must_use]
    pub fn service(env: &Env, client: &str, scope: &str, ttl: Duration) -> Claims {
        Claims {
            sub: client.to_owned(),
            client_id: Some(client.to_owned()),
            scope: (!scope.is_empty()).then(|| scope.to_owned()),
            ..Claims::user(env, UserId(Uuid::nil()), &[], ttl)
        }
    }
}

/// The verified caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The token's `sub`, which scopes idempotency keys.
    pub subject: String,
    /// Set for users.
    pub user: Option<UserId>,
    /// Set for services.
    pub client: Option<String>,
    pub roles: Vec<Role>,
    pub scopes: Vec<String>,
    pub email: Option<String>,
    /// The seller's record of the user, while it is APPROVED or SUSPENDED: the id of the user.
    pub seller: Option<UserId>,
    /// The login or the API key that the token comes from, if the token has it.
    pub session: Option<Uuid>,
    /// Whether the token comes from an API key: it opens only what its scopes name.
    pub is_api_key: bool,
    /// When the token expires, in seconds since the Unix epoch.
    pub expires: i64,
    /// The first second at which it is valid.
    pub(super) not_before: i64,
}

impl Identity {
    /// The same caller with those roles only that are among `present`.
    pub(super) fn limited_to(&self, present: &[Role]) -> Identity {
        let roles = self.roles.iter().copied().filter(|role| present.contains(role)).collect();
        Identity { roles, ..self.clone() }
    }

    /// `None` when the claims are neither of a user nor of a service.
    pub(super) fn from_claims(claims: Claims) -> Option<Identity> {
        let is_api_key = claims.aud == API_KEY_AUDIENCE;
        if is_api_key && claims.client_id.is_some() {
            return None;
        }
        let user = if claims.client_id.is_none() { Some(claims.sub.parse::<UserId>().ok()?) } else { None };
        // A record is never taken away again, so the claim needs no revocation. Tokens from before there were records have the
        // role alone.
        let seller = user.filter(|user| claims.seller_id == Some(*user) || claims.roles.contains(&Role::Seller));
        Some(Identity {
            subject: claims.sub,
            user,
            seller,
            // A service is authorized by name and scope. Roles in its token are ignored.
            roles: if claims.client_id.is_none() { claims.roles } else { Vec::new() },
            client: claims.client_id,
            scopes: claims.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            email: claims.email,
            session: claims.sid,
            is_api_key,
            expires: claims.exp,
            not_before: claims.nbf.unwrap_or(claims.iat),
        })
    }

    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}
