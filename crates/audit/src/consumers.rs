//! Entry point 2: all events.

use crate::actions;
use contracts::registry;
use platform::inbox::Consumers;

pub fn all() -> Consumers {
    let mut producers: Vec<_> = registry::events().map(|kind| kind.producer).collect();
    producers.sort_unstable();
    producers.dedup();
    Consumers::new().on_every(&producers, actions::record)
}
