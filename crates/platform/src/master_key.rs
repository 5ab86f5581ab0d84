//! The secret that the services of one installation share, and what is derived from it.

use crate::{atomic_file, env::Env, hex};
use contracts::ids::UserId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{io, path::Path, sync::Arc};

/// 32 random bytes, made once per installation. A key is derived for each purpose, and no key reveals another.
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

    /// Reads the secret from `folder`; creates it on the first start, readable by its owner alone. The caller has locked the
    /// folder.
    ///
    /// # Errors
    /// When it cannot be read or written, or is not 64 hexadecimal digits.
    pub fn load_or_create(folder: &Path, env: &Env) -> io::Result<MasterKey> {
        std::fs::create_dir_all(folder)?;
        if let Some(key) = MasterKey::load(folder)? {
            return Ok(key);
        }
        let secret = env.random_bytes::<32>();
        atomic_file::write(&folder.join(MasterKey::FILE), hex::encode(&secret).as_bytes())?;
        Ok(MasterKey::new(secret))
    }

    /// The name of the file in the data directory.
    pub const FILE: &str = "installation.secret";

    /// Reads the secret from `folder`; `None` when there is none. For tools, which must not make another one.
    ///
    /// # Errors
    /// When it cannot be read, or is not 64 hexadecimal digits.
    pub fn load(folder: &Path) -> io::Result<Option<MasterKey>> {
        let path = folder.join(MasterKey::FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => MasterKey::parse(text.trim()).map(Some).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{} does not hold 64 hexadecimal digits", path.display()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A secret written as 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<MasterKey> {
        hex::decode(text)?.try_into().ok().map(MasterKey::new)
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

    /// Returns the customer of all orders of guests with this address of mail, in its normal form. The purpose never changes, because
    /// ids that are stored are made of it.
    #[must_use]
    pub fn guest_of(&self, email: &str) -> UserId {
        let hash = self.key_for(&format!("guest-customer:{email}"));
        UserId::of_guest(std::array::from_fn(|at| hash[at]))
    }

    /// Returns the secret with which the service `name` fetches its tokens from auth.
    #[must_use]
    pub fn client_secret(&self, name: &str) -> String {
        hex::encode(&self.key_for(&format!("client:{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempFolder;

    #[test]
    fn the_secret_is_created_once_and_never_replaced() {
        let (folder, env) = (TempFolder::new(), Env::seeded(1, contracts::time::Timestamp(0)));
        std::fs::write(folder.path().join(".installation.secret.part"), "").unwrap();
        assert!(MasterKey::load(folder.path()).unwrap().is_none() && !folder.path().join(MasterKey::FILE).exists());
        let made = MasterKey::load_or_create(folder.path(), &env).unwrap();
        assert_eq!(MasterKey::load_or_create(folder.path(), &env).unwrap().0, made.0, "it is created once");
        std::fs::write(folder.path().join("installation.secret"), "").unwrap();
        let refused = MasterKey::load_or_create(folder.path(), &env).unwrap_err();
        assert!(refused.to_string().contains("64 hexadecimal digits"), "{refused}");
    }
}
