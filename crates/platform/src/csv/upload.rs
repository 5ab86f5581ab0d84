//! A CSV file as the body of a request, which its handler reads while it arrives.

use crate::http::{DescribeArg, Problem, body::require_type, describe::OperationBuilder, is_slow_body};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
};
use contracts::{problem::Code, service::MAX_UPLOAD_BYTES};
use http_body_util::BodyExt as _;

/// The body of a request of the type `text/csv`, of at most [`MAX_UPLOAD_BYTES`].
///
/// Refuses another type with 415.
#[derive(Debug)]
pub struct CsvBody {
    body: Body,
    bytes: u64,
}

impl CsvBody {
    /// Waits for the next bytes; `None` at the end.
    ///
    /// # Errors
    /// 413 for a file that is too large, 408 for one that arrives too slowly, 400 for one that ends early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| match is_slow_body(&error) {
                true => Problem::slow_body(),
                false => Problem::new(Code::MALFORMED_REQUEST).detail("the body ended before it was complete"),
            })?;
            let Ok(data) = frame.into_data() else { continue };
            self.bytes += data.len() as u64;
            if self.bytes > MAX_UPLOAD_BYTES {
                return Err(Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("a file may have at most {MAX_UPLOAD_BYTES} bytes")));
            }
            return Ok(Some(data));
        }
        Ok(None)
    }
}

impl<S: Send + Sync> FromRequest<S> for CsvBody {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_type(request.headers(), "text/csv")?;
        Ok(CsvBody { body: request.into_body(), bytes: 0 })
    }
}

impl DescribeArg for CsvBody {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.csv_body(MAX_UPLOAD_BYTES);
    }
}
