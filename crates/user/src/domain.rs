//! The rules of users and address books. No clock, no database.

pub mod address_rules;
pub mod search_terms;

use contracts::{
    auth::{AccountStatus, Role},
    body::{Patch, UpdateIntegratorData},
    ids::{AddressId, UserId},
    notification::{Channel, NotificationType},
    problem::Fault,
    time::Timestamp,
    user::{Address, Preferences, PreferencesChanged, UpdateProfile, User, UserUpdated, WriteAddress, WritePreferences},
};
use platform::{http::ETag, public_address::has_public_host};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A value with its version, which counts its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    pub version: i64,
    pub value: T,
}

impl<T> Versioned<T> {
    #[must_use]
    pub fn etag(&self) -> ETag {
        ETag::of_version(self.version)
    }
}

/// The data of a new profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    pub user_id: UserId,
    pub email: String,
    /// `None` when only a token supplied the data: the address is then used as a name until the account supplies one or
    /// the user chooses one.
    pub name: Option<String>,
    pub roles: Vec<Role>,
}

impl NewUser {
    /// Returns the first version of the profile.
    #[must_use]
    pub fn profile(&self, now: Timestamp) -> Versioned<User> {
        let NewUser { user_id, email, name, roles } = self.clone();
        let name = name.unwrap_or_else(|| email.clone());
        let roles = sorted_roles(roles);
        Versioned {
            version: 1,
            value: User {
                user_id,
                email,
                email_verified: false,
                name,
                phone: None,
                roles,
                status: AccountStatus::Active,
                external_id: None,
                metadata: BTreeMap::new(),
                created_at: now,
                updated_at: now,
            },
        }
    }
}

/// Returns each role once, in the order of [`Role::ALL`].
#[must_use]
pub fn sorted_roles(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Applies a request to the profile.
pub fn update(user: &mut User, changes: UpdateProfile) {
    let UpdateProfile { name, phone: Patch(phone), external_id, metadata } = changes;
    UpdateIntegratorData { external_id, metadata }.apply(&mut user.external_id, &mut user.metadata);
    if let Patch(Some(name)) = name {
        user.name = name.into_string();
    }
    if let Some(phone) = phone {
        user.phone = phone.map(contracts::text::Phone::into_string);
    }
}

/// Returns the event of a whole profile.
#[must_use]
pub fn user_updated(user: &User) -> UserUpdated {
    let User { user_id, email, email_verified, name, phone, roles, .. } = user.clone();
    UserUpdated { user_id, email, name, phone, roles, email_verified }
}

/// Returns the preferences of a user who never wrote any: mails only.
#[must_use]
pub fn default_preferences() -> Preferences {
    Preferences { email_enabled: true, sms_enabled: false, webhook_url: None, channels: BTreeMap::new() }
}

/// Returns the preferences of a request.
#[must_use]
pub fn preferences(wanted: WritePreferences) -> Preferences {
    let WritePreferences { email_enabled, sms_enabled, webhook_url, channels } = wanted;
    let webhook_url = webhook_url.map(contracts::text::Url::into_string);
    Preferences { email_enabled, sms_enabled, webhook_url, channels: channels.into_map() }
}

/// What this service must know of the settings of notification, which sends the webhooks.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WebhookPolicy {
    pub allow_private_webhooks: bool,
}

/// Why a phone is required.
pub const WHY_PHONE: &str = "text messages are the only channel and need a phone number: set the profile's phone first, or leave \
                             e-mails on";

/// Returns whether text messages are the only channel, of all messages or of a type, and there is no phone.
#[must_use]
pub fn needs_phone(preferences: &Preferences, user: &User) -> bool {
    lacks_phone(preferences, user) || preferences.channels.values().any(|channels| is_unreachable(channels, preferences, user))
}

fn lacks_phone(preferences: &Preferences, user: &User) -> bool {
    let Preferences { email_enabled, sms_enabled, webhook_url, .. } = preferences;
    *sms_enabled && user.phone.is_none() && !email_enabled && webhook_url.is_none()
}

/// Returns whether none of the channels that were chosen has an address.
fn is_unreachable(channels: &[Channel], preferences: &Preferences, user: &User) -> bool {
    let has_address = |channel: &Channel| match channel {
        Channel::Email => true,
        Channel::Sms => user.phone.is_some(),
        Channel::Webhook => preferences.webhook_url.is_some(),
    };
    !channels.is_empty() && !channels.iter().any(has_address)
}

/// # Errors
/// The faults of preferences that could not be followed.
pub fn check_preferences(wanted: &Preferences, user: &User, webhooks: WebhookPolicy) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if lacks_phone(wanted, user) {
        faults.push(Fault::at("/smsEnabled", "PHONE_REQUIRED", WHY_PHONE));
    }
    if let Some(url) = wanted.webhook_url.as_deref().filter(|url| !webhooks.allow_private_webhooks && !has_public_host(url)) {
        let detail = format!("must be an address of the public internet, which {url} is not");
        faults.push(Fault::at("/webhookUrl", "NOT_A_PUBLIC_URL", detail));
    }
    for (kind, channels) in &wanted.channels {
        check_channels(*kind, channels, wanted, user, &mut faults);
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn check_channels(kind: NotificationType, channels: &[Channel], wanted: &Preferences, user: &User, faults: &mut Vec<Fault>) {
    for (at, channel) in channels.iter().enumerate() {
        let pointer = || format!("/channels/{kind}/{at}");
        if channels[..at].contains(channel) {
            faults.push(Fault::at(pointer(), "DUPLICATE", "is named more than once"));
        }
        if kind.is_mail_only() && *channel != Channel::Email {
            faults.push(Fault::at(pointer(), "NOT_AVAILABLE", "must be EMAIL: these messages are mails to a certain address"));
        }
    }
    let pointer = format!("/channels/{kind}");
    if kind.is_mandatory() && !channels.contains(&Channel::Email) {
        let detail = "must have EMAIL: the law or the safety of the account wants these mails, and they cannot be switched off";
        faults.push(Fault::at(pointer, "MANDATORY", detail));
    } else if is_unreachable(channels, wanted, user) {
        let fault = match channels.contains(&Channel::Sms) {
            true => Fault::at(pointer, "PHONE_REQUIRED", WHY_PHONE),
            false => Fault::at(pointer, "WEBHOOK_URL_REQUIRED", "needs a webhookUrl, or another channel"),
        };
        faults.push(fault);
    }
}

/// Returns the event of all preferences, with the phone number for text messages.
#[must_use]
pub fn preferences_changed(user: &User, preferences: Preferences) -> PreferencesChanged {
    let Preferences { email_enabled, sms_enabled, webhook_url, channels } = preferences;
    PreferencesChanged { user_id: user.user_id, email_enabled, sms_enabled, webhook_url, phone: user.phone.clone(), channels }
}

/// The kinds of use that an address is the default for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Defaults {
    pub shipping: bool,
    pub billing: bool,
}

impl Defaults {
    /// Returns the defaults that a request sets.
    #[must_use]
    pub fn requested(body: &WriteAddress) -> Defaults {
        Defaults { shipping: body.is_default_shipping, billing: body.is_default_billing }
    }

    fn union(self, other: Defaults) -> Defaults {
        Defaults { shipping: self.shipping || other.shipping, billing: self.billing || other.billing }
    }

    fn minus(self, other: Defaults) -> Defaults {
        Defaults { shipping: self.shipping && !other.shipping, billing: self.billing && !other.billing }
    }
}

/// Returns the address of a request.
#[must_use]
pub fn address(address_id: AddressId, user_id: UserId, body: WriteAddress, defaults: Defaults) -> Address {
    let WriteAddress { label, recipient, company, phone, country, state, city, zip, street, number, complement, .. } = body;
    Address {
        address_id,
        user_id,
        label: label.into_string(),
        recipient: recipient.map(contracts::text::Name::into_string),
        company: company.map(contracts::text::RequiredShortText::into_string),
        phone: phone.map(contracts::text::Phone::into_string),
        country: country.into_string(),
        state: state.into_string(),
        city: city.into_string(),
        zip: zip.into_string(),
        street: street.into_string(),
        number: number.into_string(),
        complement: complement.into_string(),
        is_default_shipping: defaults.shipping,
        is_default_billing: defaults.billing,
    }
}

/// The addresses of a user and which are the defaults: unless it is empty, exactly one of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressBook(Vec<Entry>);

/// The part of an address that matters to its book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub id: AddressId,
    pub defaults: Defaults,
}

/// The address book is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address book holds at most {} addresses", AddressBook::MAX)]
pub struct AddressBookFull;

impl AddressBook {
    /// The most addresses of a user.
    pub const MAX: usize = 50;

    /// Returns a book of these entries, newest first.
    #[must_use]
    pub fn new(newest_first: Vec<Entry>) -> AddressBook {
        AddressBook(newest_first)
    }

    /// Adds an address. The first one becomes the default of each kind, a later one only for what is `wanted`.
    ///
    /// # Errors
    /// [`AddressBookFull`].
    pub fn add(&mut self, id: AddressId, wanted: Defaults) -> Result<(), AddressBookFull> {
        if self.0.len() >= AddressBook::MAX {
            return Err(AddressBookFull);
        }
        let first = self.0.is_empty();
        self.0.insert(0, Entry { id, defaults: Defaults { shipping: first, billing: first } });
        self.set_default(id, wanted);
        Ok(())
    }

    /// Makes an address the default for what is `wanted` instead of the others. What is not wanted stays, because an
    /// address loses a default only to another address.
    pub fn set_default(&mut self, id: AddressId, wanted: Defaults) {
        for entry in &mut self.0 {
            entry.defaults = if entry.id == id { entry.defaults.union(wanted) } else { entry.defaults.minus(wanted) };
        }
    }

    /// Removes an address; its defaults pass to the newest remaining address.
    pub fn remove(&mut self, id: AddressId) {
        let Some(at) = self.0.iter().position(|entry| entry.id == id) else { return };
        let removed = self.0.remove(at);
        if let Some(newest) = self.0.first_mut() {
            newest.defaults = newest.defaults.union(removed.defaults);
        }
    }

    /// Returns what this address is the default for.
    #[must_use]
    pub fn defaults_of(&self, id: AddressId) -> Defaults {
        self.0.iter().find(|entry| entry.id == id).map_or_else(Defaults::default, |entry| entry.defaults)
    }

    /// Returns the addresses other than `subject` whose defaults differ from `before`.
    pub fn others_changed<'a>(&'a self, before: &'a AddressBook, subject: AddressId) -> impl Iterator<Item = Entry> + 'a {
        self.0.iter().copied().filter(move |entry| entry.id != subject && entry.defaults != before.defaults_of(entry.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::Uuid;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    enum Change {
        Add(Defaults),
        SetDefault(usize, Defaults),
        Remove(usize),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let defaults = (any::<bool>(), any::<bool>()).prop_map(|(shipping, billing)| Defaults { shipping, billing });
        let change = prop_oneof![
            3 => defaults.clone().prop_map(Change::Add),
            2 => (0..60_usize, defaults).prop_map(|(at, defaults)| Change::SetDefault(at, defaults)),
            2 => (0..60_usize).prop_map(Change::Remove),
        ];
        prop::collection::vec(change, 0..120)
    }

    fn id(number: usize) -> AddressId {
        AddressId(Uuid::from_u128(number as u128))
    }

    proptest! {
        #[test]
        fn a_book_with_addresses_has_exactly_one_default_of_each_kind(changes in changes()) {
            let mut book = AddressBook::default();
            for (number, change) in changes.into_iter().enumerate() {
                let before = book.clone();
                let at = |at: usize| before.0.get(at % before.0.len().max(1)).map(|entry| entry.id);
                match change {
                    Change::Add(wanted) => match book.add(id(number), wanted) {
                        Ok(()) => prop_assert_eq!(book.defaults_of(id(number)).union(wanted), book.defaults_of(id(number))),
                        Err(AddressBookFull) => prop_assert_eq!((before.0.len(), &before), (AddressBook::MAX, &book)),
                    },
                    Change::SetDefault(place, wanted) => if let Some(id) = at(place) {
                        book.set_default(id, wanted);
                        prop_assert_eq!(book.defaults_of(id).union(wanted), book.defaults_of(id));
                    },
                    Change::Remove(place) => if let Some(id) = at(place) { book.remove(id) },
                }
                let count = |of: fn(&Defaults) -> bool| book.0.iter().filter(|entry| of(&entry.defaults)).count();
                let wanted = usize::from(!book.0.is_empty());
                prop_assert_eq!(count(|defaults| defaults.shipping), wanted);
                prop_assert_eq!(count(|defaults| defaults.billing), wanted);
                prop_assert!(book.0.len() <= AddressBook::MAX);
            }
        }
    }

    #[test]
    fn a_default_that_is_deleted_passes_to_the_newest_that_remains() {
        let mut book = AddressBook::default();
        for number in 1..=3 {
            book.add(id(number), Defaults::default()).unwrap();
        }
        let before = book.clone();
        book.remove(id(1));
        assert_eq!(book.defaults_of(id(3)), Defaults { shipping: true, billing: true });
        assert_eq!(book.others_changed(&before, id(1)).map(|entry| entry.id).collect::<Vec<_>>(), [id(3)]);
    }

    #[test]
    fn the_fifty_first_address_is_refused_and_the_fiftieth_is_not() {
        let mut book = AddressBook::default();
        for number in 1..=AddressBook::MAX {
            book.add(id(number), Defaults::default()).unwrap();
        }
        assert_eq!(book.add(id(51), Defaults::default()), Err(AddressBookFull));
    }

    #[test]
    fn a_default_moves_alone_and_changes_both_addresses() {
        let mut book = AddressBook::default();
        book.add(id(1), Defaults::default()).unwrap();
        let before = book.clone();
        book.add(id(2), Defaults { shipping: true, billing: false }).unwrap();
        assert_eq!(book.defaults_of(id(1)), Defaults { shipping: false, billing: true });
        assert_eq!(book.defaults_of(id(2)), Defaults { shipping: true, billing: false });
        let others = |subject| book.others_changed(&before, subject).map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!((others(id(2)), others(id(1))), (vec![id(1)], vec![id(2)]));
    }

    #[test]
    fn a_name_is_shown_as_soon_as_there_is_one() {
        let new = NewUser { user_id: UserId(Uuid::nil()), email: "mara@example.com".into(), name: None, roles: Vec::new() };
        assert_eq!(new.profile(Timestamp(0)).value.name, "mara@example.com");
        assert_eq!(NewUser { name: Some("Mara".into()), ..new }.profile(Timestamp(0)).value.name, "Mara");
    }

    #[test]
    fn an_update_changes_what_it_names() {
        let mut user = User {
            user_id: UserId(Uuid::nil()),
            email: "mara@example.com".into(),
            email_verified: false,
            name: "Mara".into(),
            phone: None,
            roles: vec![Role::Customer],
            status: AccountStatus::Active,
            external_id: None,
            metadata: BTreeMap::new(),
            created_at: contracts::time::Timestamp::EPOCH,
            updated_at: contracts::time::Timestamp::EPOCH,
        };
        let before = user.clone();
        let mut apply = |body: serde_json::Value| {
            update(&mut user, serde_json::from_value(body).unwrap());
            (user.name.clone(), user.phone.clone())
        };
        assert_eq!(apply(serde_json::json!({})), ("Mara".to_owned(), None));
        assert_eq!(apply(serde_json::json!({"phone": "+49 421 123456"})), ("Mara".to_owned(), Some("+49 421 123456".to_owned())));
        assert_eq!(apply(serde_json::json!({"name": "Lea"})), ("Lea".to_owned(), Some("+49 421 123456".to_owned())));
        assert_eq!(apply(serde_json::json!({"phone": null})), ("Lea".to_owned(), None));
        assert_eq!(user, User { name: "Lea".into(), ..before });
    }

    #[test]
    fn an_address_requests_each_default_separately() {
        for (shipping, billing) in [(true, false), (false, true)] {
            let body = serde_json::json!({
                "country": "DE", "city": "Bremen", "street": "Am Wall", "isDefaultShipping": shipping, "isDefaultBilling": billing,
            });
            assert_eq!(Defaults::requested(&serde_json::from_value(body).unwrap()), Defaults { shipping, billing });
        }
    }

    #[test]
    fn by_default_only_mails_are_sent() {
        let expected = Preferences { email_enabled: true, sms_enabled: false, webhook_url: None, channels: BTreeMap::new() };
        assert_eq!(default_preferences(), expected);
    }

    #[test]
    fn roles_have_one_spelling() {
        assert_eq!(sorted_roles(vec![Role::Admin, Role::Customer, Role::Admin]), [Role::Customer, Role::Admin]);
    }
}
