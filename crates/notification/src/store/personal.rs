//! What this service keeps about users, to be exported and to be erased: contacts and messages go, and the files of mails after them.

use super::{Contacts, Notifications};
use contracts::{
    ids::{NotificationId, UserId},
    order::OrderPersonalDataErased,
    personal::PersonalRecords,
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, forget_answers, json, records},
};
use std::time::Duration;

/// The worker that deletes the files of erased mails.
pub const ERASE_MAILS: &str = "erase-mails";
/// How long a file may still appear: an attempt to send it may have been under way.
const LATEST_FILE: Duration = Duration::from_secs(45);

pub fn data() -> PersonalData {
    PersonalData::new(export, erase).orders(erase_of_order)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let contact = tx.find::<Contacts>("user_id = $1", params![user]).await?.map(|contact| {
        json!({
            "email": contact.email, "name": contact.name, "phone": contact.phone, "emailEnabled": contact.email_enabled,
            "smsEnabled": contact.sms_enabled, "webhookUrl": contact.webhook_url, "channels": contact.chosen_channels,
        })
    });
    let messages = tx.list::<Notifications>("WHERE user_id = $1 ORDER BY notification_id", params![user]).await?;
    Ok([("contact".to_owned(), records(contact)), ("messages".to_owned(), records(messages))].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let messages: Vec<NotificationId> =
        tx.query("SELECT notification_id FROM notifications WHERE user_id = $1", params![user], |row| row.next()).await?;
    erase_messages(tx, messages).await?;
    tx.execute("DELETE FROM contacts WHERE user_id = $1", params![user]).await.map(|_| ())
}

/// Erases the messages to the guest who ordered. Those to sellers say nothing about the guest.
async fn erase_of_order(tx: &mut Tx, event: OrderPersonalDataErased) -> Result<(), Error> {
    let sql = "SELECT notification_id FROM notifications WHERE order_id = $1 AND user_id = $2";
    let messages: Vec<NotificationId> = tx.query(sql, params![event.order_id, event.user_id], |row| row.next()).await?;
    erase_messages(tx, messages).await
}

/// Deletes messages, their attempts and the answers that are stored about them, and lets the files of mails be deleted.
async fn erase_messages(tx: &mut Tx, messages: Vec<NotificationId>) -> Result<(), Error> {
    let until = tx.now().after(LATEST_FILE);
    for id in messages {
        let file = "INSERT INTO erased_mails (notification_id, until) SELECT notification_id, CAST($2 AS BIGINT) FROM notifications \
                    WHERE notification_id = $1 AND channel = 'EMAIL' ON CONFLICT (notification_id) DO NOTHING";
        tx.execute(file, params![id, until]).await?;
        tx.execute("DELETE FROM notification_attempts WHERE notification_id = $1", params![id]).await?;
        tx.execute("DELETE FROM notifications WHERE notification_id = $1", params![id]).await?;
        forget_answers(tx, id).await?;
    }
    tx.notify_worker(ERASE_MAILS);
    Ok(())
}

/// Returns mails whose files are to be deleted, each with when the last one may appear.
pub async fn list_erased_mails(tx: &mut Tx, rows: i64) -> Result<Vec<(NotificationId, Timestamp)>, Error> {
    let sql = "SELECT notification_id, until FROM erased_mails ORDER BY until LIMIT $1";
    tx.query(sql, params![rows], |row| Ok((row.next()?, row.next()?))).await
}

/// Forgets the mails whose last file has been deleted.
pub async fn forget_erased_mails(tx: &mut Tx, mails: &[NotificationId]) -> Result<(), Error> {
    for mail in mails {
        tx.execute_pipelined("DELETE FROM erased_mails WHERE notification_id = $1", params![*mail]).await?;
    }
    Ok(())
}
