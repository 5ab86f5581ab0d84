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

/// What the documents say of one call.
pub struct CallSpec {
    pub name: &'static str,
    pub description: &'static str,
    /// The services that make it.
    pub from: &'static [&'static str],
    pub service: &'static str,
    pub method: Method,
    pub path: &'static str,
    pub idempotent: bool,
    pub keyed: bool,
    /// The types of body and answer.
    pub body: &'static str,
    pub answer: &'static str,
}

/// Declares the calls that a service answers to other services, and lists them for the documents:
///
/// ```ignore
/// calls! { "catalog";
///     /// Reads many products at once.
///     LOOK_UP_PRODUCTS: query(ProductLookup) -> ProductList, "/internal/products/lookup", from "order", "cart";
/// }
/// ```
#[macro_export]
macro_rules! calls {
    ($service:literal; $($(#[doc = $description:literal])* $name:ident : $kind:ident($body:ty) -> $answer:ty, $path:literal, from $($from:literal),+;)*) => {
        $(
            $(#[doc = $description])*
            pub const $name: $crate::call::Call<$body, $answer> = $crate::call::Call::$kind($service, $path);
        )*
        /// The calls this service answers, for the documents.
        pub const CALLS: &[$crate::call::CallSpec] = &[$($crate::call::CallSpec {
            name: stringify!($name),
            description: concat!($($description, "\n"),*),
            from: &[$($from),+],
            service: $service,
            method: $name.method,
            path: $path,
            idempotent: $name.idempotent,
            keyed: $name.keyed,
            body: stringify!($body),
            answer: stringify!($answer),
        }),*];
    };
}
