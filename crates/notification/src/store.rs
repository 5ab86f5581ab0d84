//! The SQL of contacts and messages.

pub mod personal;

use crate::domain::{Contact, OutgoingMessage};
use contracts::{
    auth::UserRegistered,
    column::JsonText,
    ids::{NotificationId, OrderId, UserId, Uuid},
    notification::{Channel, DeliveryAttempt, Notification, NotificationFilter, NotificationStatus, NotificationType},
    time::Timestamp,
    user::{PreferencesChanged, UserContact, UserUpdated},
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params,
    personal::is_erased,
};
use std::collections::BTreeMap;

platform::table! {
    Contacts in "contacts" of Contact, key [user_id];
    columns { user_id, email, email_verified, name, phone, email_enabled, sms_enabled, webhook_url, chosen_channels as JsonText, gone_webhook_url, webhook_resumes_at }
}

platform::table! {
    /// Messages as they are written and sent.
    OutgoingMessages in "notifications" of OutgoingMessage, key [notification_id];
    columns {
        notification_id, event_id, correlation_id, user_id, order_id, kind = type, channel, recipient, payload as JsonText,
        sealed_token, attempts, tries, resends, created_at,
    }
    default { name, guest_token }
    extra { subject_id, status, due_at, updated_at }
}

platform::table! {
    /// Messages as users and administrators see them.
    Notifications in "notifications" of Notification, key [notification_id];
    columns { notification_id, user_id, channel, payload as JsonText, status, attempts, last_error, created_at, updated_at }
    computed { r#type = "type" }
}

platform::table! {
    Attempts in "notification_attempts" of DeliveryAttempt, key [notification_id, attempt];
    columns { attempt, outcome, detail, occurred_at }
    extra { notification_id }
}

/// The due messages of a channel. A message that could not be recorded counts as tried.
#[must_use]
pub const fn due_messages(channel: Channel) -> DueQueue<NotificationId, UserId> {
    let of_channel = match channel {
        Channel::Email => "channel = 'EMAIL'",
        Channel::Sms => "channel = 'SMS'",
        Channel::Webhook => "channel = 'WEBHOOK'",
    };
    DueQueue::new("notifications", "notification_id").partitioned_by("user_id").failed_attempts("tries").filter(of_channel)
}

/// Stores a new user of auth. Data of the user service is newer and stays.
pub async fn put_registered(tx: &mut Tx, event: &UserRegistered) -> Result<(), Error> {
    if is_erased(tx, event.user_id.into()).await? {
        return Ok(());
    }
    tx.execute_pipelined(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, sequence) \
         VALUES ($1, $2, $3, NULL, $4, $5, NULL, 0) ON CONFLICT (user_id) DO UPDATE SET \
         email = COALESCE(contacts.email, excluded.email), \
         name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END",
        params![event.user_id, event.email, event.name, true, false],
    )
    .await
}

/// Stores what the user service answered about a user whose events are lost. What events changed meanwhile stays.
pub async fn put_contact(tx: &mut Tx, user_id: UserId, contact: &UserContact) -> Result<(), Error> {
    if is_erased(tx, user_id.into()).await? {
        return Ok(());
    }
    let preferences = &contact.preferences;
    let channels = text_of(&preferences.channels);
    tx.execute_pipelined(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, chosen_channels, sequence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT (user_id) DO UPDATE SET \
         email = COALESCE(contacts.email, excluded.email), \
         name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END",
        params![
            user_id,
            contact.email,
            contact.name,
            contact.phone,
            preferences.email_enabled,
            preferences.sms_enabled,
            preferences.webhook_url,
            channels
        ],
    )
    .await
}

/// Channels as the column of them holds them.
fn text_of(channels: &BTreeMap<NotificationType, Vec<Channel>>) -> String {
    serde_json::to_string(channels).expect("types and channels are texts")
}

/// Stores that the user reads the mails to this address.
pub async fn mark_verified(tx: &mut Tx, user_id: UserId, email: &str) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE contacts SET email_verified = TRUE WHERE user_id = $1 AND email = $2", params![user_id, email]).await
}

/// Forgets the numbers of events, because the user service counts on from lower ones.
pub async fn forget_numbers(tx: &mut Tx) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE contacts SET sequence = 0", &[]).await
}

/// Stores a profile of the user service with its number `sequence`. An older one changes nothing.
pub async fn put_profile(tx: &mut Tx, event: &UserUpdated, sequence: i64) -> Result<(), Error> {
    if is_erased(tx, event.user_id.into()).await? {
        return Ok(());
    }
    tx.execute_pipelined(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, sequence, email_verified) \
         VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8) ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, name = excluded.name, \
         email_verified = excluded.email_verified OR (contacts.email_verified AND contacts.email = excluded.email), \
         phone = excluded.phone, sequence = excluded.sequence WHERE contacts.sequence < excluded.sequence",
        params![event.user_id, event.email, event.name, event.phone, true, false, sequence, event.email_verified],
    )
    .await
}

/// Stores preferences of the user service with their number `sequence`. Older ones change nothing.
pub async fn put_preferences(tx: &mut Tx, event: &PreferencesChanged, sequence: i64) -> Result<(), Error> {
    if is_erased(tx, event.user_id.into()).await? {
        return Ok(());
    }
    let channels = text_of(&event.channels);
    tx.execute_pipelined(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, chosen_channels, sequence) \
         VALUES ($1, NULL, '', $2, $3, $4, $5, $7, $6) ON CONFLICT (user_id) DO UPDATE SET phone = excluded.phone, \
         chosen_channels = excluded.chosen_channels, \
         email_enabled = excluded.email_enabled, sms_enabled = excluded.sms_enabled, webhook_url = excluded.webhook_url, \
         gone_webhook_url = CASE WHEN excluded.webhook_url = contacts.gone_webhook_url THEN contacts.gone_webhook_url END, \
         webhook_resumes_at = CASE WHEN excluded.webhook_url = contacts.webhook_url THEN contacts.webhook_resumes_at END, \
         sequence = excluded.sequence WHERE contacts.sequence < excluded.sequence",
        params![event.user_id, event.phone, event.email_enabled, event.sms_enabled, event.webhook_url, sequence, channels],
    )
    .await
}

/// Stores that an address of webhooks is not to be used any more.
pub async fn mark_gone(tx: &mut Tx, user_id: UserId, url: &str) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE contacts SET gone_webhook_url = $2 WHERE user_id = $1 AND webhook_url = $2", params![user_id, url]).await
}

/// Stores that a receiver of webhooks wants none before `resumes_at`, and postpones those that wait.
pub async fn pause_webhooks(tx: &mut Tx, user_id: UserId, url: &str, resumes_at: Timestamp) -> Result<(), Error> {
    tx.execute_pipelined(
        "UPDATE contacts SET webhook_resumes_at = $3 WHERE user_id = $1 AND webhook_url = $2 \
         AND COALESCE(webhook_resumes_at, 0) < $3",
        params![user_id, url, resumes_at],
    )
    .await?;
    tx.execute_pipelined(
        "UPDATE notifications SET due_at = $2 WHERE user_id = $1 AND channel = 'WEBHOOK' AND due_at < $2",
        params![user_id, resumes_at],
    )
    .await
}

pub async fn find_contact(tx: &mut Tx, user_id: UserId) -> Result<Option<Contact>, Error> {
    tx.find::<Contacts>("user_id = $1", params![user_id]).await
}

/// Inserts a message that is due at `due_at`, unless the user has one of its type about the event or the subject on this channel.
pub async fn insert(tx: &mut Tx, outgoing: &OutgoingMessage, subject: Option<Uuid>, due_at: Timestamp) -> Result<(), Error> {
    let now = tx.now();
    tx.insert_if_absent_with::<OutgoingMessages>(
        outgoing,
        // Either of the two unique indexes.
        "",
        &[("subject_id", &subject), ("status", &NotificationStatus::Pending), ("due_at", &due_at), ("updated_at", &now)],
    )
    .await
    .map(|_| ())
}

/// Gives the messages about an order of a guest to the account that claimed it.
pub async fn set_user(tx: &mut Tx, order: OrderId, guest: UserId, user: UserId) -> Result<(), Error> {
    tx.execute_pipelined("UPDATE notifications SET user_id = $3 WHERE order_id = $1 AND user_id = $2", params![order, guest, user]).await
}

/// Returns a message that is due, with the present name and address of its user.
pub async fn find_due(tx: &mut Tx, id: NotificationId) -> Result<Option<OutgoingMessage>, Error> {
    let now = tx.now();
    let found = tx.find::<OutgoingMessages>("notification_id = $1 AND due_at <= $2", params![id, now]).await?;
    let Some(mut outgoing) = found else { return Ok(None) };
    if let Some(mut contact) = find_contact(tx, outgoing.user_id).await? {
        // The address in the event may be another one, which nobody has verified.
        let is_own = outgoing.recipient.is_none() || outgoing.recipient == contact.email;
        outgoing.name = (contact.email_verified && is_own).then(|| std::mem::take(&mut contact.name));
        outgoing.recipient = outgoing.recipient.or_else(|| contact.address(outgoing.channel));
    }
    Ok(Some(outgoing))
}

/// The state of a message after an attempt.
pub struct AttemptRecord<'a> {
    pub status: NotificationStatus,
    pub last_error: Option<&'a str>,
    pub due_at: Option<Timestamp>,
}

/// Updates a message after an attempt. Returns `false` when the attempt was recorded before.
pub async fn record(tx: &mut Tx, outgoing: &OutgoingMessage, record: AttemptRecord<'_>) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute(
            "UPDATE notifications SET status = $2, attempts = attempts + 1, tries = tries + 1, last_error = $3, due_at = $4, \
             updated_at = $5 WHERE notification_id = $1 AND attempts = $6 AND due_at IS NOT NULL",
            params![outgoing.notification_id, record.status, record.last_error, record.due_at, now, outgoing.attempts],
        )
        .await?;
    Ok(rows == 1)
}

/// Inserts an attempt that has ended.
pub async fn insert_attempt(tx: &mut Tx, id: NotificationId, attempt: &DeliveryAttempt) -> Result<(), Error> {
    tx.insert_with::<Attempts>(attempt, &[("notification_id", &id)]).await
}

/// Makes a message due at once, with a fresh count of tries.
pub async fn make_due(tx: &mut Tx, id: NotificationId, status: NotificationStatus) -> Result<(), Error> {
    let now = tx.now();
    tx.execute_pipelined(
        "UPDATE notifications SET status = $2, tries = 0, resends = resends + 1, due_at = $3, updated_at = $3 WHERE notification_id = $1",
        params![id, status, now],
    )
    .await
}

/// Returns the message, its row locked until the commit.
pub async fn lock_notification(tx: &mut Tx, id: NotificationId) -> Result<Option<Notification>, Error> {
    tx.lock::<Notifications>("notification_id = $1", params![id]).await
}

/// Returns messages that come after `after`, newest first.
pub async fn list(tx: &mut Tx, filter: NotificationFilter, after: Option<NotificationId>, rows: i64) -> Result<Vec<Notification>, Error> {
    Select::of::<Notifications>()
        .filter_some("user_id = ?", filter.user_id)
        .filter_some("status = ?", filter.status)
        .filter_some("notification_id < ?", after)
        .limit("notification_id DESC", rows)
        .list(tx)
        .await
}

/// Returns whether there is such a message.
pub async fn exists(tx: &mut Tx, id: NotificationId) -> Result<bool, Error> {
    let found = tx.query_opt("SELECT 1 FROM notifications WHERE notification_id = $1", params![id], |row| row.next::<i64>()).await?;
    Ok(found.is_some())
}

/// Returns the attempts of a message before the attempt `before`, last first.
pub async fn list_attempts(tx: &mut Tx, id: NotificationId, before: Option<u32>, rows: i64) -> Result<Vec<DeliveryAttempt>, Error> {
    Select::of::<Attempts>().filter("notification_id = ?", id).filter_some("attempt < ?", before).limit("attempt DESC", rows).list(tx).await
}

/// Counts the messages of each channel that wait to be sent, with the instant at which the oldest was written.
pub async fn count_unsent(tx: &mut Tx) -> Result<Vec<(Channel, u64, Timestamp)>, Error> {
    tx.query(
        "SELECT channel, COUNT(*), MIN(created_at) FROM notifications WHERE status = $1 GROUP BY channel",
        params![NotificationStatus::Pending],
        |row| Ok((row.next()?, row.next()?, row.next()?)),
    )
    .await
}
