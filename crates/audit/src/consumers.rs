//! Entry point 2: all events.

use crate::{actions, domain::ChainKey};
use contracts::{event::Envelope, registry};
use platform::{db::Tx, inbox::Consumers};

pub fn all(key: ChainKey) -> Consumers {
    let mut producers: Vec<_> = registry::events().map(|kind| kind.producer).collect();
    producers.sort_unstable();
    producers.dedup();
    Consumers::new()
        .on_every(&producers, async move |tx: &mut Tx, events: &[&Envelope]| actions::record(tx, &key, events).await)
        .rebuild_from_start()
}
