//! HTTP: the extractors and answers of handlers, and the OpenAPI description that follows from their signatures.
//!
//! A handler takes extractors of this module and of [`crate::identity`] only, so that every refusal is a problem document
//! and every argument describes itself. Services serve their paths without [`BASE`]: the gateway strips it, calls between
//! services omit it, and answers that name a path (`Location`, `Link`) add it.

pub mod answer;
pub mod batch;
pub mod body;
pub mod conditional;
pub mod describe;
mod host;
mod input;
pub mod key;
mod network;
pub mod openapi;
pub mod paging;
pub mod path;
pub mod prefer;
pub mod problem;
pub mod query;
mod query_param_guard;
pub mod request_layers;
pub mod routes;
pub mod serve;
mod shares;
mod text;
mod upload;
mod validate;

pub use answer::{Accepted, Answer, Created, Idempotent, Json, NoContent, Paged, RenderedPage, Stored, link_next};
pub use axum::extract::State;
pub use batch::BatchBody;
pub use body::{Body, BodyByCaller, Form, MaybeBody, NoBody, RawBody};
pub use conditional::{ETag, IfMatch, Tagged, TaggedPage};
pub use describe::{DescribeAnswer, DescribeArg, DescribeOperation};
pub use key::{IdempotencyKey, MaybeIdempotencyKey, UnstoredIdempotencyKey};
pub use network::{FORWARDED_FOR, Network};
pub use openapi::Operation;
pub use paging::{Cursor, PageCursor, Paging};
pub use path::Path;
pub use prefer::{Prefer, Preferred};
pub use problem::Problem;
pub use query::Query;
pub use request_layers::{PeerAddr, RequestLayers};
pub use routes::Routes;
pub use serve::{Limits, Pace, SlowBody, TooFewFiles, is_slow_body, serve};
pub use shares::{Share, Shares, may_take};
pub use text::encode_text;
pub use upload::Upload;

/// The prefix of the public API. Only the gateway sees it in requests; paths in answers begin with it.
pub const BASE: &str = "/api/v1";

/// The header with the id of the request that caused all others.
pub const CORRELATION_ID: &str = "x-correlation-id";
/// How many milliseconds the caller still waits. Between services only; it can only shorten the time of a request.
pub const DEADLINE_MS: &str = "x-deadline-ms";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// See [`IdempotencyKey`].
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// `true` on a replayed answer.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
