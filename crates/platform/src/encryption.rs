//! Secrets that must pass through events and databases: sealed by one service, opened by another that has the same key.
//!
//! Encrypt-then-MAC of two HMAC-SHA-256 keys derived from the given one (RFC 2104): the keystream is HMAC in counter
//! mode over a random nonce of 16 bytes, the tag covers everything before it. Changing any bit is noticed, and the same
//! text sealed twice looks different each time. The length is not hidden. Keys come from
//! [`MasterKey::key_for`](crate::master_key::MasterKey::key_for), one for each purpose.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The first byte: which construction this is.
const VERSION: u8 = 1;
const NONCE: usize = 16;
const TAG: usize = 32;

/// Text in base64url that [`decrypt`] turns back with the same key. `nonce` must be fresh chance, such as
/// [`Tx::random_bytes`](crate::db::Tx::random_bytes): the same nonce for two texts gives away how they differ.
#[must_use]
pub fn encrypt(key: &[u8; 32], nonce: [u8; NONCE], secret: &[u8]) -> String {
    let mut sealed = Vec::with_capacity(1 + NONCE + secret.len() + TAG);
    sealed.push(VERSION);
    sealed.extend(nonce);
    sealed.extend(secret);
    apply_keystream(key, nonce, &mut sealed[1 + NONCE..]);
    let tag = tag(key, &sealed);
    sealed.extend(tag);
    URL_SAFE_NO_PAD.encode(sealed)
}

/// What was sealed; `None` when it was changed, cut, or sealed with another key.
#[must_use]
pub fn decrypt(key: &[u8; 32], sealed: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (body, given) = bytes.split_last_chunk::<TAG>()?;
    if !bool::from(tag(key, body).ct_eq(given)) {
        return None;
    }
    let (head, secret) = body.split_first_chunk::<{ 1 + NONCE }>()?;
    let (&version, nonce) = head.split_first()?;
    if version != VERSION {
        return None;
    }
    let mut secret = secret.to_vec();
    apply_keystream(key, nonce.try_into().ok()?, &mut secret);
    Some(secret)
}

fn apply_keystream(key: &[u8; 32], nonce: [u8; NONCE], text: &mut [u8]) {
    let key = derived(key, b"encrypt");
    for (counter, block) in (0_u64..).zip(text.chunks_mut(32)) {
        let stream = hmac(&key, &[&nonce, &counter.to_be_bytes()]);
        for (byte, mask) in block.iter_mut().zip(stream) {
            *byte ^= mask;
        }
    }
}

fn tag(key: &[u8; 32], body: &[u8]) -> [u8; TAG] {
    hmac(&derived(key, b"authenticate"), &[body])
}

fn derived(key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    hmac(key, &[purpose])
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];

    proptest! {
        #[test]
        fn what_was_sealed_is_opened_by_its_key_alone(secret: Vec<u8>, nonce: [u8; 16], key: [u8; 32], other: [u8; 32]) {
            let sealed = encrypt(&key, nonce, &secret);
            prop_assert_eq!(decrypt(&key, &sealed), Some(secret));
            prop_assume!(key != other);
            prop_assert_eq!(decrypt(&other, &sealed), None);
        }

        #[test]
        fn any_changed_bit_is_noticed(secret: Vec<u8>, nonce: [u8; 16], at: prop::sample::Index, bit in 0_u8..8) {
            let mut bytes = URL_SAFE_NO_PAD.decode(encrypt(&KEY, nonce, &secret)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(decrypt(&KEY, &URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn whatever_is_given_to_it_is_refused_quietly(text: String) {
            prop_assert_eq!(decrypt(&KEY, &text), None);
        }
    }

    #[test]
    fn a_secret_is_not_to_be_seen_and_looks_different_each_time() {
        let secret = [b'x'; 96];
        let (one, two) = (encrypt(&KEY, [1; 16], &secret), encrypt(&KEY, [2; 16], &secret));
        assert_ne!(one, two);
        let body = &URL_SAFE_NO_PAD.decode(one).unwrap()[17..][..96];
        assert!(body.chunks(32).all(|block| block != &secret[..32]));
        assert_ne!(body[..32], body[32..64], "every block has a keystream of its own");
    }

    #[test]
    fn what_is_cut_is_refused() {
        let sealed = encrypt(&KEY, [3; 16], b"token");
        for end in 0..sealed.len() {
            assert_eq!(decrypt(&KEY, &sealed[..end]), None, "cut at {end}");
        }
        assert_eq!(decrypt(&KEY, &sealed).as_deref(), Some(&b"token"[..]));
    }
}
