//! Where a consumer reads the events of a producer: in its outbox, or in the stream that is a copy of it with the same numbers.

use super::stream::StreamFeed;
use crate::{
    db::{Db, Error},
    inbox::{Consumers, Source},
    outbox::{self, EventHead, Published},
    personal::{self, PersonKeyOf},
};
use contracts::{
    ids::{EventId, Uuid},
    time::Timestamp,
};
use std::sync::Arc;

/// The events of one producer. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Feed {
    Outbox(Db),
    Stream(StreamFeed),
}

impl Feed {
    pub fn producer(&self) -> &'static str {
        match self {
            Feed::Outbox(db) => db.service(),
            Feed::Stream(stream) => stream.producer,
        }
    }

    pub async fn source(&self) -> Result<Source, Error> {
        match self {
            Feed::Outbox(db) => Ok(Source { producer: db.service(), database: db.identity() }),
            Feed::Stream(stream) => stream.source().await,
        }
    }

    /// The positions of the oldest and the newest event; `None` before the first.
    pub async fn bounds(&self) -> Result<Option<(i64, i64)>, Error> {
        match self {
            Feed::Outbox(db) => outbox::bounds(db).await,
            Feed::Stream(stream) => stream.bounds().await,
        }
    }

    pub async fn event_at(&self, position: i64) -> Result<Option<EventId>, Error> {
        match self {
            Feed::Outbox(db) => outbox::event_at(db, position).await,
            Feed::Stream(stream) => stream.event_at(position).await,
        }
    }

    /// The events after `after` up to `upto`, oldest first.
    pub async fn list(&self, after: i64, upto: i64) -> Result<Vec<EventHead>, Error> {
        match self {
            Feed::Outbox(db) => outbox::list_heads(db, after, upto).await,
            Feed::Stream(stream) => stream.list(after, upto).await,
        }
    }

    /// The keys of persons at the producer, without those that it forgot.
    pub async fn person_keys(&self, persons: Vec<Uuid>) -> Result<Vec<PersonKeyOf>, Error> {
        match self {
            Feed::Outbox(db) => personal::read_keys(db, db.service(), persons).await,
            Feed::Stream(stream) => stream.person_keys(persons).await,
        }
    }

    /// How many events after `position` the consumers consume, and when the oldest of them occurred.
    pub async fn count_after(&self, position: i64, consumers: &Consumers) -> Result<(u64, Option<Timestamp>), Error> {
        match self {
            Feed::Outbox(db) => outbox::count_after(db, position, consumers).await,
            Feed::Stream(stream) => stream.count_after(position, consumers).await,
        }
    }
}

/// Events that were read together.
pub(super) struct Batch {
    /// A stream leaves out those that are not consumed, but for the last one.
    pub events: Vec<Arc<Published>>,
    /// How many there were.
    pub count: usize,
}

impl From<Vec<Arc<Published>>> for Batch {
    fn from(events: Vec<Arc<Published>>) -> Batch {
        Batch { count: events.len(), events }
    }
}
