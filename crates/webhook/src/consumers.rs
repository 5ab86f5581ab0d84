//! Entry point 2, events: those of the shop's services, as far as an endpoint wants them.

use crate::{App, actions};
use contracts::{event::Envelope, ids::EventId, webhook::PRODUCERS};
use platform::{db::Tx, inbox::Consumers};
use std::collections::HashSet;

pub fn all(app: &App) -> Consumers {
    let most = app.settings.pending_per_endpoint;
    Consumers::new()
        .on_every(&PRODUCERS, async move |tx: &mut Tx, events: &[&Envelope]| actions::record_events(tx, events, most).await)
        .choosing(async |tx: &mut Tx, events: &[&Envelope]| {
            let matches = actions::match_events(tx, events).await?;
            Ok::<HashSet<EventId>, crate::Error>(matches.into_iter().map(|found| found.event).collect())
        })
}
