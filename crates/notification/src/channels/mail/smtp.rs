//! A mail server, spoken to over a few connections that are kept.
//!
//! The pool is our own because an attempt that takes too long is given up in the middle of its conversation: the
//! connection is then part of the future that is dropped and closes with it, and never serves the next mail with the
//! answers that were meant for the last.

use crate::{domain::DeliveryError, settings::BadSetting};
use hyper::Uri;
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpStream, time::Instant};

const CONNECT: Duration = Duration::from_secs(10);
/// A connection that idled for longer is asked whether it still lives before it is used.
const FRESH: Duration = Duration::from_secs(2);
/// And one that idled for longer than this is closed: servers hang up after a while.
const IDLE: Duration = Duration::from_secs(60);

/// A mail server.
pub struct Smtp {
    server: Server,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// How a mail server is reached.
struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Encryption {
    None,
    /// From the first byte on.
    Implicit(TlsParameters),
    /// By STARTTLS, and no mail without it.
    StartTls(TlsParameters),
}

impl Smtp {
    /// The server at `url`, such as `smtps://user:password@mail.example.com`. It is reached on the first mail.
    ///
    /// # Errors
    /// When the address cannot be used. What it says of the address leaves the password out.
    pub fn open(url: &str) -> Result<Smtp, BadSetting> {
        let server = Server::parse(url).map_err(|reason| BadSetting::new("smtp_url", reason))?;
        Ok(Smtp { server, idle: Mutex::default() })
    }

    /// Sends a mail, over a connection of its own for as long as it takes.
    pub async fn send(&self, message: &Message) -> Result<(), DeliveryError> {
        let mut connection = match self.take_idle().await {
            Some(connection) => connection,
            None => self.server.connect().await.map_err(|error| delivery_error("the mail server cannot be reached", &error))?,
        };
        connection
            .send(message.envelope(), &message.formatted())
            .await
            .map_err(|error| delivery_error("the mail server did not take it", &error))?;
        self.put_idle(connection);
        Ok(())
    }

    /// A connection that is still good.
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

/// With the server's own words, which name the reason and nothing secret.
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
                // It says best what is wrong.
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

    /// A stream without Nagle's delay: a mail's last line is written by itself, and would wait 40 ms for the server to
    /// acknowledge the lines before it.
    async fn open_stream(&self) -> Option<TcpStream> {
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port))).await.ok()?.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(stream)
    }
}

/// Percent-decoded text; `None` when it is not UTF-8 or not encoded properly.
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
    fn a_servers_address_says_how_it_is_reached() {
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
    fn an_address_that_cannot_be_used_is_refused_without_its_password() {
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
