//! Keys: the private one that signs, and the public ones as `contracts::auth::Jwks` (RFC 7517, RFC 8037).

use super::{claims::Claims, provider};
use crate::env::Env;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::auth::Jwk;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use sha2::{Digest, Sha256};
use std::fmt;

/// A private key of Ed25519. Its `kid` is the thumbprint of RFC 7638, so a key has the same name wherever it is loaded.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    key: ed25519_dalek::SigningKey,
    encoding: EncodingKey,
}

impl SigningKey {
    /// A fresh key.
    #[must_use]
    pub fn generate(env: &Env) -> SigningKey {
        SigningKey::from_bytes(&env.random_bytes())
    }

    /// The key of this secret seed (RFC 8032).
    ///
    /// # Panics
    /// Never in practice: any 32 bytes are a key, and a key can be written as PKCS #8.
    #[must_use]
    pub fn from_bytes(seed: &[u8; 32]) -> SigningKey {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let der = key.to_pkcs8_der().expect("a key can be written as PKCS #8");
        let kid = jwk(&key.verifying_key()).kid;
        SigningKey { kid, encoding: EncodingKey::from_ed_der(der.as_bytes()), key }
    }

    /// Returns the secret seed. It must be stored as a secret.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Jwk {
        jwk(&self.key.verifying_key())
    }

    /// A signed token.
    ///
    /// # Panics
    /// Never in practice: claims are plain values.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        provider::install();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).expect("claims are plain values and the key is sound")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The public half as it is published.
fn jwk(key: &ed25519_dalek::VerifyingKey) -> Jwk {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)));
    Jwk { kty: "OKP".into(), crv: "Ed25519".into(), kid, alg: "EdDSA".into(), r#use: "sig".into(), x }
}

/// The key to verify with; `None` for a key of another kind.
pub(super) fn decoding_key(jwk: &Jwk) -> Option<DecodingKey> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&jwk.x).ok()?.try_into().ok()?;
    let sound = jwk.kty == "OKP" && jwk.crv == "Ed25519" && ed25519_dalek::VerifyingKey::from_bytes(&bytes).is_ok();
    if sound { DecodingKey::from_ed_components(&jwk.x).ok() } else { None }
}
