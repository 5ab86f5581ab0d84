//! The errors of this service and their public codes.

use crate::domain::client_rules::ClientFault;
use axum::http::{HeaderValue, header};
use contracts::{
    problem::{Code, Fault},
    text::Violation,
};
use platform::{db, http::Problem};
use std::time::Duration;

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Wrong password, no such account, locked or blocked, without a difference.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    #[error("the reset token is not valid")]
    InvalidResetToken,
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The address that an account asks for.
    #[error("the new e-mail address is taken")]
    NewEmailTaken,
    /// Another account took the address before it was verified.
    #[error("the new e-mail address was taken meanwhile")]
    EmailTakenMeanwhile,
    #[error("the token of the e-mail address is not valid")]
    InvalidVerificationToken,
    /// The account caused as many mails as it may. The next is sent after this time.
    #[error("too many mails")]
    TooManyMails(Duration),
    #[error("the idempotency key was used for another registration")]
    KeyReused,
    #[error("the current password is wrong")]
    WrongPassword,
    /// The caller's current password was wrong too often.
    #[error("too many wrong passwords")]
    TooManyAttempts(Duration),
    #[error("the account is locked")]
    AccountLocked,
    #[error("no such API key")]
    ApiKeyNotFound,
    /// Unknown, deleted or expired, or its maker is locked.
    #[error("the API key is not valid")]
    InvalidApiKey,
    #[error("the user has as many API keys as a user can have")]
    TooManyApiKeys,
    #[error("no such login")]
    SessionNotFound,
    #[error("no such account")]
    NotFound,
    /// The caller's token has the role ADMIN, but the account lost it.
    #[error("the account is no administrator any more")]
    NotAdmin,
    #[error("this is the last administrator")]
    LastAdmin,
    #[error("the role SELLER follows the seller's record")]
    SellerRole,
    /// The field of the request with the password, and what is wrong with it.
    #[error("the password {}", .1.detail)]
    PasswordRefused(&'static str, Violation),
    #[error("some values are not valid")]
    Invalid(Vec<Fault>),
    #[error("the client's name or secret is wrong")]
    InvalidClient,
    #[error("this grant type is not supported")]
    UnsupportedGrantType,
    #[error("the client does not hold that scope")]
    InvalidScope,
    #[error("the request for a token is not valid")]
    InvalidTokenRequest(Vec<Fault>),
    #[error(transparent)]
    BadClient(#[from] ClientFault),
    #[error("there is a client with this name")]
    ClientTaken,
    #[error("the hashing queue is full")]
    Overloaded,
    #[error("a password could not be hashed: {0}")]
    Hashing(String),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::InvalidCredentials => Code::INVALID_CREDENTIALS.into(),
            Error::InvalidRefreshToken => Code::INVALID_REFRESH_TOKEN.into(),
            Error::InvalidResetToken => Code::INVALID_RESET_TOKEN.into(),
            Error::EmailTaken => Problem::new(Code::EMAIL_TAKEN).fault(Fault::at("/email", "EMAIL_TAKEN", "has an account")),
            Error::NewEmailTaken => Problem::new(Code::EMAIL_TAKEN).fault(Fault::at("/newEmail", "EMAIL_TAKEN", "has an account")),
            Error::EmailTakenMeanwhile => {
                Problem::new(Code::EMAIL_TAKEN).detail("another account took this address meanwhile; this account keeps its own")
            }
            Error::InvalidVerificationToken => Code::INVALID_VERIFICATION_TOKEN.into(),
            Error::TooManyMails(wait) => Problem::new(Code::RATE_LIMITED).detail("too many mails were asked for").retry_after(wait),
            Error::KeyReused => Code::IDEMPOTENCY_KEY_REUSED.into(),
            Error::WrongPassword => Problem::new(Code::WRONG_PASSWORD).fault(Fault::at(
                "/currentPassword",
                "WRONG_PASSWORD",
                "is not the password of this account",
            )),
            Error::TooManyAttempts(wait) => {
                Problem::new(Code::RATE_LIMITED).detail("the current password was wrong too often").retry_after(wait)
            }
            Error::AccountLocked => Problem::new(Code::FORBIDDEN).detail("an administrator locked this account"),
            Error::NotFound => Problem::new(Code::NOT_FOUND).detail("there is no such account"),
            Error::SessionNotFound => Problem::new(Code::NOT_FOUND).detail("there is no such login of yours"),
            Error::ApiKeyNotFound => Problem::new(Code::NOT_FOUND).detail("there is no such API key of yours"),
            Error::InvalidApiKey => Problem::new(Code::NOT_FOUND).detail("there is no such API key"),
            Error::TooManyApiKeys => Code::TOO_MANY_API_KEYS.into(),
            Error::NotAdmin => Problem::new(Code::FORBIDDEN).detail("this account is no administrator any more"),
            Error::LastAdmin => Code::LAST_ADMIN.into(),
            Error::SellerRole => Code::ROLE_MANAGED_BY_SELLER.into(),
            Error::PasswordRefused(pointer, Violation { code, detail }) => Problem::invalid(vec![Fault::at(pointer, code, detail)]),
            Error::Invalid(faults) => Problem::invalid(faults),
            Error::InvalidClient => {
                let challenge = HeaderValue::from_static("Basic realm=\"souk\", charset=\"UTF-8\"");
                in_oauth(Code::INVALID_CLIENT.into(), "invalid_client").header(header::WWW_AUTHENTICATE, challenge)
            }
            Error::UnsupportedGrantType => in_oauth(Code::UNSUPPORTED_GRANT_TYPE.into(), "unsupported_grant_type").fault(Fault::parameter(
                "grant_type",
                "UNSUPPORTED_GRANT_TYPE",
                "must be client_credentials",
            )),
            Error::InvalidScope => in_oauth(Code::INVALID_SCOPE.into(), "invalid_scope").fault(Fault::parameter(
                "scope",
                "UNKNOWN_SCOPE",
                "is not held by this client",
            )),
            Error::InvalidTokenRequest(faults) => {
                let problem = faults.into_iter().fold(Problem::new(Code::INVALID_TOKEN_REQUEST), Problem::fault);
                in_oauth(problem, "invalid_request")
            }
            Error::Overloaded => Problem::new(Code::OVERLOADED).detail("too many passwords are being checked"),
            Error::Db(error) => error.into(),
            // Errors of the command line, and internal ones.
            Error::BadClient(_) | Error::ClientTaken | Error::Hashing(_) => Problem::internal(&error),
        }
    }
}

/// Adds the members of an OAuth 2 error to a problem of the token endpoint (RFC 6749, 5.2).
pub fn in_oauth(problem: Problem, error: &'static str) -> Problem {
    let description = problem.code().help();
    problem.member("error", error).member("error_description", description)
}
