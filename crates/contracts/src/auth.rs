//! Auth: accounts, passwords, tokens and roles. It owns the e-mail address and the roles of a user.

mod api_keys;
mod email_verification;
mod sessions;

pub(crate) use api_keys::parse_scope;
pub use api_keys::{API_KEY_PREFIX, ApiKey, ApiKeyToken, CreateApiKey, CreatedApiKey, ExchangeApiKey, key_scope, key_scopes};
pub use email_verification::{ChangeEmail, EMAIL_TOKEN_ENCRYPTION, ResendVerification, VerifyEmail};
pub use sessions::Session;

use crate::{
    body::BoundedVec,
    calls, events,
    ids::{UserId, Uuid},
    page::Page,
    secret::{NewPassword, Secret},
    service::ServiceSpec,
    string_enum,
    text::{Email, KnownEmail, Name},
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
    paths: &["/.well-known/jwks.json", "/api-keys", "/auth"],
};

string_enum! {
    /// What a user may do. A user holds one or more roles.
    Role {
        /// Buys. A customer has a cart, orders and an address book.
        Customer = "CUSTOMER",
        /// Sells. A seller manages its own products and their stock.
        Seller = "SELLER",
        /// Administers the marketplace.
        Admin = "ADMIN",
    }

    /// Whether users can log in to an account.
    AccountStatus {
        /// Logins are possible.
        Active = "ACTIVE",
        /// An administrator locked the account and ended its logins; or failed logins locked it for one network for some
        /// minutes, which ends no login and affects no other network.
        Locked = "LOCKED",
    }
}

/// The scope of the platform's own services. No other client holds it. A service that a route admits by name holds it as well.
pub const INTERNAL: &str = "internal";

/// The scope of a carrier's client: reporting the tracking events of shipments.
pub const SHIPPING_EVENTS: &str = "shipping:events";

/// The scopes that clients from outside may hold.
pub const SCOPES: &[&str] = &[SHIPPING_EVENTS];

/// Creates an account. Its first role is CUSTOMER.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterUser {
    /// The address to log in with. No other account may have it.
    pub email: Email,
    /// 8 to 200 characters.
    pub password: NewPassword,
    /// The name that the user wants to be addressed by.
    pub name: Name,
}

/// Logs in with e-mail and password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// The account's address, in any spelling.
    pub email: KnownEmail,
    /// The account's password.
    pub password: Secret,
}

/// Exchanges a refresh token for new tokens. The old refresh token works only once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshTokens {
    /// The refresh token of the last answer. A second use revokes every token of the same login.
    pub refresh_token: Secret,
}

/// Ends a login. An unknown token is no error, so that logging out twice is harmless.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logout {
    /// The refresh token of the login to end.
    pub refresh_token: Secret,
}

/// Requests a mail with a link to set a new password. The answer does not show whether the account exists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPassword {
    /// The account's address, in any spelling.
    pub email: KnownEmail,
}

/// Sets a new password with the token of the mail. Every login of the account ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPassword {
    /// The token of the mail. It works once and for a limited time.
    pub token: Secret,
    /// 8 to 200 characters.
    pub new_password: NewPassword,
}

/// Changes the password of the caller. Every other login of the account ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    /// The present password.
    pub current_password: Secret,
    /// 8 to 200 characters.
    pub new_password: NewPassword,
}

/// Replaces the roles of a user.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetRoles {
    /// All roles of the user from now on: one to three, in any order.
    pub roles: BoundedVec<Role, 1, 3>,
}

/// The form of an OAuth 2 client credentials grant (RFC 6749, section 4.4), form-encoded. The client may instead be
/// named in an `Authorization: Basic` header. Errors are problem documents with the additional members `error` and
/// `error_description` (section 5.2).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// Always `client_credentials`.
    #[schemars(extend("enum" = ["client_credentials"]))]
    pub grant_type: String,
    /// The client's name.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The client's secret.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The requested scopes, separated by spaces; all scopes of the client when absent.
    #[serde(default)]
    pub scope: Option<String>,
}

/// The tokens of a login. The access token is sent in `Authorization: Bearer`, the refresh token to `POST /auth/refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// The user who logged in.
    pub user_id: UserId,
    /// A signed JWT that each service verifies without a call to auth.
    pub access_token: Secret,
    /// Opaque; works once.
    pub refresh_token: Secret,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// The answer to the client credentials grant, with the names of RFC 6749.
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
    /// The present roles. A role that was taken away ends within seconds, one that was added is in the tokens of the next
    /// refresh.
    pub roles: Vec<Role>,
    /// Whether the user has shown to read the mails to the address.
    #[serde(default)]
    pub email_verified: bool,
    /// Whether logins are possible.
    pub status: AccountStatus,
    /// Failed logins since the last successful one, from all networks together.
    pub failed_login_count: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The public keys that verify access tokens (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Jwks {
    /// The key that signs at present, then the keys whose tokens may not have expired yet.
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
    /// The id of the key; the header of a token names it.
    pub kid: String,
    /// The public key, base64url without padding.
    pub x: String,
}

/// What ends access tokens before they expire. Verifiers keep it for [`token_seconds`](Self::token_seconds).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revocations {
    /// Logins that ended: their tokens are refused.
    pub sessions: Vec<RevokedSession>,
    /// Roles that were replaced: of the roles in an older token, those count that the user has still.
    pub roles: Vec<PresentRoles>,
    /// How long an access token lives at most, in seconds.
    pub token_seconds: u64,
    /// The `since` of the next call.
    pub next: Timestamp,
    /// False when there is more now.
    pub is_complete: bool,
}

/// A login that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokedSession {
    /// `sid` of its tokens.
    pub session: Uuid,
    /// When it ended.
    pub revoked_at: Timestamp,
}

/// The roles of a user after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresentRoles {
    /// The user.
    pub user_id: UserId,
    /// All roles of the user.
    pub roles: Vec<Role>,
    /// When they were last replaced.
    pub changed_at: Timestamp,
}

/// A password to check before something that matters is changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckPassword {
    /// What the user gave as the present password.
    pub password: Secret,
}

string_enum! {
    /// What a check of a password found.
    PasswordVerdict {
        /// It is the present password of the account.
        Right = "RIGHT",
        /// It is another one, or the account does not exist.
        Wrong = "WRONG",
        /// It was not checked: the passwords before were wrong too often.
        Blocked = "BLOCKED",
        /// It was not checked: an administrator locked the account.
        Locked = "LOCKED",
    }
}

/// The answer to [`CheckPassword`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordCheck {
    pub verdict: PasswordVerdict,
    /// After how many seconds the next one is checked, when this one was not.
    pub retry_after_seconds: Option<u64>,
}

/// From when on [`Revocations`] are listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationFilter {
    /// `next` of the former answer; absent at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// The purpose from which auth and notification derive the key for [`PasswordResetRequested::sealed_token`]: auth encrypts
/// the token, notification decrypts it.
pub const RESET_TOKEN_ENCRYPTION: &str = "seal:password-reset";

calls! {
    /// Creates an account and logs in.
    REGISTER: post(RegisterUser) -> Tokens, "/auth/register";
    /// Logs in with e-mail and password.
    LOGIN: post(Login) -> Tokens, "/auth/login";
    /// Exchanges a refresh token for new tokens.
    REFRESH_TOKENS: post(RefreshTokens) -> Tokens, "/auth/refresh";
    /// Ends the login of a refresh token.
    LOGOUT: post(Logout) -> (), "/auth/logout";
    /// Requests a mail with a link to set a new password.
    FORGOT_PASSWORD: post(ForgotPassword) -> (), "/auth/password/forgot";
    /// Sets a new password with the token of the mail.
    RESET_PASSWORD: post(ResetPassword) -> (), "/auth/password/reset";
    /// Changes the caller's password.
    CHANGE_PASSWORD: post(ChangePassword) -> (), "/auth/password/change";
    /// Verifies the address that the token was mailed to. After a change of the address the account has it from then on.
    VERIFY_EMAIL: post(VerifyEmail) -> (), "/auth/email/verify";
    /// Mails another token. The answer does not show whether there is an account.
    RESEND_VERIFICATION: post(ResendVerification) -> (), "/auth/email/verify/resend";
    /// Asks for another e-mail address. It takes effect when the token that is mailed to it comes back.
    CHANGE_EMAIL: post(ChangeEmail) -> (), "/auth/email/change";
    /// Lists the caller's logins that have not ended, the newest first.
    LIST_SESSIONS: get(()) -> Page<Session>, "/auth/sessions";
    /// Ends a login of the caller: its refresh token at once, its access tokens within a second.
    END_SESSION: delete(()) -> (), "/auth/sessions/{sessionId}";
    /// Makes an API key, which a program uses in the place of the caller, within the key's scopes.
    CREATE_API_KEY: post(CreateApiKey) -> CreatedApiKey, "/api-keys";
    /// Lists the caller's API keys that were not deleted, the newest first.
    LIST_API_KEYS: get(()) -> Page<ApiKey>, "/api-keys";
    /// Deletes an API key. It counts no longer after a second.
    DELETE_API_KEY: delete(()) -> (), "/api-keys/{apiKeyId}";
    /// Exchanges an API key for an access token of at most 60 seconds, for the gateway; `NOT_FOUND` for a key that does not count.
    EXCHANGE_API_KEY: query(ExchangeApiKey) -> ApiKeyToken, "/internal/auth/api-keys/exchange", from "gateway";
    /// Issues an access token to a service or another client. The body is form-encoded, not JSON.
    ISSUE_TOKEN: post(ClientCredentials) -> ServiceToken, "/auth/token";
    /// Replaces the roles of a user.
    SET_ROLES: put(SetRoles) -> Account, "/auth/users/{userId}/roles";
    /// Locks an account and ends its logins.
    LOCK_ACCOUNT: post(()) -> Account, "/auth/users/{userId}/lock";
    /// Unlocks an account.
    UNLOCK_ACCOUNT: post(()) -> Account, "/auth/users/{userId}/unlock";
    /// Reads the public keys that verify access tokens. The path is at the root, not below `/api/v1`.
    GET_JWKS: get(()) -> Jwks, "/.well-known/jwks.json";
    /// Lists what ends access tokens before they expire. Every process that verifies tokens reads it each second while it
    /// has requests.
    LIST_REVOCATIONS: get(()) -> Revocations, "/internal/auth/revocations", query RevocationFilter,
        from "audit", "auth", "cart", "catalog", "inventory", "notification", "order", "payment", "search", "seller", "shipping", "user";
    /// Checks the password of a user before a change that needs it. A wrong one counts like one of `CHANGE_PASSWORD`, so that
    /// neither can be used to guess.
    CHECK_PASSWORD: post_unkeyed(CheckPassword) -> PasswordCheck, "/internal/auth/users/{userId}/password-check", from "seller";
    /// Deletes an account, ends its logins and publishes `UserErased`; `LAST_ADMIN` for the last administrator. A repetition
    /// succeeds.
    ERASE_ACCOUNT: delete(()) -> (), "/internal/auth/users/{userId}", from "user";
}

// The aggregate is ACCOUNT and not USER: user publishes the events of USER, and a sequence has one producer.
events! {
    "ACCOUNT", user_id: UserId;
    /// An account was created.
    UserRegistered {
        /// The address for logging in and for mails.
        email: String,
        /// The name that the user wants to be addressed by.
        name: String,
        /// The roles of the new account.
        roles: Vec<Role>,
    }
    /// A user was erased, and cannot log in any more. Every service erases what it keeps about the user.
    UserErased {
        /// The customer of the orders that guests placed with the verified address of the account. Null when it was not verified, and
        /// in an old event.
        #[serde(default)]
        guest_id: Option<UserId>,
    }
    /// A user asked to set a new password. A mail with a link is due.
    PasswordResetRequested {
        /// The address that the mail is sent to.
        email: String,
        /// The reset token, encrypted for the notification service, which puts it into the mail.
        sealed_token: String,
        /// When the link stops working.
        expires_at: Timestamp,
    }
    /// A user registered, asked for another address, or for another mail. A mail to the address with a link is due.
    EmailVerificationRequested {
        /// The address that the mail is sent to.
        email: String,
        /// The token, encrypted for the notification service, which puts it into the mail.
        sealed_token: String,
        /// When the link stops working.
        expires_at: Timestamp,
        /// The present address of the account while another one is verified; it gets a message; null when it is this one.
        present_email: Option<String>,
    }
    /// The user has shown to read the mails to the account's address.
    EmailVerified {
        /// The account's address.
        email: String,
    }
    /// The account has another address. `EmailVerified` follows.
    EmailChanged {
        /// The account's address from now on.
        email: String,
        /// The address before, which gets a message.
        previous_email: String,
    }
    /// The password was changed or reset, and every other login ended.
    PasswordChanged {
        /// The account's address.
        email: String,
        /// True after a reset link, false after a change with the old password.
        by_reset: bool,
    }
    /// The roles of a user changed: an administrator replaced them, or the seller's record gave or took SELLER.
    RolesChanged {
        /// All roles of the user from now on.
        roles: Vec<Role>,
        /// The administrator; null when the seller's record caused it.
        changed_by: Option<UserId>,
    }
    /// An account has the role SELLER from before there were seller's records. The seller service makes it an APPROVED one.
    /// It is announced once for each account.
    ExistingSellerFound {}
    /// Logins to the account are blocked, for everyone or for one network.
    UserLocked {
        /// The administrator, who ended the logins as well; null when failed logins locked the account for one network for
        /// some minutes, and for a lock from before locks were announced.
        locked_by: Option<UserId>,
    }
    /// Logins to the account are possible again.
    UserUnlocked {
        /// The administrator; null when the lock expired or a login from another network succeeded.
        unlocked_by: Option<UserId>,
    }
}
