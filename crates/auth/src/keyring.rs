//! The keys that sign access tokens: kept in the database sealed, held open in memory.

use crate::{
    domain::rotation::{self, Period},
    error::Error,
    settings::Settings,
    store::keys::{self, Row},
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

/// What the keys in the database are sealed for.
const PURPOSE: &str = "seal:signing-keys";

/// Signs tokens and publishes the keys to verify them. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    db: Db,
    env: Env,
    sealing: [u8; 32],
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

/// A key that this installation cannot open.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("signing key {0} was sealed with the secret of another installation: bring back its installation.secret, or delete the keys")]
pub struct Sealed(i64);

impl Keyring {
    /// Opens the keys, and makes the first one on the first start.
    ///
    /// # Errors
    /// [`Sealed`], or the database's.
    pub async fn open(ctx: &Ctx, settings: &Settings) -> Result<Keyring, Box<dyn std::error::Error + Send + Sync>> {
        let keyring = Keyring(Arc::new(Inner {
            db: ctx.db.clone(),
            env: ctx.env.clone(),
            sealing: ctx.master_key.key_for(PURPOSE),
            rotation: settings.key_rotation(),
            longest_token: settings.longest_token(),
            keys: RwLock::default(),
        }));
        keyring.turn().await?;
        Ok(keyring)
    }

    /// A signed token.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        self.with(|keys| keys[signer(keys, self.0.env.now())].key.sign(claims))
    }

    /// The public keys: the one that signs first, then those that will and those whose tokens may still be alive.
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

    /// Drops keys that are over, makes the next one when it is due, and takes over what other replicas made.
    ///
    /// # Errors
    /// [`Sealed`], or the database's. The keys in memory stay as they are then.
    pub async fn turn(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Inner { sealing, rotation, longest_token, .. } = *self.0;
        let rows = self.0.db.write(async move |tx| {
            keys::prolong(tx, longest_token).await?;
            let mut rows = keys::all(tx).await?;
            for pair in rows.windows(2) {
                if rotation::is_over(pair[0].period, pair[1].period, tx.now()) {
                    keys::delete(tx, pair[0].generation).await?;
                }
            }
            if let Some(signs_from) = rotation::next(rows.last().map(|row| row.period), rotation, tx.now()) {
                let sealed_seed = encryption::encrypt(&sealing, tx.random_bytes(), &tx.random_bytes::<32>());
                let generation = rows.last().map_or(1, |row| row.generation + 1);
                keys::insert(tx, &Row { generation, sealed_seed, period: Period { signs_from, longest_token } }).await?;
            }
            rows = keys::all(tx).await?;
            Ok::<_, Error>(rows)
        });
        let opened = rows.await?.into_iter().map(|row| self.unseal(row)).collect::<Result<Vec<Key>, Sealed>>()?;
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }

    fn unseal(&self, row: Row) -> Result<Key, Sealed> {
        // A key that is in memory already need not be opened again.
        if let Some(known) = self.with(|keys| keys.iter().find(|key| key.generation == row.generation && key.period == row.period).cloned())
        {
            return Ok(known);
        }
        let seed = encryption::decrypt(&self.0.sealing, &row.sealed_seed).and_then(|seed| <[u8; 32]>::try_from(seed).ok());
        let key = SigningKey::from_bytes(&seed.ok_or(Sealed(row.generation))?);
        Ok(Key { generation: row.generation, period: row.period, key })
    }
}

fn signer(keys: &[Key], now: Timestamp) -> usize {
    let periods: Vec<Period> = keys.iter().map(|key| key.period).collect();
    rotation::signer(&periods, now)
}
