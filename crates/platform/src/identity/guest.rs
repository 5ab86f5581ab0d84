//! Guests: callers who prove with a token in a header of its own that a cart or an order is theirs.
//!
//! Only the service that owns the thing can tell whether such a token is right. The extractors therefore check its form alone, and
//! the handler looks it up by [`GuestToken::hash`].

use super::callers::{Caller, admitted};
use crate::{
    client::Client,
    hex,
    http::{
        Problem,
        describe::{DescribeArg, OperationBuilder},
    },
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::{
    order::{FIND_ORDER_BY_TOKEN, OrderCustomer, OrderTokenLookup},
    problem::Code,
    secret::Secret,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fmt, marker::PhantomData};

/// A header that carries a token of guests.
pub trait TokenHeader: Send + Sync + 'static {
    /// As the description spells it.
    const NAME: &'static str;
    /// The name of the security scheme in the description.
    const SCHEME: &'static str;
}

/// The header of the token that `POST /carts` gives.
#[derive(Debug, Clone, Copy)]
pub struct CartTokenHeader;
impl TokenHeader for CartTokenHeader {
    const NAME: &'static str = "X-Cart-Token";
    const SCHEME: &'static str = "cartToken";
}

/// The header of the token that a guest's order comes with.
#[derive(Debug, Clone, Copy)]
pub struct OrderTokenHeader;
impl TokenHeader for OrderTokenHeader {
    const NAME: &'static str = "X-Order-Token";
    const SCHEME: &'static str = "orderToken";
}

/// The number of characters of a token: 256 random bits in base64url.
const TOKEN_CHARS: usize = 43;

/// A token of the right form. Whether it is one that was given is not known yet.
pub struct GuestToken<H> {
    secret: Secret,
    marker: PhantomData<fn() -> H>,
}

impl<H> Clone for GuestToken<H> {
    fn clone(&self) -> GuestToken<H> {
        GuestToken { secret: self.secret.clone(), marker: PhantomData }
    }
}

impl<H> fmt::Debug for GuestToken<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestToken(…)")
    }
}

impl<H: TokenHeader> GuestToken<H> {
    /// Returns the token of these random bytes.
    ///
    /// # Panics
    /// Never: base64url is a secret.
    #[must_use]
    pub fn of(random: [u8; 32]) -> GuestToken<H> {
        GuestToken::parse(&URL_SAFE_NO_PAD.encode(random)).expect("32 bytes in base64url are a token")
    }

    /// Accepts a text of the form of a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<GuestToken<H>> {
        let fits = text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let secret = fits.then(|| Secret::parse(text).ok()).flatten()?;
        Some(GuestToken { secret, marker: PhantomData })
    }

    /// Returns the text. Do not log it.
    #[must_use]
    pub fn reveal(&self) -> &Secret {
        &self.secret
    }

    /// Returns the SHA-256, by which the token is stored. The token is 256 random bits, so the hash cannot be reversed.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.reveal()).into()
    }

    /// Reads the header; `None` when it is absent.
    ///
    /// # Errors
    /// 401 when it is given twice or is no token.
    fn read(headers: &HeaderMap) -> Result<Option<GuestToken<H>>, Problem> {
        let mut values = headers.get_all(H::NAME).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let token = value.to_str().ok().filter(|_| values.next().is_none()).and_then(GuestToken::parse);
        token.map(Some).ok_or_else(|| Problem::new(Code::UNAUTHENTICATED).detail(format!("{} is not a token", H::NAME)))
    }
}

impl GuestToken<OrderTokenHeader> {
    /// Asks the order service which order the token opens. Services that keep what belongs to an order use it.
    ///
    /// # Errors
    /// `NOT_FOUND` when it opens none; those of the call.
    pub async fn find_order(&self, client: &Client) -> Result<OrderCustomer, Problem> {
        let body = OrderTokenLookup { order_token: self.secret.clone() };
        client.call(&FIND_ORDER_BY_TOKEN).body(&body).send().await.map_err(|error| match error.is_not_found() {
            true => Problem::new(Code::NOT_FOUND).detail("there is no such order"),
            false => error.into(),
        })
    }
}

/// What scopes the idempotency keys of a guest, as the `sub` of the token scopes those of others.
#[derive(Clone)]
pub(crate) struct GuestSubject(pub String);

/// A `C` with an access token, or a guest with the token of the header `H`. An access token comes first when both are sent.
#[derive(Debug, Clone)]
pub enum OrGuest<C, H> {
    Known(C),
    Guest(GuestToken<H>),
}

impl<S: Send + Sync, C: Caller, H: TokenHeader> FromRequestParts<S> for OrGuest<C, H> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION)
            && let Some(token) = GuestToken::<H>::read(&parts.headers)?
        {
            parts.extensions.insert(GuestSubject(format!("{}:{}", H::SCHEME, hex::encode(&token.hash()))));
            return Ok(OrGuest::Guest(token));
        }
        admitted(parts).await.map(OrGuest::Known)
    }
}

impl<C: Caller, H: TokenHeader> DescribeArg for OrGuest<C, H> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        for grant in C::grants() {
            operation.grant(grant);
        }
        operation.allow_guests(H::SCHEME);
    }
}

/// The token of a guest on an operation that anyone may call. One that is no token counts as absent.
#[derive(Debug, Clone)]
pub struct MaybeGuestToken<H>(pub Option<GuestToken<H>>);

impl<S: Send + Sync, H: TokenHeader> FromRequestParts<S> for MaybeGuestToken<H> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(MaybeGuestToken(GuestToken::read(&parts.headers).ok().flatten()))
    }
}

impl DescribeArg for MaybeGuestToken<CartTokenHeader> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        let about = "The token of a guest's cart, whose lines and coupons move into the cart of the account. Ignored when it is not valid any more.";
        operation.parameter("header", CartTokenHeader::NAME, false, json!({"type": "string"}), about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    type Token = GuestToken<CartTokenHeader>;

    #[test]
    fn a_token_is_256_bits_and_never_shown() {
        let (one, two) = (Token::of([1; 32]), Token::of([2; 32]));
        assert_eq!(one.reveal().reveal().len(), TOKEN_CHARS);
        assert_ne!(one.hash(), two.hash());
        assert_eq!(Token::parse(one.reveal().reveal()).unwrap().hash(), one.hash());
        assert_eq!(format!("{one:?}"), "GuestToken(…)");
    }

    #[test]
    fn what_is_no_token_is_unauthenticated() {
        let headers = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CartTokenHeader::NAME, HeaderValue::from_bytes(value).unwrap());
            }
            headers
        };
        let token = Token::of([1; 32]);
        let token = token.reveal().reveal().as_bytes();
        assert!(Token::read(&headers(&[])).unwrap().is_none());
        assert!(Token::read(&headers(&[token])).unwrap().is_some());
        for bad in [&[&b""[..]][..], &[b"abc"], &[&[b'x'; 44]], &[&[b' '; 43]], &[&[0xfc; 43]], &[token, token]] {
            assert_eq!(Token::read(&headers(bad)).unwrap_err().code(), Code::UNAUTHENTICATED, "{bad:?}");
        }
    }
}
