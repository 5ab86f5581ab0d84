//! Time: the saga looks for orders that are due.

use crate::{App, Error, actions::SAGA, saga, store};
use platform::worker::{Pace, Worker};
use std::time::Duration;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new(SAGA, Duration::from_secs(2), app.clone(), lead_due)]
}

/// Takes orders that are due in hand, each in a task of its own, up to the concurrency. Two replicas that lead the same
/// order make the same calls under the same keys.
async fn lead_due(app: App) -> Result<Pace, Error> {
    let in_hand = app.saga.count();
    let free = app.settings.concurrency.saturating_sub(in_hand);
    if free == 0 {
        // The end of a task rings the bell.
        return Ok(Pace::Rest);
    }
    // Those in hand are still due in the store, so they may come back once more.
    let (rows, db) = (free + in_hand, app.ctx.db.clone());
    let due = db.read(async move |tx| store::list_due(tx, rows).await).await?;
    for id in due.into_iter().filter(|id| app.saga.take(*id)).take(free) {
        let own = app.clone();
        app.ctx.env.spawn(async move {
            let _in_hand = InHand { app: own.clone(), id };
            if let Err(error) = saga::lead(own, id).await {
                tracing::warn!(target: "order", order_id = %id, %error, "an order stays due");
            }
        });
    }
    let next = db.read(async |tx| store::next_due(tx).await).await?;
    Ok(next.map_or(Pace::Rest, Pace::Until))
}

/// Puts an order down when its task ends, however it ends, and lets the worker look for the next.
struct InHand {
    app: App,
    id: contracts::ids::OrderId,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.app.saga.put_down(self.id);
        self.app.ctx.db.bell(SAGA).notify_one();
    }
}
