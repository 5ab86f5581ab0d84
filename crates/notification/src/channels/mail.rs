//! E-mail: composes mails and sends them by a [`MailTransport`].

mod folder;
mod smtp;

use super::Delivery;
use crate::{
    domain::{DeliveryError, OutgoingMessage, one_line},
    settings::Settings,
    templates::{self, EmailContent},
};
use contracts::{ids::NotificationId, notification::NotificationType};
use folder::Folder;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use platform::{
    db,
    env::Env,
    service::{Ctx, StartError},
};
use smtp::Smtp;
use std::{
    error::Error,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A mail, ready to be sent.
pub struct ComposedMail {
    /// Envelope, headers and body.
    pub message: Message,
    /// A file name for the mail. It is unique, the same in every attempt, and sorts by time.
    pub file_name: String,
    pub notification_id: NotificationId,
    pub kind: NotificationType,
    pub correlation_id: String,
}

/// A way to send mails. A configuration chooses one at start, see [`Senders`](crate::Senders).
///
/// What every implementation guarantees: success means that the mail is accepted or stored. A failure says whether a repetition
/// can succeed. A mail is sent again after a temporary error, a timeout or a crash, with the same Message-ID, so that receivers
/// recognize the repetition. The caller limits the time (`send_seconds`) and drops the future then; a dropped attempt must not
/// affect the next one. Mails may hold secrets: their text does not go into errors or the log.
pub trait MailTransport: Send + Sync {
    /// Sends a mail.
    fn send<'a>(&'a self, mail: &'a ComposedMail) -> Delivery<'a>;
}

/// The transport of the settings: the mail server, or the folder `mailbox/` in the data directory.
///
/// # Errors
/// When a setting is invalid, or the operating system gives no thread.
pub fn from_settings(ctx: &Ctx, settings: &Settings) -> Result<Arc<dyn MailTransport>, StartError> {
    Ok(match &settings.smtp_url {
        Some(url) => Arc::new(Smtp::open(url.reveal())?),
        None => Arc::new(Folder::open(&ctx.env, folder_of(ctx), settings.concurrency)?),
    })
}

/// The folder of the data directory with mails, where no mail server is set.
pub const MAILBOX: &str = "mailbox";

/// Deletes the files of mails, whatever the transport is now: it may have been the folder.
///
/// # Errors
/// When the folder cannot be read, or a file cannot be deleted.
pub async fn delete_files(ctx: &Ctx, mails: Vec<NotificationId>) -> Result<(), db::Error> {
    let path = folder_of(ctx);
    let deleted = ctx.env.spawn_blocking(move || folder::delete(&path, &mails)).await;
    let failed = |error: String| db::Error::Failed(format!("the mailbox cannot be cleared: {error}"));
    deleted.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

fn folder_of(ctx: &Ctx) -> PathBuf {
    ctx.folder.parent().unwrap_or(&ctx.folder).join(MAILBOX)
}

/// Composes mails and sends them.
pub struct Mail {
    env: Env,
    from: Mailbox,
    transport: Arc<dyn MailTransport>,
}

impl Mail {
    pub fn new(env: Env, from: Mailbox, transport: Arc<dyn MailTransport>) -> Mail {
        Mail { env, from, transport }
    }

    /// Sends `content` to the address `to`.
    ///
    /// # Errors
    /// Permanent when `to` is no address, otherwise those of the transport.
    pub async fn send(&self, outgoing: &OutgoingMessage, to: &str, content: &EmailContent) -> Result<(), DeliveryError> {
        let date = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(self.env.now().0).unwrap_or(0));
        let mail = ComposedMail {
            message: compose(&self.from, outgoing, to, content, date)?,
            file_name: folder::file_name(outgoing, to),
            notification_id: outgoing.notification_id,
            kind: outgoing.kind,
            correlation_id: outgoing.correlation_id.clone(),
        };
        self.transport.send(&mail).await
    }
}

fn compose(
    from: &Mailbox,
    outgoing: &OutgoingMessage,
    to: &str,
    content: &EmailContent,
    date: SystemTime,
) -> Result<Message, DeliveryError> {
    let address: Address = to.parse().map_err(|_| DeliveryError::permanent("the e-mail address is not one"))?;
    let name = one_line(outgoing.name.as_deref().unwrap_or_default(), 100);
    // The same in every attempt, so that receivers recognize a repetition; another one after a resend by a person.
    let message_key = format!("{}.{}", outgoing.notification_id, outgoing.resends);
    let parts = MultiPart::alternative()
        .boundary(&message_key)
        .singlepart(SinglePart::plain(templates::plain(content)))
        .singlepart(SinglePart::html(templates::html(content)));
    let built = Message::builder()
        .from(from.clone())
        .to(Mailbox::new((!name.is_empty()).then_some(name), address))
        .subject(one_line(&content.subject, 200))
        .date(date)
        .message_id(Some(format!("<{message_key}@{}>", from.email.domain())))
        .header(AutoSubmitted)
        .multipart(parts);
    built.map_err(|error| DeliveryError::permanent(format!("the mail cannot be composed: {error}")))
}

/// Keeps automatic responders from answering (RFC 3834).
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
