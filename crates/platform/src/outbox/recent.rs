//! The newest events of an outbox, in memory.

use super::Published;
use crate::env::LockUnpoisoned;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

/// The most events that are kept.
const MAX_EVENTS: usize = 2048;
/// The most bytes of payloads that are kept.
const MAX_BYTES: usize = 2 << 20;

/// Events of one outbox that follow each other without a gap, up to the newest one that was read.
#[derive(Default)]
pub(crate) struct RecentEvents {
    window: Mutex<Window>,
    /// Held while the database is asked for newer events, so that consumers do not ask for the same ones at once.
    pub(super) reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Window {
    /// The position before the first event.
    start: i64,
    /// The position of the last event, or `start` without one.
    end: i64,
    events: VecDeque<Arc<Published>>,
    bytes: usize,
}

/// What is known of the events after a position.
pub(super) enum Found {
    Events(Vec<Arc<Published>>),
    /// The position is before the events that are kept.
    Older,
    /// The position is at their end or after it.
    End,
}

impl RecentEvents {
    /// Returns up to `limit` events after `position`.
    pub(super) fn find(&self, position: i64, limit: usize) -> Found {
        let window = self.window.lock_unpoisoned();
        if position < window.start {
            return Found::Older;
        }
        let next = window.events.partition_point(|event| event.position <= position);
        let events: Vec<_> = window.events.range(next..).take(limit).cloned().collect();
        if events.is_empty() { Found::End } else { Found::Events(events) }
    }

    /// Adds `events`, which follow `position` in the outbox. Those of a consumer that is behind are not kept.
    pub(super) fn append(&self, position: i64, events: &[Arc<Published>]) {
        let Some(last) = events.last() else { return };
        let mut window = self.window.lock_unpoisoned();
        if position < window.end {
            return;
        }
        if position > window.end {
            *window = Window { start: position, ..Window::default() };
        }
        window.end = last.position;
        window.bytes += events.iter().map(|event| bytes(event)).sum::<usize>();
        window.events.extend(events.iter().cloned());
        while window.events.len() > MAX_EVENTS || window.bytes > MAX_BYTES {
            let Some(oldest) = window.events.pop_front() else { break };
            window.bytes -= bytes(&oldest);
            window.start = oldest.position;
        }
    }
}

fn bytes(event: &Published) -> usize {
    event.envelope.payload.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{event::Envelope, ids::Uuid, time::Timestamp};
    use serde_json::value::to_raw_value;

    fn event(position: i64, payload: &str) -> Arc<Published> {
        let envelope = Envelope {
            event_id: Uuid::from_u128(position.unsigned_abs().into()).into(),
            event_type: "ThingHappened".into(),
            aggregate_type: "THING".into(),
            aggregate_id: Uuid::nil(),
            sequence: position,
            payload: to_raw_value(payload).unwrap(),
            correlation_id: "c".into(),
            causation_id: None,
            actor_id: None,
            producer: "things".into(),
            schema_version: 1,
            occurred_at: Timestamp(0),
        };
        Arc::new(Published { position, envelope, fault: None })
    }

    fn events(positions: std::ops::RangeInclusive<i64>) -> Vec<Arc<Published>> {
        positions.map(|position| event(position, "")).collect()
    }

    /// The positions of what is found; `None` when they are older than what is kept.
    fn find(recent: &RecentEvents, position: i64, limit: usize) -> Option<Vec<i64>> {
        match recent.find(position, limit) {
            Found::Events(events) => Some(events.iter().map(|event| event.position).collect()),
            Found::Older => None,
            Found::End => Some(Vec::new()),
        }
    }

    #[test]
    fn events_are_found_after_each_position_that_is_kept() {
        let recent = RecentEvents::default();
        recent.append(4, &events(5..=8));
        assert_eq!(find(&recent, 3, 10), None);
        assert_eq!(find(&recent, 4, 10), Some(vec![5, 6, 7, 8]));
        assert_eq!(find(&recent, 5, 2), Some(vec![6, 7]));
        assert_eq!(find(&recent, 8, 10), Some(vec![]));
        assert_eq!(find(&recent, 20, 10), Some(vec![]));
    }

    #[test]
    fn only_what_adjoins_the_end_is_added() {
        let recent = RecentEvents::default();
        recent.append(4, &events(5..=8));
        recent.append(6, &events(7..=9));
        assert_eq!(find(&recent, 8, 10), Some(vec![]), "read by a consumer that is behind");
        recent.append(8, &events(9..=9));
        assert_eq!(find(&recent, 4, 10), Some(vec![5, 6, 7, 8, 9]));
        recent.append(20, &events(21..=21));
        assert_eq!((find(&recent, 9, 10), find(&recent, 20, 10)), (None, Some(vec![21])), "a gap begins anew");
    }

    #[test]
    fn events_and_bytes_are_bounded() {
        let recent = RecentEvents::default();
        recent.append(0, &events(1..=3000));
        assert_eq!((find(&recent, 951, 10), find(&recent, 952, 1)), (None, Some(vec![953])));
        recent.append(3000, &[event(3001, &"x".repeat(MAX_BYTES))]);
        assert_eq!((find(&recent, 3000, 10), find(&recent, 3001, 10)), (None, Some(vec![])), "it is larger than all that is kept");
    }
}
