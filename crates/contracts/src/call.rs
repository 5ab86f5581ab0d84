//! Calls between services, described once: the same client serves them in process and over HTTP.

use std::marker::PhantomData;

/// The methods calls use. `contracts` knows no HTTP library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// A call with body `B` (`()` for none) and answer `A`.
///
/// `path` is below `/api/v1` and holds its parameters in braces, filled in order:
/// `Call::<Reserve, ReservationView>::post("inventory", "/inventory/reservations")`.
pub struct Call<B, A> {
    /// The service that answers it.
    pub service: &'static str,
    pub method: Method,
    pub path: &'static str,
    /// Whether repeating it is harmless: reads, and writes under an idempotency key. Only these are retried.
    pub idempotent: bool,
    /// Whether it must be sent with an `Idempotency-Key`.
    pub keyed: bool,
    types: PhantomData<fn(B) -> A>,
}

impl<B, A> Call<B, A> {
    const fn new(service: &'static str, method: Method, path: &'static str, idempotent: bool, keyed: bool) -> Self {
        Call { service, method, path, idempotent, keyed, types: PhantomData }
    }
    #[must_use]
    pub const fn get(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Get, path, true, false)
    }
    /// A read that needs a body (many ids at once).
    #[must_use]
    pub const fn query(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, true, false)
    }
    /// A write under an idempotency key.
    #[must_use]
    pub const fn post_keyed(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, true, true)
    }
    /// A write without a key: sent once, never retried.
    #[must_use]
    pub const fn post(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, false, false)
    }
    #[must_use]
    pub const fn put(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Put, path, true, false)
    }
    #[must_use]
    pub const fn delete(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Delete, path, true, false)
    }
}
