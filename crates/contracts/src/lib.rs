//! What the services of Souk may know of each other: types, and nothing else.
//!
//! No I/O, no async, no clock. A service's file reads in one order: state machine, bodies, calls, events.
//! Everything here is public API: fields are added, never renamed, and old readers must stand new fields.

pub mod call;
pub mod column;
pub mod event;
pub mod ids;
pub mod machine;
pub mod money;
pub mod page;
pub mod problem;
pub mod text;
pub mod time;
