//! Notifies the page of an order when the order changes, by server-sent events (WHATWG HTML, 9.2).

use super::{Reader, order::version};
use crate::{Site, session::Visitor};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use contracts::{order::GET_ORDER, shipping::LIST_SHIPMENTS_OF_ORDER};
use futures_util::stream::unfold;
use serde::Deserialize;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Streams at the same time, of all visitors and for one order.
const STREAMS: usize = 128;
const STREAMS_OF_ORDER: usize = 4;
/// The order is read so often, and so many times by one stream. The browser connects again afterwards.
const PAUSE: Duration = Duration::from_secs(2);
const READS: u32 = 25;

/// The open streams by order.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// A place among the streams, which is free again when the stream ends.
struct Place {
    streams: Streams,
    order: String,
}

impl Streams {
    fn take(&self, order: &str) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= STREAMS || open.get(order).is_some_and(|count| *count >= STREAMS_OF_ORDER) {
            return None;
        }
        *open.entry(order.to_owned()).or_default() += 1;
        Some(Place { streams: self.clone(), order: order.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.order) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.order);
            }
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Since {
    /// The version that the page shows.
    since: String,
}

/// What a stream knows between two events.
struct Watch {
    site: Site,
    reader: Reader,
    id: String,
    shown: String,
    reads: u32,
    _place: Place,
}

pub async fn events(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>, since: Query<Since>) -> Response {
    open(site, &visitor, id, since, false).await
}

pub async fn events_of_guest(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>, since: Query<Since>) -> Response {
    open(site, &visitor, id, since, true).await
}

/// Opens a stream, once the order was read: nobody gets anything about an order of others.
async fn open(site: Site, visitor: &Visitor, id: String, Query(Since { since }): Query<Since>, is_guest: bool) -> Response {
    let Some(reader) = Reader::of(visitor, &id, is_guest) else { return StatusCode::NOT_FOUND.into_response() };
    if let Err(failure) = site.0.api.call(&reader.caller, &GET_ORDER).path(&id).send().await {
        return failure.status().into_response();
    }
    let Some(place) = site.0.streams.take(&id) else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let watch = Watch { site, reader, id, shown: since, reads: 0, _place: place };
    // Compression would hold events back, and so would a proxy such as nginx that collects answers.
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "private, no-store, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(unfold(watch, next))).into_response()
}

/// Reads the order after a pause, and says whether it changed. A comment shows whether the browser is still there.
async fn next(mut watch: Watch) -> Option<(Result<String, Infallible>, Watch)> {
    if watch.reads == READS {
        return None;
    }
    let site = watch.site.clone();
    if watch.reads > 0 {
        site.0.shutdown.sleep(&site.0.env, PAUSE, std::future::pending()).await;
    }
    // The browser connects again, to the process that comes after.
    if site.0.shutdown.is_requested() {
        return None;
    }
    watch.reads += 1;
    let api = &watch.site.0.api;
    let order = api.call(&watch.reader.caller, &GET_ORDER).path(&watch.id).send();
    let shipments = api.call(&watch.reader.caller, &LIST_SHIPMENTS_OF_ORDER).path(&watch.id).query("limit", 100).send();
    let (order, shipments) = tokio::join!(order, shipments);
    let (Ok(order), Ok(shipments)) = (order, shipments) else { return Some((Ok(": later\n\n".into()), watch)) };
    let present = version(&order, &shipments.items);
    if present == watch.shown {
        return Some((Ok(": same\n\n".into()), watch));
    }
    // The page shows the change and opens a stream of its own.
    watch.reads = READS;
    Some((Ok(format!("event: changed\ndata: {present}\n\n")), watch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_and_free_their_place() {
        let streams = Streams::default();
        let of_one: Vec<_> = (0..STREAMS_OF_ORDER).map(|_| streams.take("one").unwrap()).collect();
        assert!(streams.take("one").is_none() && streams.take("two").is_some());
        drop(of_one);
        let many: Vec<_> = (0..STREAMS).map_while(|order| streams.take(&order.to_string())).collect();
        assert_eq!(many.len(), STREAMS);
        assert!(streams.take("one").is_none());
        drop(many);
        assert!(streams.take("one").is_some() && streams.0.lock().unwrap().is_empty());
    }
}
