//! A mail server, over a pool of connections.
//!
//! The pool is our own because an attempt may be dropped in the middle of its dialogue. The connection belongs to the dropped
//! future and closes with it, so the next mail never reads the replies to the last one.

use super::{ComposedMail, MailTransport};
use crate::{channels::Delivery, domain::DeliveryError, settings::BadSetting};
use hyper::Uri;
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpStream, time::Instant};

const CONNECT: Duration = Duration::from_secs(10);
/// A connection that was idle for longer is tested before its next use.
const FRESH: Duration = Duration::from_secs(2);
/// A connection that was idle for longer is closed, because servers close it too.
const IDLE: Duration = Duration::from_secs(60);

/// A mail server.
pub struct Smtp {
    server: Server,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// The address of a mail server.
struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Encryption {
    None,
    /// TLS from the first byte.
    Implicit(TlsParameters),
    /// STARTTLS; no mail is sent without it.
    StartTls(TlsParameters),
}

impl Smtp {
    /// The server at `url`, such as `smtps://user:password@mail.example.com`. The first mail connects.
    ///
    /// # Errors
    /// When the address is invalid. The error does not contain the password.
    pub fn open(url: &str) -> Result<Smtp, BadSetting> {
        let server = Server::parse(url).map_err(|reason| BadSetting::new("smtp_url", reason))?;
        Ok(Smtp { server, idle: Mutex::default() })
    }

    /// Sends a message over a connection that serves nothing else meanwhile.
    async fn send_message(&self, message: &Message) -> Result<(), DeliveryError> {
        let mut connection = match self.take_idle().await {
            Some(connection) => connection,
            None => self.server.connect().await.map_err(|error| delivery_error("the mail server cannot be reached", &error))?,
        };
        if let Err(error) = dialogue(&mut connection, message).await {
            // The connection is not used again; whether the server reads the farewell does not matter.
            connection.abort().await;
            return Err(error);
        }
        self.put_idle(connection);
        Ok(())
    }

    /// Takes a usable connection from the pool.
    async fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let idled = since.elapsed();
            if idled < FRESH || (idled < IDLE && connection.test_connected().await) {
                return Some(connection);
            }
        }
    }

    fn put_idle(&self, connection: AsyncSmtpConnection) {
        if !connection.has_broken() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
        }
    }
}

/// Sends a mail, step by step, because a refusal means something else in each step.
async fn dialogue(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), DeliveryError> {
    let (envelope, text) = (message.envelope(), message.formatted());
    let supports = |extension, what: &str| match connection.server_info().supports_feature(extension) {
        true => Ok(()),
        false => Err(DeliveryError::permanent(format!("the mail server does not support {what}"))),
    };
    let mut options = Vec::new();
    if envelope.to().iter().chain(envelope.from()).any(|address| !address.to_string().is_ascii()) {
        supports(Extension::SmtpUtfEight, "addresses with letters beyond ASCII (SMTPUTF8)")?;
        options.push(MailParameter::SmtpUtfEight);
    }
    if !text.is_ascii() {
        supports(Extension::EightBitMime, "8BITMIME")?;
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let sender = connection.command(Mail::new(envelope.from().cloned(), options)).await;
    sender.map_err(|error| delivery_error("the mail server did not take the sender", &error))?;
    for to in envelope.to() {
        let recipient = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
        recipient.map_err(|error| refusal("the mail server did not take the recipient", &error))?;
    }
    let data = connection.command(Data).await;
    data.map_err(|error| delivery_error("the mail server did not take it", &error))?;
    let content = connection.message(&text).await;
    content.map_err(|error| refusal("the mail server did not take it", &error)).map(|_| ())
}

/// The error of a step that concerns this mail only. A reply of 5xx is final, except that a mailbox is full (552, RFC 5321,
/// 4.5.3.1.10) and that the server wants another login (530 to 538).
fn refusal(what: &str, error: &Error) -> DeliveryError {
    let code = error.status().map_or(0, u16::from);
    let is_permanent = (500..600).contains(&code) && code != 552 && !(530..540).contains(&code);
    DeliveryError { is_permanent, ..delivery_error(what, error) }
}

/// The error with the server's reply, which contains no secret.
fn delivery_error(what: &str, error: &Error) -> DeliveryError {
    let mut text = format!("{what}: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    DeliveryError::temporary(text)
}

impl MailTransport for Smtp {
    fn send<'a>(&'a self, mail: &'a ComposedMail) -> Delivery<'a> {
        Box::pin(async move {
            self.send_message(&mail.message).await?;
            tracing::info!(
                target: "notification", notification_id = %mail.notification_id, correlation_id = mail.correlation_id,
                kind = mail.kind.as_str(), "mail sent"
            );
            Ok(())
        })
    }
}

impl Server {
    fn parse(url: &str) -> Result<Server, String> {
        let form = "must be such as smtps://user:password@mail.example.com";
        let uri: Uri = url.parse().map_err(|_| form.to_owned())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(form)?.to_owned();
        let tls = || TlsParameters::new(host.clone()).map_err(|error| format!("names a host that TLS cannot be used with: {error}"));
        let (encryption, port) = match (uri.scheme_str(), uri.query()) {
            (Some("smtp"), None) => (Encryption::None, 25),
            (Some("smtp"), Some("tls=required")) => (Encryption::StartTls(tls()?), 587),
            (Some("smtps"), None) => (Encryption::Implicit(tls()?), 465),
            _ => return Err("must begin with smtp:// or smtps://, and may end with ?tls=required after smtp://".into()),
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let credentials = match authority.rsplit_once('@') {
            None => None,
            Some((user, _)) => {
                let (user, password) = user.split_once(':').ok_or("names a user without a password")?;
                let decoded = |text| decode(text).ok_or("has a user or password that is not percent-encoded properly");
                Some(Credentials::new(decoded(user)?, decoded(password)?))
            }
        };
        let port = uri.port_u16().unwrap_or(port);
        let hello = uri.path().trim_matches('/');
        let hello = if hello.is_empty() { ClientId::default() } else { ClientId::Domain(hello.to_owned()) };
        Ok(Server { host: host.trim_matches(['[', ']']).to_owned(), port, encryption, credentials, hello })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let address = (self.host.as_str(), self.port);
        let mut connection = match &self.encryption {
            Encryption::Implicit(tls) => {
                AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &self.hello, Some(tls.clone()), None).await?
            }
            Encryption::None | Encryption::StartTls(_) => match self.open_stream().await {
                Some(stream) => AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await?,
                // This call has the better error.
                None => AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &self.hello, None, None).await?,
            },
        };
        if let Encryption::StartTls(tls) = &self.encryption {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// Opens a stream without Nagle's algorithm, which delays the last line of every mail by 40 ms.
    async fn open_stream(&self) -> Option<TcpStream> {
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port))).await.ok()?.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(stream)
    }
}

/// Decodes percent-encoded text; `None` when it is not UTF-8 or not encoded properly.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok().filter(|digits| !digits.starts_with('+'))?, 16).ok()?
        } else {
            byte
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_server_is_parsed() {
        let server = Server::parse("smtps://me%40example.com:p%3Ass@mail.example.com").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.example.com", 465));
        assert!(matches!(server.encryption, Encryption::Implicit(_)));
        assert_eq!(server.credentials, Some(Credentials::new("me@example.com".into(), "p:ss".into())));
        let server = Server::parse("smtp://mail.example.com/shop.example?tls=required").unwrap();
        assert_eq!((server.port, server.hello), (587, ClientId::Domain("shop.example".into())));
        assert!(matches!(server.encryption, Encryption::StartTls(_)));
        let server = Server::parse("smtp://[::1]:2525").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("::1", 2525));
        assert!(matches!(server.encryption, Encryption::None) && server.credentials.is_none());
    }

    #[test]
    fn an_invalid_url_is_refused_without_its_password() {
        for bad in [
            "",
            "mail.example.com",
            "http://x",
            "smtp://",
            "smtp://x?tls=maybe",
            "smtp://me@x",
            "smtp://me:hunter2%zz@x",
            "smtps://a:hunter2@x?tls=no",
        ] {
            let reason = Server::parse(bad).err().unwrap_or_else(|| panic!("{bad} was taken"));
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
