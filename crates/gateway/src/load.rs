//! Limits the number of concurrent requests. There is no queue: a request that cannot be served now is refused at once,
//! because a client that waits in a full queue times out anyway.

use contracts::problem::Code;
use platform::http::Problem;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

/// The slots for concurrent requests.
pub(crate) struct Load {
    all: Arc<Slots>,
    /// Requests whose response may be delayed also take a slot here. There are fewer of these, so that clients who wait for
    /// their orders never block the requests that complete them.
    waiting: Arc<Slots>,
}

struct Slots {
    taken: AtomicUsize,
    most: usize,
    gauge: OnceLock<metrics::Gauge>,
    kind: &'static str,
}

/// One slot of [`Load`]. It is released on drop, also when the caller disconnects.
pub(crate) struct Slot {
    _all: Taken,
    _waiting: Option<Taken>,
}

struct Taken(Arc<Slots>);

impl Load {
    pub(crate) fn new(most: usize) -> Load {
        let slots = |most, kind| Arc::new(Slots { taken: AtomicUsize::new(0), most, gauge: OnceLock::new(), kind });
        Load { all: slots(most, "all"), waiting: slots((most - most / 4).min(most.saturating_sub(1)), "waiting") }
    }

    /// Takes a slot for one request.
    ///
    /// # Errors
    /// 503 `OVERLOADED` when there is no free slot.
    pub(crate) fn enter(&self, waits: bool) -> Result<Slot, Problem> {
        let overloaded = || Problem::new(Code::OVERLOADED);
        let all = self.all.take().ok_or_else(overloaded)?;
        let waiting = if waits { Some(self.waiting.take().ok_or_else(overloaded)?) } else { None };
        Ok(Slot { _all: all, _waiting: waiting })
    }
}

impl Slots {
    fn take(self: &Arc<Slots>) -> Option<Taken> {
        let one_more = |taken: usize| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        self.gauge().increment(1);
        Some(Taken(self.clone()))
    }

    fn gauge(&self) -> &metrics::Gauge {
        self.gauge.get_or_init(|| metrics::gauge!("souk_gateway_requests_in_flight", "kind" => self.kind))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
        self.0.gauge().decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_free_slot_a_request_is_refused_until_another_ends() {
        let load = Load::new(2);
        let first = load.enter(false).unwrap();
        let _second = load.enter(false).unwrap();
        assert_eq!(load.enter(false).map(drop).unwrap_err().code(), Code::OVERLOADED);
        drop(first);
        load.enter(false).unwrap();
    }

    #[test]
    fn waiting_requests_cannot_take_every_slot() {
        let load = Load::new(8);
        let waiting: Vec<_> = std::iter::from_fn(|| load.enter(true).ok()).collect();
        assert_eq!(waiting.len(), 6);
        let others: Vec<_> = std::iter::from_fn(|| load.enter(false).ok()).collect();
        assert_eq!(others.len(), 2, "a refused wait kept no slot");
        drop(waiting);
        load.enter(true).unwrap();
        assert!(Load::new(1).enter(true).is_err(), "a single slot is never for waiting");
        for (most, waiting) in [(2, 1), (3, 2), (4, 3), (5, 4), (100, 75)] {
            let load = Load::new(most);
            let held: Vec<_> = std::iter::from_fn(|| load.enter(true).ok()).collect();
            assert_eq!(held.len(), waiting, "of {most}");
        }
    }
}
