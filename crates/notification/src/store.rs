//! The SQL of contacts and messages.

use crate::{
    domain::{Contact, OutgoingMessage},
    message::Message,
};
use contracts::{
    auth::UserRegistered,
    column::Json,
    ids::{EventId, NotificationId, UserId},
    notification::{AttemptOutcome, Channel, DeliveryAttempt, Notification, NotificationStatus},
    time::Timestamp,
    user::{PreferencesChanged, UserUpdated},
};
use platform::{
    db::{Error, Row, Select, Tx},
    params,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Stores a new user of auth. Data of the user service is newer and stays.
pub async fn put_registered(tx: &mut Tx, event: &UserRegistered) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, sequence) \
         VALUES ($1, $2, $3, NULL, $4, $5, NULL, 0) ON CONFLICT (user_id) DO UPDATE SET \
         email = COALESCE(contacts.email, excluded.email), \
         name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END",
        params![event.user_id, event.email, event.name, true, false],
    )
    .await
    .map(|_| ())
}

/// Stores a profile of the user service with its number `sequence`. An older one changes nothing.
pub async fn put_profile(tx: &mut Tx, event: &UserUpdated, sequence: i64) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, sequence) \
         VALUES ($1, $2, $3, $4, $5, $6, NULL, $7) ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, name = excluded.name, \
         phone = excluded.phone, sequence = excluded.sequence WHERE contacts.sequence < excluded.sequence",
        params![event.user_id, event.email, event.name, event.phone, true, false, sequence],
    )
    .await
    .map(|_| ())
}

/// Stores preferences of the user service with their number `sequence`. Older ones change nothing.
pub async fn put_preferences(tx: &mut Tx, event: &PreferencesChanged, sequence: i64) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO contacts (user_id, email, name, phone, email_enabled, sms_enabled, webhook_url, sequence) \
         VALUES ($1, NULL, '', $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET phone = excluded.phone, \
         email_enabled = excluded.email_enabled, sms_enabled = excluded.sms_enabled, webhook_url = excluded.webhook_url, \
         sequence = excluded.sequence WHERE contacts.sequence < excluded.sequence",
        params![event.user_id, event.phone, event.email_enabled, event.sms_enabled, event.webhook_url, sequence],
    )
    .await
    .map(|_| ())
}

pub async fn find_contact(tx: &mut Tx, user_id: UserId) -> Result<Option<Contact>, Error> {
    tx.query_opt(
        "SELECT email, name, phone, email_enabled, sms_enabled, webhook_url FROM contacts WHERE user_id = $1",
        params![user_id],
        |row| {
            Ok(Contact {
                user_id,
                email: row.next()?,
                name: row.next()?,
                phone: row.next()?,
                email_enabled: row.next()?,
                sms_enabled: row.next()?,
                webhook_url: row.next()?,
            })
        },
    )
    .await
}

/// A message that is due at once.
pub struct NewNotification<'a> {
    pub event_id: EventId,
    pub user_id: UserId,
    pub channel: Channel,
    pub message: &'a Message,
    /// The address, when it does not come from the contact.
    pub recipient: Option<&'a str>,
    pub sealed_token: Option<&'a str>,
}

/// Inserts a message, unless the event has one on this channel.
pub async fn insert(tx: &mut Tx, new: NewNotification<'_>) -> Result<(), Error> {
    let (id, now): (NotificationId, _) = (tx.new_id(), tx.now());
    let correlation_id = tx.context().correlation_id.clone();
    tx.execute(
        "INSERT INTO notifications (notification_id, event_id, correlation_id, user_id, order_id, type, channel, recipient, payload, \
         sealed_token, status, attempts, tries, resends, last_error, due_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, NULL, $12, $12, $12) ON CONFLICT (event_id, channel) DO NOTHING",
        params![
            id,
            new.event_id,
            &*correlation_id,
            new.user_id,
            new.message.order_id(),
            new.message.kind(),
            new.channel,
            new.recipient,
            Json(new.message.payload()),
            new.sealed_token,
            NotificationStatus::Pending,
            now
        ],
    )
    .await
    .map(|_| ())
}

/// Returns due messages of a channel, longest overdue first, without those of `skipped_users`.
pub async fn list_due(
    tx: &mut Tx,
    channel: Channel,
    skipped_users: impl Iterator<Item = UserId>,
    rows: usize,
) -> Result<Vec<(NotificationId, UserId)>, Error> {
    let due =
        Select::from("SELECT notification_id, user_id FROM notifications").filter("channel = ?", channel).filter("due_at <= ?", tx.now());
    skipped_users
        .fold(due, |due, user| due.filter("user_id <> ?", user))
        .limit("due_at", i64::try_from(rows).unwrap_or(i64::MAX))
        .rows(tx, |row| Ok((row.next()?, row.next()?)))
        .await
}

/// Claims a due message. No other worker claims it until `claimed_until`.
pub async fn claim(tx: &mut Tx, id: NotificationId, claimed_until: Timestamp) -> Result<Option<OutgoingMessage>, Error> {
    let now = tx.now();
    // The condition on due_at decides between concurrent workers: the second one finds the row claimed.
    tx.query_opt(
        "UPDATE notifications SET due_at = $3 WHERE notification_id = $1 AND due_at <= $2 \
         RETURNING notification_id, event_id, correlation_id, user_id, order_id, type, channel, payload, sealed_token, recipient, \
         attempts, tries, resends, created_at, \
         (SELECT email FROM contacts WHERE contacts.user_id = notifications.user_id), \
         (SELECT phone FROM contacts WHERE contacts.user_id = notifications.user_id), \
         (SELECT webhook_url FROM contacts WHERE contacts.user_id = notifications.user_id), \
         (SELECT name FROM contacts WHERE contacts.user_id = notifications.user_id)",
        params![id, now, claimed_until],
        |row| outgoing(row, claimed_until),
    )
    .await
}

fn outgoing(row: &mut Row<'_>, claimed_until: Timestamp) -> Result<OutgoingMessage, Error> {
    let mut outgoing = OutgoingMessage {
        notification_id: row.next()?,
        event_id: row.next()?,
        correlation_id: row.next()?,
        user_id: row.next()?,
        order_id: row.next()?,
        kind: row.next()?,
        channel: row.next()?,
        payload: row.next::<Json<_>>()?.0,
        sealed_token: row.next()?,
        recipient: row.next()?,
        attempts: row.next()?,
        tries: row.next()?,
        resends: row.next()?,
        created_at: row.next()?,
        name: String::new(),
        claimed_until,
    };
    let (email, phone, webhook_url) = (row.next::<Option<String>>()?, row.next::<Option<String>>()?, row.next::<Option<String>>()?);
    let contact = match outgoing.channel {
        Channel::Email => email,
        Channel::Sms => phone,
        Channel::Webhook => webhook_url,
    };
    outgoing.recipient = outgoing.recipient.or(contact);
    outgoing.name = row.next::<Option<String>>()?.unwrap_or_default();
    Ok(outgoing)
}

/// Returns when the next message of a channel is due.
pub async fn next_due(tx: &mut Tx, channel: Channel) -> Result<Option<Timestamp>, Error> {
    tx.query_opt(
        "SELECT due_at FROM notifications WHERE channel = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
        params![channel],
        |row| row.next(),
    )
    .await
}

/// The state of a message after an attempt.
pub struct AttemptRecord<'a> {
    pub status: NotificationStatus,
    pub last_error: Option<&'a str>,
    pub due_at: Option<Timestamp>,
}

/// Updates a message after an attempt. Returns `false` when the claim has ended.
pub async fn record(tx: &mut Tx, outgoing: &OutgoingMessage, record: AttemptRecord<'_>) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute(
            "UPDATE notifications SET status = $3, attempts = $4, tries = $5, last_error = $6, due_at = $7, updated_at = $8 \
             WHERE notification_id = $1 AND due_at = $2 AND attempts = $9",
            params![
                outgoing.notification_id,
                outgoing.claimed_until,
                record.status,
                outgoing.attempts + 1,
                outgoing.tries + 1,
                record.last_error,
                record.due_at,
                now,
                outgoing.attempts
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// Inserts an attempt that has ended.
pub async fn insert_attempt(tx: &mut Tx, id: NotificationId, attempt: u32, outcome: AttemptOutcome, detail: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO notification_attempts (notification_id, attempt, outcome, detail, occurred_at) VALUES ($1, $2, $3, $4, $5)",
        params![id, attempt, outcome, detail, now],
    )
    .await
    .map(|_| ())
}

/// Makes a message due at once, with a fresh count of tries.
pub async fn make_due(tx: &mut Tx, id: NotificationId, status: NotificationStatus) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE notifications SET status = $2, tries = 0, resends = resends + 1, due_at = $3, updated_at = $3 WHERE notification_id = $1",
        params![id, status, now],
    )
    .await
    .map(|_| ())
}

/// The columns of [`notification`], and the rest of the statement.
macro_rules! select_notifications {
    ($rest:literal) => {
        concat!(
            "SELECT notification_id, user_id, type, channel, payload, status, attempts, last_error, created_at, updated_at \
             FROM notifications",
            $rest
        )
    };
}

/// Returns the message, its row locked until the commit.
pub async fn lock_notification(tx: &mut Tx, id: NotificationId) -> Result<Option<Notification>, Error> {
    tx.query_opt(select_notifications!(" WHERE notification_id = $1"), params![id], notification).await
}

/// Which messages a list shows.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// Only those in this status.
    pub status: Option<NotificationStatus>,
    /// Only those to this user.
    pub user_id: Option<UserId>,
}

/// Returns messages that come after `after`, newest first.
pub async fn list(tx: &mut Tx, filter: Filter, after: Option<NotificationId>, rows: i64) -> Result<Vec<Notification>, Error> {
    Select::from(select_notifications!(""))
        .filter_some("user_id = ?", filter.user_id)
        .filter_some("status = ?", filter.status)
        .filter_some("notification_id < ?", after)
        .limit("notification_id DESC", rows)
        .rows(tx, notification)
        .await
}

fn notification(row: &mut Row<'_>) -> Result<Notification, Error> {
    Ok(Notification {
        notification_id: row.next()?,
        user_id: row.next()?,
        r#type: row.next()?,
        channel: row.next()?,
        payload: row.next::<Json<_>>()?.0,
        status: row.next()?,
        attempts: row.next()?,
        last_error: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

/// Returns whether there is such a message.
pub async fn exists(tx: &mut Tx, id: NotificationId) -> Result<bool, Error> {
    let found = tx.query_opt("SELECT 1 FROM notifications WHERE notification_id = $1", params![id], |row| row.next::<i64>()).await?;
    Ok(found.is_some())
}

/// Returns the attempts of a message before the attempt `before`, last first.
pub async fn list_attempts(tx: &mut Tx, id: NotificationId, before: Option<u32>, rows: i64) -> Result<Vec<DeliveryAttempt>, Error> {
    Select::from("SELECT attempt, outcome, detail, occurred_at FROM notification_attempts")
        .filter("notification_id = ?", id)
        .filter_some("attempt < ?", before)
        .limit("attempt DESC", rows)
        .rows(tx, |row| Ok(DeliveryAttempt { attempt: row.next()?, outcome: row.next()?, detail: row.next()?, occurred_at: row.next()? }))
        .await
}
