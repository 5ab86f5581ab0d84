//! What is true: who is told over which channel, and what follows from an attempt.

use contracts::{
    ids::{EventId, NotificationId, OrderId, UserId},
    notification::{Channel, NotificationFact, NotificationType},
    time::Timestamp,
};

/// Whom to write to, and how they want to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub user_id: UserId,
    /// Unknown while events of the user service are ahead of those of auth.
    pub email: Option<String>,
    pub name: String,
    pub phone: Option<String>,
    pub email_enabled: bool,
    pub sms_enabled: bool,
    pub webhook_url: Option<String>,
}

impl Contact {
    /// Somebody of whom nothing is known yet: an order may be announced before the registration arrives. The address is
    /// looked up again when the message is sent.
    #[must_use]
    pub fn unknown(user_id: UserId) -> Contact {
        Contact { user_id, email: None, name: String::new(), phone: None, email_enabled: true, sms_enabled: false, webhook_url: None }
    }

    /// The channels a message of this kind goes over.
    pub fn channels(&self, kind: NotificationType) -> impl Iterator<Item = Channel> + use<> {
        let secret = kind == NotificationType::PasswordReset;
        let mail = self.email_enabled || is_about_account(kind);
        let text = self.sms_enabled && self.phone.is_some() && !secret;
        let webhook = self.webhook_url.is_some() && !secret;
        [(Channel::Email, mail), (Channel::Sms, text), (Channel::Webhook, webhook)]
            .into_iter()
            .filter_map(|(channel, wanted)| wanted.then_some(channel))
    }
}

/// Mails about the account itself are sent whatever the preferences say.
fn is_about_account(kind: NotificationType) -> bool {
    matches!(kind, NotificationType::Registered | NotificationType::PasswordReset)
}

/// A message that is due and was taken in hand.
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
    /// An e-mail address, a phone or a web address, as the channel needs it; `None` while it is unknown.
    pub recipient: Option<String>,
    /// How the reader wants to be called; may be empty.
    pub name: String,
    /// Attempts in all before this one, those since it was last sent again by hand, and how often it was.
    pub attempts: u32,
    pub tries: u32,
    pub resends: u32,
    pub created_at: Timestamp,
    /// Until when it is ours; whoever takes it over afterwards writes another instant.
    pub claimed_until: Timestamp,
}

/// Why a message did not reach its channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct DeliveryError {
    /// For people. Never holds what is secret.
    pub detail: String,
    /// Whether trying again is pointless.
    pub is_permanent: bool,
}

/// The longest detail that is kept.
const MAX_DETAIL: usize = 300;

impl DeliveryError {
    /// It may work later.
    #[must_use]
    pub fn temporary(detail: impl AsRef<str>) -> DeliveryError {
        DeliveryError { detail: one_line(detail.as_ref(), MAX_DETAIL), is_permanent: false }
    }

    /// It will never work.
    #[must_use]
    pub fn permanent(detail: impl AsRef<str>) -> DeliveryError {
        DeliveryError { is_permanent: true, ..DeliveryError::temporary(detail) }
    }
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// The message comes to rest by this fact.
    Final(NotificationFact),
    /// It is tried again.
    Retry,
}

/// What follows from the attempt number `tries` of at most `most`.
#[must_use]
pub fn after_attempt(outcome: &Result<(), DeliveryError>, tries: u32, most: u32) -> AfterAttempt {
    match outcome {
        Ok(()) => AfterAttempt::Final(NotificationFact::Sent),
        Err(error) if error.is_permanent || tries >= most => AfterAttempt::Final(NotificationFact::Failed),
        Err(_) => AfterAttempt::Retry,
    }
}

/// `text` as one line of at most `most` characters, without controls: fit for headers, logs and lists.
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

    proptest! {
        #[test]
        fn each_channel_is_used_at_most_once_and_only_when_wanted(email: bool, sms: bool, phone: bool, webhook: bool, at in 0..NotificationType::ALL.len()) {
            let kind = NotificationType::ALL[at];
            let channels: Vec<_> = contact(email, sms, phone, webhook).channels(kind).collect();
            let account = matches!(kind, NotificationType::Registered | NotificationType::PasswordReset);
            let secret = kind == NotificationType::PasswordReset;
            prop_assert_eq!(channels.iter().filter(|c| **c == Channel::Email).count(), usize::from(email || account));
            prop_assert_eq!(channels.iter().filter(|c| **c == Channel::Sms).count(), usize::from(sms && phone && !secret));
            prop_assert_eq!(channels.iter().filter(|c| **c == Channel::Webhook).count(), usize::from(webhook && !secret));
        }

        #[test]
        fn a_message_comes_to_rest_within_its_attempts(tries in 1_u32..20, most in 1_u32..20, is_permanent: bool) {
            let failed = Err(DeliveryError { detail: "no".into(), is_permanent });
            let at_rest = after_attempt(&failed, tries, most) == AfterAttempt::Final(NotificationFact::Failed);
            prop_assert_eq!(at_rest, is_permanent || tries >= most);
            prop_assert_eq!(after_attempt(&Ok(()), tries, most), AfterAttempt::Final(NotificationFact::Sent));
        }

        #[test]
        fn a_line_has_no_controls_and_a_bound(text: String, most in 0_usize..50) {
            let line = one_line(&text, most);
            prop_assert!(line.chars().count() <= most && !line.chars().any(char::is_control));
        }
    }
}
