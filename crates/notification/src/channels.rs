//! How a message leaves the house.

mod address;
pub mod mail;
pub mod sms;
pub mod webhook;

use crate::{
    domain::{DeliveryError, OutgoingMessage},
    message::Message,
    settings::Settings,
    templates::{self, Recipient},
};
use contracts::{auth::RESET_TOKEN_ENCRYPTION, notification::Channel};
use mail::Mail;
use platform::{
    encryption,
    env::Env,
    service::{Ctx, StartError},
};
use sms::SmsProvider;
use std::sync::Arc;
use webhook::Webhooks;

/// Every channel.
pub struct Channels {
    env: Env,
    shop_url: String,
    reset_key: [u8; 32],
    mail: Mail,
    sms: Arc<dyn SmsProvider>,
    webhooks: Webhooks,
}

impl Channels {
    /// # Errors
    /// When a setting cannot be used, or the system gives no thread.
    pub fn open(ctx: &Ctx, settings: &Settings, sms: Arc<dyn SmsProvider>) -> Result<Channels, StartError> {
        Ok(Channels {
            env: ctx.env.clone(),
            shop_url: settings.shop_url()?,
            reset_key: ctx.master_key.key_for(RESET_TOKEN_ENCRYPTION),
            mail: Mail::open(ctx, settings)?,
            sms,
            webhooks: Webhooks::new(ctx.env.clone(), ctx.master_key.clone(), settings),
        })
    }

    /// Hands a message over to its channel.
    ///
    /// # Errors
    /// [`DeliveryError`] says whether it is worth trying again.
    pub async fn send(&self, outgoing: &OutgoingMessage) -> Result<(), DeliveryError> {
        let message =
            Message::read(outgoing.kind, &outgoing.payload).map_err(|_| DeliveryError::permanent("its payload is not that of its type"))?;
        let to = outgoing.recipient.as_deref();
        match outgoing.channel {
            Channel::Email => {
                // A registration may arrive after its user's first order.
                let to = to.ok_or_else(|| DeliveryError::temporary("no e-mail address is known yet"))?;
                let token = self.token(outgoing, &message)?;
                let recipient_info = Recipient { name: &outgoing.name, shop_url: &self.shop_url, token: token.as_deref() };
                self.mail.send(outgoing, to, &templates::email_content(&message, &recipient_info)).await
            }
            Channel::Sms => {
                let to = to.ok_or_else(|| DeliveryError::permanent("the phone was removed"))?;
                self.sms.send(to, &templates::text_message(&message)).await
            }
            Channel::Webhook => {
                let to = to.ok_or_else(|| DeliveryError::permanent("the webhook's address was removed"))?;
                self.webhooks.send(outgoing, to).await
            }
        }
    }

    /// The secret of a message that has one, opened.
    fn token(&self, outgoing: &OutgoingMessage, message: &Message) -> Result<Option<String>, DeliveryError> {
        let Message::PasswordReset(reset) = message else { return Ok(None) };
        if reset.expires_at <= self.env.now() {
            return Err(DeliveryError::permanent("the link has expired"));
        }
        let opened = outgoing.sealed_token.as_deref().and_then(|sealed| encryption::decrypt(&self.reset_key, sealed));
        let token = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        token.map(Some).ok_or_else(|| DeliveryError::permanent("the token cannot be opened"))
    }
}
