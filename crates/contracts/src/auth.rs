//! Auth: accounts, passwords, tokens and roles. It owns the e-mail address and the roles of a user.

use crate::{
    body::BoundedVec,
    calls, events,
    ids::UserId,
    secret::{NewPassword, Secret},
    service::ServiceSpec,
    string_enum,
    text::{Email, Name},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "auth";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns accounts, passwords, tokens, and the e-mail address and roles of a user.",
    machines: &[],
    events: EVENTS,
    calls: CALLS,
    paths: &["/.well-known/jwks.json", "/auth"],
};

string_enum! {
    /// What a user may do. A user holds one or more roles.
    Role {
        /// Buys: has a cart, orders and an address book.
        Customer = "CUSTOMER",
        /// Sells: manages its own products and their stock.
        Seller = "SELLER",
        /// Runs the marketplace.
        Admin = "ADMIN",
    }

    /// Whether an account can be used.
    AccountStatus {
        /// It can log in.
        Active = "ACTIVE",
        /// An administrator locked it and ended its logins; or too many failed logins locked a network out of it for some
        /// minutes, which ends none and keeps nobody else out.
        Locked = "LOCKED",
    }
}

/// The scope that the platform's own services hold, and nobody else. A service that is let in by name holds it too.
pub const INTERNAL: &str = "internal";

/// The scope of a carrier's client: telling where parcels are.
pub const SHIPPING_EVENTS: &str = "shipping:events";

/// What clients from outside may be allowed to do.
pub const SCOPES: &[&str] = &[SHIPPING_EVENTS];

/// Opens an account. It begins with the role CUSTOMER.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterUser {
    /// The address to log in with; it must be free.
    pub email: Email,
    /// 8 to 200 characters.
    pub password: NewPassword,
    /// How the user wants to be called.
    pub name: Name,
}

/// Logs in with e-mail and password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// The account's address, in upper or lower case.
    pub email: Email,
    /// The account's password.
    pub password: Secret,
}

/// Exchanges a refresh token for new tokens. The old one is used up by it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshTokens {
    /// The refresh token of the last answer. Using one twice revokes all that descend from the same login.
    pub refresh_token: Secret,
}

/// Ends a login. Unknown tokens are accepted too, so that logging out twice is harmless.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logout {
    /// The refresh token of the login to end.
    pub refresh_token: Secret,
}

/// Asks for a mail with a link to set a new password. The answer is the same whether or not the account exists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPassword {
    /// The account's address.
    pub email: Email,
}

/// Sets a new password with the token of the mail. Every login of the account ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPassword {
    /// The token of the mail; it works once and for a limited time.
    pub token: Secret,
    /// 8 to 200 characters.
    pub new_password: NewPassword,
}

/// Changes the password of the caller. Every other login of the account ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is now.
    pub current_password: Secret,
    /// 8 to 200 characters.
    pub new_password: NewPassword,
}

/// Replaces the roles of a user.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetRoles {
    /// All roles the user shall hold; one to three, in any order.
    pub roles: BoundedVec<Role, 1, 3>,
}

/// The form of an OAuth 2 client credentials grant (RFC 6749, section 4.4), form-encoded. The client may instead be
/// named in an `Authorization: Basic` header. Refusals are problem documents that hold `error` and `error_description`
/// (section 5.2) as well.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// Always `client_credentials`.
    pub grant_type: String,
    /// The client's name.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The client's secret.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The scopes wanted, separated by spaces; all that the client holds when absent.
    #[serde(default)]
    pub scope: Option<String>,
}

/// What a login gives. The access token goes into `Authorization: Bearer`, the refresh token into `POST /auth/refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Who logged in.
    pub user_id: UserId,
    /// A signed JWT that every service verifies by itself.
    pub access_token: Secret,
    /// Opaque; works once.
    pub refresh_token: Secret,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// The answer of the client credentials grant, with the names of RFC 6749.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceToken {
    /// A signed JWT that names the client and its scopes.
    pub access_token: Secret,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// The scopes it holds, separated by spaces.
    pub scope: String,
}

/// An account as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The user the account belongs to.
    pub user_id: UserId,
    /// The address to log in with.
    pub email: String,
    /// The roles held now. Access tokens issued before keep theirs until they expire.
    pub roles: Vec<Role>,
    /// Whether it can log in.
    pub status: AccountStatus,
    /// Failed logins since the last that succeeded, from wherever.
    pub failed_login_count: u32,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The public keys that verify access tokens (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Jwks {
    /// The key that signs now first, then those whose tokens may still be alive.
    pub keys: Vec<Jwk>,
}

/// One Ed25519 public key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    pub r#use: String,
    /// The key's name, as tokens carry it in their header.
    pub kid: String,
    /// The public key, base64url without padding.
    pub x: String,
}

/// What the installation's key is derived for with which auth seals [`PasswordResetRequested::sealed_token`], and the
/// notification service opens it.
pub const RESET_TOKEN_ENCRYPTION: &str = "seal:password-reset";

calls! {
    /// Creates an account and logs in.
    REGISTER: post(RegisterUser) -> Tokens, "/auth/register";
    /// Logs in with e-mail and password.
    LOG_IN: post(Login) -> Tokens, "/auth/login";
    /// Exchanges a refresh token for new tokens.
    REFRESH_TOKENS: post(RefreshTokens) -> Tokens, "/auth/refresh";
    /// Ends the login of a refresh token.
    LOG_OUT: post(Logout) -> (), "/auth/logout";
    /// Requests a mail with a link to set a new password.
    FORGOT_PASSWORD: post(ForgotPassword) -> (), "/auth/password/forgot";
    /// Sets a new password with the token of the mail.
    RESET_PASSWORD: post(ResetPassword) -> (), "/auth/password/reset";
    /// Changes the caller's password.
    CHANGE_PASSWORD: post(ChangePassword) -> (), "/auth/password/change";
    /// Issues an access token to a service or another client. The body is form-encoded, not JSON.
    GRANT_SERVICE_TOKEN: post(ClientCredentials) -> ServiceToken, "/auth/token";
    /// Replaces the roles of a user.
    SET_ROLES: put(SetRoles) -> Account, "/auth/users/{userId}/roles";
    /// Locks an account and ends its logins.
    LOCK_ACCOUNT: post(()) -> Account, "/auth/users/{userId}/lock";
    /// Unlocks an account.
    UNLOCK_ACCOUNT: post(()) -> Account, "/auth/users/{userId}/unlock";
    /// Reads the public keys that verify access tokens. The path is at the root, not below `/api/v1`.
    LIST_KEYS: get(()) -> Jwks, "/.well-known/jwks.json";
}

// The aggregate is ACCOUNT and not USER: the user service counts USER's events, and one count has one owner.
events! {
    "ACCOUNT", user_id: UserId;
    /// Somebody opened an account.
    UserRegistered {
        /// The address to log in with and to write to.
        email: String,
        /// How the user wants to be called.
        name: String,
        /// The roles of the new account.
        roles: Vec<Role>,
    }
    /// Somebody asked to set a new password; a mail with a link is due.
    PasswordResetRequested {
        /// Where the mail goes.
        email: String,
        /// The reset token, encrypted: only the notification service can open it, to put it into the mail.
        sealed_token: String,
        /// When the link stops working.
        expires_at: Timestamp,
    }
    /// The password was changed or reset. Every other login ended.
    PasswordChanged {
        /// The account's address.
        email: String,
        /// Whether it happened by a reset link rather than by the old password.
        by_reset: bool,
    }
    /// An administrator replaced the roles of a user.
    RolesChanged {
        /// All roles held from now on.
        roles: Vec<Role>,
        /// The administrator.
        changed_by: Option<UserId>,
    }
    /// The account cannot log in for now, or not from everywhere.
    UserLocked {
        /// The administrator, who ended its logins as well; null when too many failed logins locked a network out of it for
        /// some minutes.
        locked_by: Option<UserId>,
    }
    /// The account can log in again.
    UserUnlocked {
        /// The administrator; null when the time of the lock ran out, or somebody logged in elsewhere.
        unlocked_by: Option<UserId>,
    }
}
