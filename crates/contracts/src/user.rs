//! User: profiles, address books and preferences. E-mail and roles are copies; auth owns them.

use crate::{
    auth::Role,
    body::Patch,
    calls, events,
    ids::{AddressId, UserId},
    page::Page,
    service::ServiceSpec,
    text::{Country, Email, Name, Phone, Query, RequiredShortText, ShortText, Url},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// A copy; the account owns it.
    pub email: String,
    /// How the user wants to be called.
    pub name: String,
    /// Null when there is none.
    pub phone: Option<String>,
    /// A copy; the account owns them.
    pub roles: Vec<Role>,
    /// When the profile was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Changes the caller's profile. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateProfile {
    /// How the user wants to be called.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub name: Patch<Name>,
    /// A telephone number; null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub phone: Patch<Option<Phone>>,
}

/// An address to add, or to put in place of one. Of each kind one address is the default: making another the default
/// takes it from the present one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteAddress {
    /// What the user calls it, such as Home or Work.
    #[serde(default = "home")]
    pub label: RequiredShortText,
    /// ISO 3166-1 alpha-2, such as DE.
    pub country: Country,
    /// State or province; empty where there is none.
    #[serde(default = "nothing")]
    pub state: ShortText,
    /// Town or city.
    pub city: RequiredShortText,
    /// Postal code; empty where there is none.
    #[serde(default = "nothing")]
    pub zip: ShortText,
    /// Street, without the number.
    pub street: RequiredShortText,
    /// House number; empty where there is none.
    #[serde(default = "nothing")]
    pub number: ShortText,
    /// Flat, floor, care of …
    #[serde(default = "nothing")]
    pub complement: ShortText,
    /// Whether parcels go here when nothing else is said.
    #[serde(default)]
    pub is_default_shipping: bool,
    /// Whether bills go here when nothing else is said.
    #[serde(default)]
    pub is_default_billing: bool,
}

fn home() -> RequiredShortText {
    RequiredShortText::parse("Home").expect("a word is a filled line")
}

fn nothing() -> ShortText {
    ShortText::parse("").expect("a line may be empty")
}

/// An address of a user's address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    pub address_id: AddressId,
    /// Whose it is.
    pub user_id: UserId,
    /// What the user calls it.
    pub label: String,
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
    /// Whether parcels go here when nothing else is said.
    pub is_default_shipping: bool,
    /// Whether bills go here when nothing else is said.
    pub is_default_billing: bool,
}

/// An address as it was when an order was placed. It never changes afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressSnapshot {
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

impl From<Address> for AddressSnapshot {
    fn from(address: Address) -> AddressSnapshot {
        let Address { country, state, city, zip, street, number, complement, .. } = address;
        AddressSnapshot { country, state, city, zip, street, number, complement }
    }
}

/// How a user wants to be told of things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// Whether mails about orders are sent. Mails about the account itself, such as a password reset, always are.
    pub email_enabled: bool,
    /// Whether text messages are sent to the profile's phone.
    pub sms_enabled: bool,
    /// Where messages are also posted as signed webhooks; null for nowhere.
    pub webhook_url: Option<String>,
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
}

/// What auth tells of a new user.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnsureUser {
    /// The account's address.
    pub email: Email,
    /// How the user wants to be called.
    pub name: Name,
    /// The account's roles.
    pub roles: Vec<Role>,
}

/// Which users a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserFilter {
    /// Only users whose e-mail or name has, for each word of this text, a word that begins with it. Words are runs of
    /// letters and digits, in upper or lower case, in any order; the first 16 characters of each count. A text without
    /// any word finds no user, a whole e-mail address only its user.
    #[serde(default)]
    pub query: Option<Query>,
}

calls! {
    /// Reads the caller's profile.
    GET_PROFILE: get(()) -> User, "/users/me";
    /// Changes the caller's profile.
    UPDATE_PROFILE: patch(UpdateProfile) -> User, "/users/me";
    /// Lists the caller's addresses, the newest first.
    LIST_ADDRESSES: get(()) -> Page<Address>, "/users/me/addresses";
    /// Adds an address.
    ADD_ADDRESS: post(WriteAddress) -> Address, "/users/me/addresses";
    /// Reads one of the caller's addresses.
    GET_OWN_ADDRESS: get(()) -> Address, "/users/me/addresses/{addressId}";
    /// Replaces an address.
    REPLACE_ADDRESS: put(WriteAddress) -> Address, "/users/me/addresses/{addressId}";
    /// Deletes an address.
    DELETE_ADDRESS: delete(()) -> (), "/users/me/addresses/{addressId}";
    /// Reads the caller's preferences.
    GET_PREFERENCES: get(()) -> Preferences, "/users/me/preferences";
    /// Replaces the caller's preferences.
    WRITE_PREFERENCES: put(WritePreferences) -> Preferences, "/users/me/preferences";
    /// Lists users by the words of their e-mail and name, the newest first.
    LIST_USERS: get(()) -> Page<User>, "/users", query UserFilter;
    /// Reads the profile of a user.
    GET_USER: get(()) -> User, "/users/{userId}";
    /// Makes the profile unless it is there, so that it can be read right after the registration. `UserRegistered` does
    /// the same later, so a failure of this call is harmless.
    ENSURE_USER: put(EnsureUser) -> User, "/internal/users/{userId}", from "auth";
    /// Reads one address of a user for a snapshot; `NOT_FOUND` also when it is somebody else's.
    GET_ADDRESS: get(()) -> Address, "/internal/users/{userId}/addresses/{addressId}", from "order";
}

events! {
    "USER", user_id: UserId;
    /// A profile was changed; here is all of it.
    UserUpdated {
        /// A copy of the account's address.
        email: String,
        /// How the user wants to be called.
        name: String,
        /// Null when there is none.
        phone: Option<String>,
        /// A copy of the account's roles.
        roles: Vec<Role>,
    }
    /// A user changed how to be told of things; here are all preferences.
    PreferencesChanged {
        /// Whether mails about orders are sent.
        email_enabled: bool,
        /// Whether text messages are sent.
        sms_enabled: bool,
        /// Where messages are also posted; null for nowhere.
        webhook_url: Option<String>,
        /// Where text messages go; null when there is no phone.
        phone: Option<String>,
    }
}
