//! The service through its entry points, and its rules against a model of the other services.

mod cancellation;
mod consistency_check;
mod discounts;
mod domain_rules;
mod entry_points;
mod fault_injection;
mod finding;
mod guests;
mod integrator_data;
mod interleaving;
mod model;
mod orphans;
mod part_rules;
mod parts;
mod properties;
mod refund_rules;
mod returns;
mod scheduling;
mod sellers;
mod stored_json;
mod tax_examples;
mod upstreams;

#[test]
fn every_statement_prepares_against_the_schema() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}
