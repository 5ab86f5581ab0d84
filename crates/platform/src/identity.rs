//! The verified caller of a request. Access tokens are JWTs signed with Ed25519 (RFC 8037); every service verifies them by
//! itself, and the type of a handler's first argument determines who may call it.

mod callers;
mod claims;
mod guest;
mod keys;
mod provider;
mod revocations;
mod verifier;

pub use callers::{
    Admin, Caller, ClientMarker, Customer, Either, MaybeUser, Seller, SellerOfRecord, SellerOfRecordOrAdmin, SellerOrAdmin, Service,
    ServiceOf, User, Viewer, identify,
};
pub use claims::{API_KEY_AUDIENCE, AUDIENCE, Claims, ISSUER, Identity};
pub use contracts::auth::{Jwk, Jwks, Role};
pub(crate) use guest::GuestSubject;
pub use guest::{CartTokenHeader, GuestToken, MaybeGuestToken, OrGuest, OrderTokenHeader, TokenHeader};
pub use keys::SigningKey;
pub use revocations::RevocationSource;
pub use verifier::{KeySource, Refused, Verifier};

#[cfg(test)]
mod revocation_tests;
#[cfg(test)]
mod tests;
