//! How a message leaves the house.

mod address;
pub mod mail;
pub mod sms;
pub mod webhook;

use crate::{
    domain::{Parcel, Undelivered},
    message::Message,
    settings::Settings,
    templates::{self, Reader},
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
    /// [`Undelivered`] says whether it is worth trying again.
    pub async fn send(&self, parcel: &Parcel) -> Result<(), Undelivered> {
        let message =
            Message::read(parcel.kind, &parcel.payload).map_err(|_| Undelivered::for_good("its payload is not that of its type"))?;
        let to = parcel.recipient.as_deref();
        match parcel.channel {
            Channel::Email => {
                // A registration may arrive after its user's first order.
                let to = to.ok_or_else(|| Undelivered::for_now("no e-mail address is known yet"))?;
                let token = self.token(parcel, &message)?;
                let reader = Reader { name: &parcel.name, shop_url: &self.shop_url, token: token.as_deref() };
                self.mail.send(parcel, to, &templates::letter(&message, &reader)).await
            }
            Channel::Sms => {
                let to = to.ok_or_else(|| Undelivered::for_good("the phone was removed"))?;
                self.sms.send(to, &templates::text_message(&message)).await
            }
            Channel::Webhook => {
                let to = to.ok_or_else(|| Undelivered::for_good("the webhook's address was removed"))?;
                self.webhooks.send(parcel, to).await
            }
        }
    }

    /// The secret of a message that has one, opened.
    fn token(&self, parcel: &Parcel, message: &Message) -> Result<Option<String>, Undelivered> {
        let Message::PasswordReset(reset) = message else { return Ok(None) };
        if reset.expires_at <= self.env.now() {
            return Err(Undelivered::for_good("the link has expired"));
        }
        let opened = parcel.sealed_token.as_deref().and_then(|sealed| encryption::decrypt(&self.reset_key, sealed));
        let token = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        token.map(Some).ok_or_else(|| Undelivered::for_good("the token cannot be opened"))
    }
}
