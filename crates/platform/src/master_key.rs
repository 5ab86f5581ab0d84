//! The secret that the services of one installation share, and what is derived from it.

use crate::{atomic_file, env::Env};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{fmt::Write as _, io, path::Path, sync::Arc};

/// 32 random bytes, made once per installation. Each purpose gets its own derived key, so that none gives away another.
#[derive(Clone)]
pub struct MasterKey(Arc<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(secret)")
    }
}

impl MasterKey {
    #[must_use]
    pub fn new(secret: [u8; 32]) -> MasterKey {
        MasterKey(Arc::new(secret))
    }

    /// The secret kept in `folder`, made there on the first start, readable by its owner alone. Whoever calls this holds the
    /// folder for itself.
    ///
    /// # Errors
    /// When it cannot be read or written, or is not 64 hexadecimal digits.
    pub fn load_or_create(folder: &Path, env: &Env) -> io::Result<MasterKey> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("installation.secret");
        match std::fs::read_to_string(&path) {
            Ok(text) => MasterKey::parse(text.trim()).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{} does not hold 64 hexadecimal digits", path.display()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = env.random_bytes::<32>();
                atomic_file::write(&path, hex(&secret).as_bytes())?;
                Ok(MasterKey::new(secret))
            }
            Err(error) => Err(error),
        }
    }

    /// A secret written as 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<MasterKey> {
        let mut secret = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in secret.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(MasterKey::new(secret))
    }

    /// The key for `purpose` (HMAC-SHA-256 of it, RFC 2104).
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The secret with which the service `name` gets its own tokens from auth.
    #[must_use]
    pub fn client_secret(&self, name: &str) -> String {
        hex(&self.key_for(&format!("client:{name}")))
    }
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempFolder;

    #[test]
    fn a_start_that_was_cut_off_while_it_made_the_secret_is_made_up_for_by_the_next() {
        let (folder, env) = (TempFolder::new(), Env::seeded(1, contracts::time::Timestamp(0)));
        std::fs::write(folder.path().join(".installation.secret.part"), "").unwrap();
        let made = MasterKey::load_or_create(folder.path(), &env).unwrap();
        assert_eq!(MasterKey::load_or_create(folder.path(), &env).unwrap().0, made.0, "it is made once");
        std::fs::write(folder.path().join("installation.secret"), "").unwrap();
        let refused = MasterKey::load_or_create(folder.path(), &env).unwrap_err();
        assert!(refused.to_string().contains("64 hexadecimal digits"), "one that was lost is not replaced in silence: {refused}");
    }
}
