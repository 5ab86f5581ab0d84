//! HTTP requests as typed constants: public operations and calls between services. One client serves both, in process
//! and over HTTP.

use schemars::Schema;
use std::marker::PhantomData;

/// The HTTP methods in use. `contracts` depends on no HTTP library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it is written in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Whether a call takes an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPolicy {
    /// It takes no key.
    None,
    /// It takes a key. Without one, each repetition is a new request.
    Accepted,
    /// It is rejected without a key.
    Required,
}

/// A request with body `B` and answer `A`; `()` stands for none.
///
/// `path` is below `/api/v1` and holds its parameters in braces, filled in order. A path that begins with `/internal` is
/// for services only; the gateway does not route it.
pub struct Call<B, A> {
    /// The service that answers it.
    pub service: &'static str,
    pub method: Method,
    pub path: &'static str,
    /// Whether it may be retried: a read, a PUT, a DELETE, or a write that requires a key.
    pub idempotent: bool,
    pub key: KeyPolicy,
    types: PhantomData<fn(B) -> A>,
}

impl<B, A> Call<B, A> {
    const fn new(service: &'static str, method: Method, path: &'static str, idempotent: bool, key: KeyPolicy) -> Self {
        Call { service, method, path, idempotent, key, types: PhantomData }
    }
    #[must_use]
    pub const fn get(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Get, path, true, KeyPolicy::None)
    }
    /// A read that needs a body, such as many ids.
    #[must_use]
    pub const fn query(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, true, KeyPolicy::None)
    }
    /// A write that requires an idempotency key.
    #[must_use]
    pub const fn post_keyed(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, true, KeyPolicy::Required)
    }
    /// A write that accepts an idempotency key.
    #[must_use]
    pub const fn post(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, false, KeyPolicy::Accepted)
    }
    /// A write that takes no idempotency key.
    #[must_use]
    pub const fn post_unkeyed(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Post, path, false, KeyPolicy::None)
    }
    #[must_use]
    pub const fn put(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Put, path, true, KeyPolicy::None)
    }
    #[must_use]
    pub const fn patch(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Patch, path, false, KeyPolicy::None)
    }
    #[must_use]
    pub const fn delete(service: &'static str, path: &'static str) -> Self {
        Call::new(service, Method::Delete, path, true, KeyPolicy::None)
    }

    /// Whether it must be sent with an `Idempotency-Key`.
    #[must_use]
    pub const fn requires_key(&self) -> bool {
        matches!(self.key, KeyPolicy::Required)
    }
}

/// A call without its types, for documents and tests.
pub struct CallSpec {
    /// The name of its constant.
    pub name: &'static str,
    pub description: &'static str,
    /// The services that make it, and the gateway where it does; none for a public operation that no service uses.
    pub from: &'static [&'static str],
    pub service: &'static str,
    pub method: Method,
    pub path: &'static str,
    pub idempotent: bool,
    pub key: KeyPolicy,
    /// The names of the types of body and answer.
    pub body: &'static str,
    pub answer: &'static str,
    /// Its query parameters. Lists take `limit` and `cursor` as well.
    pub query: Option<QuerySpec>,
}

/// The type that lists the query parameters of a call.
pub struct QuerySpec {
    pub name: &'static str,
    pub schema: fn() -> Schema,
}

impl CallSpec {
    /// Whether the gateway routes it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        !self.path.starts_with("/internal/")
    }
}

/// Declares the calls that the service of this module answers, and lists them as `CALLS`. `from` names the services that
/// make the call; `query` names the type of the query parameters.
///
/// ```ignore
/// calls! {
///     /// Reads many products at once.
///     LOOK_UP_PRODUCTS: query(ProductLookup) -> ProductList, "/internal/products/lookup", from "order", "cart";
///     /// Lists products, the newest first.
///     LIST_PRODUCTS: get(()) -> Page<Product>, "/products", query ProductFilter;
/// }
/// ```
#[macro_export]
macro_rules! calls {
    ($($(#[doc = $description:literal])* $name:ident : $kind:ident($body:ty) -> $answer:ty, $path:literal
       $(, query $query:ty)? $(, from $($from:literal),+)?;)*) => {
        $(
            $(#[doc = $description])*
            pub const $name: $crate::call::Call<$body, $answer> = $crate::call::Call::$kind(NAME, $path);
        )*
        /// Every call that this service answers.
        pub const CALLS: &[$crate::call::CallSpec] = &[$($crate::call::CallSpec {
            name: stringify!($name),
            description: concat!($($description, "\n"),*),
            from: &[$($($from),+)?],
            service: NAME,
            method: $name.method,
            path: $path,
            idempotent: $name.idempotent,
            key: $name.key,
            body: stringify!($body),
            answer: stringify!($answer),
            query: $crate::calls!(@query $($query)?),
        }),*];
        const _: () = assert!(SERVICE.calls.len() == CALLS.len(), "SERVICE lists CALLS");
    };
    (@query) => { None };
    (@query $query:ty) => { Some($crate::call::QuerySpec { name: stringify!($query), schema: || schemars::schema_for!($query) }) };
}
