//! The keys that sign access tokens: encrypted in the database, decrypted in memory.

use crate::{
    domain::rotation::{self, Period},
    error::Error,
    settings::Settings,
    store::signing_keys::{self, Row},
};
use contracts::time::Timestamp;
use platform::{
    db::Db,
    encryption,
    env::Env,
    identity::{Claims, Jwk, SigningKey},
    service::Ctx,
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// The purpose of the encryption key. It is part of the key derivation and never changes.
const PURPOSE: &str = "seal:signing-keys";

/// Signs tokens and publishes the keys that verify them. Clones are cheap.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    db: Db,
    env: Env,
    encryption_key: [u8; 32],
    rotation: Duration,
    longest_token: Duration,
    /// Oldest first, and never empty.
    keys: RwLock<Vec<Key>>,
}

#[derive(Clone)]
struct Key {
    generation: i64,
    period: Period,
    key: SigningKey,
}

/// A signing key that this installation cannot decrypt.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("signing key {0} was encrypted with the secret of another installation: restore its installation.secret, or delete the keys")]
pub struct UndecryptableKey(i64);

impl Keyring {
    /// Loads the keys, and creates the first one at the first start.
    ///
    /// # Errors
    /// [`UndecryptableKey`], or the database's.
    pub async fn open(ctx: &Ctx, settings: &Settings) -> Result<Keyring, Box<dyn std::error::Error + Send + Sync>> {
        let keyring = Keyring(Arc::new(Inner {
            db: ctx.db.clone(),
            env: ctx.env.clone(),
            encryption_key: ctx.master_key.key_for(PURPOSE),
            rotation: settings.key_rotation(),
            longest_token: settings.longest_token(),
            keys: RwLock::default(),
        }));
        keyring.rotate().await?;
        Ok(keyring)
    }

    /// A signed token.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        self.with(|keys| keys[signer(keys, self.0.env.now())].key.sign(claims))
    }

    /// Returns the public keys: first the one that signs, then future ones and those whose tokens may be valid.
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        self.with(|keys| {
            let signer = signer(keys, self.0.env.now());
            let others = keys.iter().enumerate().rev().filter(|(at, _)| *at != signer).map(|(_, key)| key);
            std::iter::once(&keys[signer]).chain(others).map(|key| key.key.public()).collect()
        })
    }

    fn with<T>(&self, read: impl FnOnce(&[Key]) -> T) -> T {
        read(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deletes keys that are over, creates the next one when it is due, and loads what other replicas created.
    ///
    /// # Errors
    /// [`UndecryptableKey`], or the database's. The keys in memory then stay unchanged.
    pub async fn rotate(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Inner { encryption_key, rotation, longest_token, .. } = *self.0;
        let rows = self.0.db.write(async move |tx| {
            let rows = signing_keys::lock_and_extend(tx, longest_token).await?;
            for pair in rows.windows(2) {
                if rotation::is_over(pair[0].period, pair[1].period, tx.now()) {
                    signing_keys::delete(tx, pair[0].generation).await?;
                }
            }
            if let Some(signs_from) = rotation::next(rows.last().map(|row| row.period), rotation, tx.now()) {
                let encrypted_seed = encryption::encrypt(&encryption_key, tx.random_bytes(), &tx.random_bytes::<32>());
                let generation = rows.last().map_or(1, |row| row.generation + 1);
                signing_keys::insert(tx, &Row { generation, encrypted_seed, period: Period { signs_from, longest_token } }).await?;
            }
            Ok::<_, Error>(signing_keys::list(tx).await?)
        });
        let decrypted = rows.await?.into_iter().map(|row| self.decrypt(row)).collect::<Result<Vec<Key>, UndecryptableKey>>()?;
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = decrypted;
        Ok(())
    }

    fn decrypt(&self, row: Row) -> Result<Key, UndecryptableKey> {
        // A key that is in memory need not be decrypted again.
        if let Some(known) = self.with(|keys| keys.iter().find(|key| key.generation == row.generation && key.period == row.period).cloned())
        {
            return Ok(known);
        }
        let seed = encryption::decrypt(&self.0.encryption_key, &row.encrypted_seed).and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        let key = SigningKey::from_bytes(&seed.ok_or(UndecryptableKey(row.generation))?);
        Ok(Key { generation: row.generation, period: row.period, key })
    }
}

fn signer(keys: &[Key], now: Timestamp) -> usize {
    let periods: Vec<Period> = keys.iter().map(|key| key.period).collect();
    rotation::signer(&periods, now)
}
