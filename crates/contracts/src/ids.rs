//! Identifiers. Each is a UUIDv7 (RFC 9562), which sorts by the time of its creation. Each has a type of its own, so that
//! the id of an order cannot be passed in place of the id of a payment.

use crate::violation::{Violation, deserialize_str};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};
pub use uuid::Uuid;

/// Parses the canonical form of RFC 9562: lower case, with hyphens. An id has one spelling, so that two texts that differ name
/// two things wherever they are compared before they are parsed: in caches, logs and scopes.
fn canonical(text: &str) -> Result<Uuid, Violation> {
    let is_canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let id = is_canonical.then(|| Uuid::try_parse(text).ok()).flatten();
    id.ok_or_else(|| Violation::new("NOT_A_UUID", "must be a UUID in lower case with hyphens"))
}

/// The canonical form of a UUID, for JSON Schema.
const PATTERN: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = Violation;
            fn from_str(text: &str) -> Result<Self, Violation> {
                canonical(text).map(Self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_str(deserializer, "a UUID string", str::parse)
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self { Self(id) }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid { id.0 }
        }
        impl crate::column::Column for $name {
            fn to_sql(&self) -> crate::column::SqlValue<'_> { crate::column::SqlValue::Uuid(self.0) }
            fn from_sql(value: crate::column::SqlValue<'_>) -> Result<Self, crate::column::BadColumn> {
                <Uuid as crate::column::Column>::from_sql(value).map(Self)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "format": "uuid", "pattern": PATTERN, "description": concat!($($doc),*).trim()})
            }
        }
    )*};
}

ids! {
    /// A person with an account; the same id in every service.
    UserId;
    /// An e-mail and a password that belong to one user.
    CredentialId;
    /// One refresh token.
    TokenId;
    /// A login of a user.
    SessionId;
    /// A key that a program uses in the place of its maker.
    ApiKeyId;
    /// A shipping or billing address.
    AddressId;
    /// A product.
    ProductId;
    /// Products that are variants of each other, such as sizes or colours.
    ProductGroupId;
    /// An uploaded picture. Made of its content (UUIDv8) and not of the time.
    PictureId;
    /// An import of a CSV file.
    ImportId;
    /// A node of the category tree.
    CategoryId;
    /// A shopping cart.
    CartId;
    /// One line of a cart.
    CartItemId;
    /// An order. People see its `orderNumber` instead.
    OrderId;
    /// One line of an order.
    OrderItemId;
    /// The part of an order that one seller ships.
    FulfilmentId;
    /// A movement of money in the ledger.
    PostingId;
    /// A payment to a seller.
    PayoutId;
    /// A payment: the attempt to pay one order with one method.
    PaymentId;
    /// A transaction at the payment provider: an authorization, capture, refund or void.
    TransactionId;
    /// The stock of one SKU. Callers use the SKU; events use this id.
    StockItemId;
    /// Units of stock that are reserved for one order.
    ReservationId;
    /// The units of one SKU in a reservation.
    ReservationLineId;
    /// The request of a customer for a message when a product can be bought again.
    StockAlertId;
    /// A parcel on its way to a customer.
    ShipmentId;
    /// One entry of a shipment's tracking history.
    ShipmentEventId;
    /// One message to one user over one channel.
    NotificationId;
    /// A customer's review of a product.
    ReviewId;
    /// A promotion: a discount and the conditions under which it applies.
    PromotionId;
    /// One use of a promotion by one order.
    PromotionUseId;
    /// Goods of one order that a customer sends back.
    ReturnId;
    /// An address that events are posted to.
    WebhookEndpointId;
    /// One message to one webhook endpoint.
    WebhookDeliveryId;
    /// An event. A repeated delivery has the same id.
    EventId;
}

impl UserId {
    /// Returns the id under which the orders of a guest are kept, from a keyed hash of the guest's address. It is a UUIDv8 (RFC 9562), so
    /// that it is never the id of an account.
    #[must_use]
    pub fn of_guest(hash: [u8; 16]) -> UserId {
        UserId(uuid::Builder::from_custom_bytes(hash).into_uuid())
    }

    /// Whether this is the id of a guest and not of an account.
    #[must_use]
    pub fn is_guest(self) -> bool {
        self.0.get_version_num() == 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_guest_is_no_id_of_an_account() {
        let guest = UserId::of_guest([0xff; 16]);
        assert!(guest.is_guest());
        assert_eq!(guest.to_string().parse::<UserId>().unwrap(), guest);
        assert!(!"0190a1b2-c3d4-7000-8000-00000000000f".parse::<UserId>().unwrap().is_guest());
    }

    #[test]
    fn an_id_has_one_spelling() {
        let canonical = "0190a1b2-c3d4-7000-8000-00000000000f";
        assert_eq!(canonical.parse::<OrderId>().unwrap().to_string(), canonical);
        let id: OrderId = serde_json::from_str(&format!("\"{canonical}\"")).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{canonical}\""));
        for other in [
            canonical.to_uppercase(),
            canonical.replace('f', "F"),
            canonical.replace('-', ""),
            format!("{{{canonical}}}"),
            format!("urn:uuid:{canonical}"),
            format!("({canonical})"),
            format!(" {canonical}"),
            format!("{canonical}\n"),
            canonical.replace("-8000", "8000-"),
            canonical.replace('-', "_"),
            canonical.replace('0', "\u{660}"),
            format!("{}-0000", canonical.replace('-', "")),
            String::new(),
        ] {
            assert_eq!(other.parse::<OrderId>().unwrap_err().code, "NOT_A_UUID", "{other:?}");
            assert!(serde_json::from_value::<OrderId>(other.clone().into()).is_err(), "{other:?}");
        }
    }
}
