//! Mails: composed here, carried by a mail server or laid into a folder.

mod folder;
mod smtp;

use crate::{
    domain::{DeliveryError, OutgoingMessage, one_line},
    settings::Settings,
    templates::{self, EmailContent},
};
use folder::Folder;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use platform::service::{Ctx, StartError};
use smtp::Smtp;
use std::{
    error::Error,
    time::{Duration, SystemTime},
};

/// Sends mails.
pub struct Mail {
    env: platform::env::Env,
    from: Mailbox,
    transport: MailTransport,
}

enum MailTransport {
    Server(Smtp),
    Folder(Folder),
}

impl Mail {
    /// Mails go to the mail server of the settings, or to `mailbox/` in the data directory.
    ///
    /// # Errors
    /// When a setting cannot be used, or the system gives no thread.
    pub fn open(ctx: &Ctx, settings: &Settings) -> Result<Mail, StartError> {
        let transport = match &settings.smtp_url {
            Some(url) => MailTransport::Server(Smtp::open(url.reveal())?),
            None => {
                let data = ctx.folder.parent().unwrap_or(&ctx.folder);
                MailTransport::Folder(Folder::open(&ctx.env, data.join("mailbox"), settings.concurrency)?)
            }
        };
        Ok(Mail { env: ctx.env.clone(), from: settings.from_mailbox()?, transport })
    }

    /// Sends `letter` to the address `to`.
    ///
    /// # Errors
    /// For good when `to` is no address, for now when the carrier does not take it.
    pub async fn send(&self, outgoing: &OutgoingMessage, to: &str, email_content: &EmailContent) -> Result<(), DeliveryError> {
        let date = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(self.env.now().0).unwrap_or(0));
        let message = compose(&self.from, outgoing, to, email_content, date)?;
        match &self.transport {
            MailTransport::Server(server) => {
                server.send(&message).await?;
                tracing::info!(
                    target: "notification", notification_id = %outgoing.notification_id, correlation_id = outgoing.correlation_id,
                    kind = outgoing.kind.as_str(), "mail sent"
                );
                Ok(())
            }
            MailTransport::Folder(folder) => {
                let path = folder.write(folder::file_name(outgoing, to), message.formatted()).await?;
                tracing::info!(target: "notification", path = %path.display(), correlation_id = outgoing.correlation_id, "mail written");
                Ok(())
            }
        }
    }
}

fn compose(
    from: &Mailbox,
    outgoing: &OutgoingMessage,
    to: &str,
    email_content: &EmailContent,
    date: SystemTime,
) -> Result<Message, DeliveryError> {
    let address: Address = to.parse().map_err(|_| DeliveryError::permanent("the e-mail address is not one"))?;
    let name = one_line(&outgoing.name, 100);
    // The same in every attempt, so that receivers can tell a repetition; another when a person wants it sent again.
    let message_key = format!("{}.{}", outgoing.notification_id, outgoing.resends);
    let parts = MultiPart::alternative()
        .boundary(&message_key)
        .singlepart(SinglePart::plain(templates::plain(email_content)))
        .singlepart(SinglePart::html(templates::html(email_content)));
    let built = Message::builder()
        .from(from.clone())
        .to(Mailbox::new((!name.is_empty()).then_some(name), address))
        .subject(one_line(&email_content.subject, 200))
        .date(date)
        .message_id(Some(format!("<{message_key}@{}>", from.email.domain())))
        .header(AutoSubmitted)
        .multipart(parts);
    built.map_err(|error| DeliveryError::permanent(format!("the mail cannot be composed: {error}")))
}

/// Tells answering machines to stay silent (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
