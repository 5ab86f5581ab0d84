//! User: profiles, address books and preferences. E-mail and roles are copies; auth owns them.

use crate::{
    auth::{AccountStatus, Role},
    body::{BoundedVec, Metadata, Patch, UpdateIntegratorData},
    calls, events,
    ids::{AddressId, UserId},
    notification::{Channel, NotificationType},
    page::Page,
    personal::PersonalRecords,
    service::ServiceSpec,
    string_enum,
    text::{Country, Email, ExternalId, Name, Phone, Query, RequiredShortText, ShortText, Url},
    time::Timestamp,
    violation::{Violation, reject},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// The service's name.
pub const NAME: &str = "user";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns profiles, address books and preferences.",
    machines: &[],
    events: EVENTS,
    calls: CALLS,
    paths: &["/users"],
};

/// A user's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The same id in every service.
    pub user_id: UserId,
    /// A copy; auth owns it.
    pub email: String,
    /// Whether the user has shown to read the mails to the address. A copy; auth owns it.
    #[serde(default)]
    pub email_verified: bool,
    /// The name that the user wants to be addressed by.
    pub name: String,
    /// Null when there is none.
    pub phone: Option<String>,
    /// A copy; auth owns them.
    pub roles: Vec<Role>,
    /// A copy; auth owns it.
    #[serde(default = "active")]
    pub status: AccountStatus,
    /// Its name in another system; null when there is none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Data of integrators. The platform does not read it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// When the profile was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

fn active() -> AccountStatus {
    AccountStatus::Active
}

/// Changes the caller's profile. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateProfile {
    /// The name that the user wants to be addressed by.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub name: Patch<Name>,
    /// A telephone number; null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub phone: Patch<Option<Phone>>,
    /// Its name in another system; null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub external_id: Patch<Option<ExternalId>>,
    /// Replaces all metadata.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub metadata: Patch<Metadata>,
}

/// A new address, or the replacement of one. At most one address is the default for shipping and one for billing: a new
/// default replaces the present one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteAddress {
    /// The user's name for the address, such as Home or Work.
    #[serde(default = "home")]
    pub label: RequiredShortText,
    /// Who receives parcels; the profile's name when null or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Name>,
    /// A firm at the address; null or absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<RequiredShortText>,
    /// A telephone number for the carrier; null or absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// ISO 3166-1 alpha-2, such as DE.
    pub country: Country,
    /// State or province. Required in some countries, such as US, where it must be the code or name of one.
    #[serde(default = "empty")]
    pub state: ShortText,
    /// Town or city. Required in most countries.
    #[serde(default = "empty")]
    pub city: ShortText,
    /// Postal code, by the country's pattern. Required in most countries that have them.
    #[serde(default = "empty")]
    pub zip: ShortText,
    /// Street, without the number.
    pub street: RequiredShortText,
    /// House number; empty where there is none.
    #[serde(default = "empty")]
    pub number: ShortText,
    /// Flat, floor, care of …
    #[serde(default = "empty")]
    pub complement: ShortText,
    /// Whether it is the default shipping address.
    #[serde(default)]
    pub is_default_shipping: bool,
    /// Whether it is the default billing address.
    #[serde(default)]
    pub is_default_billing: bool,
}

fn home() -> RequiredShortText {
    RequiredShortText::parse("Home").expect("the text fits the type")
}

fn empty() -> ShortText {
    ShortText::parse("").expect("the text may be empty")
}

/// An address outside of an address book, by the same rules.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostalAddress {
    /// Who receives the parcel; the name of who orders when null or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Name>,
    /// A firm at the address; null or absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<RequiredShortText>,
    /// A telephone number for the carrier; null or absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// ISO 3166-1 alpha-2, such as DE.
    pub country: Country,
    /// State or province. Required in some countries, such as US, where it must be the code or name of one.
    #[serde(default = "empty")]
    pub state: ShortText,
    /// Town or city. Required in most countries.
    #[serde(default = "empty")]
    pub city: ShortText,
    /// Postal code, by the country's pattern. Required in most countries that have them.
    #[serde(default = "empty")]
    pub zip: ShortText,
    /// Street, without the number.
    pub street: RequiredShortText,
    /// House number; empty where there is none.
    #[serde(default = "empty")]
    pub number: ShortText,
    /// Flat, floor, care of …
    #[serde(default = "empty")]
    pub complement: ShortText,
}

impl From<PostalAddress> for WriteAddress {
    fn from(address: PostalAddress) -> WriteAddress {
        let PostalAddress { recipient, company, phone, country, state, city, zip, street, number, complement } = address;
        let (is_default_shipping, is_default_billing) = (false, false);
        WriteAddress {
            label: home(),
            recipient,
            company,
            phone,
            country,
            state,
            city,
            zip,
            street,
            number,
            complement,
            is_default_shipping,
            is_default_billing,
        }
    }
}

impl From<WriteAddress> for AddressSnapshot {
    fn from(address: WriteAddress) -> AddressSnapshot {
        AddressSnapshot {
            recipient: address.recipient.map(|name| name.to_string()),
            company: address.company.map(|name| name.to_string()),
            phone: address.phone.map(|phone| phone.to_string()),
            country: address.country.to_string(),
            state: address.state.to_string(),
            city: address.city.to_string(),
            zip: address.zip.to_string(),
            street: address.street.to_string(),
            number: address.number.to_string(),
            complement: address.complement.to_string(),
        }
    }
}

/// An address of a user's address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    pub address_id: AddressId,
    /// The owner.
    pub user_id: UserId,
    /// The user's name for the address.
    pub label: String,
    /// Who receives parcels; null when the profile's name stands in.
    #[serde(default)]
    pub recipient: Option<String>,
    /// A firm at the address; null for none.
    #[serde(default)]
    pub company: Option<String>,
    /// A telephone number for the carrier; null for none.
    #[serde(default)]
    pub phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// State or province; may be empty.
    pub state: String,
    /// Town or city.
    pub city: String,
    /// Postal code; may be empty.
    pub zip: String,
    /// Street, without the number.
    pub street: String,
    /// House number; may be empty.
    pub number: String,
    /// Flat, floor, care of …; may be empty.
    pub complement: String,
    /// Whether it is the default shipping address.
    pub is_default_shipping: bool,
    /// Whether it is the default billing address.
    pub is_default_billing: bool,
}

/// An address at the moment of ordering. It never changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressSnapshot {
    /// Who receives the parcel; null in orders from before addresses had one.
    #[serde(default)]
    pub recipient: Option<String>,
    /// A firm at the address; null for none.
    #[serde(default)]
    pub company: Option<String>,
    /// A telephone number for the carrier; null for none.
    #[serde(default)]
    pub phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// State or province; may be empty.
    pub state: String,
    /// Town or city.
    pub city: String,
    /// Postal code; may be empty.
    pub zip: String,
    /// Street, without the number.
    pub street: String,
    /// House number; may be empty.
    pub number: String,
    /// Flat, floor, care of …; may be empty.
    pub complement: String,
}

impl AddressSnapshot {
    /// Returns what stays of an address when its user is erased: the country, which taxes depend on.
    #[must_use]
    pub fn erased(&self) -> AddressSnapshot {
        AddressSnapshot { country: self.country.clone(), ..AddressSnapshot::default() }
    }
}

impl From<Address> for AddressSnapshot {
    fn from(address: Address) -> AddressSnapshot {
        let Address { recipient, company, phone, country, state, city, zip, street, number, complement, .. } = address;
        AddressSnapshot { recipient, company, phone, country, state, city, zip, street, number, complement }
    }
}

/// Everything that the services keep about a user. Besides these fields it has one for each service, such as `order`: by the kind
/// of record, a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonalExport {
    /// The user.
    pub user_id: UserId,
    /// When the services were asked.
    pub exported_at: Timestamp,
    /// By service and kind of record.
    #[serde(flatten)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub services: BTreeMap<String, PersonalRecords>,
}

/// The channels of messages by their type. A type that is absent follows the switches of the preferences, an empty list means no
/// message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ChannelChoices(BTreeMap<NotificationType, Vec<Channel>>);

impl ChannelChoices {
    #[must_use]
    pub fn into_map(self) -> BTreeMap<NotificationType, Vec<Channel>> {
        self.0
    }
}

impl<'de> Deserialize<'de> for ChannelChoices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = ChannelChoices;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose values are lists of channels")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ChannelChoices, A::Error> {
                let mut choices = BTreeMap::new();
                while let Some((kind, channels)) = map.next_entry::<NotificationType, BoundedVec<Channel, 0, 3>>()? {
                    if choices.insert(kind, channels.into_vec()).is_some() {
                        return Err(reject(Violation::new("DUPLICATE", "names a type of messages twice")));
                    }
                }
                Ok(ChannelChoices(choices))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl JsonSchema for ChannelChoices {
    fn schema_name() -> Cow<'static, str> {
        "ChannelChoices".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "The channels of messages by their type.",
            "propertyNames": generator.subschema_for::<NotificationType>(),
            "additionalProperties": generator.subschema_for::<BoundedVec<Channel, 0, 3>>(),
        })
    }
}

/// How a user wants to be notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// Whether mails about orders are sent. Mails about the account, such as a password reset, and the confirmation of an order are
    /// always sent.
    pub email_enabled: bool,
    /// Whether text messages are sent to the profile's phone.
    pub sms_enabled: bool,
    /// The address that receives messages as signed webhooks; null for none.
    pub webhook_url: Option<String>,
    /// The channels of some types of messages, in the place of the switches above.
    #[serde(default)]
    pub channels: BTreeMap<NotificationType, Vec<Channel>>,
}

/// Replaces the caller's preferences.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WritePreferences {
    /// Whether mails about orders are sent.
    pub email_enabled: bool,
    /// Whether text messages are sent.
    pub sms_enabled: bool,
    /// An absolute http or https address; null or absent for none.
    #[serde(default)]
    pub webhook_url: Option<Url>,
    /// The channels of some types of messages, in the place of the switches above, such as `{"SHIPPED": ["SMS"]}`. Mails that the law or
    /// the safety of the account wants cannot be left out.
    #[serde(default)]
    pub channels: ChannelChoices,
}

/// The profile of a new user, sent by auth.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnsureUser {
    /// The account's address.
    pub email: Email,
    /// The name that the user wants to be addressed by.
    pub name: Name,
    /// The account's roles.
    pub roles: Vec<Role>,
}

string_enum! {
    /// The order of a list of users.
    UserSort {
        /// The newest first.
        Newest = "newest",
        /// By e-mail address, from A to Z.
        Email = "email",
    }
}

/// Which users a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserFilter {
    /// Only users whose e-mail or name has, for each word of this text, a word that begins with it. Words are runs of
    /// letters and digits, in upper or lower case, with or without accents, in any order; the first 16 characters of each
    /// count. A text without any word finds no user, a whole e-mail address only its user.
    #[serde(default)]
    pub query: Option<Query>,
    /// Only users that have this role.
    #[serde(default)]
    pub role: Option<Role>,
    /// Only users whose account has this status.
    #[serde(default)]
    pub status: Option<AccountStatus>,
    /// Only users with this name in another system.
    #[serde(default, rename = "externalId")]
    pub external_id: Option<ExternalId>,
    /// The order; the newest first when absent.
    #[serde(default)]
    pub sort: Option<UserSort>,
}

/// Finds the users with an e-mail address.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailLookup {
    pub email: Email,
}

/// The users with an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserIds {
    /// At most ten, the newest first.
    pub user_ids: Vec<UserId>,
}

/// How to reach a user. Only the notification service reads it, for a user whose events it does not have any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserContact {
    pub email: String,
    pub name: String,
    /// Null when there is none.
    pub phone: Option<String>,
    pub preferences: Preferences,
}

calls! {
    /// Reads the caller's profile.
    GET_PROFILE: get(()) -> User, "/users/me";
    /// Changes the caller's profile.
    UPDATE_PROFILE: patch(UpdateProfile) -> User, "/users/me";
    /// Erases the caller: ends the account at once, and lets every service erase what it keeps within a minute. `OPEN_ORDERS`,
    /// `OPEN_FULFILMENTS`, `OPEN_BALANCE` or `LAST_ADMIN` while something stands against it.
    ERASE_USER: delete(()) -> (), "/users/me";
    /// Everything that the services keep about the caller.
    EXPORT_USER: get(()) -> PersonalExport, "/users/me/export";
    /// Lists the caller's addresses, the newest first.
    LIST_ADDRESSES: get(()) -> Page<Address>, "/users/me/addresses";
    /// Adds an address.
    ADD_ADDRESS: post(WriteAddress) -> Address, "/users/me/addresses";
    /// Reads one of the caller's addresses.
    GET_ADDRESS: get(()) -> Address, "/users/me/addresses/{addressId}";
    /// Replaces an address.
    REPLACE_ADDRESS: put(WriteAddress) -> Address, "/users/me/addresses/{addressId}";
    /// Deletes an address.
    DELETE_ADDRESS: delete(()) -> (), "/users/me/addresses/{addressId}";
    /// Reads the caller's preferences.
    GET_PREFERENCES: get(()) -> Preferences, "/users/me/preferences";
    /// Replaces the caller's preferences.
    REPLACE_PREFERENCES: put(WritePreferences) -> Preferences, "/users/me/preferences";
    /// Lists users by the words of their e-mail and name, the newest first.
    LIST_USERS: get(()) -> Page<User>, "/users", query UserFilter;
    /// Reads the profile of a user.
    GET_USER: get(()) -> User, "/users/{userId}";
    /// Changes what integrators saved with a user.
    UPDATE_USER: patch(UpdateIntegratorData) -> User, "/users/{userId}";
    /// Creates the profile unless it exists, so that it can be read right after the registration. `UserRegistered` has the
    /// same effect later, so a failure of this call is harmless.
    ENSURE_USER: put(EnsureUser) -> User, "/internal/users/{userId}", from "auth";
    /// Reads an address of a user for a snapshot, with the profile's name where it has no recipient; `NOT_FOUND` when it belongs
    /// to another user.
    GET_ADDRESS_OF_USER: get(()) -> Address, "/internal/users/{userId}/addresses/{addressId}", from "order";
    /// Checks an address by the rules of its country, and returns it in the country's spelling; `INVALID_REQUEST` with its faults.
    CHECK_ADDRESS: query(PostalAddress) -> AddressSnapshot, "/internal/addresses/check", from "order";
    /// Reads the default shipping address of a user; `NOT_FOUND` when there is none.
    GET_DEFAULT_ADDRESS: get(()) -> Address, "/internal/users/{userId}/default-address", from "order";
    /// Reads how to reach a user.
    GET_CONTACT: get(()) -> UserContact, "/internal/users/{userId}/contact", from "notification";
    /// Finds the users with an e-mail address.
    FIND_USERS_BY_EMAIL: query(EmailLookup) -> UserIds, "/internal/users/by-email", from "order";
}

events! {
    "USER", user_id: UserId;
    /// A profile was changed. The event carries the whole profile.
    UserUpdated {
        /// A copy of the account's address.
        email: String,
        /// The name that the user wants to be addressed by.
        name: String,
        /// Null when there is none.
        phone: Option<String>,
        /// A copy of the account's roles.
        roles: Vec<Role>,
        /// Whether the address is verified: a copy of the account's.
        #[serde(default)]
        email_verified: bool,
    }
    /// A user changed the preferences. The event carries all of them.
    PreferencesChanged {
        /// Whether mails about orders are sent.
        email_enabled: bool,
        /// Whether text messages are sent.
        sms_enabled: bool,
        /// The address that receives messages as webhooks; null for none.
        webhook_url: Option<String>,
        /// The number for text messages; null when there is none.
        phone: Option<String>,
        /// The channels of some types of messages, in the place of the switches.
        #[serde(default)]
        channels: BTreeMap<NotificationType, Vec<Channel>>,
    }
}
