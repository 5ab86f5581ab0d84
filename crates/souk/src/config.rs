//! Configuration: a flag overrides the environment, that overrides `souk.toml`, that overrides the default.

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use platform::{settings::Settings, telemetry::LogFormat};
use serde::Deserialize;
use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

/// The flags of `serve`, `demo` and the tools. Each is also a variable `SOUK_…` and a key of `souk.toml`.
#[derive(Args, Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flags {
    /// Address of the public API [default: 127.0.0.1:8080]
    #[arg(long, env = "SOUK_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Address that serves metrics [default: 127.0.0.1:9090]
    #[arg(long, env = "SOUK_OPS_LISTEN", value_name = "ADDRESS")]
    #[serde(alias = "ops-listen")]
    pub ops_listen: Option<SocketAddr>,
    /// Folder of databases and mail [default: ./souk-data]
    #[arg(long, env = "SOUK_DATA_DIR", value_name = "FOLDER")]
    #[serde(alias = "data-dir")]
    pub data_dir: Option<PathBuf>,
    /// URL of the databases. This build has only embedded ones in the data directory, and rejects a URL
    #[arg(long, env = "SOUK_DATABASE", value_name = "URL")]
    pub database: Option<String>,
    /// URL of the event broker. This build delivers events only within the process, and rejects a URL
    #[arg(long, env = "SOUK_EVENTS", value_name = "URL")]
    pub events: Option<String>,
    /// Whether request rates are limited [default: on]
    #[arg(long, env = "SOUK_RATE_LIMITS", value_name = "on|off")]
    #[serde(alias = "rate-limits")]
    pub rate_limits: Option<Switch>,
    /// The configuration file; by default ./souk.toml, if it exists
    #[arg(long, env = "SOUK_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Format of log lines [default: text]
    #[arg(long, env = "SOUK_LOG_FORMAT", value_name = "text|json")]
    #[serde(alias = "log-format")]
    pub log_format: Option<Format>,
    /// Filter of log lines, as for `RUST_LOG` [default: info]
    #[arg(long, env = "SOUK_LOG", value_name = "FILTER")]
    pub log: Option<String>,
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
    pub listen: SocketAddr,
    pub ops_listen: SocketAddr,
    /// Whether that address was configured. If it cannot be bound then, the program does not start.
    pub ops_listen_is_explicit: bool,
    pub data_dir: PathBuf,
    pub rate_limits: bool,
    pub log_format: LogFormat,
    pub log: String,
    /// The sections of the services.
    pub settings: Settings,
}

/// Whether `key` is allowed at the top level of the file.
pub fn is_file_key(key: &str) -> bool {
    let wrong_type = toml::Value::Array(vec![toml::Value::Boolean(true)]);
    let tried = toml::Table::from_iter([(key.to_owned(), wrong_type)]).try_into::<Flags>();
    tried.is_err_and(|error| !error.message().starts_with("unknown field"))
}

impl Flags {
    /// Reads the file and the environment, and combines them with the flags and the defaults.
    pub fn resolve(self) -> Result<Config> {
        let table = self.read_file()?;
        let names: Vec<_> = crate::services::sections().into_iter().map(|(name, _)| name).collect();
        // Top-level keys are flags; tables are sections of services.
        let keys: toml::Table = table.iter().filter(|(_, value)| !value.is_table()).map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Some((unknown, _)) = table.iter().find(|(name, value)| value.is_table() && !names.contains(&name.as_str())) {
            bail!("the configuration file has a section [{unknown}], and there is no such service");
        }
        let file: Flags = keys.try_into().context("the configuration file cannot be used")?;
        let settings = Settings::new(&table, variables()?, &names);
        let database = self.database.or(file.database);
        if let Some(url) = database {
            bail!("--database {url}: this build has only embedded databases in the data directory; remove the option");
        }
        if let Some(url) = self.events.or(file.events) {
            bail!("--events {url}: this build delivers events within the process; remove the option");
        }
        let ops_listen = self.ops_listen.or(file.ops_listen);
        let address = |text: &str| text.parse::<SocketAddr>().expect("a default is an address");
        Ok(Config {
            listen: self.listen.or(file.listen).unwrap_or_else(|| address("127.0.0.1:8080")),
            ops_listen: ops_listen.unwrap_or_else(|| address("127.0.0.1:9090")),
            ops_listen_is_explicit: ops_listen.is_some(),
            data_dir: self.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("./souk-data")),
            rate_limits: self.rate_limits.or(file.rate_limits).unwrap_or(Switch::On) == Switch::On,
            log_format: match self.log_format.or(file.log_format) {
                Some(Format::Json) => LogFormat::Json,
                _ => LogFormat::Text,
            },
            log: self.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            settings,
        })
    }

    fn read_file(&self) -> Result<toml::Table> {
        let (path, wanted) = match &self.config {
            Some(path) => (path.clone(), true),
            None => (PathBuf::from("souk.toml"), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => text.parse().with_context(|| format!("{} is not TOML", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !wanted => Ok(toml::Table::new()),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
}

/// Variables that hold a path, which may be any bytes.
const PATHS: [&str; 2] = ["SOUK_DATA_DIR", "SOUK_CONFIG"];

/// Returns the environment's variables that are UTF-8. Another one whose name begins with `SOUK_` is an error, which names
/// it; clap, which reads variables too, does not name them.
pub fn variables() -> Result<Vec<(String, String)>> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    let environment = std::env::vars_os();
    texts(environment)
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
        let flag = Flags { ops_listen: Some("127.0.0.1:1".parse().unwrap()), ..file("") };
        assert!(flag.resolve().unwrap().ops_listen_is_explicit);
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
