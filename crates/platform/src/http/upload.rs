//! A file that a caller uploads as `multipart/form-data` (RFC 7578).

use super::{
    body,
    describe::{DescribeArg, OperationBuilder},
    key::BodyHash,
    problem::Problem,
};
use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request},
};
use contracts::problem::{Code, Fault};
use serde_json::json;

/// What the form takes beside the file: boundaries and the headers of parts.
const OVERHEAD: usize = 16 * 1024;

/// The one file of a form, of at most `LIMIT` bytes. The name of its field makes no difference. Name and media type of the file
/// are not read, because nothing makes them true.
///
/// An idempotency key covers the bytes of the file and not those of the form: clients choose another boundary each time.
///
/// Refuses with 413 a larger file, with 415 a body that is no form, with 400 a form that cannot be read, with 422 one that has
/// not exactly one field.
#[derive(Debug, Clone)]
pub struct Upload<const LIMIT: usize>(pub Bytes);

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for Upload<LIMIT> {
    type Rejection = Problem;
    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let hash = request.extensions_mut().remove::<BodyHash>();
        let (mut parts, sent) = request.into_parts();
        parts.extensions.remove::<BodyHash>();
        let bytes = body::read(Request::from_parts(parts.clone(), sent), LIMIT + OVERHEAD).await?;
        let mut form = Request::from_parts(parts, Body::from(bytes));
        // The limit is checked above.
        DefaultBodyLimit::disable().apply(&mut form);
        let no_form = |_| Problem::new(Code::UNSUPPORTED_MEDIA_TYPE).detail("send the file as the one part of multipart/form-data");
        let mut form = Multipart::from_request(form, state).await.map_err(no_form)?;
        let unreadable = |_| Problem::new(Code::MALFORMED_REQUEST).detail("the body is not a whole multipart/form-data form");
        let field = form.next_field().await.map_err(unreadable)?;
        let Some(field) = field else { return Err(one_file("REQUIRED", "must be given")) };
        let file = field.bytes().await.map_err(unreadable)?;
        if form.next_field().await.map_err(unreadable)?.is_some() {
            return Err(one_file("TOO_MANY_FIELDS", "must be the only field; upload one file at a time"));
        }
        if file.len() > LIMIT {
            return Err(Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("the file may have at most {LIMIT} bytes")));
        }
        if let Some(hash) = hash {
            hash.set(&file);
        }
        Ok(Upload(file))
    }
}

fn one_file(code: &'static str, detail: &'static str) -> Problem {
    Problem::invalid(vec![Fault::at("/file", code, detail)])
}

impl<const LIMIT: usize> DescribeArg for Upload<LIMIT> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        let file = json!({"type": "string", "contentMediaType": "application/octet-stream"});
        let form = json!({"type": "object", "required": ["file"], "properties": {"file": file}});
        operation.body =
            Some(json!({"required": true, "content": {"multipart/form-data": {"schema": form}}, "x-max-bytes": LIMIT + OVERHEAD}));
        operation.refuse([Code::MALFORMED_REQUEST, Code::PAYLOAD_TOO_LARGE, Code::UNSUPPORTED_MEDIA_TYPE, Code::INVALID_REQUEST]);
    }
}

#[cfg(test)]
#[path = "tests/upload.rs"]
mod tests;
