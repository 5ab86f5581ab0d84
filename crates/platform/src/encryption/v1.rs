//! Decrypts what was encrypted before version 2: HMAC-SHA-256 in counter mode over a nonce of 16 bytes, then HMAC-SHA-256
//! over everything before the tag, with two keys derived from the given one (RFC 2104).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

pub(super) const VERSION: u8 = 1;
const NONCE: usize = 16;
const TAG: usize = 32;

/// The secret in `bytes`, the version included; `None` when they were changed, cut, or encrypted with another key.
pub(super) fn decrypt(key: &[u8; 32], bytes: &[u8]) -> Option<Vec<u8>> {
    let (body, tag) = bytes.split_last_chunk::<TAG>()?;
    if !bool::from(hmac(&derive(key, b"authenticate"), &[body]).ct_eq(tag)) {
        return None;
    }
    let (nonce, secret) = body.strip_prefix(&[VERSION])?.split_first_chunk::<NONCE>()?;
    let (key, mut secret) = (derive(key, b"encrypt"), secret.to_vec());
    for (counter, block) in (0_u64..).zip(secret.chunks_mut(32)) {
        let keystream = hmac(&key, &[nonce, &counter.to_be_bytes()]);
        for (byte, mask) in block.iter_mut().zip(keystream) {
            *byte ^= mask;
        }
    }
    Some(secret)
}

fn derive(key: &[u8; 32], purpose: &[u8]) -> [u8; 32] {
    hmac(key, &[purpose])
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
