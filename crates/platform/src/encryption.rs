//! Secrets that pass through events and databases: encrypted by one service, decrypted by another that has the same key.
//!
//! XChaCha20-Poly1305: its nonce of 24 bytes may be random, any changed bit is noticed, and a text encrypted twice is
//! different each time. The length is not hidden. Keys come from
//! [`MasterKey::key_for`](crate::master_key::MasterKey::key_for), one for each purpose.

mod v1;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};

/// The first byte is the version of the encryption; it is authenticated.
const VERSION: u8 = 2;
const NONCE: usize = 24;

/// Fresh random bytes, as [`Tx::random_bytes`](crate::db::Tx::random_bytes) gives them.
pub type Nonce = [u8; NONCE];

/// Encrypts a secret as text in base64url. The same nonce for two secrets would reveal both.
///
/// # Panics
/// For a secret beyond 256 GiB.
#[must_use]
pub fn encrypt(key: &[u8; 32], nonce: Nonce, secret: &[u8]) -> String {
    let payload = Payload { msg: secret, aad: &[VERSION] };
    let encrypted = XChaCha20Poly1305::new(key.into()).encrypt(&nonce.into(), payload).expect("a secret fits into memory");
    URL_SAFE_NO_PAD.encode([&[VERSION][..], &nonce, &encrypted].concat())
}

/// Decrypts what [`encrypt`] made, today or in an older version; `None` when it was changed, cut, or encrypted with
/// another key.
#[must_use]
pub fn decrypt(key: &[u8; 32], encrypted: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(encrypted).ok()?;
    match bytes.split_first()? {
        (&VERSION, rest) => {
            let (nonce, msg) = rest.split_first_chunk::<NONCE>()?;
            XChaCha20Poly1305::new(key.into()).decrypt(&(*nonce).into(), Payload { msg, aad: &[VERSION] }).ok()
        }
        (&v1::VERSION, _) => v1::decrypt(key, &bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];
    /// Made by version 1 with [`KEY`].
    const OLD: &str = "AQABAgMEBQYHCAkKCwwNDg_fHO2QFJR4_GRT7jZbESoNpyo8TP8giYyunD5Bf9516AcM35d8mJwwF0BpUTsKUtV0J0oN4bCqLxFqbjQxLvpTkfdmt2qINhU3GE39vUGn26lxfQx0oA";

    proptest! {
        #[test]
        fn a_secret_is_decrypted_by_its_key_alone(secret: Vec<u8>, nonce: Nonce, key: [u8; 32], other: [u8; 32]) {
            let encrypted = encrypt(&key, nonce, &secret);
            prop_assert_eq!(decrypt(&key, &encrypted), Some(secret));
            prop_assume!(key != other);
            prop_assert_eq!(decrypt(&other, &encrypted), None);
        }

        #[test]
        fn any_changed_bit_is_noticed(secret: Vec<u8>, old: bool, nonce: Nonce, at: prop::sample::Index, bit in 0_u8..8) {
            let encrypted = if old { OLD.to_owned() } else { encrypt(&KEY, nonce, &secret) };
            let mut bytes = URL_SAFE_NO_PAD.decode(encrypted).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(decrypt(&KEY, &URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn any_other_text_is_refused(text: String) {
            prop_assert_eq!(decrypt(&KEY, &text), None);
        }
    }

    #[test]
    fn what_version_1_encrypted_is_still_decrypted() {
        assert_eq!(decrypt(&KEY, OLD).as_deref(), Some(&b"a secret of version 1, longer than a block of 32 bytes"[..]));
        assert_eq!(decrypt(&[8; 32], OLD), None);
    }

    #[test]
    fn an_encrypted_secret_is_unreadable_and_different_each_time() {
        let secret = [b'x'; 96];
        let (one, two) = (encrypt(&KEY, [1; NONCE], &secret), encrypt(&KEY, [2; NONCE], &secret));
        assert_ne!(one, two);
        let body = &URL_SAFE_NO_PAD.decode(one).unwrap()[1 + NONCE..][..96];
        assert!(body.chunks(32).all(|block| block != &secret[..32]));
        assert_ne!(body[..32], body[32..64], "every block has a keystream of its own");
    }

    #[test]
    fn what_is_cut_is_refused() {
        for encrypted in [OLD, &encrypt(&KEY, [3; NONCE], b"token")] {
            for end in 0..encrypted.len() {
                assert_eq!(decrypt(&KEY, &encrypted[..end]), None, "cut at {end}");
            }
        }
    }
}
