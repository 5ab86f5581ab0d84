//! The fields of events that are about a person.
//!
//! The service that publishes such an event encrypts these fields with a key of its own for that person, and stores the key
//! beside its data. In the payload, [`ENCRYPTED`] takes their place. Whoever erases the person throws the key away: every copy of
//! the event stays as it was, and nobody can read the fields again.

use crate::ids::Uuid;
use serde_json::{Value, json};

/// The field of a payload that stands for the personal ones: their JSON object, encrypted.
pub const ENCRYPTED: &str = "personal";

/// The personal fields of one type of event.
pub struct PersonalFields {
    pub event_type: &'static str,
    /// The field with the id of the person. Where it is null or absent, the aggregate stands for the person.
    pub person: &'static str,
    /// The field with the id of the order. Where the person is a guest, the order stands for the person, because each order of a guest
    /// is erased by itself. `None` for events that are never about guests.
    pub order: Option<&'static str>,
    /// Each with what is read in its place after the erasure.
    pub fields: &'static [(&'static str, Erased)],
}

/// What is read in the place of a field that was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    Null,
    /// The empty text.
    Empty,
    /// An address of mail that reaches nobody and that no other person has (RFC 2606).
    Email,
    /// A postal address without a word in it.
    Address,
}

impl Erased {
    /// Returns the value for a person.
    #[must_use]
    pub fn value(self, person: Uuid) -> Value {
        match self {
            Erased::Null => Value::Null,
            Erased::Empty => json!(""),
            Erased::Email => json!(erased_email(person)),
            Erased::Address => {
                json!({"country": "ZZ", "state": "", "city": "", "zip": "", "street": "", "number": "", "complement": ""})
            }
        }
    }
}

/// Returns the address of mail that stands for that of an erased person.
#[must_use]
pub fn erased_email(person: Uuid) -> String {
    format!("{}@erased.invalid", person.simple())
}

/// Everything that a service keeps about a person: by the kind of record, a list of them in the words of its API.
pub type PersonalRecords = std::collections::BTreeMap<String, Vec<PersonalRecord>>;

/// One record, as JSON.
pub type PersonalRecord = Value;

/// The services that keep personal data, and therefore answer for an export. Each declares how it exports and erases.
pub const KEEPERS: &[&str] = &[
    "auth",
    "user",
    "seller",
    "catalog",
    "cart",
    "promotion",
    "order",
    "payment",
    "payout",
    "inventory",
    "shipping",
    "returns",
    "review",
    "notification",
    "webhook",
    "audit",
];

/// Those of them in which something can stand against an erasure.
pub const WITH_OBSTACLES: &[&str] = &["order", "payout"];

const SHIPPING: (&str, Erased) = ("shippingAddressSnapshot", Erased::Address);
const BILLING: (&str, Erased) = ("billingAddressSnapshot", Erased::Address);
const SHOP: &[(&str, Erased)] = &[("shopName", Erased::Empty), ("slug", Erased::Empty)];
const NOTE: &[(&str, Erased)] = &[("note", Erased::Null)];

/// Every type of event with personal fields.
pub const PERSONAL: &[PersonalFields] = &[
    of_user("UserRegistered", &[("email", Erased::Email), ("name", Erased::Empty)]),
    of_user("EmailVerificationRequested", &[("email", Erased::Email), ("presentEmail", Erased::Null)]),
    of_user("EmailVerified", &[("email", Erased::Email)]),
    of_user("EmailChanged", &[("email", Erased::Email), ("previousEmail", Erased::Email)]),
    of_user("PasswordChanged", &[("email", Erased::Email)]),
    of_user("PasswordResetRequested", &[("email", Erased::Email)]),
    of_user("UserUpdated", &[("email", Erased::Email), ("name", Erased::Empty), ("phone", Erased::Null)]),
    of_user("PreferencesChanged", &[("webhookUrl", Erased::Null), ("phone", Erased::Null)]),
    of_seller("SellerApplied", SHOP),
    of_seller("SellerApproved", SHOP),
    of_seller("SellerRejected", &[("reason", Erased::Null)]),
    of_seller("SellerSuspended", &[("reason", Erased::Null)]),
    of_seller("SellerUpdated", &[("shopName", Erased::Empty), ("slug", Erased::Empty), ("description", Erased::Empty)]),
    of_order("OrderCreated", &[SHIPPING, BILLING]),
    of_order("OrderConfirmed", &[SHIPPING]),
    of_order("OrderCancelled", NOTE),
    of_order("FulfilmentCancelled", NOTE),
    of_order("ShipmentUpdated", &[("message", Erased::Empty)]),
    of_order("ReturnRejected", &[("reason", Erased::Empty)]),
    of_user("ReviewRejected", &[("reason", Erased::Null)]),
];

const fn of_seller(event_type: &'static str, fields: &'static [(&'static str, Erased)]) -> PersonalFields {
    PersonalFields { event_type, person: "sellerId", order: None, fields }
}

const fn of_order(event_type: &'static str, fields: &'static [(&'static str, Erased)]) -> PersonalFields {
    PersonalFields { event_type, person: "userId", order: Some("orderId"), fields }
}

const fn of_user(event_type: &'static str, fields: &'static [(&'static str, Erased)]) -> PersonalFields {
    PersonalFields { event_type, person: "userId", order: None, fields }
}

/// Returns the personal fields of a type of event; `None` when it has none.
#[must_use]
pub fn personal_fields(event_type: &str) -> Option<&'static PersonalFields> {
    PERSONAL.iter().find(|personal| personal.event_type == event_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    /// Names of fields that are about a person wherever they occur.
    const SUSPECTS: &[&str] = &["email", "phone", "address", "recipient", "webhookUrl", "note", "newEmail", "guest", "reason", "message"];

    fn properties(schema: &Value) -> Vec<String> {
        schema["properties"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    }

    #[test]
    fn every_listed_field_exists_and_reads_after_the_erasure() {
        for personal in PERSONAL {
            let event = registry::events().find(|event| event.event_type == personal.event_type).expect(personal.event_type);
            let fields = properties(&(event.schema)().to_value());
            assert!(fields.iter().any(|field| field == personal.person), "{} has no {}", personal.event_type, personal.person);
            for field in personal.fields.iter().map(|(field, _)| *field).chain(personal.order) {
                assert!(fields.iter().any(|known| known == field), "{} has no {field}", personal.event_type);
            }
        }
    }

    #[test]
    fn no_field_about_a_person_is_forgotten() {
        for event in registry::events() {
            let listed = personal_fields(event.event_type);
            for field in properties(&(event.schema)().to_value()) {
                let suspect = SUSPECTS.iter().any(|suspect| field.to_lowercase().contains(&suspect.to_lowercase()));
                let is_listed = listed.is_some_and(|personal| personal.fields.iter().any(|(known, _)| *known == field));
                assert!(!suspect || is_listed || NOT_PERSONAL.contains(&(event.event_type, &*field)), "{}.{field}", event.event_type);
            }
        }
    }

    /// Fields that only sound so.
    const NOT_PERSONAL: &[(&str, &str)] = &[
        ("StockChanged", "note"),
        // One of a list of words.
        ("StockChanged", "reason"),
        ("OrderCancelled", "reason"),
        ("FulfilmentCancelled", "reason"),
        ("WebhookEndpointDisabled", "reason"),
        ("PreferencesChanged", "emailEnabled"),
        ("UserUpdated", "emailVerified"),
        ("OrderClaimed", "guestId"),
        ("UserErased", "guestId"),
    ];
}
