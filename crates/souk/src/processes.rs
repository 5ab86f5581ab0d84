//! Which services a process runs, where the others are, and which combinations of databases, events and processes work.

use anyhow::{Result, bail};
use contracts::SERVICE_NAMES;
use std::collections::BTreeMap;

/// The name of the gateway for `--only`.
pub const GATEWAY: &str = "gateway";

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Every service and the gateway.
    All,
    /// Some services, each behind the entry point of the process.
    Services(Vec<&'static str>),
    /// The public entry point alone.
    Gateway,
}

impl Part {
    /// Reads the names of `--only`; none of them means all services.
    ///
    /// # Errors
    /// For a name that is no service, and for the gateway beside a service: the public entry point has no routes for calls between
    /// services.
    pub fn parse(only: &[String]) -> Result<Part> {
        if only.is_empty() {
            return Ok(Part::All);
        }
        if only.iter().any(|name| name == GATEWAY) {
            if only.iter().any(|name| name != GATEWAY) {
                bail!("--only {}: the gateway is a process of its own; start another for the services", only.join(","));
            }
            return Ok(Part::Gateway);
        }
        let mut services = Vec::new();
        for name in only {
            match SERVICE_NAMES.into_iter().find(|service| service == name) {
                Some(service) if !services.contains(&service) => services.push(service),
                Some(_) => {}
                None => bail!("--only {name}: there is no such service; the services are {}, and {GATEWAY}", SERVICE_NAMES.join(", ")),
            }
        }
        Ok(Part::Services(services))
    }

    #[must_use]
    pub fn runs(&self, service: &str) -> bool {
        match self {
            Part::All => true,
            Part::Services(services) => services.contains(&service),
            Part::Gateway => false,
        }
    }

    /// The services of other processes.
    pub fn others(&self) -> impl Iterator<Item = &'static str> {
        SERVICE_NAMES.into_iter().filter(|service| !self.runs(service))
    }

    /// Checks that the services which this process cannot do without have an address.
    ///
    /// # Errors
    /// Names the services that lack one.
    pub fn check_upstreams(&self, upstreams: &Upstreams) -> Result<()> {
        let needed = |service: &&str| matches!(self, Part::Gateway) || *service == "auth";
        let lacking: Vec<&str> = self.others().filter(needed).filter(|service| !upstreams.contains_key(service)).collect();
        if !lacking.is_empty() {
            bail!("this process does not run {}; set --upstream {}=http://HOST:PORT", lacking.join(", "), lacking[0]);
        }
        Ok(())
    }
}

/// The addresses of services.
pub type Upstreams = BTreeMap<&'static str, Vec<String>>;

/// Reads `order=http://a:1,http://b:1`. Several services are separated by commas, semicolons or spaces.
///
/// # Errors
/// Names what is no address or no service.
pub fn parse_upstreams(texts: &[String]) -> Result<Upstreams> {
    let mut upstreams = Upstreams::new();
    let mut service = None;
    for part in texts.iter().flat_map(|text| text.split([',', ';', ' ', '\n'])).filter(|part| !part.is_empty()) {
        let address = match part.split_once('=') {
            Some((name, address)) if !name.contains(':') => {
                service = Some(service_named(name)?);
                address
            }
            _ => part,
        };
        let Some(service) = service else { bail!("--upstream {part}: write SERVICE=http://HOST:PORT") };
        upstreams.entry(service).or_default().push(checked_address(address)?);
    }
    Ok(upstreams)
}

/// Reads the table `[upstreams]` of the file: an address, several with commas, or a list for each service.
///
/// # Errors
/// As [`parse_upstreams`].
pub fn upstreams_of(table: &toml::Table) -> Result<Upstreams> {
    let mut texts = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::String(text) => texts.push(format!("{name}={text}")),
            toml::Value::Array(list) if list.iter().all(toml::Value::is_str) => {
                let list: Vec<&str> = list.iter().filter_map(toml::Value::as_str).collect();
                texts.push(format!("{name}={}", list.join(",")));
            }
            _ => bail!("[upstreams] {name}: write the address of the service, or a list of addresses"),
        }
    }
    parse_upstreams(&texts)
}

fn service_named(name: &str) -> Result<&'static str> {
    match SERVICE_NAMES.into_iter().find(|service| *service == name) {
        Some(service) => Ok(service),
        None => bail!("--upstream {name}=…: there is no such service; the services are {}", SERVICE_NAMES.join(", ")),
    }
}

fn checked_address(address: &str) -> Result<String> {
    let host = address.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@']) => Ok(format!("http://{host}")),
        _ => bail!("--upstream …={address}: write http://HOST:PORT"),
    }
}

/// Checks that databases, events and processes fit together.
///
/// # Errors
/// A sentence that says what to set.
pub fn check_shape(database: Option<&str>, events: Option<&str>, part: &Part) -> Result<()> {
    match (database, events) {
        (_, None) if *part != Part::All => bail!(
            "--only needs an event broker between the processes: set --events nats://HOST:4222 and --database postgres://…, or remove \
             --only to run all services in one process"
        ),
        (None, Some(_)) => bail!(
            "--events needs databases that other processes can reach: set --database postgres://…, or remove --events to deliver events \
             within the process"
        ),
        (_, Some(url)) if !url.split(',').all(|one| ["nats://", "tls://"].iter().any(|scheme| one.trim().starts_with(scheme))) => {
            bail!("--events: write nats://HOST:4222, or tls://HOST:4222")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod marketplace;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn replicas_of_a_service_are_separated_by_commas() {
        let wanted = Upstreams::from([
            ("order", vec!["http://a:1".to_owned(), "http://b:1".to_owned()]),
            ("payment", vec!["http://c:2".to_owned()]),
        ]);
        for given in [
            &["order=http://a:1,http://b:1", "payment=http://c:2/"][..],
            &["order=http://a:1,http://b:1,payment=http://c:2"],
            &["order=http://a:1;order=http://b:1 payment=http://c:2"],
        ] {
            assert_eq!(parse_upstreams(&texts(given)).unwrap(), wanted, "{given:?}");
        }
        let table = "order = [\"http://a:1\", \"http://b:1\"]\npayment = \"http://c:2\"".parse().unwrap();
        assert_eq!(upstreams_of(&table).unwrap(), wanted);
    }

    #[test]
    fn an_upstream_that_is_none_is_named() {
        for (given, named) in [
            ("order", "SERVICE=http"),
            ("orders=http://a:1", "orders"),
            ("order=a:1", "http://HOST:PORT"),
            ("order=https://a:1", "http://HOST:PORT"),
            ("order=http://", "http://HOST:PORT"),
            ("order=http://a:1/path", "http://HOST:PORT"),
        ] {
            let refused = parse_upstreams(&texts(&[given])).unwrap_err().to_string();
            assert!(refused.contains(named), "{given}: {refused}");
        }
        assert!(upstreams_of(&"order = 7".parse().unwrap()).is_err());
    }

    #[test]
    fn a_process_runs_the_services_that_it_was_given() {
        assert_eq!(Part::parse(&[]).unwrap(), Part::All);
        let some = Part::parse(&texts(&["order", "payment", "order"])).unwrap();
        assert_eq!(some, Part::Services(vec!["order", "payment"]));
        assert!(some.runs("order") && !some.runs("auth") && some.others().all(|other| other != "order"));
        assert_eq!(Part::parse(&texts(&["gateway"])).unwrap(), Part::Gateway);
        assert!(Part::parse(&texts(&["gateway", "order"])).unwrap_err().to_string().contains("of its own"));
        assert!(Part::parse(&texts(&["orders"])).unwrap_err().to_string().contains("orders"));
    }

    #[test]
    fn a_process_names_the_addresses_that_it_lacks() {
        let order = Part::Services(vec!["order"]);
        assert!(order.check_upstreams(&Upstreams::new()).unwrap_err().to_string().contains("--upstream auth="));
        let auth = parse_upstreams(&texts(&["auth=http://a:1"])).unwrap();
        order.check_upstreams(&auth).unwrap();
        Part::All.check_upstreams(&Upstreams::new()).unwrap();
        assert!(Part::Gateway.check_upstreams(&auth).unwrap_err().to_string().contains("--upstream user="));
    }

    #[test]
    fn only_three_shapes_work_and_the_refusals_say_what_to_set() {
        let (database, events) = (Some("postgres://db/"), Some("nats://n:4222"));
        let some = Part::Services(vec!["order"]);
        for (database, events, part) in [(None, None, &Part::All), (database, None, &Part::All), (database, events, &some)] {
            check_shape(database, events, part).unwrap();
        }
        let refused = |database, events, part| check_shape(database, events, part).unwrap_err().to_string();
        assert!(refused(None, events, &Part::All).contains("--database postgres://"));
        assert!(refused(None, None, &some).contains("--events nats://"));
        assert!(refused(database, None, &some).contains("--events nats://"));
        assert!(refused(database, Some("http://n"), &some).contains("nats://HOST"));
    }
}
