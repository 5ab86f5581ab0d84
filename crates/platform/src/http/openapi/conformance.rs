//! Compares an answer with the description of its operation, for tests.

use super::Operation;
use axum::http::{Method, StatusCode};
use contracts::problem::Document;

/// What the description lacks of this answer, in words.
#[must_use]
pub fn undescribed(operations: &[&Operation], method: &Method, path: &str, status: StatusCode, body: &[u8]) -> Option<String> {
    let operation = find(operations, method, path)?;
    let place = format!("{method} {} answers", operation.path);
    let remedy = format!("`errors` of `{}` in crates/contracts/samples/operations/{}.json", operation.id(), operation.tag);
    if !status.is_client_error() && !status.is_server_error() {
        let described =
            operation.described(|builder| builder.answers.contains_key(&status.as_u16()) || (builder.conditional && status == 304));
        return (!described).then(|| format!("{place} {status}: the handler's answer type does not describe it"));
    }
    let code = serde_json::from_slice::<Document>(body).ok().and_then(|document| contracts::problem::Code::find(&document.code))?;
    (!operation.may_answer(code)).then(|| format!("{place} {code:?}: add it to {remedy}"))
}

/// The operation that answers this path, which is without [`BASE`](crate::http::BASE). Text is more specific than a parameter.
fn find<'a>(operations: &[&'a Operation], method: &Method, path: &str) -> Option<&'a Operation> {
    let path = path.split('?').next().unwrap_or_default();
    let parameters = |operation: &&&'a Operation| operation.path.matches('{').count();
    operations.iter().filter(|operation| operation.method == *method && fits(operation.path, path)).min_by_key(parameters).copied()
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
            _ => return false,
        }
    }
}
