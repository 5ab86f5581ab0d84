//! Opaque tokens: refresh tokens, reset tokens and secrets of clients.
//!
//! They are 256 random bits, so the database stores only their SHA-256: the hash cannot be reversed, and a reader of
//! the database cannot use it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::secret::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The stored hash of a token.
pub type Hash = [u8; 32];

/// Returns the token of these random bytes.
///
/// # Panics
/// Never: 43 characters are a secret.
#[must_use]
pub fn token(random: [u8; 32]) -> Secret {
    Secret::parse(URL_SAFE_NO_PAD.encode(random)).expect("43 characters of base64url are a secret")
}

/// Returns the hash of `token`, for any text.
#[must_use]
pub fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

/// Compares in constant time.
#[must_use]
pub fn same(one: &Hash, other: &Hash) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        let (one, two) = (token([1; 32]), token([2; 32]));
        assert_eq!(one.reveal().len(), 43);
        assert!(same(&hash(one.reveal()), &hash(one.reveal())));
        assert!(!same(&hash(one.reveal()), &hash(two.reveal())));
    }
}
