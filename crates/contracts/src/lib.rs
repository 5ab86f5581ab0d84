//! What the services of Souk may know of each other: types, and nothing else.
//!
//! No I/O, no async, no clock. A service's file reads in one order: state machine, bodies, calls, events.
//! Everything here is public API: fields are added, never renamed, and old readers must stand new fields.

pub mod audit;
pub mod auth;
pub mod body;
pub mod call;
pub mod cart;
pub mod catalog;
pub mod column;
pub mod event;
pub mod ids;
pub mod inventory;
pub mod machine;
pub mod money;
pub mod notification;
pub mod order;
pub mod page;
pub mod payment;
pub mod problem;
pub mod registry;
pub mod search;
pub mod secret;
pub mod shipping;
pub mod string_enum;
pub mod text;
pub mod time;
pub mod user;
pub mod violation;

/// The name of every service, in the order a newcomer would read them. Routes let services in by name, so no other client
/// may have one.
pub const SERVICES: [&str; 11] =
    ["auth", "user", "catalog", "search", "cart", "order", "payment", "inventory", "shipping", "notification", "audit"];
