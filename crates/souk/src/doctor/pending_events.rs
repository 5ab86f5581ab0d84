//! Events that a service has still to consume: what they say about an order is no fault of the databases yet.

use anyhow::Result;
use contracts::ids::OrderId;
use platform::{db::Db, inbox, outbox};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Events that are read at a time.
const EVENTS: usize = 1_000;

/// The part of an event that names its order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    order_id: Option<OrderId>,
}

/// Returns those of the orders about which `consumer` did not consume every event of `producers`.
pub async fn orders_of(consumer: &Db, producers: &[&Db], of: &BTreeSet<OrderId>) -> Result<BTreeSet<OrderId>> {
    let about = |payload: &str| serde_json::from_str::<About>(payload).ok()?.order_id.filter(|id| of.contains(id));
    let mut found = BTreeSet::new();
    for producer in producers {
        let mut position = inbox::position(consumer, producer.service()).await?;
        loop {
            let waiting = outbox::read_after(producer, position, EVENTS).await?;
            let Some(last) = waiting.last() else { break };
            position = last.position;
            found.extend(waiting.iter().filter_map(|published| about(published.envelope.payload.get())));
        }
    }
    inbox::walk_failed_events(consumer, |failed| found.extend(about(failed.event.payload.get()))).await?;
    Ok(found)
}
