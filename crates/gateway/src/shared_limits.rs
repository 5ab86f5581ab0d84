//! Quotas that several gateways share: the generic cell rate algorithm on values that are in NATS. A quota is one number, the time
//! at which it is full again, which a gateway replaces if no other one did meanwhile.

use crate::limits::Caller;
use platform::bus::{SharedValues, StoredValue};
use quick_cache::sync::Cache;
use std::{fmt::Write as _, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How often a gateway tries to replace a value that others replace at the same time. After that it decides for itself.
const TRIES: usize = 8;

/// The quotas of all kinds of requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedQuotas(Arc<Inner>);

struct Inner {
    values: SharedValues,
    /// What this gateway knows of recent quotas. Its requests of one caller take turns; among gateways the server decides.
    known: Cache<String, Arc<Mutex<StoredValue>>>,
}

/// A quota: so many requests at once, and one more after each interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub burst: u32,
    pub interval: Duration,
}

/// How many requests a decision takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cost {
    /// One, or the request is refused.
    One,
    /// So many, as far as they are left.
    UpTo(u32),
}

/// What was decided: how many requests are left, or how long to wait for the next.
pub(crate) type Decision = Result<u32, Duration>;

impl SharedQuotas {
    pub(crate) fn new(values: SharedValues, remembered: usize) -> SharedQuotas {
        SharedQuotas(Arc::new(Inner { values, known: Cache::new(remembered) }))
    }

    /// Takes from the quota of this caller. `None` when the values cannot be used: the gateway decides for itself then.
    pub(crate) async fn take(&self, class: &str, caller: &Caller, rate: Rate, cost: Cost) -> Option<Decision> {
        let Inner { values, known } = &*self.0;
        values.now()?;
        let key = key(class, caller);
        let Ok(held) = known.get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        let mut stored = held.lock().await;
        for _ in 0..TRIES {
            let (full_at, left) = match decide(stored.value, values.now()?, rate, cost) {
                Ok(taken) => taken,
                Err(wait) => return Some(Err(wait)),
            };
            if stored.value == Some(full_at) {
                return Some(Ok(left));
            }
            match values.replace(&key, *stored, full_at).await {
                Ok(Some(replaced)) => {
                    *stored = replaced;
                    return Some(Ok(left));
                }
                Ok(None) => *stored = values.find(&key).await.ok()?,
                Err(_) => return None,
            }
        }
        None
    }
}

/// Returns when the quota is full again after the decision, and how many requests are left; or the time to wait.
fn decide(full_at: Option<i64>, now: i64, rate: Rate, cost: Cost) -> Result<(i64, u32), Duration> {
    let interval = i64::try_from(rate.interval.as_nanos()).unwrap_or(i64::MAX).max(1);
    let whole = interval.saturating_mul(i64::from(rate.burst));
    // A quota is never further from full than empty, whatever a server said whose clock was wrong.
    let missing = full_at.map_or(0, |full_at| full_at.saturating_sub(now)).clamp(0, whole);
    let left = (whole - missing) / interval;
    let taken = match cost {
        Cost::One if left < 1 => return Err(Duration::from_nanos(interval.saturating_sub(whole - missing).unsigned_abs())),
        Cost::One => 1,
        Cost::UpTo(most) => left.min(i64::from(most)),
    };
    let full_at = if taken == 0 { full_at.unwrap_or(now) } else { now + missing + taken * interval };
    Ok((full_at, u32::try_from(left - taken).unwrap_or(u32::MAX)))
}

/// The name of a caller's quota, of letters, digits and dots.
fn key(class: &str, caller: &Caller) -> String {
    let (kind, bytes): (_, &[u8]) = match caller {
        Caller::User(user) => ("user", user.0.as_bytes()),
        Caller::Service(name) => ("service", name.as_bytes()),
        Caller::Network(network) => ("network", &network.octets()),
    };
    let mut key = format!("{class}.{kind}.");
    for byte in bytes {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests;
