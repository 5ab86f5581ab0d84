//! Everything in one place: all machines, events, calls and problems, and the documents made from them.
//!
//! `docs/contracts.md`, `souk events` and `souk problems` are written from here, so they cannot say anything else than
//! the code does.

use crate::{
    auth,
    call::CallSpec,
    cart, catalog,
    event::{Envelope, EventSpec},
    inventory,
    machine::MachineSpec,
    notification, order, payment,
    problem::Code,
    shipping, user,
};
use serde_json::{Value, json};

mod render;

pub use render::contracts_markdown;

/// A machine, the service that owns it, and where it comes to rest.
pub struct Owned {
    /// The service that alone moves it.
    pub service: &'static str,
    pub machine: MachineSpec,
    /// The states in which it may stay for good, besides those that nothing leads out of.
    pub resting: &'static [&'static str],
}

/// Every state machine.
pub const MACHINES: &[Owned] = &[
    Owned { service: "order", machine: order::OrderStatus::SPEC, resting: &["PAYMENT_FAILED", "CONFIRMED", "SHIPPED", "DELIVERED"] },
    Owned { service: "payment", machine: payment::PaymentStatus::SPEC, resting: &["CAPTURED"] },
    Owned { service: "inventory", machine: inventory::ReservationStatus::SPEC, resting: &[] },
    Owned { service: "shipping", machine: shipping::ShipmentStatus::SPEC, resting: &["DELIVERED"] },
    Owned { service: "catalog", machine: catalog::ProductStatus::SPEC, resting: &["DRAFT", "ACTIVE", "INACTIVE"] },
    Owned { service: "cart", machine: cart::CartStatus::SPEC, resting: &["ACTIVE"] },
    Owned { service: "notification", machine: notification::NotificationStatus::SPEC, resting: &["SENT", "FAILED"] },
];

/// Every type of event, by producer.
pub fn events() -> impl Iterator<Item = &'static EventSpec> {
    [
        auth::EVENTS,
        user::EVENTS,
        catalog::EVENTS,
        catalog::CATEGORY_EVENTS,
        order::EVENTS,
        payment::EVENTS,
        inventory::EVENTS,
        inventory::STOCK_EVENTS,
        shipping::EVENTS,
        notification::EVENTS,
    ]
    .into_iter()
    .flatten()
}

/// Every call between services, by the service that answers it.
pub fn calls() -> impl Iterator<Item = &'static CallSpec> {
    [user::CALLS, catalog::CALLS, cart::CALLS, payment::CALLS, inventory::CALLS, shipping::CALLS].into_iter().flatten()
}

/// The catalogue of events with their JSON Schemas (draft 2020-12), as `souk events` prints it.
#[must_use]
pub fn events_json() -> Value {
    let events: Vec<Value> = events()
        .map(|kind| {
            json!({
                "eventType": kind.event_type,
                "aggregateType": kind.aggregate,
                "producer": kind.producer,
                "schemaVersion": kind.version,
                "description": sentence(kind.description),
                "schema": (kind.schema)(),
            })
        })
        .collect();
    json!({"envelope": schemars::schema_for!(Envelope), "events": events})
}

/// The catalogue of problems, as `souk problems` prints it.
#[must_use]
pub fn problems_json() -> Value {
    let problems: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "code": code.as_str(),
                "type": format!("/problems/{}", code.slug()),
                "status": code.status(),
                "title": code.title(),
                "help": code.help(),
                "retryable": code.retryable(),
            })
        })
        .collect();
    json!({"problems": problems})
}

/// A doc comment as one line of prose.
fn sentence(description: &str) -> String {
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
