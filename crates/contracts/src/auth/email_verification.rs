//! Bodies of the verification and the change of an e-mail address.

use crate::{
    secret::Secret,
    text::{Email, KnownEmail},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The purpose from which auth and notification derive the key for
/// [`EmailVerificationRequested::sealed_token`](super::EmailVerificationRequested::sealed_token).
pub const EMAIL_TOKEN_ENCRYPTION: &str = "seal:email-verification";

/// Verifies an e-mail address with the token of the mail.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyEmail {
    /// The token of the mail. It works once and for a limited time.
    pub token: Secret,
}

/// Asks for another mail. With an access token the body may be empty: the mail goes to the address that waits to be verified.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResendVerification {
    /// The account's address, in any spelling; required without an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<KnownEmail>,
}

/// Asks for another e-mail address.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeEmail {
    /// The address to have. No other account may have it.
    pub new_email: Email,
    /// The present password.
    pub current_password: Secret,
}
