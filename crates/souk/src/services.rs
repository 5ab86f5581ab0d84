//! Every service there is, by name.

use platform::service::Service;

/// The services, in the order a newcomer would read them.
#[must_use]
pub fn all() -> Vec<Service> {
    vec![
        auth::service(),
        user::service(),
        catalog::service(),
        // search::service(),
        cart::service(),
        order::service(),
        payment::service(),
        inventory::service(),
        shipping::service(),
        notification::service(),
        audit::service(),
    ]
}

/// Their names, and the gateway's, which has a section of settings too.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().iter().map(|service| service.name).chain(["gateway"]).collect()
}
