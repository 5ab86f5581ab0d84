//! The rules for clients of `POST /auth/token`: their names and scopes.

use contracts::{SERVICE_NAMES, auth::INTERNAL};

/// Names that the platform reserves for future services.
const RESERVED: [&str; 6] = ["gateway", "web", "payout", "promotion", "returns", "review"];

/// Why a client cannot be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientFault {
    #[error("a client's name has 3 to 64 lower-case letters, digits and hyphens")]
    Name,
    #[error("this is the name of one of the platform's own services")]
    Reserved,
    #[error("a scope has 1 to 64 lower-case letters, digits and the characters . : _ -")]
    Scope,
    #[error("a client needs 1 to 20 scopes")]
    Count,
    #[error("the scope internal is for the platform's own services")]
    Internal,
}

/// Checks a new client. Names and scopes have only characters that need no escape anywhere.
///
/// # Errors
/// [`ClientFault`].
pub fn check(client_id: &str, scopes: &[&str]) -> Result<(), ClientFault> {
    let plain = |text: &str, extra: &[u8]| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || extra.contains(&b));
    if !(3..=64).contains(&client_id.len()) || !plain(client_id, b"-") {
        return Err(ClientFault::Name);
    }
    if SERVICE_NAMES.contains(&client_id) || RESERVED.contains(&client_id) {
        return Err(ClientFault::Reserved);
    }
    if !(1..=20).contains(&scopes.len()) {
        return Err(ClientFault::Count);
    }
    if scopes.iter().any(|scope| !(1..=64).contains(&scope.len()) || !plain(scope, b".:_-")) {
        return Err(ClientFault::Scope);
    }
    if scopes.contains(&INTERNAL) { Err(ClientFault::Internal) } else { Ok(()) }
}

/// Returns the `wanted` scopes of those `held`, or all when `wanted` is empty. Returns `None` when one is not held.
#[must_use]
pub fn grant(held: &str, wanted: Option<&str>) -> Option<String> {
    let wanted: Vec<&str> = wanted.unwrap_or_default().split_whitespace().collect();
    if wanted.is_empty() {
        return Some(held.to_owned());
    }
    let held: Vec<&str> = held.split_whitespace().collect();
    if !wanted.iter().all(|scope| held.contains(scope)) {
        return None;
    }
    // In the order of `held`, each once.
    Some(held.into_iter().filter(|scope| wanted.contains(scope)).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_takes_the_name_or_the_scope_of_a_service() {
        assert_eq!(check("carrier", &["shipping:track"]), Ok(()));
        for name in SERVICE_NAMES.into_iter().chain(RESERVED) {
            assert_eq!(check(name, &["a"]), Err(ClientFault::Reserved), "{name}");
        }
        for (name, scopes, why) in [
            ("carrier", &["internal"][..], ClientFault::Internal),
            ("ab", &["a"], ClientFault::Name),
            ("Carrier", &["a"], ClientFault::Name),
            ("car rier", &["a"], ClientFault::Name),
            ("carrier", &[], ClientFault::Count),
            ("carrier", &["a b"], ClientFault::Scope),
            ("carrier", &[""], ClientFault::Scope),
        ] {
            assert_eq!(check(name, scopes), Err(why), "{name} {scopes:?}");
        }
    }

    #[test]
    fn names_and_scopes_have_bounds() {
        let text = |length: usize| "a".repeat(length);
        for (length, result) in [(2, Err(ClientFault::Name)), (3, Ok(())), (64, Ok(())), (65, Err(ClientFault::Name))] {
            assert_eq!(check(&text(length), &["a"]), result, "a name of {length}");
        }
        for (length, result) in [(1, Ok(())), (64, Ok(())), (65, Err(ClientFault::Scope))] {
            assert_eq!(check("carrier", &[&text(length)]), result, "a scope of {length}");
        }
        for (count, result) in [(1, Ok(())), (20, Ok(())), (21, Err(ClientFault::Count))] {
            assert_eq!(check("carrier", &vec!["a"; count]), result, "{count} scopes");
        }
        assert_eq!(check("carrier-2", &["a.b:c_d-1"]), Ok(()));
        for name in ["carrier_2", "carrier.2", "carrier:2"] {
            assert_eq!(check(name, &["a"]), Err(ClientFault::Name), "{name}");
        }
    }

    #[test]
    fn no_client_is_granted_more_than_it_holds() {
        assert_eq!(grant("a b", None).as_deref(), Some("a b"));
        assert_eq!(grant("a b", Some(" ")).as_deref(), Some("a b"));
        assert_eq!(grant("a b", Some("b b")).as_deref(), Some("b"));
        assert_eq!(grant("a b", Some("b c")), None);
        assert_eq!(grant("ab", Some("a")), None);
    }
}
