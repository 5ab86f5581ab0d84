//! Tokens that mean nothing by themselves: refresh tokens, reset tokens, clients' secrets.
//!
//! They are 256 bits of chance, so a plain SHA-256 of them is all that the database holds: it cannot be guessed backwards,
//! and who reads the database can use none of them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::secret::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What is kept of a token.
pub type Hash = [u8; 32];

/// The token of these random bytes.
///
/// # Panics
/// Never: 43 characters are a secret.
#[must_use]
pub fn token(random: [u8; 32]) -> Secret {
    Secret::parse(URL_SAFE_NO_PAD.encode(random)).expect("43 characters of base64url are a secret")
}

/// What is kept of `token`, whatever it is.
#[must_use]
pub fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

/// Compares in a time that does not tell where they differ.
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
