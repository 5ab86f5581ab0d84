//! How many requests are worked on at once. The edge has no queue: what it cannot take now it refuses now, so that a
//! caller learns in a millisecond what a full queue would tell it after its patience is gone.

use contracts::problem::Code;
use platform::http::Problem;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

/// Slots for requests.
pub(crate) struct Load {
    all: Arc<Slots>,
    /// Those whose answers are held on purpose hold a slot of these too. They are fewer, so that buyers who wait for their
    /// orders never keep out the requests that would settle them.
    waiting: Arc<Slots>,
}

struct Slots {
    taken: AtomicUsize,
    most: usize,
    gauge: OnceLock<metrics::Gauge>,
    kind: &'static str,
}

/// One slot of [`Load`], free again when dropped, whether the request ended or its caller went away.
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

    /// A slot for one request.
    ///
    /// # Errors
    /// 503 `OVERLOADED` when there is none.
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
    fn whoever_finds_no_slot_is_refused_at_once_and_one_that_ends_makes_room() {
        let load = Load::new(2);
        let first = load.enter(false).unwrap();
        let _second = load.enter(false).unwrap();
        assert_eq!(load.enter(false).map(drop).unwrap_err().code(), Code::OVERLOADED);
        drop(first);
        load.enter(false).unwrap();
    }

    #[test]
    fn those_who_wait_leave_room_for_the_rest() {
        let load = Load::new(8);
        let waiting: Vec<_> = std::iter::from_fn(|| load.enter(true).ok()).collect();
        assert_eq!(waiting.len(), 6);
        let others: Vec<_> = std::iter::from_fn(|| load.enter(false).ok()).collect();
        assert_eq!(others.len(), 2, "a refused wait kept no slot");
        drop(waiting);
        load.enter(true).unwrap();
        assert!(Load::new(1).enter(true).is_err(), "a single slot is never for waiting");
    }
}
