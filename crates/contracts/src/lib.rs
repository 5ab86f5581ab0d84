//! The contracts between the services of Souk: types and tables, and nothing else.
//!
//! No I/O, no async, no clock. The file of a service has one order: contract, state machine, bodies, calls, events.
//! Everything here is public API: fields are added and never renamed, and old readers ignore new fields.

pub mod audit;
pub mod auth;
pub mod body;
pub mod call;
pub mod cart;
pub mod catalog;
pub mod column;
pub mod countries;
pub mod event;
pub mod failed_event;
pub mod ids;
pub mod inventory;
pub mod machine;
pub mod money;
pub mod notification;
pub mod order;
pub mod page;
pub mod payment;
pub mod payout;
pub mod personal;
pub mod problem;
pub mod promotion;
pub mod registry;
pub mod returns;
pub mod review;
pub mod search;
pub mod secret;
pub mod seller;
pub mod service;
pub mod shipping;
pub mod string_enum;
pub mod system;
pub mod tax;
pub mod text;
pub mod time;
pub mod user;
pub mod violation;
pub mod webhook;

pub use registry::{is_listed_event, service_of_path};
pub use service::ServiceSpec;

/// Every service, in the order in which a newcomer reads them. Documents, the route table of the gateway and tests derive
/// from this list.
pub const SERVICES: &[ServiceSpec] = &[
    auth::SERVICE,
    user::SERVICE,
    seller::SERVICE,
    catalog::SERVICE,
    search::SERVICE,
    cart::SERVICE,
    promotion::SERVICE,
    order::SERVICE,
    payment::SERVICE,
    payout::SERVICE,
    inventory::SERVICE,
    shipping::SERVICE,
    returns::SERVICE,
    review::SERVICE,
    notification::SERVICE,
    webhook::SERVICE,
    audit::SERVICE,
];

/// The name of every service. A route may admit a service by its name, so no other client has one of these names.
pub const SERVICE_NAMES: [&str; SERVICES.len()] = {
    let mut names = [""; SERVICES.len()];
    let mut index = 0;
    while index < SERVICES.len() {
        names[index] = SERVICES[index].name;
        index += 1;
    }
    names
};
