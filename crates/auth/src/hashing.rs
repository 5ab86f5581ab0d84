//! Password hashing with argon2id (RFC 9106) on a pool of threads.
//!
//! A hash deliberately takes some ten milliseconds of a processor and 19 MiB. So only as many run at once as there are
//! processors, a bounded number waits, and further requests are refused: a flood of logins uses neither unbounded
//! memory nor the time of other requests.

use crate::{error::Error, settings::Settings};
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{self, phc::ParamsString},
};
use contracts::text::characters::nfkc;
use platform::{
    env::Env,
    pool::{self, Pool},
};
use std::sync::Arc;

/// The length of a salt in bytes.
pub const SALT: usize = 16;

/// Hashes and compares passwords with the configured parameters. Clones are cheap; the threads end with the last one.
#[derive(Clone)]
pub struct Hasher {
    threads: Pool,
    argon: Arc<Argon2<'static>>,
    env: Env,
    parameters: Arc<str>,
}

/// The result of comparing a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password matches the hash.
    pub matches: bool,
    /// A new hash of the password, when the compared one has other parameters than the present ones, or was made of the
    /// password as it was typed.
    pub upgrade: Option<String>,
}

#[cfg(test)]
thread_local! {
    /// The parameters of each hash that a password was compared with on this thread.
    pub static COMPARED: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Hasher {
    /// Starts the threads.
    ///
    /// # Errors
    /// When argon2 refuses the parameters, or the system cannot start a thread.
    pub fn start(env: Env, settings: &Settings) -> Result<Hasher, Box<dyn std::error::Error + Send + Sync>> {
        let argon = argon(settings)?;
        let parameters = parameters(&argon)?.into();
        let threads = Pool::start(&env, "auth-hash", settings.hashing_parallelism, settings.hashing_queue)?;
        Ok(Hasher { threads, argon: Arc::new(argon), env, parameters })
    }

    /// Returns the hash as a PHC string with a new salt.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when too many passwords wait.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let (argon, password, salt) = (self.argon.clone(), password.to_owned(), self.env.random_bytes());
        self.run(move || hash(&argon, &password, salt)).await
    }

    /// Returns the present parameters in the form that a hash starts with.
    #[must_use]
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    /// Compares a password with a hash, in Normalization Form KC and then as it was typed, which former versions hashed. The
    /// duration depends on the parameters of the hash and on the password alone.
    ///
    /// # Errors
    /// As [`hash`](Self::hash).
    pub async fn verify(&self, known: &str, password: &str) -> Result<Verified, Error> {
        #[cfg(test)]
        COMPARED.with_borrow_mut(|compared| compared.push(parameters_of(known).to_owned()));
        let (argon, password, salt) = (self.argon.clone(), password.to_owned(), self.env.random_bytes());
        let known = known.to_owned();
        self.run(move || {
            let parsed = PasswordHash::new(&known)?;
            let normal = nfkc(&password);
            let matches_normal = argon.verify_password(normal.as_bytes(), &parsed).is_ok();
            let matches = matches_normal || (normal != password && argon.verify_password(password.as_bytes(), &parsed).is_ok());
            let is_outdated = matches && !(matches_normal && is_present(&argon, &parsed));
            let upgrade = if is_outdated { Some(hash(&argon, &normal, salt)?) } else { None };
            Ok(Verified { matches, upgrade })
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> password_hash::Result<T> + Send + 'static) -> Result<T, Error> {
        let outcome = self.threads.run(work).await.map_err(|error| match error {
            pool::Error::Full => {
                metrics::counter!("souk_auth_hashing_refused_total").increment(1);
                Error::Overloaded
            }
            pool::Error::Lost => Error::Hashing(error.to_string()),
        })?;
        outcome.map_err(|error| Error::Hashing(error.to_string()))
    }
}

fn argon(settings: &Settings) -> Result<Argon2<'static>, argon2::Error> {
    let params = Params::new(settings.argon2_memory_kib, settings.argon2_iterations, 1, Some(Params::DEFAULT_OUTPUT_LEN))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(argon: &Argon2<'_>, password: &str, salt: [u8; SALT]) -> password_hash::Result<String> {
    argon.hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
}

/// Hashes a password on the calling thread, for the command line.
///
/// # Errors
/// When argon2 refuses.
pub fn hash_blocking(env: &Env, settings: &Settings, password: &str) -> Result<String, Error> {
    let argon = argon(settings).map_err(|error| Error::Hashing(error.to_string()))?;
    hash(&argon, password, env.random_bytes()).map_err(|error| Error::Hashing(error.to_string()))
}

/// Returns how the hashes made by `argon` start.
fn parameters(argon: &Argon2<'_>) -> password_hash::Result<String> {
    let (algorithm, version) = (Algorithm::Argon2id.ident(), u32::from(Version::V0x13));
    Ok(format!("${algorithm}$v={version}${}", ParamsString::try_from(argon.params())?))
}

/// Returns the parameters of a hash: everything before its salt.
#[must_use]
pub fn parameters_of(hash: &str) -> &str {
    hash.rsplitn(3, '$').last().unwrap_or_default()
}

/// Returns a hash with these parameters that no known password matches: salt and hash are zeros of the usual lengths.
/// Passwords for unknown addresses are compared with it.
#[must_use]
pub fn dummy_hash(parameters: &str) -> String {
    const SALT_DIGITS: usize = (SALT * 8).div_ceil(6);
    const HASH_DIGITS: usize = (Params::DEFAULT_OUTPUT_LEN * 8).div_ceil(6);
    format!("{parameters}${}${}", "A".repeat(SALT_DIGITS), "A".repeat(HASH_DIGITS))
}

/// Returns whether a hash has the present algorithm and parameters.
fn is_present(argon: &Argon2<'_>, hash: &PasswordHash) -> bool {
    hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && ParamsString::try_from(argon.params()).is_ok_and(|present| present == hash.params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::time::Timestamp;
    use std::sync::mpsc::sync_channel;

    fn cheap(iterations: u32) -> Settings {
        Settings { argon2_memory_kib: 8, argon2_iterations: iterations, hashing_parallelism: 1, ..Settings::default() }
    }

    fn hasher(settings: &Settings) -> Hasher {
        Hasher::start(Env::seeded(1, Timestamp(0)), settings).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let hasher = hasher(&cheap(1));
        let (one, two) = (hasher.hash("correct horse").await.unwrap(), hasher.hash("correct horse").await.unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{one}");
        assert_ne!(one, two, "each has a salt of its own");
        let same = Verified { matches: true, upgrade: None };
        assert_eq!(hasher.verify(&one, "correct horse").await.unwrap(), same);
        assert!(!hasher.verify(&one, "Correct horse").await.unwrap().matches);
    }

    #[tokio::test]
    async fn no_password_matches_the_dummy_hash() {
        let hasher = hasher(&cheap(1));
        let real = hasher.hash("correct horse").await.unwrap();
        assert_eq!(parameters_of(&real), hasher.parameters());
        let dummy = dummy_hash(hasher.parameters());
        for password in ["", "correct horse"] {
            assert_eq!(hasher.verify(&dummy, password).await.unwrap(), Verified { matches: false, upgrade: None });
        }
        // The comparison is complete: the same parameters, salt and hash of the usual lengths.
        assert_eq!(dummy.len(), real.len());
        let parsed = PasswordHash::new(&dummy).unwrap();
        assert!(is_present(&hasher.argon, &parsed));
        assert_eq!(parsed.hash.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn a_hash_of_former_parameters_is_replaced_once_its_password_is_known() {
        let old = hasher(&cheap(1)).hash("correct horse").await.unwrap();
        let hasher = hasher(&cheap(2));
        assert_eq!(hasher.verify(&old, "wrong").await.unwrap().upgrade, None);
        let upgrade = hasher.verify(&old, "correct horse").await.unwrap().upgrade.unwrap();
        assert!(upgrade.contains("t=2"), "{upgrade}");
        assert_eq!(hasher.verify(&upgrade, "correct horse").await.unwrap(), Verified { matches: true, upgrade: None });
    }

    #[tokio::test]
    async fn a_hash_of_a_password_as_it_was_typed_is_replaced() {
        let hasher = hasher(&cheap(1));
        let (typed, normal) = ("e\u{301}te\u{301} 2026", "\u{e9}t\u{e9} 2026");
        let old = hasher.hash(typed).await.unwrap();
        assert!(!hasher.verify(&old, normal).await.unwrap().matches);
        let upgrade = hasher.verify(&old, typed).await.unwrap().upgrade.unwrap();
        for spelling in [typed, normal] {
            assert_eq!(hasher.verify(&upgrade, spelling).await.unwrap(), Verified { matches: true, upgrade: None });
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_recovers() {
        let hasher = hasher(&Settings { hashing_queue: 2, ..cheap(1) });
        // One job blocks the thread; two may wait, and the next is refused.
        let (release, held) = sync_channel::<()>(0);
        let (started, began) = sync_channel::<()>(1);
        let holding = {
            let hasher = hasher.clone();
            let env = hasher.env.clone();
            env.spawn(async move {
                let hold = move || {
                    let _ = started.send(());
                    let _ = held.recv();
                    Ok(())
                };
                hasher.run(hold).await
            })
        };
        tokio::task::yield_now().await;
        began.recv().unwrap();
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let hasher = hasher.clone();
            let env = hasher.env.clone();
            waiting.push(env.spawn(async move { hasher.hash("correct horse").await }));
        }
        tokio::task::yield_now().await;
        assert!(matches!(hasher.hash("correct horse").await, Err(Error::Overloaded)));
        release.send(()).unwrap();
        holding.await.unwrap().unwrap();
        for waiter in waiting {
            waiter.await.unwrap().unwrap();
        }
        hasher.hash("correct horse").await.unwrap();
    }
}
