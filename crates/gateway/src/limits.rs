//! Rate limits: the generic cell rate algorithm per kind of request and caller, reported in the headers
//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! The clock is monotonic: if the wall clock were set back by an hour, every caller would be refused for an hour. Callers
//! are kept in a cache of fixed size, so a flood of addresses cannot exhaust memory. A caller that was evicted was idle and
//! starts with a full quota.
//!
//! Where there are several gateways, quotas are [shared](crate::shared_limits). What is here counts while they cannot be.

use crate::{
    Settings,
    shared_limits::{Cost, Decision, Rate, SharedQuotas},
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use contracts::{ids::UserId, problem::Code};
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::Clock,
    middleware::{StateInformationMiddleware, StateSnapshot},
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use platform::{
    http::{Network, Problem},
    identity::Identity,
};
use quick_cache::sync::Cache;
use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};
use tokio::time::Instant;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Kinds of requests. Each has its own quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Checks a password or creates an account: expensive to serve, and a target of guessing.
    Login,
    /// Makes a cart for a guest: anyone may, and each is a row that is stored.
    GuestCart,
    /// Places an order without an account. It is stored for good.
    GuestOrder,
    /// Uploads a picture, which keeps a processor busy for a second or two.
    Picture,
    Search,
    Write,
    Read,
}

impl Class {
    /// Returns the kind of a request; `path` is without the API's prefix.
    pub(crate) fn of(method: &Method, path: &str) -> Class {
        const LOGINS: [&str; 9] = [
            "/auth/login",
            "/auth/register",
            "/auth/token",
            "/auth/password/forgot",
            "/auth/password/reset",
            "/auth/password/change",
            "/auth/email/verify",
            "/auth/email/verify/resend",
            "/auth/email/change",
        ];
        match *method {
            Method::POST if LOGINS.contains(&path) => Class::Login,
            Method::POST if path == "/carts" => Class::GuestCart,
            Method::POST if path.starts_with("/products/") && path.ends_with("/images") => Class::Picture,
            Method::GET | Method::HEAD if path == "/search" || path.starts_with("/search/") => Class::Search,
            Method::GET | Method::HEAD | Method::OPTIONS => Class::Read,
            _ => Class::Write,
        }
    }

    /// Returns the kind of the request as this caller's: orders of guests have a kind of their own.
    pub(crate) fn by(self, path: &str, caller: &Caller) -> Class {
        match caller {
            Caller::Network(_) if self == Class::Write && path == "/orders" => Class::GuestOrder,
            _ => self,
        }
    }
}

/// The owner of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    User(UserId),
    Service(Box<str>),
    Network(Network),
}

impl Caller {
    pub(crate) fn at(address: IpAddr) -> Caller {
        Caller::Network(Network::of(address))
    }

    pub(crate) fn known(identity: &Identity) -> Caller {
        match identity.user {
            Some(user) => Caller::User(user),
            None => Caller::Service(identity.subject.as_str().into()),
        }
    }
}

/// The limits of all kinds.
pub(crate) struct Limits {
    login: Limit,
    guest_cart: Limit,
    guest_order: Limit,
    picture: Limit,
    search: Limit,
    write: Limit,
    read: Limit,
    shared: Option<SharedQuotas>,
}

struct Limit {
    name: &'static str,
    limiter: RateLimiter<Caller, CallerStates, Monotonic, StateInformationMiddleware>,
    quota: Quota,
    policy: HeaderValue,
}

impl Limits {
    pub(crate) fn new(settings: &Settings, shared: Option<SharedQuotas>) -> Limits {
        let remembered = settings.remembered_callers.get();
        let limit = |name, quota: Quota, seconds| Limit::new(name, quota, seconds, remembered);
        Limits {
            login: limit("login", Quota::per_minute(settings.login_per_minute), 60),
            guest_cart: limit("guest-cart", Quota::per_minute(settings.guest_carts_per_minute), 60),
            guest_order: limit("guest-order", Quota::per_minute(settings.guest_orders_per_minute), 60),
            picture: limit("picture", Quota::per_minute(settings.pictures_per_minute), 60),
            search: limit("search", Quota::per_second(settings.search_per_second), 1),
            write: limit("write", Quota::per_second(settings.writes_per_second), 1),
            read: limit("read", Quota::per_second(settings.reads_per_second), 1),
            shared,
        }
    }

    /// Takes one request from the caller's quota. Returns the state of the quota and whether the request is allowed.
    pub(crate) async fn take(&self, class: Class, caller: &Caller) -> (RateLimitStatus, Result<(), Problem>) {
        let limit = self.limit(class);
        let Some(decision) = self.take_shared(limit, caller, Cost::One).await else { return limit.take(caller) };
        let outcome = decision.map_err(|wait| Problem::new(Code::RATE_LIMITED).retry_after(wait));
        (limit.status(decision.unwrap_or(0)), outcome.map(drop))
    }

    /// Takes what an answer has cost beyond its own request, as far as the quota has it left. Returns the new state of the quota.
    pub(crate) async fn charge(&self, class: Class, caller: &Caller, cost: u32) -> Option<RateLimitStatus> {
        let limit = self.limit(class);
        let further = cost.saturating_sub(1);
        if further == 0 {
            return None;
        }
        if let Some(decision) = self.take_shared(limit, caller, Cost::UpTo(further)).await {
            return decision.ok().map(|left| limit.status(left));
        }
        let states = (0..further).map_while(|_| limit.limiter.check_key(caller).ok());
        let left = states.map(|state| state.remaining_burst_capacity()).last();
        left.map(|left| limit.status(left))
    }

    async fn take_shared(&self, limit: &Limit, caller: &Caller, cost: Cost) -> Option<Decision> {
        let rate = Rate { burst: limit.quota.burst_size().get(), interval: limit.quota.replenish_interval() };
        self.shared.as_ref()?.take(limit.name, caller, rate, cost).await
    }

    fn limit(&self, class: Class) -> &Limit {
        match class {
            Class::Login => &self.login,
            Class::GuestCart => &self.guest_cart,
            Class::GuestOrder => &self.guest_order,
            Class::Picture => &self.picture,
            Class::Search => &self.search,
            Class::Write => &self.write,
            Class::Read => &self.read,
        }
    }
}

impl Limit {
    fn new(name: &'static str, quota: Quota, seconds: u32, remembered: usize) -> Limit {
        let policy = format!("\"{name}\";q={};w={seconds}", quota.burst_size());
        Limit {
            name,
            limiter: RateLimiter::new(quota, CallerStates(Cache::new(remembered)), Monotonic(Instant::now())),
            quota,
            policy: HeaderValue::try_from(policy).expect("names and numbers are printable"),
        }
    }

    fn take(&self, caller: &Caller) -> (RateLimitStatus, Result<(), Problem>) {
        let (left, outcome) = match self.limiter.check_key(caller) {
            Ok(snapshot) => (StateSnapshot::remaining_burst_capacity(&snapshot), Ok(())),
            Err(until) => (0, Err(self.refusal(&until))),
        };
        (self.status(left), outcome)
    }

    fn refusal(&self, until: &NotUntil<Duration>) -> Problem {
        let wait = until.wait_time_from(self.limiter.clock().now());
        Problem::new(Code::RATE_LIMITED).retry_after(wait)
    }

    fn status(&self, left: u32) -> RateLimitStatus {
        let used = self.quota.burst_size().get().saturating_sub(left);
        let full_in = (self.quota.replenish_interval() * used).as_millis().div_ceil(1000);
        let state = format!("\"{}\";r={left};t={full_in}", self.name);
        RateLimitStatus { policy: self.policy.clone(), state: HeaderValue::try_from(state).expect("names and numbers are printable") }
    }
}

/// The state of a caller's quota: `r` requests remain, and the quota is full again in `t` seconds.
pub(crate) struct RateLimitStatus {
    policy: HeaderValue,
    state: HeaderValue,
}

impl RateLimitStatus {
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(&POLICY, self.policy);
        headers.insert(&STATE, self.state);
    }
}

/// The time since the start. Unlike the wall clock it cannot be set.
#[derive(Clone)]
struct Monotonic(Instant);

impl Clock for Monotonic {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The state of recent callers.
struct CallerStates(Cache<Caller, Arc<InMemoryState>>);

impl StateStore for CallerStates {
    type Key = Caller;
    fn measure_and_replace<T, F, E>(&self, caller: &Caller, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Ok(state) = self.0.get_or_insert_with(caller, || Ok::<_, Infallible>(Arc::default()));
        state.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn limit(burst: u32, remembered: usize) -> Limit {
        Limit::new("toy", Quota::per_minute(NonZeroU32::new(burst).unwrap()), 60, remembered)
    }

    fn written(status: RateLimitStatus) -> (String, String) {
        let mut headers = HeaderMap::new();
        status.write(&mut headers);
        (headers["ratelimit-policy"].to_str().unwrap().to_owned(), headers["ratelimit"].to_str().unwrap().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_runs_out_and_refills_evenly() {
        let (limit, caller) = (limit(3, 10), Caller::at([1, 1, 1, 1].into()));
        let mut states = Vec::new();
        for _ in 0..3 {
            let (status, outcome) = limit.take(&caller);
            outcome.unwrap();
            states.push(written(status).1);
        }
        assert_eq!(states, ["\"toy\";r=2;t=20", "\"toy\";r=1;t=40", "\"toy\";r=0;t=60"]);
        let (status, outcome) = limit.take(&caller);
        assert_eq!(written(status), ("\"toy\";q=3;w=60".to_owned(), "\"toy\";r=0;t=60".to_owned()));
        let refused = outcome.unwrap_err();
        assert_eq!((refused.code(), refused.wait()), (Code::RATE_LIMITED, Some(Duration::from_secs(20))));

        limit.take(&Caller::at([1, 1, 1, 2].into())).1.unwrap();
        tokio::time::advance(Duration::from_secs(19)).await;
        assert_eq!(limit.take(&caller).1.unwrap_err().wait(), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        limit.take(&caller).1.unwrap();
        limit.take(&caller).1.unwrap_err();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(written(limit.take(&caller).0).1, "\"toy\";r=2;t=20", "an hour saves up no more than the quota");
        let seventh = Limit::new("toy", Quota::per_minute(NonZeroU32::new(7).unwrap()), 60, 10);
        assert_eq!(written(seventh.take(&caller).0).1, "\"toy\";r=6;t=9", "8.6 seconds are rounded up");
    }

    #[test]
    fn a_flood_of_addresses_stays_within_the_cache_size() {
        let limit = limit(3, 100);
        let regular = Caller::at([9, 9, 9, 9].into());
        for n in 0..10_000_u32 {
            limit.take(&Caller::at(IpAddr::from(n.to_be_bytes()))).1.unwrap();
            if n % 10 == 0 {
                let _ = limit.take(&regular);
            }
        }
        assert!(limit.limiter.into_state_store().0.len() <= 100);
    }

    #[test]
    fn users_services_and_networks_have_separate_quotas() {
        let env = platform::env::Env::seeded(1, contracts::time::Timestamp(0));
        let limit = limit(1, 100);
        let (one, other) = (Caller::User(env.new_id()), Caller::User(env.new_id()));
        let networks = [[9, 9, 9, 9], [9, 9, 9, 8]].map(|address| Caller::at(address.into()));
        for caller in [one, other, Caller::Service("cart".into()), Caller::Service("order".into())].iter().chain(&networks) {
            limit.take(caller).1.unwrap();
            assert_eq!(limit.take(caller).1.unwrap_err().code(), Code::RATE_LIMITED);
        }
    }

    #[test]
    fn requests_are_classified_by_method_and_path() {
        for (method, path, class) in [
            (Method::POST, "/auth/login", Class::Login),
            (Method::POST, "/auth/register", Class::Login),
            (Method::POST, "/auth/token", Class::Login),
            (Method::POST, "/auth/password/forgot", Class::Login),
            (Method::POST, "/auth/password/reset", Class::Login),
            (Method::POST, "/auth/password/change", Class::Login),
            (Method::POST, "/auth/email/verify", Class::Login),
            (Method::POST, "/auth/email/verify/resend", Class::Login),
            (Method::POST, "/auth/email/change", Class::Login),
            (Method::POST, "/carts", Class::GuestCart),
            (Method::POST, "/products/1/images", Class::Picture),
            (Method::PATCH, "/products/1/images", Class::Write),
            (Method::GET, "/carts", Class::Read),
            (Method::GET, "/auth/login", Class::Read),
            (Method::POST, "/auth/refresh", Class::Write),
            (Method::HEAD, "/search/suggest", Class::Search),
            (Method::POST, "/search", Class::Write),
            (Method::HEAD, "/products", Class::Read),
            (Method::GET, "/search", Class::Search),
            (Method::GET, "/search/suggest", Class::Search),
            (Method::GET, "/searches", Class::Read),
            (Method::GET, "/products", Class::Read),
            (Method::OPTIONS, "/search", Class::Read),
            (Method::PATCH, "/products/1", Class::Write),
            (Method::DELETE, "/cart", Class::Write),
        ] {
            assert_eq!(Class::of(&method, path), class, "{method} {path}");
        }
    }
}
