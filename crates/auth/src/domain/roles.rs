//! The set of roles of an account.

use contracts::{auth::Role, problem::Fault};
use std::collections::BTreeSet;

/// The roles of a new account.
pub const FIRST: &[Role] = &[Role::Customer];

/// Returns the roles in the order of their declaration.
///
/// # Errors
/// A fault for each role that is named twice.
pub fn parse(wanted: &[Role]) -> Result<Vec<Role>, Vec<Fault>> {
    let mut set = BTreeSet::new();
    let mut faults = Vec::new();
    for (at, role) in wanted.iter().enumerate() {
        if !set.insert(*role) {
            faults.push(Fault::at(format!("/roles/{at}"), "DUPLICATE", "is named more than once"));
        }
    }
    if faults.is_empty() { Ok(set.into_iter().collect()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_set_in_one_order() {
        assert_eq!(parse(&[Role::Admin, Role::Customer]).unwrap(), [Role::Customer, Role::Admin]);
        let faults = parse(&[Role::Admin, Role::Seller, Role::Admin]).unwrap_err();
        assert_eq!(faults[0].pointer.as_deref(), Some("/roles/2"));
    }
}
