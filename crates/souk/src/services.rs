//! Every service there is, by name.

use platform::{service::Service, settings::Section};

/// The services, in the order a newcomer would read them.
pub fn all() -> Vec<Service> {
    vec![
        auth::service(),
        user::service(),
        seller::service(),
        catalog::service(),
        search::service(),
        cart::service(),
        promotion::service(),
        order::service(),
        payment::service(),
        payout::service(),
        inventory::service(),
        shipping::service(),
        returns::service(),
        review::service(),
        notification::service(),
        webhook::service(),
        audit::service(),
    ]
}

/// The settings section of each service and of the gateway.
pub fn sections() -> Vec<(&'static str, Section)> {
    let services = all().into_iter().map(|service| (service.name, service.section));
    services.chain([("gateway", Section::of::<gateway::Settings>())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_its_name_in_the_contracts() {
        let names: Vec<_> = all().into_iter().map(|service| service.name).collect();
        assert_eq!(names, contracts::SERVICE_NAMES);
    }
}
