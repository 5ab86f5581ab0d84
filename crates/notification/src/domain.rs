//! The rules: the channels of a message, and the effect of an attempt.

use contracts::{
    ids::{EventId, NotificationId, OrderId, UserId},
    notification::{Channel, NotificationFact, NotificationType},
    secret::Secret,
    time::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};

/// The addresses and the preferences of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub user_id: UserId,
    /// Unknown until the registration, or a profile, has arrived.
    pub email: Option<String>,
    /// Whether the user has shown to read the mails to this address.
    pub email_verified: bool,
    pub name: String,
    pub phone: Option<String>,
    pub email_enabled: bool,
    pub sms_enabled: bool,
    pub webhook_url: Option<String>,
    /// The channels of some types of messages, in the place of the switches.
    pub chosen_channels: BTreeMap<NotificationType, Vec<Channel>>,
    /// The last address that answered 410. It is not used, until the user saves another one or none.
    pub gone_webhook_url: Option<String>,
    /// Until then the receiver of webhooks wants none.
    pub webhook_resumes_at: Option<Timestamp>,
}

impl Contact {
    /// The contact of an unknown user: an order may arrive before the registration. The address is read again when the message
    /// is sent.
    #[must_use]
    pub fn unknown(user_id: UserId) -> Contact {
        Contact {
            user_id,
            email: None,
            email_verified: false,
            name: String::new(),
            phone: None,
            email_enabled: true,
            sms_enabled: false,
            webhook_url: None,
            chosen_channels: BTreeMap::new(),
            gone_webhook_url: None,
            webhook_resumes_at: None,
        }
    }

    /// Returns the address of a channel.
    #[must_use]
    pub fn address(self, channel: Channel) -> Option<String> {
        match channel {
            Channel::Email => self.email,
            Channel::Sms => self.phone,
            Channel::Webhook => self.webhook_url.filter(|url| self.gone_webhook_url.as_ref() != Some(url)),
        }
    }

    /// Returns the channels of a message of this type.
    pub fn channels(&self, kind: NotificationType) -> impl Iterator<Item = Channel> + use<> {
        let chosen = self.chosen_channels.get(&kind);
        let by_consent = kind.needs_consent();
        let wants = |channel, by_switch: bool| chosen.map_or(by_switch && !by_consent, |channels| channels.contains(&channel));
        // Whoever registered with the address of a stranger cannot consent for the stranger.
        let can_consent = self.email_verified || !by_consent;
        let mail = kind.is_mandatory() || wants(Channel::Email, self.email_enabled) && can_consent;
        let text = wants(Channel::Sms, self.sms_enabled) && self.phone.is_some() && !kind.is_mail_only();
        let has_webhook = self.webhook_url.is_some() && self.webhook_url != self.gone_webhook_url;
        let webhook = wants(Channel::Webhook, true) && has_webhook && !kind.is_mail_only();
        [(Channel::Email, mail), (Channel::Sms, text), (Channel::Webhook, webhook)]
            .into_iter()
            .filter_map(|(channel, wanted)| wanted.then_some(channel))
    }
}

/// A message with what a channel needs to send it.
#[derive(Debug, Clone)]
pub struct OutgoingMessage {
    pub notification_id: NotificationId,
    pub event_id: EventId,
    pub correlation_id: String,
    pub user_id: UserId,
    pub order_id: Option<OrderId>,
    pub kind: NotificationType,
    pub channel: Channel,
    pub payload: serde_json::Value,
    pub sealed_token: Option<String>,
    /// The e-mail address, phone number or URL, after the channel; `None` while it is unknown. It is stored only when it does not
    /// come from the contact.
    pub recipient: Option<String>,
    /// The name of a user whose address is verified. Anyone can register with the address of a stranger, so a mail to another
    /// address carries nothing that was typed with it: neither name nor postal address nor note.
    pub name: Option<String>,
    /// What opens the order for a guest. It is asked for when the message is sent, and not stored.
    pub guest_token: Option<Secret>,
    /// All attempts before this one, those since the last resend by an administrator, and the number of these resends.
    pub attempts: u32,
    pub tries: u32,
    pub resends: u32,
    pub created_at: Timestamp,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct DeliveryError {
    /// For administrators; contains no secret.
    pub detail: String,
    /// For the user. It does not reveal what listens at a private address.
    pub public_detail: String,
    /// Whether a repetition cannot succeed.
    pub is_permanent: bool,
    /// Whether the address must not be used again.
    pub is_gone: bool,
    /// How long the receiver wants no message.
    pub retry_after: Option<Duration>,
}

/// What a user sees of every failure before an answer.
pub const UNREACHABLE: &str = "the receiver was not reached, or did not answer in time";
/// The longest detail that is stored.
const MAX_DETAIL: usize = 300;

impl DeliveryError {
    /// A repetition may succeed.
    #[must_use]
    pub fn temporary(detail: impl AsRef<str>) -> DeliveryError {
        let detail = one_line(detail.as_ref(), MAX_DETAIL);
        DeliveryError { public_detail: detail.clone(), detail, is_permanent: false, is_gone: false, retry_after: None }
    }

    /// The receiver was not reached. The user sees the same whatever the reason is.
    #[must_use]
    pub fn unreachable(detail: impl AsRef<str>) -> DeliveryError {
        DeliveryError { public_detail: UNREACHABLE.into(), ..DeliveryError::temporary(detail) }
    }

    /// A repetition cannot succeed.
    #[must_use]
    pub fn permanent(detail: impl AsRef<str>) -> DeliveryError {
        DeliveryError { is_permanent: true, ..DeliveryError::temporary(detail) }
    }
}

impl DeliveryError {
    /// The same without addresses. Servers quote them in their replies, and logs and events are not erased.
    #[must_use]
    pub fn without_addresses(self, recipient: Option<&str>) -> DeliveryError {
        let clean = |text: &str| without_addresses(text, recipient);
        DeliveryError { detail: clean(&self.detail), public_detail: clean(&self.public_detail), ..self }
    }
}

/// Returns the text without the address of the recipient and without addresses of mail.
fn without_addresses(text: &str, recipient: Option<&str>) -> String {
    const HIDDEN: &str = "…";
    let text = match recipient.filter(|recipient| !recipient.is_empty()) {
        Some(recipient) => text.replace(recipient, HIDDEN),
        None => text.to_owned(),
    };
    let ends_word = |c: char| c.is_whitespace() || "<>()[],;:\"'".contains(c);
    let mut clean = String::with_capacity(text.len());
    for piece in text.split_inclusive(ends_word) {
        let word = piece.trim_end_matches(ends_word);
        clean.push_str(if word.contains('@') { HIDDEN } else { word });
        clean.push_str(&piece[word.len()..]);
    }
    clean
}

/// The effect of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// The message ends with this fact.
    Final(NotificationFact),
    /// Another attempt is due.
    Retry,
}

/// Decides the effect of attempt number `tries` of at most `most`.
#[must_use]
pub fn after_attempt(outcome: &Result<(), DeliveryError>, tries: u32, most: u32) -> AfterAttempt {
    match outcome {
        Ok(()) => AfterAttempt::Final(NotificationFact::Sent),
        Err(error) if error.is_permanent || tries >= most => AfterAttempt::Final(NotificationFact::Failed),
        Err(_) => AfterAttempt::Retry,
    }
}

/// Returns `text` as one line of at most `most` characters without control characters, for headers, logs and lists.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if contracts::text::is_forbidden(c) { ' ' } else { c }).take(most).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contact(email_enabled: bool, sms_enabled: bool, phone: bool, webhook: bool) -> Contact {
        Contact {
            email_enabled,
            sms_enabled,
            phone: phone.then(|| "+49 30 1".to_owned()),
            webhook_url: webhook.then(|| "https://example.com".to_owned()),
            ..Contact::unknown(UserId(contracts::ids::Uuid::nil()))
        }
    }

    #[test]
    fn no_address_is_left_of_a_reply() {
        let texts = [
            ("550 5.1.1 <mara@example.com>: no such user", "550 5.1.1 <…>: no such user"),
            ("550 MARA@example.com, try m.b@example.org.", "550 …, try …"),
            ("+49 421 1 is not a number: +49 421 1", "… is not a number: …"),
            ("451 come back later", "451 come back later"),
            ("", ""),
        ];
        for (text, clean) in texts {
            let error = DeliveryError::permanent(text).without_addresses(Some("+49 421 1"));
            assert_eq!((error.detail.as_str(), error.public_detail.as_str(), error.is_permanent), (clean, clean, true));
        }
        assert_eq!(DeliveryError::unreachable("no route to <mara@example.com>").without_addresses(None).public_detail, UNREACHABLE);
    }

    proptest! {
        #[test]
        fn each_channel_is_used_at_most_once_and_by_the_preferences(email: bool, sms: bool, phone: bool, webhook: bool, at in 0..NotificationType::ALL.len()) {
            let kind = NotificationType::ALL[at];
            let channels: Vec<_> = contact(email, sms, phone, webhook).channels(kind).collect();
            let always = ["REGISTERED", "PASSWORD_RESET", "PASSWORD_CHANGED", "PAYOUT_ACCOUNT_CHANGED", "ORDER_CONFIRMED"];
            let account = always.contains(&kind.as_str()) || kind.as_str().starts_with("EMAIL_");
            let secret = kind == NotificationType::PasswordReset || kind.as_str().starts_with("EMAIL_");
            let asked = kind != NotificationType::CartAbandoned;
            prop_assert_eq!(channels.iter().filter(|c| **c == Channel::Email).count(), usize::from(email && asked || account));
            prop_assert_eq!(channels.iter().filter(|c| **c == Channel::Sms).count(), usize::from(sms && phone && !secret && asked));
            prop_assert_eq!(channels.iter().filter(|c| **c == Channel::Webhook).count(), usize::from(webhook && !secret && asked));
        }

        #[test]
        fn a_choice_by_type_takes_the_place_of_the_switches(email: bool, sms: bool, email_verified: bool, at in 0..NotificationType::ALL.len(), mask in 0..8_usize) {
            let kind = NotificationType::ALL[at];
            let chosen: Vec<_> = Channel::ALL.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1).map(|(_, channel)| *channel).collect();
            let contact = Contact { email_verified, chosen_channels: [(kind, chosen.clone())].into(), ..contact(email, sms, true, true) };
            let used: Vec<_> = contact.channels(kind).collect();
            for channel in Channel::ALL {
                let wanted = match channel {
                    Channel::Email if kind == NotificationType::CartAbandoned => chosen.contains(channel) && email_verified,
                    Channel::Email => chosen.contains(channel) || kind.is_mandatory(),
                    _ => chosen.contains(channel) && !kind.is_mail_only(),
                };
                prop_assert_eq!(used.contains(channel), wanted, "{} {}", kind, channel);
            }
            let other = NotificationType::ALL[(at + 1) % NotificationType::ALL.len()];
            let by_switch = Contact { chosen_channels: BTreeMap::new(), ..contact.clone() };
            prop_assert!(contact.channels(other).eq(by_switch.channels(other)), "other types follow the switches");
        }

        #[test]
        fn a_message_ends_within_its_attempts(tries in 1_u32..20, most in 1_u32..20, is_permanent: bool) {
            let failed = Err(DeliveryError { is_permanent, ..DeliveryError::temporary("no") });
            let at_rest = after_attempt(&failed, tries, most) == AfterAttempt::Final(NotificationFact::Failed);
            prop_assert_eq!(at_rest, is_permanent || tries >= most);
            prop_assert_eq!(after_attempt(&Ok(()), tries, most), AfterAttempt::Final(NotificationFact::Sent));
        }

        #[test]
        fn a_line_has_no_control_characters_and_a_bound(text: String, most in 0_usize..50) {
            let line = one_line(&text, most);
            prop_assert!(line.chars().count() <= most && !line.chars().any(char::is_control));
        }
    }
}
