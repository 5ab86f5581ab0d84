//! Configuration: a flag overrides the environment, that overrides `souk.toml`, that overrides the default.

use crate::processes::{Part, Upstreams, check_shape, parse_upstreams, upstreams_of};
use anyhow::{Context as _, Result, bail};
use clap::{Args, FromArgMatches as _, ValueEnum};
use platform::{
    db::{Place, ServerAddress},
    master_key::MasterKey,
    runtime::DATABASES,
    settings::Settings,
    telemetry::LogFormat,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The flags of `serve` and `demo`. Each is also a variable `SOUK_…` and a key of `souk.toml`.
#[derive(Args, Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flags {
    /// Address of the public API [default: 127.0.0.1:8080]
    #[arg(long, env = "SOUK_LISTEN", hide_env_values = true, value_name = "ADDRESS")]
    pub listen: Option<Address>,
    /// Address that serves metrics and `/healthz` [default: 127.0.0.1:9090]
    #[arg(long, env = "SOUK_OPS_LISTEN", hide_env_values = true, value_name = "ADDRESS")]
    #[serde(alias = "ops-listen")]
    pub ops_listen: Option<Address>,
    /// Folder of databases and mail [default: ./souk-data]
    #[arg(long, env = "SOUK_DATA_DIR", hide_env_values = true, value_name = "FOLDER")]
    #[serde(alias = "data-dir")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL server of the databases: postgres://user:password@host:port/. Without it they are embedded, in the data directory
    #[arg(long, env = "SOUK_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<String>,
    /// URL of the NATS server that carries events between processes, such as nats://127.0.0.1:4222; several with commas. Without
    /// it events stay within the process
    #[arg(long, env = "SOUK_EVENTS", hide_env_values = true, value_name = "URL")]
    pub events: Option<String>,
    /// On how many NATS servers each event is stored [default: 1]
    #[arg(long, env = "SOUK_EVENTS_REPLICAS", hide_env_values = true, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=5))]
    #[serde(alias = "events-replicas")]
    pub events_replicas: Option<u8>,
    /// Address of a service that runs in another process, such as order=http://10.0.0.7:8081. Several addresses with commas are
    /// replicas, which take turns. May be given several times; in the file it is the table [upstreams]
    #[arg(long = "upstream", env = "SOUK_UPSTREAMS", hide_env_values = true, value_name = "SERVICE=URL")]
    #[serde(skip)]
    pub upstreams: Vec<String>,
    /// File with the secret that all processes of an installation share; SOUK_INSTALLATION_KEY holds the secret itself. By default
    /// the first start makes one in the data directory
    #[arg(long, env = "SOUK_INSTALLATION_KEY_FILE", hide_env_values = true, value_name = "FILE")]
    #[serde(alias = "installation-key-file")]
    pub installation_key_file: Option<PathBuf>,
    /// Whether request rates are limited [default: on]
    #[arg(long, env = "SOUK_RATE_LIMITS", hide_env_values = true, value_name = "on|off")]
    #[serde(alias = "rate-limits")]
    pub rate_limits: Option<Switch>,
    /// Go on without the data of this service, whose database is lost, and make it anew. May be given several times
    #[arg(long, value_name = "SERVICE", value_parser = clap::builder::PossibleValuesParser::new(contracts::SERVICE_NAMES))]
    #[serde(skip)]
    pub accept_loss: Vec<String>,
    /// Disk space in MiB that is kept to end the work in progress when the disk is full; 0 for none [default: 16]
    #[arg(long, env = "SOUK_DISK_RESERVE", value_name = "MIB")]
    #[serde(alias = "disk-reserve")]
    pub disk_reserve: Option<u32>,
    /// The configuration file; by default ./souk.toml, if it exists
    #[arg(long, env = "SOUK_CONFIG", hide_env_values = true, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Format of log lines [default: text]
    #[arg(long, env = "SOUK_LOG_FORMAT", hide_env_values = true, value_name = "text|json")]
    #[serde(alias = "log-format")]
    pub log_format: Option<Format>,
    /// Filter of log lines, as for `RUST_LOG` [default: info; warn,payout=error for `demo`]
    #[arg(long, env = "SOUK_LOG", hide_env_values = true, value_name = "FILTER")]
    pub log: Option<String>,
}

/// The flags of a tool that works on the data of an installation. It reads the rest of the configuration from the
/// environment and the file, as `serve` does.
#[derive(Args, Debug, Clone, Default)]
pub struct ToolFlags {
    /// Folder of databases and mail [default: ./souk-data]
    #[arg(long, env = "SOUK_DATA_DIR", hide_env_values = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL server of the databases: postgres://user:password@host:port/. Without it they are embedded, in the data directory
    #[arg(long, env = "SOUK_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<String>,
    /// The configuration file; by default ./souk.toml, if it exists
    #[arg(long, env = "SOUK_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ToolFlags {
    /// As [`Flags::resolve`].
    pub fn resolve(self) -> Result<Config> {
        let ToolFlags { data_dir, database, config } = self;
        let command = Flags::augment_args(clap::Command::new("souk").no_binary_name(true));
        let variables = command.try_get_matches_from([""; 0]).and_then(|matches| Flags::from_arg_matches(&matches));
        let variables = variables.map_err(|error| anyhow::anyhow!("the environment cannot be used: {}", first_line(&error)))?;
        Flags { data_dir, database, config, ..variables }.resolve()
    }
}

/// What clap says without its hints.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// An address to listen on: an IP address or a name, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(String);

impl Address {
    /// The socket addresses of the name, those of IPv4 first: the program prints the one that it listens on, and a caller
    /// that writes `127.0.0.1` for `localhost` reaches it.
    async fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        let mut found: Vec<SocketAddr> = tokio::net::lookup_host(&self.0).await?.collect();
        found.sort_by_key(SocketAddr::is_ipv6);
        Ok(found)
    }

    /// Listens on the first of them that is free.
    pub async fn bind(&self) -> std::io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::bind(&*self.resolve().await?).await
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let is_name = |host: &str| !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        let named = || text.rsplit_once(':').is_some_and(|(host, port)| is_name(host) && port.parse::<u16>().is_ok());
        if text.parse::<SocketAddr>().is_ok() || named() {
            return Ok(Address(text.to_owned()));
        }
        Err("write an address or a name, and a port: 127.0.0.1:8080, [::1]:8080 or localhost:8080".to_owned())
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Address, String> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Text,
    Json,
}

/// The configuration in effect.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: Address,
    pub ops_listen: Address,
    /// Whether that address was configured. If it cannot be bound then, the program does not start.
    pub ops_listen_is_explicit: bool,
    pub data_dir: PathBuf,
    /// Services whose lost database is made anew.
    pub accepted_losses: Vec<String>,
    /// The size of the file that is deleted when the disk is full.
    pub disk_reserve_bytes: u64,
    pub rate_limits: bool,
    pub log_format: LogFormat,
    /// The filter of log lines, if one was configured.
    pub log: Option<String>,
    /// The URL of the event broker, if there is one.
    pub events: Option<String>,
    /// On how many of its servers each event is stored.
    pub events_replicas: usize,
    /// The services of this process.
    pub part: Part,
    /// The addresses of services in other processes.
    pub upstreams: Upstreams,
    /// The secret of the installation, where it is not in the data directory.
    pub installation_key: Option<MasterKey>,
    /// The PostgreSQL servers of the databases, unless they are embedded.
    pub servers: Option<DatabaseServers>,
    /// The sections of the services.
    pub settings: Settings,
}

/// The PostgreSQL servers of an installation.
#[derive(Debug, Clone)]
pub struct DatabaseServers {
    default: ServerAddress,
    /// Those of services with one of their own.
    by_service: BTreeMap<&'static str, ServerAddress>,
}

impl DatabaseServers {
    /// Takes the addresses of services out of their sections: `[order] database = "postgres://…"`.
    fn resolve(default: Option<&str>, settings: &mut Settings) -> Result<Option<DatabaseServers>> {
        let parse = |name: &str, url: &str| url.parse::<ServerAddress>().map_err(|error| anyhow::anyhow!("{name}: {error}"));
        let mut by_service = BTreeMap::new();
        for service in contracts::SERVICE_NAMES {
            if let Some(url) = settings.take(service, "database") {
                let url = url.as_str().with_context(|| format!("[{service}] database must be text"))?;
                by_service.insert(service, parse(&format!("[{service}] database"), url)?);
            }
        }
        match (default, by_service.keys().next()) {
            (Some(default), _) => Ok(Some(DatabaseServers { default: parse("--database", default)?, by_service })),
            (None, Some(service)) => {
                bail!("[{service}] database is set, and the other databases are embedded; name the server of the others with --database")
            }
            (None, None) => Ok(None),
        }
    }

    fn of(&self, service: &str) -> &ServerAddress {
        self.by_service.get(service).unwrap_or(&self.default)
    }
}

impl Config {
    /// Where the database of a service is.
    pub fn place(&self, service: &str) -> Place {
        match &self.servers {
            Some(servers) => Place::Server(servers.of(service).clone()),
            None => Place::Folder(self.data_dir.join(DATABASES)),
        }
    }

    /// Where the databases are, for a person.
    pub fn databases_shown(&self) -> String {
        let Some(DatabaseServers { default, by_service }) = &self.servers else { return self.data_dir.display().to_string() };
        let elsewhere = by_service.iter().map(|(service, address)| format!(", that of {service} in {address}"));
        std::iter::once(default.to_string()).chain(elsewhere).collect()
    }

    /// The defaults, for an installation of its own in `data_dir`: the environment and the file are not read.
    #[must_use]
    pub fn embedded(data_dir: &Path) -> Config {
        let flags = Flags { data_dir: Some(data_dir.to_owned()), ..Flags::default() };
        flags.combined(Flags::default())
    }

    /// The secret of the installation; `None` when the first start has not made it yet.
    pub fn master_key(&self) -> Result<Option<MasterKey>> {
        match &self.installation_key {
            Some(key) => Ok(Some(key.clone())),
            None => Ok(MasterKey::load(&self.data_dir)?),
        }
    }
}

/// The variable with the secret of the installation.
const INSTALLATION_KEY: &str = "SOUK_INSTALLATION_KEY";
/// The table of the file with the addresses of services.
const UPSTREAMS: &str = "upstreams";

/// Whether `key` is allowed at the top level of the file.
pub fn is_file_key(key: &str) -> bool {
    let wrong_type = toml::Value::Array(vec![toml::Value::Boolean(true)]);
    let tried = toml::Table::from_iter([(key.to_owned(), wrong_type)]).try_into::<Flags>();
    tried.is_err_and(|error| !error.message().starts_with("unknown field"))
}

impl Flags {
    /// Reads the file and the environment, and combines them with the flags and the defaults.
    pub fn resolve(self) -> Result<Config> {
        self.resolve_part(&[])
    }

    /// As [`Flags::resolve`], for a process that runs only these services; none of them means all.
    pub fn resolve_part(self, only: &[String]) -> Result<Config> {
        let part = Part::parse(only)?;
        let mut table = self.read_file()?;
        let mut upstreams = match table.remove(UPSTREAMS) {
            Some(toml::Value::Table(table)) => upstreams_of(&table)?,
            Some(_) => bail!("the configuration file's {UPSTREAMS} is no table"),
            None => Upstreams::new(),
        };
        upstreams.extend(parse_upstreams(&self.upstreams)?);
        let names: Vec<_> = crate::services::sections().into_iter().map(|(name, _)| name).collect();
        // Top-level keys are flags; tables are sections of services.
        let keys: toml::Table = table.iter().filter(|(_, value)| !value.is_table()).map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Some((unknown, _)) = table.iter().find(|(name, value)| value.is_table() && !names.contains(&name.as_str())) {
            bail!("the configuration file has a section [{unknown}], and there is no such service");
        }
        let file: Flags = keys.try_into().context("the configuration file cannot be used")?;
        let variables = variables()?;
        let key_file = self.installation_key_file.as_ref().or(file.installation_key_file.as_ref());
        let installation_key = installation_key(&variables, key_file.map(PathBuf::as_path))?;
        let mut settings = Settings::new(&table, variables, &names);
        let database = self.database.as_ref().or(file.database.as_ref());
        let servers = DatabaseServers::resolve(database.map(String::as_str), &mut settings)?;
        let events = self.events.clone().or(file.events.clone());
        check_shape(database.map(String::as_str), events.as_deref(), &part)?;
        part.check_upstreams(&upstreams)?;
        Ok(Config { events, part, upstreams, installation_key, servers, settings, ..self.combined(file) })
    }

    /// The flags over those of the file and the defaults, for all services in one process.
    fn combined(self, file: Flags) -> Config {
        let ops_listen = self.ops_listen.or(file.ops_listen);
        let address = |text: &str| Address(text.to_owned());
        Config {
            listen: self.listen.or(file.listen).unwrap_or_else(|| address("127.0.0.1:8080")),
            ops_listen_is_explicit: ops_listen.is_some(),
            ops_listen: ops_listen.unwrap_or_else(|| address("127.0.0.1:9090")),
            data_dir: self.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("./souk-data")),
            accepted_losses: self.accept_loss,
            disk_reserve_bytes: u64::from(self.disk_reserve.or(file.disk_reserve).unwrap_or(16)) << 20,
            rate_limits: self.rate_limits.or(file.rate_limits).unwrap_or(Switch::On) == Switch::On,
            log_format: match self.log_format.or(file.log_format) {
                Some(Format::Json) => LogFormat::Json,
                _ => LogFormat::Text,
            },
            log: self.log.or(file.log),
            events: None,
            events_replicas: self.events_replicas.or(file.events_replicas).unwrap_or(1).into(),
            part: Part::All,
            upstreams: Upstreams::new(),
            installation_key: None,
            servers: None,
            settings: Settings::default(),
        }
    }

    fn read_file(&self) -> Result<toml::Table> {
        let (path, wanted) = match &self.config {
            Some(path) => (path.clone(), true),
            None => (PathBuf::from(DEFAULT_FILE), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => text.parse().with_context(|| format!("{} is not TOML", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !wanted => Ok(toml::Table::new()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
}

/// The secret of the installation that is configured in the environment or in a file of its own.
fn installation_key(variables: &[(String, String)], file: Option<&Path>) -> Result<Option<MasterKey>> {
    let variable = variables.iter().find(|(name, _)| name == INSTALLATION_KEY).map(|(_, value)| value);
    let (text, whence) = match (variable, file) {
        (Some(_), Some(_)) => bail!("{INSTALLATION_KEY} and --installation-key-file are both set; remove one"),
        (Some(text), None) => (text.clone(), INSTALLATION_KEY.to_owned()),
        (None, Some(path)) => {
            (std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?, path.display().to_string())
        }
        (None, None) => return Ok(None),
    };
    match MasterKey::parse(text.trim()) {
        Some(key) => Ok(Some(key)),
        None => bail!("{whence} does not hold 64 hexadecimal digits; `openssl rand -hex 32` makes them"),
    }
}

/// Returns the format of log lines that is configured, also when the configuration cannot be used as a whole: the error must
/// have that format.
pub fn requested_log_format(arguments: &[OsString]) -> LogFormat {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let flag = |name: &str| {
        let joined = |argument: &str| argument.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        let separate = || arguments.windows(2).rfind(|pair| pair[0] == name).map(|pair| pair[1].to_string());
        arguments.iter().rev().find_map(|argument| joined(argument)).or_else(separate)
    };
    let variable = |name: &str| environment().find(|(found, _)| *found == *name).map(|(_, value)| value.to_string_lossy().into_owned());
    let in_file = || {
        let path = flag("--config").or_else(|| variable("SOUK_CONFIG")).unwrap_or_else(|| DEFAULT_FILE.to_owned());
        let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
        Some(table.get("log_format").or(table.get("log-format"))?.as_str()?.to_owned())
    };
    let serves = arguments.get(1).is_some_and(|command| command == "serve" || command == "demo");
    let format = || flag("--log-format").or_else(|| variable("SOUK_LOG_FORMAT")).or_else(in_file);
    if serves && format().as_deref() == Some("json") { LogFormat::Json } else { LogFormat::Text }
}

/// The configuration file that is read if it exists.
const DEFAULT_FILE: &str = "souk.toml";

/// Variables that hold a path, which may be any bytes.
const PATHS: [&str; 2] = ["SOUK_DATA_DIR", "SOUK_CONFIG"];

/// Returns the environment's variables that are UTF-8. Another one whose name begins with `SOUK_` is an error, which names
/// it; clap, which reads variables too, does not name them.
pub fn variables() -> Result<Vec<(String, String)>> {
    texts(environment())
}

fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    std::env::vars_os()
}

fn texts(environment: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (name, value) in environment {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => found.push((name, value)),
            (Ok(name), Err(_)) if name.starts_with("SOUK_") && !PATHS.contains(&name.as_str()) => {
                bail!("the environment's {name} is not UTF-8")
            }
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn only_variables_of_souk_must_be_utf_8() {
        let broken = || OsString::from_vec(vec![b'a', 0xff]);
        let read = |variables: Vec<(OsString, OsString)>| texts(variables.into_iter());
        let ours = ("SOUK_AUTH_ISSUER".to_owned(), "x".to_owned());
        let fine = read(vec![
            ("LS_COLORS".into(), broken()),
            ("SOUK_DATA_DIR".into(), broken()),
            (broken(), "x".into()),
            (ours.0.clone().into(), ours.1.clone().into()),
        ]);
        assert_eq!(fine.unwrap(), [ours]);
        let refused = read(vec![("SOUK_AUTH_ISSUER".into(), broken())]).unwrap_err();
        assert_eq!(refused.to_string(), "the environment's SOUK_AUTH_ISSUER is not UTF-8");
    }

    #[test]
    fn the_metrics_address_is_explicit_in_a_flag_and_in_the_file() {
        let folder = platform::testing::TempFolder::new();
        let file = |text: &str| {
            let path = folder.path().join("souk.toml");
            std::fs::write(&path, text).unwrap();
            Flags { config: Some(path), ..Flags::default() }
        };
        assert!(!file("").resolve().unwrap().ops_listen_is_explicit);
        assert!(file("ops_listen = \"127.0.0.1:1\"").resolve().unwrap().ops_listen_is_explicit);
        let flag = Flags { ops_listen: Some("127.0.0.1:1".parse::<Address>().unwrap()), ..file("") };
        assert!(flag.resolve().unwrap().ops_listen_is_explicit);
    }

    #[test]
    fn the_addresses_of_services_are_a_table_of_the_file_and_a_flag_overrides_them() {
        let folder = platform::testing::TempFolder::new();
        let path = folder.path().join("souk.toml");
        std::fs::write(&path, "[upstreams]\norder = \"http://a:1,http://b:1\"\nuser = \"http://c:1\"").unwrap();
        let flags = Flags { config: Some(path), upstreams: vec!["user=http://d:1".to_owned()], ..Flags::default() };
        let upstreams = flags.resolve().unwrap().upstreams;
        assert_eq!((upstreams["order"].len(), &*upstreams["user"]), (2, &["http://d:1".to_owned()][..]));
    }

    #[test]
    fn the_installation_key_comes_from_a_variable_or_a_file_and_is_never_printed() {
        let folder = platform::testing::TempFolder::new();
        let file = folder.path().join("key");
        let digits = "0f".repeat(32);
        std::fs::write(&file, format!("{digits}\n")).unwrap();
        let variable = |value: &str| vec![(INSTALLATION_KEY.to_owned(), value.to_owned())];
        let from_file = installation_key(&[], Some(&file)).unwrap().unwrap();
        let from_variable = installation_key(&variable(&digits), None).unwrap().unwrap();
        assert_eq!(from_file.key_for("test"), from_variable.key_for("test"));
        assert!(!format!("{from_file:?}").contains("0f0f"));
        assert!(installation_key(&[], None).unwrap().is_none());
        assert!(installation_key(&variable(&digits), Some(&file)).is_err());
        let refused = installation_key(&variable("0f"), None).unwrap_err().to_string();
        assert!(refused.contains("64 hexadecimal digits") && !refused.contains("\"0f"), "{refused}");
    }

    #[tokio::test]
    async fn an_address_to_listen_on_may_have_a_name() {
        for good in ["127.0.0.1:8080", "[::1]:0", "localhost:8080", "my-host.example:443", "0.0.0.0:80"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        for bad in ["", "8080", ":8080", "localhost", "localhost:", "localhost:99999", "http://localhost:80", "a b:80", "::1:80:x"] {
            assert!(bad.parse::<Address>().unwrap_err().contains("localhost:8080"), "{bad}");
        }
        let found = "localhost:8080".parse::<Address>().unwrap().resolve().await.unwrap();
        assert!(found[0].ip().is_loopback() && found[0].port() == 8080, "{found:?}");
        let flags: Flags = toml::from_str("listen = \"localhost:1\"").unwrap();
        assert_eq!(flags.listen.unwrap().to_string(), "localhost:1");
        assert!(toml::from_str::<Flags>("listen = \"localhost\"").is_err());
    }

    #[test]
    fn the_format_of_log_lines_is_known_before_the_configuration_is_read() {
        let folder = platform::testing::TempFolder::new();
        let file = folder.path().join("souk.toml");
        std::fs::write(&file, "log-format = \"json\"\nunknown = 1").unwrap();
        let file = file.display().to_string();
        let requested = |arguments: &[&str]| requested_log_format(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        for json in [
            &["souk", "serve", "--log-format", "json"][..],
            &["souk", "demo", "--lisen", "x", "--log-format=json"],
            &["souk", "serve", "--config", &file],
        ] {
            assert_eq!(requested(json), LogFormat::Json, "{json:?}");
        }
        for text in [
            &["souk", "doctor", "--log-format", "json"][..],
            &["souk", "serve", "--log-format", "text", "--config", &file],
            &["souk", "serve", "--log-format"],
            &["souk"],
        ] {
            assert_eq!(requested(text), LogFormat::Text, "{text:?}");
        }
    }

    #[test]
    fn a_key_of_the_file_may_have_hyphens_or_underscores() {
        for key in ["data_dir", "data-dir"] {
            let flags: Flags = toml::from_str(&format!("{key} = \"elsewhere\"")).unwrap();
            assert_eq!(flags.data_dir, Some(PathBuf::from("elsewhere")), "{key}");
        }
        assert!(toml::from_str::<Flags>("datadir = \"elsewhere\"").is_err());
    }
}
