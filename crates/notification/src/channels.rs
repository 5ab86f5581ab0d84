//! The channels: e-mail, text message, webhook.

pub mod mail;
pub mod sms;
pub mod webhook;

use crate::{
    domain::{DeliveryError, OutgoingMessage},
    message::Message,
    settings::Settings,
    templates::{self, GuestLink, Recipient},
};
use contracts::{
    auth::{EMAIL_TOKEN_ENCRYPTION, RESET_TOKEN_ENCRYPTION},
    notification::Channel,
};
use mail::{Mail, MailTransport};
use platform::{
    encryption,
    env::Env,
    service::{Ctx, StartError},
};
use sms::{LogSms, SmsProvider};
use std::{pin::Pin, sync::Arc};
use webhook::Webhooks;

/// The end of an attempt to deliver a message.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>>;

/// The implementations that a configuration chooses at start.
pub struct Senders {
    pub mail: Arc<dyn MailTransport>,
    pub sms: Arc<dyn SmsProvider>,
}

impl Senders {
    /// Mails go to the mail server of the settings, or into `mailbox/` in the data directory. Text messages go to the log.
    ///
    /// # Errors
    /// When a setting is invalid, or the operating system gives no thread.
    pub fn from_settings(ctx: &Ctx, settings: &Settings) -> Result<Senders, StartError> {
        Ok(Senders { mail: mail::from_settings(ctx, settings)?, sms: Arc::new(LogSms) })
    }
}

/// All channels.
pub struct Channels {
    env: Env,
    /// The address of the shop's pages, if it has any.
    shop_url: Option<String>,
    /// The address with which the links for guests begin, who have no account to look an order up with.
    public_url: String,
    reset_key: [u8; 32],
    email_key: [u8; 32],
    mail: Mail,
    sms: Arc<dyn SmsProvider>,
    webhooks: Webhooks,
}

impl Channels {
    /// # Errors
    /// When a setting is invalid.
    pub fn open(ctx: &Ctx, settings: &Settings, senders: Senders) -> Result<Channels, StartError> {
        Ok(Channels {
            env: ctx.env.clone(),
            shop_url: Some(settings.shop_url()?).filter(|_| settings.has_pages),
            public_url: settings.shop_url()?,
            reset_key: ctx.master_key.key_for(RESET_TOKEN_ENCRYPTION),
            email_key: ctx.master_key.key_for(EMAIL_TOKEN_ENCRYPTION),
            mail: Mail::new(ctx.env.clone(), settings.from_mailbox()?, senders.mail),
            sms: senders.sms,
            webhooks: Webhooks::new(ctx.env.clone(), ctx.master_key.clone(), settings),
        })
    }

    /// Sends a message over its channel.
    ///
    /// # Errors
    /// [`DeliveryError`] says whether a repetition can succeed.
    pub async fn send(&self, outgoing: &OutgoingMessage) -> Result<(), DeliveryError> {
        let message =
            Message::read(outgoing.kind, &outgoing.payload).map_err(|_| DeliveryError::permanent("its payload is not that of its type"))?;
        let to = outgoing.recipient.as_deref();
        match outgoing.channel {
            Channel::Email => {
                // The registration may arrive after the user's first order.
                let to = to.ok_or_else(|| DeliveryError::temporary("no e-mail address is known yet"))?;
                let token = self.token(outgoing, &message)?;
                let guest = outgoing.guest_token.as_ref().map(|token| GuestLink { base: &self.public_url, token: token.reveal() });
                let recipient_info =
                    Recipient { name: outgoing.name.as_deref(), shop_url: self.shop_url.as_deref(), token: token.as_deref(), guest };
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

    /// Returns the decrypted token of a message that has one.
    fn token(&self, outgoing: &OutgoingMessage, message: &Message) -> Result<Option<String>, DeliveryError> {
        let (key, expires_at) = match message {
            Message::PasswordReset(reset) => (&self.reset_key, reset.expires_at),
            Message::EmailVerification(token) => (&self.email_key, token.expires_at),
            _ => return Ok(None),
        };
        if expires_at <= self.env.now() {
            return Err(DeliveryError::permanent("the token has expired"));
        }
        let decrypted = outgoing.sealed_token.as_deref().and_then(|sealed| encryption::decrypt(key, sealed));
        let token = decrypted.and_then(|bytes| String::from_utf8(bytes).ok());
        token.map(Some).ok_or_else(|| DeliveryError::permanent("the token cannot be decrypted"))
    }
}
