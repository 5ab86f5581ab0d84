//! What a user sees of the program behind a login. Less is stored than is sent: the kind of browser and system, and a coarse
//! address.

use platform::http::Network;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name of an unknown program.
const MAX_NAME: usize = 40;

/// The program and the network of a login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Such as `Firefox on Linux`; `None` when the program did not say.
    pub user_agent: Option<String>,
    /// Such as `203.0.113.0/24` or `2001:db8:12::/48`; `None` for calls within the process.
    pub network: Option<String>,
}

/// Who logs in: the network that attempts are counted for, and what the user sees of it.
#[derive(Debug, Clone)]
pub struct Client {
    pub network: Network,
    pub device: Device,
}

/// Browsers by the word that only they send. Most browsers send the words of others too, so the order matters.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems by their word. Android says Linux as well, and an iPhone says Mac OS X.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Shortens a `User-Agent`: to browser and system, or to the first word of any other program without its version.
#[must_use]
pub fn shorten(user_agent: &str) -> Option<String> {
    let find = |table: &[(&str, &'static str)]| table.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name);
    match (find(BROWSERS), find(SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, _) => {
            let first = user_agent.split([' ', '/']).next().unwrap_or_default();
            let name: String = first.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
            (!name.is_empty()).then_some(name)
        }
    }
}

/// Returns the network without the part that names one household: the /24 of IPv4, the /48 of IPv6.
#[must_use]
pub fn coarse(network: Network) -> Option<String> {
    if network == Network::IN_PROCESS {
        return None;
    }
    let address = Ipv6Addr::from(network.octets());
    Some(match address.to_ipv4_mapped() {
        Some(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        None => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems_are_told_apart() {
        for (sent, shown) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                "Chrome on Windows",
            ),
            ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1", "Safari on iOS"),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "Safari on macOS"),
            ("curl/8.9.1", "curl"),
            ("python-requests/2.32", "python-requests"),
            ("shop app", "shop"),
        ] {
            assert_eq!(shorten(sent).as_deref(), Some(shown));
        }
        assert_eq!(shorten(""), None);
        assert_eq!(shorten(&"x".repeat(5_000)).unwrap().len(), MAX_NAME);
    }

    #[test]
    fn an_address_is_shown_coarsely() {
        let shown = |address: &str| coarse(Network::of(address.parse().unwrap()));
        assert_eq!(shown("203.0.113.77").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(shown("2001:db8:12:34::1").as_deref(), Some("2001:db8:12::/48"));
        assert_eq!(coarse(Network::IN_PROCESS), None);
    }
}
