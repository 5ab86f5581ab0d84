//! The address of a PostgreSQL server, and connections to its databases.

use super::{
    Hold, Numbering,
    session::{describe, wait},
    tls::Tls,
};
use crate::db::Error;
use std::{fmt, str::FromStr, sync::Arc, time::Duration};
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
    error::SqlState,
};

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long sent data may stay without an acknowledgement until the connection counts as lost.
const NETWORK_LIMIT: Duration = Duration::from_secs(20);
/// The server ends a statement that takes longer, a wait for a lock, and a transaction whose client is silent. It finds the
/// connection of a client that is gone within seconds, so that another replica gets the locks that it held. No statement is worth
/// compiling.
const OPTIONS: &str = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s \
                       -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 \
                       -c client_min_messages=warning -c datestyle=ISO -c jit=off";

/// A PostgreSQL server with the databases of an installation: one of each service, such as `souk_order`. It never shows its
/// password.
#[derive(Clone)]
pub struct ServerAddress {
    config: Arc<Config>,
    tls: Tls,
    prefix: Arc<str>,
    pub(super) numbering: Numbering,
    /// For tests.
    pub(super) hold: Option<Arc<Hold>>,
}

/// An address that cannot be used. The text does not repeat the address, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(String);

impl FromStr for ServerAddress {
    type Err = BadAddress;

    /// Reads `postgres://user:password@host:port/`. A name behind the last slash is the database to connect to while another
    /// is made. Beside the parameters of the driver there are `sslmode` (`disable`, `prefer`, `require`, `verify-full`),
    /// `sslrootcert`, a PEM file, and `prefix`, what the names of the databases begin with: `souk_` unless it is given.
    fn from_str(text: &str) -> Result<ServerAddress, BadAddress> {
        let bad = |why: &str| BadAddress(format!("write postgres://user:password@host:port/ ({why})"));
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(bad("it begins otherwise"));
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut root, mut prefix, mut rest) = (None, None, "souk_", Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => root = Some(value),
                Some(("prefix", value)) => prefix = value,
                _ => rest.push(parameter),
            }
        }
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name(prefix) || !prefix.starts_with(|first: char| first.is_ascii_lowercase()) || prefix.len() > 40 {
            return Err(bad("prefix has up to 40 letters a-z, digits and underscores, and begins with a letter"));
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config = Config::from_str(&plain).map_err(|error| bad(&crate::error_chain(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host"));
        }
        let tls = match mode.unwrap_or("prefer") {
            "disable" => Tls::none(),
            "prefer" | "require" => Tls::encrypted(),
            "verify-ca" | "verify-full" => Tls::verified(root).map_err(BadAddress)?,
            other => return Err(bad(&format!("sslmode={other} is not known"))),
        };
        config.ssl_mode(match mode.unwrap_or("prefer") {
            "disable" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            _ => SslMode::Require,
        });
        config.connect_timeout(CONNECT_LIMIT).tcp_user_timeout(NETWORK_LIMIT).keepalives_idle(NETWORK_LIMIT);
        let options = [config.get_options().unwrap_or_default(), " ", OPTIONS].concat();
        config.options(options.trim());
        Ok(ServerAddress { config: Arc::new(config), tls, prefix: prefix.into(), numbering: Numbering::Sequencer, hold: None })
    }
}

impl ServerAddress {
    /// The same server with other names of databases: `prefix` and the service.
    #[must_use]
    pub(crate) fn with_prefix(self, prefix: &str) -> ServerAddress {
        ServerAddress { prefix: prefix.into(), ..self }
    }

    /// The same server, where events get their numbers as `numbering` says.
    #[must_use]
    pub(crate) fn with_numbering(self, numbering: Numbering) -> ServerAddress {
        ServerAddress { numbering, ..self }
    }

    /// The same server, where a test holds units between their statements.
    #[must_use]
    pub(crate) fn with_hold(self, hold: Arc<Hold>) -> ServerAddress {
        ServerAddress { hold: Some(hold), ..self }
    }

    /// The same databases, behind this port of this machine and without encryption.
    #[cfg(test)]
    pub(super) fn at_port(&self, port: u16) -> ServerAddress {
        let mut config = Config::new();
        config.host("127.0.0.1").port(port).ssl_mode(SslMode::Disable).user(self.config.get_user().unwrap_or("postgres"));
        config.options(self.config.get_options().unwrap_or_default()).password(self.config.get_password().unwrap_or_default());
        ServerAddress { config: Arc::new(config), tls: Tls::none(), ..self.clone() }
    }

    /// Its first host and port.
    #[cfg(test)]
    pub(super) fn socket(&self) -> Option<(String, u16)> {
        match self.config.get_hosts().first()? {
            Host::Tcp(host) => Some((host.clone(), self.config.get_ports().first().copied().unwrap_or(5432))),
            Host::Unix(_) => None,
        }
    }

    /// The name of a service's database.
    #[must_use]
    pub fn database(&self, service: &str) -> String {
        format!("{}{service}", self.prefix)
    }

    /// The database of a service and its server, without the password.
    pub(crate) fn shown(&self, service: &str) -> String {
        format!("{} on {self}", self.database(service))
    }

    /// Connects to the database of a service.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server cannot be reached, [`Error::Failed`] when it refuses the connection.
    pub(crate) async fn connect(&self, service: &str) -> Result<Client, Error> {
        let found = self.find(service).await?;
        found.ok_or_else(|| Error::Failed(format!("the database {} does not exist", self.shown(service))))
    }

    /// [`ServerAddress::connect`] for units of work: what runs outside of a transaction only reads.
    pub(super) async fn connect_for_units(&self, service: &str) -> Result<Client, Error> {
        let options = [self.config.get_options().unwrap_or_default(), " -c default_transaction_read_only=on"].concat();
        let found = self.connect_with(self.config_of(service).options(options)).await?;
        found.ok_or_else(|| Error::Failed(format!("the database {} does not exist", self.shown(service))))
    }

    /// Connects to the database of a service, if it exists.
    pub(crate) async fn find(&self, service: &str) -> Result<Option<Client>, Error> {
        self.connect_with(&self.config_of(service)).await
    }

    fn config_of(&self, service: &str) -> Config {
        let mut config = (*self.config).clone();
        config.dbname(self.database(service)).application_name(format!("souk-{service}"));
        config
    }

    /// Connects to the database that is there before all others.
    pub(crate) async fn connect_to_server(&self) -> Result<Client, Error> {
        let mut config = (*self.config).clone();
        if config.get_dbname().is_none_or(str::is_empty) {
            config.dbname("postgres");
        }
        config.application_name("souk");
        let name = config.get_dbname().unwrap_or_default().to_owned();
        let found = self.connect_with(&config).await?;
        found
            .ok_or_else(|| Error::Failed(format!("the database {name} on {self} does not exist; name one that does behind the last slash")))
    }

    async fn connect_with(&self, config: &Config) -> Result<Option<Client>, Error> {
        let connected = match self.tls.connector() {
            None => wait(config.connect(NoTls)).await.map(|(client, connection)| {
                spawn(connection);
                client
            }),
            Some(tls) => wait(config.connect(tls)).await.map(|(client, connection)| {
                spawn(connection);
                client
            }),
        };
        match connected {
            Ok(client) => Ok(Some(client)),
            Err(super::session::Failure::Late) => Err(Error::Unavailable(format!("{self} does not answer"))),
            Err(super::session::Failure::Server(error)) => match error.code() {
                Some(code) if *code == SqlState::INVALID_CATALOG_NAME => Ok(None),
                Some(code) if code.code().starts_with("28") || *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                    Err(Error::Failed(format!("{self} refuses the connection: {}", describe(&error))))
                }
                _ => Err(Error::Unavailable(format!("{self} cannot be used: {}", describe(&error)))),
            },
        }
    }
}

/// Runs what carries the messages of a connection. It ends with the connection, whose user gets the reason.
#[expect(clippy::disallowed_methods, reason = "it belongs to a connection and does nothing by itself")]
fn spawn<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(target: "db", error = describe(&error), "a connection to the database server ended");
        }
    });
}

/// Without the password.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.config.get_ports();
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
            let comma = if place == 0 { "" } else { "," };
            match host {
                Host::Tcp(host) => write!(f, "{comma}{host}:{port}")?,
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_all_but_its_password() {
        let address: ServerAddress = "postgres://souk:hidden@db.example:5433/?sslmode=disable".parse().unwrap();
        assert_eq!(address.to_string(), "postgres://souk@db.example:5433");
        assert_eq!(format!("{address:?}"), "postgres://souk@db.example:5433");
        assert_eq!(address.shown("order"), "souk_order on postgres://souk@db.example:5433");
        let second: ServerAddress = "postgres://souk@db/?prefix=trial_&sslmode=disable".parse().unwrap();
        assert_eq!(second.database("order"), "trial_order");
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_repeating_it() {
        for text in [
            "mysql://souk:hidden@db/",
            "postgres://souk:hidden@db/?sslmode=maybe",
            "postgres://souk:hidden@db/?unknown=1",
            "postgres://souk:hidden@db:port/",
            "postgres:///",
            "postgres://souk:hidden@db/?prefix=1_",
            "postgres://souk:hidden@db/?prefix=a;b",
            "postgres://souk:hidden@db/?prefix=",
        ] {
            let refused = text.parse::<ServerAddress>().expect_err(text).to_string();
            assert!(refused.starts_with("write postgres://user:password@host:port/") && !refused.contains("hidden"), "{refused}");
        }
    }
}
