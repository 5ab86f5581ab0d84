//! Who goes first under overload: a request that brings a purchase further goes before one that begins something.

use crate::limits::Class;
use axum::http::Method;
use std::time::Duration;

/// The priorities, highest first. Each has a queue of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Places, pays or cancels an order and waits for the outcome (`Prefer: wait`).
    WaitingOrder,
    /// Changes an order, a payment, a reservation or a shipment.
    Order,
    /// Changes a cart or anything else.
    Change,
    /// Reads something of the caller, or what other services need.
    OwnRead,
    Login,
    Search,
    /// Reads lists and pages that are the same for everyone.
    PublicRead,
}

impl Priority {
    pub(crate) const COUNT: usize = 7;
    pub(crate) const ALL: [Priority; Priority::COUNT] = [
        Priority::WaitingOrder,
        Priority::Order,
        Priority::Change,
        Priority::OwnRead,
        Priority::Login,
        Priority::Search,
        Priority::PublicRead,
    ];

    /// Returns the priority of a request to a service; `path` is without the API's prefix.
    pub(crate) fn of(method: &Method, path: &str, waits: bool) -> Priority {
        let first = path.split('/').nth(1).unwrap_or("");
        match Class::of(method, path) {
            Class::Login => Priority::Login,
            Class::Search => Priority::Search,
            Class::Write if first == "orders" && waits => Priority::WaitingOrder,
            Class::Write if ["orders", "payments", "shipments", "returns"].contains(&first) => Priority::Order,
            Class::Write if path.starts_with("/inventory/reservations") => Priority::Order,
            Class::GuestOrder => Priority::Order,
            Class::Write | Class::GuestCart | Class::Picture => Priority::Change,
            Class::Read if ["products", "categories", "product-groups", "shipping"].contains(&first) => Priority::PublicRead,
            Class::Read => Priority::OwnRead,
        }
    }

    /// How long a request waits for its turn. A client does not wait much longer, so a late turn would be work for nobody; a
    /// much shorter wait would make refused clients come back so often that their refusals take the time of orders.
    pub(crate) fn queue_time(self) -> Duration {
        Duration::from_millis(match self {
            Priority::WaitingOrder | Priority::Order => 10_000,
            Priority::Change => 8_000,
            Priority::OwnRead | Priority::Login => 4_000,
            Priority::Search | Priority::PublicRead => 2_000,
        })
    }

    /// The share, in eighths, of the concurrency limit that requests of this priority may use. The rest stays free for the
    /// priorities above.
    pub(crate) fn eighths(self) -> usize {
        match self {
            Priority::WaitingOrder | Priority::Order | Priority::Change => 8,
            Priority::OwnRead | Priority::Login => 7,
            Priority::Search => 6,
            Priority::PublicRead => 5,
        }
    }

    /// For metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Priority::WaitingOrder => "waiting_order",
            Priority::Order => "order",
            Priority::Change => "change",
            Priority::OwnRead => "own_read",
            Priority::Login => "login",
            Priority::Search => "search",
            Priority::PublicRead => "public_read",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_further_along_goes_first() {
        let of = |method: &str, path| Priority::of(&method.parse().unwrap(), path, false);
        let steps = [
            of("POST", "/orders"),
            of("POST", "/cart/items"),
            of("GET", "/cart"),
            of("POST", "/auth/login"),
            of("GET", "/search"),
            of("GET", "/products"),
        ];
        assert!(steps.is_sorted_by(|one, next| one < next), "{steps:?}");
        for (method, path, priority) in [
            ("POST", "/orders/1/pay", Priority::Order),
            ("POST", "/orders/1/cancel", Priority::Order),
            ("POST", "/payments/1/refund", Priority::Order),
            ("POST", "/inventory/reservations/1/confirm", Priority::Order),
            ("POST", "/shipments/1/events", Priority::Order),
            ("PUT", "/inventory/stock/A-1", Priority::Change),
            ("POST", "/auth/refresh", Priority::Change),
            ("POST", "/products", Priority::Change),
            ("GET", "/orders/1", Priority::OwnRead),
            ("GET", "/.well-known/jwks.json", Priority::OwnRead),
            ("POST", "/auth/register", Priority::Login),
            ("GET", "/search/suggest", Priority::Search),
            ("HEAD", "/categories", Priority::PublicRead),
            ("GET", "/shipping/rates", Priority::PublicRead),
        ] {
            assert_eq!(of(method, path), priority, "{method} {path}");
        }
        let waiting = |method: &str, path| Priority::of(&method.parse().unwrap(), path, true);
        assert_eq!(waiting("POST", "/orders"), Priority::WaitingOrder);
        assert_eq!(waiting("GET", "/orders"), Priority::OwnRead, "a read does not wait");
        assert_eq!(waiting("POST", "/cart/items"), Priority::Change);
    }

    #[test]
    fn the_list_has_every_priority_in_order() {
        assert!(Priority::ALL.is_sorted());
        assert!(Priority::ALL.iter().enumerate().all(|(place, priority)| *priority as usize == place));
        assert!(Priority::ALL.is_sorted_by_key(|priority| std::cmp::Reverse(priority.queue_time())));
        assert!(Priority::ALL.is_sorted_by_key(|priority| std::cmp::Reverse(priority.eighths())));
    }
}
