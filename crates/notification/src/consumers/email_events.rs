//! Events of the account's e-mail address. The former address gets a message about a change, which does not name the new address.

use super::NewMessage;
use crate::{
    message::{EmailChange, EmailToken, Message},
    store,
};
use contracts::auth::{EmailChanged, EmailVerificationRequested, EmailVerified};
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
};

pub fn add(consumers: Consumers) -> Consumers {
    consumers
        .on::<EmailVerificationRequested, _, _>(email_verification_requested)
        .on::<EmailVerified, _, _>(email_verified)
        .on::<EmailChanged, _, _>(email_changed)
}

async fn email_verification_requested(tx: &mut Tx, received: Received<EmailVerificationRequested>) -> Result<(), Error> {
    let Received { event, event_id, occurred_at, .. } = received;
    let message = Message::EmailVerification(EmailToken { expires_at: event.expires_at, is_change: event.present_email.is_some() });
    let new_message = NewMessage::of(event_id, event.user_id, message);
    NewMessage { recipient: Some(&event.email), sealed_token: Some(&event.sealed_token), ..new_message }.write(tx).await?;
    if let Some(present) = &event.present_email {
        let message = Message::EmailChangeRequested(EmailChange { occurred_at });
        NewMessage { recipient: Some(present), ..NewMessage::of(event_id, event.user_id, message) }.write(tx).await?;
    }
    Ok(())
}

async fn email_verified(tx: &mut Tx, received: Received<EmailVerified>) -> Result<(), Error> {
    store::mark_verified(tx, received.user_id, &received.email).await
}

async fn email_changed(tx: &mut Tx, received: Received<EmailChanged>) -> Result<(), Error> {
    let Received { event, event_id, occurred_at, .. } = received;
    let message = Message::EmailChanged(EmailChange { occurred_at });
    NewMessage { recipient: Some(&event.previous_email), ..NewMessage::of(event_id, event.user_id, message) }.write(tx).await
}
